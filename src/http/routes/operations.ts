import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { GateView } from '../../domain/delivery/call-gate.ts';
import type { Api } from '../../domain/ports/cxone.ts';
import { preferredType } from '../accept.ts';
import type { HttpDeps } from '../deps.ts';
import { requesterOf } from '../plugins/auth.ts';
import { SECURITY, problems } from '../schemas/common.ts';
import { MetricsJson, PauseQuery, Paused, QueueView } from '../schemas/operations.ts';
import { apisOf } from './health.ts';

const APIS = ['contacts', 'profiles'] as const;
const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** Metrics, and what operators see and do. */
export const operationRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { operations, metrics }) => {
  const tags = ['operations'];
  app.get(
    '/metrics',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Prometheus text; JSON with Accept: application/json',
        security: SECURITY,
        response: { 200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() }, 'application/json': { schema: MetricsJson } } }, ...problems(401, 403, 429, 503) },
      },
    },
    async (request, reply) => {
      const stats = await operations.stats();
      metrics.observe(stats, operations.gate().budget.tokens, operations.now());
      if (preferredType(request.headers.accept, ['text/plain', 'application/json']) === 'application/json') return reply.type('application/json').send(metrics.summary(stats));
      return reply.type(PROMETHEUS_TEXT).send(await metrics.registry.metrics());
    },
  );

  app.get(
    '/admin/queue',
    { config: { scope: 'admin' }, schema: { tags, summary: 'What waits, why, and when it goes', security: SECURITY, response: { 200: QueueView, ...problems(401, 403, 429, 503) } } },
    async () => {
      const { stats, gate, ...state } = await operations.queue();
      const { budget } = gate;
      return {
        waiting: stats.waiting,
        in_flight: stats.inFlight,
        submitted: stats.submitted,
        unconfirmed: stats.unconfirmed,
        patches_waiting: stats.patchesWaiting,
        exports_waiting: stats.exportsWaiting,
        dead_letters: stats.deadLetters,
        oldest_waiting_seconds: state.oldestWaitingSeconds,
        estimated_seconds: state.estimatedSeconds,
        ...(state.nextAttemptAt === null ? {} : { next_attempt_at: new Date(state.nextAttemptAt).toISOString() }),
        budget: {
          limit: budget.limit,
          effective_limit: budget.effectiveLimit,
          tokens: budget.tokens,
          in_flight: budget.inFlight,
          used_last_window: budget.usedLastWindow,
          blocked_for_ms: state.blockedForMs,
        },
        cxone: apisOf(gate),
      };
    },
  );

  const admin = { tags, security: SECURITY, querystring: PauseQuery, response: { 200: Paused, ...problems(400, 401, 403, 415, 429, 503) } };
  app.post('/admin/pause', { config: { scope: 'admin' }, schema: { ...admin, summary: 'Send nothing to an API until it is resumed' } }, async (request) => {
    await operations.pause(apisIn(request.query.api), requesterOf(request));
    return { paused: pausedOf(operations.gate()) };
  });
  app.post('/admin/resume', { config: { scope: 'admin' }, schema: { ...admin, summary: 'Send again' } }, async (request) => {
    await operations.resume(apisIn(request.query.api), requesterOf(request));
    return { paused: pausedOf(operations.gate()) };
  });
};

function apisIn(api: Api | undefined): readonly Api[] {
  return api === undefined ? APIS : [api];
}

function pausedOf(gate: GateView): Api[] {
  return APIS.filter((api) => gate.apis[api].paused);
}
