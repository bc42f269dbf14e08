import fp from 'fastify-plugin';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { CodedError } from '../../domain/errors.ts';
import type { ErrorCode, FieldError } from '../../domain/errors.ts';
import { PROBLEM_JSON, problemOf } from '../../domain/problem.ts';
import { drain } from '../drain.ts';

/** Errors of the framework by what they mean here; none of their messages is passed on. */
const BY_CODE: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'Send less at once, or stream it as NDJSON or CSV.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send application/json; /enrich-batch takes application/x-ndjson and text/csv as well.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_json', 'The body is empty.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_json', 'The body is not JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'The body is not as long as Content-Length says.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The URL cannot be read.'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'There is nothing here.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request took too long to arrive.'],
};
const BY_STATUS: Readonly<Record<number, ErrorCode>> = { 400: 'invalid_request', 404: 'not_found', 408: 'request_timeout', 413: 'body_too_large', 415: 'unsupported_media_type', 429: 'rate_limited' };

/** Answers every error as a problem document (RFC 9457), with a code and without anything from inside. */
export const problems = fp<{ onUnexpected: (error: unknown, route: string) => void }>(
  async (app, { onUnexpected }) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const coded = codedOf(error);
      if (coded.code === 'internal_error') onUnexpected(error, request.routeOptions.url ?? 'no route');
      // The framework would hang up on a body that it did not read to the end, and the answer be lost with it.
      if (coded.code === 'body_too_large' && reply.getHeader('connection') === 'close') {
        reply.removeHeader('connection');
        drain(request.raw, reply.raw);
      }
      return send(reply, coded, request.id);
    });
    const routes: { methods: readonly string[]; pattern: RegExp }[] = [];
    app.addHook('onRoute', ({ method, url }) => {
      routes.push({ methods: [method].flat(), pattern: new RegExp(`^${url.replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}$`) });
    });
    app.setNotFoundHandler((request, reply) => {
      const path = request.url.split('?')[0] ?? '/';
      const allowed = new Set(routes.flatMap(({ methods, pattern }) => (pattern.test(path) ? methods : [])));
      if (allowed.size === 0) return send(reply, new CodedError('not_found', 'There is nothing here.'), request.id);
      const names = [...allowed].sort().join(', ');
      void reply.header('allow', names);
      return send(reply, new CodedError('method_not_allowed', `Use ${names}.`), request.id);
    });
  },
  { name: 'problems' },
);

/** For what fails before there is a route, where no hook runs: a URL that cannot be read. */
export function answerUnrouted(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id);
  void send(reply, codedOf(error), request.id);
}

function codedOf(error: FastifyError): CodedError {
  if (error instanceof CodedError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map((issue): FieldError => ({
      field: issue.instancePath.replaceAll('/', '.').replace(/^\./, '') || (error.validationContext ?? 'body'),
      code: 'invalid',
      // The one message that repeats what was sent: a name can hold anything.
      message: issue.keyword === 'unrecognized_keys' ? 'has fields that are not known here' : (issue.message ?? 'does not fit'),
    }));
    return new CodedError('invalid_request', `The ${error.validationContext ?? 'request'} does not fit the schema.`, { errors });
  }
  const known = BY_CODE[error.code];
  if (known !== undefined) return new CodedError(known[0], known[1]);
  const status = typeof error.statusCode === 'number' ? error.statusCode : 500;
  const code = BY_STATUS[status] ?? (status < 500 ? 'invalid_request' : 'internal_error');
  return new CodedError(code, code === 'internal_error' ? 'The error was logged under this request id.' : 'The request cannot be served.', { cause: error });
}

function send(reply: FastifyReply, error: CodedError, requestId: string): FastifyReply {
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', String(error.retryAfterSeconds));
  const body = JSON.stringify(problemOf(error.code, error.message, requestId, error.errors));
  return reply.code(error.status).type(PROBLEM_JSON).send(body);
}
