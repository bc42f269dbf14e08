import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { JOB_STATUSES } from '../../domain/delivery/states.ts';
import { CodedError } from '../../domain/errors.ts';
import type { JobContactView, JobView } from '../../domain/ports/record-store.ts';
import type { HttpDeps } from '../deps.ts';
import { SECURITY, Uuid, limit, problems } from '../schemas/common.ts';
import { Job, JobList } from '../schemas/contacts.ts';

/** `GET /jobs` and `GET /jobs/:id`: where every contact is. */
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
        querystring: z.strictObject({ limit: limit(100, 1000), cursor: z.string().regex(/^\d{1,9}$/).optional() }),
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
        ...(waits ? { estimated_seconds: await operations.estimateJob(found.job) } : {}),
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
        querystring: z.strictObject({ status: z.enum(JOB_STATUSES).optional(), limit: limit(50, 500), cursor: Uuid.optional() }),
        response: { 200: JobList, ...problems(400, 401, 403, 429, 503) },
      },
    },
    async ({ query }) => {
      const { items, next } = await jobs.list(query.status, query.cursor, query.limit);
      return { jobs: items.map(jobBody), ...(next === undefined ? {} : { next_cursor: next }) };
    },
  );
};

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
