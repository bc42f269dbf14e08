import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { CodedError } from '../../domain/errors.ts';
import { PROBLEM_JSON } from '../../domain/problem.ts';
import type { BatchRequest, IngestService } from '../../services/ingest-service.ts';
import type { HttpDeps } from '../deps.ts';
import { callerOf } from '../plugins/auth.ts';
import { jsonParse } from '../plugins/bodies.ts';
import type { JsonParse } from '../plugins/bodies.ts';
import { drain } from '../drain.ts';
import { readUpload } from '../rows.ts';
import type { Upload } from '../rows.ts';
import { BatchAccepted, BatchBody, BatchHeaders, BatchPreview, BatchQuery, BatchRejected } from '../schemas/contacts.ts';
import { SECURITY, problems } from '../schemas/common.ts';
import type { BatchAnswer } from '../../domain/ports/intake-store.ts';

/** Contacts of a JSON batch, and rows that a dry run explains. */
const CONTACTS_MAX = 10_000;

/** `POST /enrich-batch`: takes contacts as JSON, NDJSON or CSV. */
export const enrichBatchRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { ingest, operations }) => {
  const parse = jsonParse();
  app.addContentTypeParser(['application/x-ndjson', 'text/csv'], (_request, payload, done) => done(null, payload));
  const running = new Set<string>();

  const preview = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const contacts = isUpload(request) ? await gather(readUpload(request.body as Readable, typeOf(request), parse)) : contactsOf(request.body);
    const caller = callerOf(request);
    const { results, people, ...counts } = await ingest.preview(contacts, { name: caller.name, isAdmin: caller.scopes.includes('admin') });
    const estimate = await operations.estimateFor(people);
    return reply.code(200).send({ dry_run: true, ...counts, requests_needed: estimate.requestsNeeded, estimated_seconds: estimate.estimatedSeconds, results });
  };

  app.post(
    '/enrich-batch',
    {
      config: { scope: 'ingest' },
      onSend: (request, reply, payload, done) => {
        if (isUpload(request) && !request.raw.readableEnded) drain(request.raw, reply.raw);
        done(null, payload);
      },
      // A contact that does not fit is rejected by itself, and the key is read below; these schemas are for the description.
      validatorCompiler: ({ httpPart, schema }) => (value) => (httpPart === 'querystring' ? parsed(schema, value) : { value }),
      schema: {
        tags: ['contacts'],
        summary: 'Take a batch of contacts; 202 once it is durable',
        description: 'Also takes application/x-ndjson and text/csv (a header row of field names), streamed and of any length. With dry_run=true nothing is stored or sent, and every change is explained.',
        consumes: ['application/json', 'application/x-ndjson', 'text/csv'],
        security: SECURITY,
        querystring: BatchQuery,
        headers: BatchHeaders,
        body: BatchBody,
        response: { 200: BatchPreview, 202: BatchAccepted, 422: { description: 'Every contact rejected, or the key was used with another body', content: { [PROBLEM_JSON]: { schema: BatchRejected } } }, ...problems(400, 401, 403, 409, 413, 415, 429, 503) },
      },
    },
    async (request, reply) => {
      if (request.query.dry_run === 'true') return preview(request, reply);
      const key = readKey(request);
      const slot = key === undefined ? undefined : `${callerOf(request).name} ${key}`;
      if (slot !== undefined && running.has(slot)) throw new CodedError('idempotency_in_progress', 'Wait for the first request to end.');
      if (slot !== undefined) running.add(slot);
      // The key is free before the caller has the answer, so that asking again at once is never told to wait.
      const { status, body } = await accept(ingest, parse, request, key).finally(() => running.delete(slot ?? ''));
      return reply
        .code(status as 202)
        .type(status === 202 ? 'application/json; charset=utf-8' : PROBLEM_JSON)
        .send(body as never);
    },
  );
};

/** The answer to a batch: the one given before where the key was used for the same bytes. */
async function accept(ingest: IngestService, parse: JsonParse, request: FastifyRequest, key: string | undefined): Promise<BatchAnswer> {
  const { name, scopes } = callerOf(request);
  const caller = { name, isAdmin: scopes.includes('admin') };
  const base: BatchRequest = { caller, requestId: request.id };
  if (isUpload(request)) {
    const upload = readUpload(request.body as Readable, typeOf(request), parse);
    if (key === undefined) return ingest.acceptStream(upload.rows, base);
    if (await ingest.isKeyUsed(caller, key)) for await (const _ of upload.rows) continue;
    else return ingest.acceptStream(upload.rows, { ...base, idempotency: { key, bodyHash: upload.bodyHash } });
    return ingest.earlierAnswer(caller, key, upload.bodyHash());
  }
  const contacts = contactsOf(request.body);
  if (key === undefined) return ingest.accept(contacts, base);
  const bodyHash = hash('sha256', request.rawBody ?? '', 'hex');
  if (await ingest.isKeyUsed(caller, key)) return ingest.earlierAnswer(caller, key, bodyHash);
  return ingest.accept(contacts, { ...base, idempotency: { key, bodyHash: () => bodyHash } });
}

function isUpload(request: FastifyRequest): boolean {
  return request.rawBody === null && typeof (request.body as Readable | undefined)?.pipe === 'function';
}

function typeOf(request: FastifyRequest): string {
  return request.headers['content-type'] ?? '';
}

function readKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(key)) throw new CodedError('idempotency_key_invalid', 'Use 1 to 255 visible characters.');
  return key;
}

function contactsOf(body: unknown): unknown[] {
  const contacts = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)['contacts'] : undefined;
  if (!Array.isArray(contacts) || contacts.length === 0) throw new CodedError('contacts_missing', 'Send {"contacts":[…]} with at least one contact.');
  if (contacts.length > CONTACTS_MAX) throw new CodedError('too_many_contacts', `At most ${CONTACTS_MAX} contacts in one body; stream more as NDJSON or CSV.`);
  return contacts as unknown[];
}

async function gather(upload: Upload): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of upload.rows) {
    rows.push(row);
    if (rows.length > CONTACTS_MAX) throw new CodedError('too_many_contacts', `A dry run explains at most ${CONTACTS_MAX} rows.`);
  }
  return contactsOf({ contacts: rows });
}

type Parsed = { value: unknown } | { error: Error };

function parsed(schema: unknown, value: unknown): Parsed {
  const result = (schema as typeof BatchQuery).safeParse(value);
  return result.success ? { value: result.data } : { error: new CodedError('invalid_request', 'The query is dry_run=true or dry_run=false, or nothing.') };
}
