import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AuditEntry } from '../../domain/audit/entry.ts';
import { CodedError } from '../../domain/errors.ts';
import { leafBase64 } from '../../services/audit-service.ts';
import type { AuditQuery as ServiceQuery } from '../../services/audit-service.ts';
import { subjectOfHeader } from '../../domain/identity/subject.ts';
import type { HttpDeps } from '../deps.ts';
import { preferredType } from '../accept.ts';
import { csvRow } from '../csv.ts';
import { AuditHeaders, AuditPage, AuditQuery, Consistency, ConsistencyQuery, Inclusion, InclusionQuery } from '../schemas/audit.ts';
import { SECURITY, problems } from '../schemas/common.ts';
import { timeOf } from '../time-query.ts';

const NDJSON = 'application/x-ndjson';
const CSV = 'text/csv';
const COLUMNS = ['sequence', 'audit_id', 'created_at', 'action', 'actor', 'job_id', 'profile_id', 'request_id', 'subject', 'details', 'privacy_compliance'] as const;

/** `GET /audit-trail` and the proofs of its tree. */
export const auditRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { audit }) => {
  app.get(
    '/audit-trail',
    {
      config: { scope: 'audit' },
      schema: {
        tags: ['audit'],
        summary: 'What was decided and done, oldest first',
        description: `Accept ${NDJSON} (each entry with \`leaf\`, the exact bytes that the tree hashes) or ${CSV} streams the whole selection. Once old entries are no longer kept, an export of everything begins with a line \`{"pruned":{"size","hashes"}}\`: how many, and the roots of their complete subtrees, largest first.`,
        security: SECURITY,
        querystring: AuditQuery,
        headers: AuditHeaders,
        response: { 200: { description: 'A page as JSON, or the whole selection as a stream', content: { 'application/json': { schema: AuditPage }, [NDJSON]: { schema: z.string() }, [CSV]: { schema: z.string() } } }, ...problems(400, 401, 403, 429, 503) },
      },
    },
    async (request, reply) => {
      const query = queryOf(request.query, request.headers['x-subject']);
      const type = preferredType(request.headers.accept, ['application/json', NDJSON, CSV]);
      if (type === NDJSON) return stream(reply, `${NDJSON}; charset=utf-8`, ndjson(Object.keys(query).length === 0 ? await audit.pruned() : undefined, audit.stream(query)));
      if (type === CSV) return stream(reply, `${CSV}; charset=utf-8`, csv(audit.stream(query)));
      const { entries, nextAfter, tree } = await audit.page(query, afterOf(request.query.cursor), request.query.limit);
      return {
        entries,
        ...(nextAfter === undefined ? {} : { next_cursor: String(nextAfter) }),
        tree: { size: tree.size, root_hash: Buffer.from(tree.root).toString('base64') },
      };
    },
  );

  const proof = { tags: ['audit'], security: SECURITY };
  app.get(
    '/audit-trail/proof/inclusion',
    { config: { scope: 'audit' }, schema: { ...proof, summary: 'That an entry is in the tree of a size (RFC 9162)', querystring: InclusionQuery, response: { 200: Inclusion, ...problems(400, 401, 403, 429, 503) } } },
    async ({ query }) => {
      const size = query.size ?? (await audit.tree()).size;
      const hashes = await audit.proof({ kind: 'inclusion', sequence: query.sequence, size });
      if (hashes === null) throw new CodedError('invalid_request', 'There is no such entry in a tree of that size.');
      return { sequence: query.sequence, size, hashes };
    },
  );
  app.get(
    '/audit-trail/proof/consistency',
    { config: { scope: 'audit' }, schema: { ...proof, summary: 'That the tree of one size is the beginning of another (RFC 9162)', querystring: ConsistencyQuery, response: { 200: Consistency, ...problems(400, 401, 403, 429, 503) } } },
    async ({ query }) => {
      const to = query.to ?? (await audit.tree()).size;
      const hashes = await audit.proof({ kind: 'consistency', from: query.from, to });
      if (hashes === null) throw new CodedError('invalid_request', 'Sizes must be 0 < from <= to, and no larger than the tree.');
      return { from: query.from, to, hashes };
    },
  );
};

function queryOf(query: z.output<typeof AuditQuery>, subject: string | undefined): ServiceQuery {
  return {
    ...timeOf('from', query.from),
    ...timeOf('to', query.to),
    ...(query.action === undefined ? {} : { action: query.action }),
    ...(query.actor === undefined ? {} : { actor: query.actor }),
    ...(query.job_id === undefined ? {} : { jobId: query.job_id }),
    ...(query.profile_id === undefined ? {} : { profileId: query.profile_id }),
    ...(subject === undefined ? {} : { subject: subjectOfHeader(subject) }),
  };
}

function afterOf(cursor: string | undefined): number {
  if (cursor === undefined) return -1;
  if (!/^\d{1,15}$/.test(cursor)) throw new CodedError('invalid_request', 'The cursor is not one of ours.');
  return Number(cursor);
}

/** Back-pressure is the stream's: nothing is read from the store that the reader has not taken. */
function stream(reply: FastifyReply, type: string, lines: AsyncIterable<string>): never {
  return reply.type(type).send(Readable.from(lines, { objectMode: false })) as never;
}

/** An export of everything says first what is no longer kept, so that its tree can be computed all the same. */
async function* ndjson(pruned: { size: number; hashes: string[] } | undefined, entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  if (pruned !== undefined) yield `${JSON.stringify({ pruned })}\n`;
  for await (const entry of entries) yield `${JSON.stringify({ ...entry, leaf: leafBase64(entry) })}\n`;
}

async function* csv(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  yield csvRow(COLUMNS);
  for await (const entry of entries) {
    yield csvRow(COLUMNS.map((column) => (typeof entry[column] === 'object' ? JSON.stringify(entry[column]) : String(entry[column] ?? ''))));
  }
}
