import rateLimit from '@fastify/rate-limit';
import fastify, { LogController } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { CodedError } from './domain/errors.ts';
import type { HttpDeps } from './http/deps.ts';
import { auth } from './http/plugins/auth.ts';
import { bodies } from './http/plugins/bodies.ts';
import { headers } from './http/plugins/headers.ts';
import { openapi } from './http/plugins/openapi.ts';
import { answerUnrouted, problems } from './http/plugins/problems.ts';
import { stoppingPlugin } from './http/plugins/stopping.ts';
import { answerRaw } from './http/raw-problems.ts';
import { auditRoutes } from './http/routes/audit.ts';
import { checkpointRoutes } from './http/routes/checkpoints.ts';
import { consentRoutes } from './http/routes/consents.ts';
import { deadLetterRoutes } from './http/routes/dead-letters.ts';
import { enrichBatchRoutes } from './http/routes/enrich-batch.ts';
import { healthRoutes } from './http/routes/health.ts';
import { jobRoutes } from './http/routes/jobs.ts';
import { keyRoutes } from './http/routes/keys.ts';
import { operationRoutes } from './http/routes/operations.ts';
import { privacyRoutes } from './http/routes/privacy.ts';
import { profileRoutes } from './http/routes/profiles.ts';
import { webhookRoutes } from './http/routes/webhooks.ts';

const HEADERS_TIMEOUT_MS = 10_000;
/** An upload of half a million rows over a slow line is legitimate. */
const REQUEST_TIMEOUT_MS = 600_000;
const IDLE_TIMEOUT_MS = 72_000;
const CHECK_INTERVAL_MS = 2000;
const URL_PARAMETER_MAX_CHARS = 128;
const MINUTE_MS = 60_000;

/** Builds the HTTP side: plugins and routes, nothing else. Listens to nothing yet. */
export async function buildApp(deps: HttpDeps, logger: Logger): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: deps.newId,
    frameworkErrors: answerUnrouted,
    clientErrorHandler: answerRaw(deps.newId),
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CHECK_INTERVAL_MS },
    routerOptions: { maxParamLength: URL_PARAMETER_MAX_CHARS },
    return503OnClosing: false,
  }) as unknown as FastifyInstance;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(headers);
  await app.register(problems, { onUnexpected: (error, route) => deps.events.failed(error, route) });
  await app.register(stoppingPlugin, { stopping: deps.stopping });
  await app.register(auth, {
    keys: deps.apiKeys,
    onUsed: (key, scope) => deps.access.used(key, scope),
    onRefused: (code, refusal) => {
      deps.events.callerRefused(code);
      deps.access.refused(refusal);
    },
  });
  if (deps.rateLimitPerMinute > 0) {
    await app.register(rateLimit, {
      max: deps.rateLimitPerMinute,
      timeWindow: MINUTE_MS,
      keyGenerator: (request) => request.caller?.name ?? 'open',
      allowList: (request) => request.caller === null,
      errorResponseBuilder: (_request, context) => new CodedError('rate_limited', `At most ${context.max} requests a minute.`, { retryAfterSeconds: Math.ceil(context.ttl / 1000) }),
    });
  }
  await app.register(bodies);
  await app.register(openapi, { version: deps.version });
  for (const routes of [enrichBatchRoutes, jobRoutes, deadLetterRoutes, profileRoutes, webhookRoutes, auditRoutes, checkpointRoutes, consentRoutes, privacyRoutes, keyRoutes, healthRoutes, operationRoutes]) {
    await app.register(routes, deps);
  }
  return app;
}
