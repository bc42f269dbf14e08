import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { CodedError } from '../../domain/errors.ts';
import type { HttpDeps } from '../deps.ts';
import { requesterOf } from '../plugins/auth.ts';
import { SECURITY, Uuid, limit, problems } from '../schemas/common.ts';
import { DeadLetters } from '../schemas/contacts.ts';
import { timeOf } from '../time-query.ts';

const Filter = z.strictObject({
  reason: z.string().max(300).optional(),
  job_id: Uuid.optional(),
  from: z.string().optional().describe('ISO 8601, inclusive'),
  to: z.string().optional().describe('ISO 8601, exclusive'),
});
const Retried = z.object({ retried: z.int() });

/** What was set aside, and the way back to the queue. */
export const deadLetterRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { jobs }) => {
  app.get(
    '/dead-letters',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['contacts'],
        summary: 'What was set aside, with CXone’s own reason',
        security: SECURITY,
        querystring: Filter.extend({ limit: limit(100, 1000), cursor: Uuid.optional() }),
        response: { 200: DeadLetters, ...problems(400, 401, 403, 429, 503) },
      },
    },
    async ({ query }) => {
      const { items, next } = await jobs.deadLetters(filterOf(query), query.cursor, query.limit);
      const letters = items.map((letter) => ({
        id: letter.id,
        job_id: letter.jobId,
        index: letter.index,
        api: letter.api,
        reason: letter.reason,
        attempts: letter.attempts,
        created_at: new Date(letter.createdAt).toISOString(),
      }));
      return { dead_letters: letters, ...(next === undefined ? {} : { next_cursor: next }) };
    },
  );

  const retrySchema = { tags: ['contacts'], security: SECURITY, response: { 200: Retried, ...problems(400, 401, 403, 404, 415, 429, 503) } };

  app.post(
    '/dead-letters/:id/retry',
    { config: { scope: 'admin' }, schema: { ...retrySchema, summary: 'Put one back to the queue, under a new request id', params: z.object({ id: Uuid }) } },
    async (request) => {
      const retried = await jobs.retryDeadLetters({ id: request.params.id }, requesterOf(request));
      if (retried === 0) throw new CodedError('not_found', 'There is no such dead letter.');
      return { retried };
    },
  );

  app.post(
    '/dead-letters/retry',
    { config: { scope: 'admin' }, schema: { ...retrySchema, summary: 'Put back all that match, under new request ids', querystring: Filter } },
    async (request) => ({ retried: await jobs.retryDeadLetters(filterOf(request.query), requesterOf(request)) }),
  );
};

function filterOf(query: z.output<typeof Filter>): { reason?: string; jobId?: string; from?: number; to?: number } {
  return {
    ...(query.reason === undefined ? {} : { reason: query.reason }),
    ...(query.job_id === undefined ? {} : { jobId: query.job_id }),
    ...timeOf('from', query.from),
    ...timeOf('to', query.to),
  };
}
