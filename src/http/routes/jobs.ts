import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { JOB_STATUSES } from '../../domain/delivery/states.ts';
import { CodedError } from '../../domain/errors.ts';
import type { JobContactView, JobView } from '../../domain/ports/record-store.ts';
import { parseIsoTimestamp } from '../../domain/timestamp.ts';
import type { HttpDeps } from '../deps.ts';
import { callerOf } from '../plugins/auth.ts';
import { SECURITY, Uuid, limit, problems } from '../schemas/common.ts';
import { DeadLetters, Job, JobList } from '../schemas/contacts.ts';

const Filter = z.object({
  reason: z.string().max(300).optional(),
  job_id: Uuid.optional(),
  from: z.string().optional().describe('ISO 8601, inclusive'),
  to: z.string().optional().describe('ISO 8601, exclusive'),
});
const Retried = z.object({ retried: z.int() });

/** `GET /jobs`, `GET /jobs/:id` and the dead letters: where every contact is. */
export const jobRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { jobs, operations }) => {
  app.get(
    '/jobs/:id',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['contacts'],
        summary: 'What became of a batch, contact by contact',
        security: SECURITY,
        params: z.object({ id: Uuid }),
        querystring: z.object({ limit: limit(100, 1000), cursor: z.string().regex(/^\d{1,9}$/).optional() }),
        response: { 200: Job, ...problems(400, 401, 403, 404, 429, 503) },
      },
    },
    async (request) => {
      const after = request.query.cursor === undefined ? -1 : Number(request.query.cursor);
      const found = await jobs.get(request.params.id, after, request.query.limit);
      if (found === null) throw new CodedError('not_found', 'There is no such job.');
      const waits = found.job.pending > 0 && found.job.submitted < found.job.accepted;
      return {
        ...jobBody(found.job),
        ...(waits ? { estimated_seconds: operations.estimate(await operations.stats(), 0) } : {}),
        contacts: found.contacts.map(contactBody),
        ...(found.nextAfter === undefined ? {} : { next_cursor: String(found.nextAfter) }),
      };
    },
  );

  app.get(
    '/jobs',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['contacts'],
        summary: 'Jobs, newest first',
        security: SECURITY,
        querystring: z.object({ status: z.enum(JOB_STATUSES).optional(), limit: limit(50, 500), cursor: Uuid.optional() }),
        response: { 200: JobList, ...problems(400, 401, 403, 429, 503) },
      },
    },
    async ({ query }) => {
      const { items, next } = await jobs.list(query.status, query.cursor, query.limit);
      return { jobs: items.map(jobBody), ...(next === undefined ? {} : { next_cursor: next }) };
    },
  );

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

  const retrySchema = { tags: ['contacts'], security: SECURITY, response: { 200: Retried, ...problems(400, 401, 403, 404, 429, 503) } };

  app.post(
    '/dead-letters/:id/retry',
    { config: { scope: 'admin' }, schema: { ...retrySchema, summary: 'Put one back to the queue, under a new request id', params: z.object({ id: Uuid }) } },
    async (request) => {
      const retried = await jobs.retryDeadLetters({ id: request.params.id }, callerOf(request).name);
      if (retried === 0) throw new CodedError('not_found', 'There is no such dead letter.');
      return { retried };
    },
  );

  app.post(
    '/dead-letters/retry',
    { config: { scope: 'admin' }, schema: { ...retrySchema, summary: 'Put back all that match, under new request ids', querystring: Filter } },
    async (request) => ({ retried: await jobs.retryDeadLetters(filterOf(request.query), callerOf(request).name) }),
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

/** A time of a query as epoch milliseconds under its name; nothing where it was not given. Coded error: `invalid_request`. */
export function timeOf<N extends string>(name: N, text: string | undefined): Partial<Record<N, number>> {
  if (text === undefined) return {};
  const at = parseIsoTimestamp(text);
  if (at === undefined) throw new CodedError('invalid_request', `${name} is not an ISO 8601 time.`);
  return { [name]: at } as Record<N, number>;
}

function jobBody(job: JobView) {
  return {
    job_id: job.jobId,
    kind: job.kind,
    status: job.status,
    received: job.received,
    accepted: job.accepted,
    duplicates: job.duplicates,
    rejected: job.rejected,
    submitted: job.submitted,
    confirmed: job.confirmed,
    failed: job.failed,
    pending: job.pending,
    attempts: job.attempts,
    ...(job.nextAttemptAt === null ? {} : { next_attempt_at: new Date(job.nextAttemptAt).toISOString() }),
    created_at: new Date(job.createdAt).toISOString(),
    ...(job.completedAt === null ? {} : { completed_at: new Date(job.completedAt).toISOString() }),
  };
}

function contactBody(contact: JobContactView) {
  return {
    index: contact.index,
    status: contact.status,
    ...(contact.contactId === undefined ? {} : { contact_id: contact.contactId }),
    ...(contact.duplicateOf === undefined ? {} : { duplicate_of: contact.duplicateOf }),
    ...(contact.reason === undefined ? {} : { reason: contact.reason }),
  };
}
