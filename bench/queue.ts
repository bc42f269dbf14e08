/**
 * What the queue costs in its store, at several lengths: claiming a full chunk, and writing that CXone took it. CXone
 * confirms each contact some chunks later; that is done, as the store would fill with what is awaited, and not counted.
 * Usage: node bench/queue.ts [lengths, comma separated] [--chunks 400]
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { normalizeContact } from '../src/domain/contact/normalize.ts';
import type { MergeChunk } from '../src/domain/ports/delivery-store.ts';
import type { IncomingContact } from '../src/domain/ports/intake-store.ts';
import { Engine } from '../src/store/sqlite/engine.ts';
import type { OperationName } from '../src/store/sqlite/operations.ts';
import { contact } from './support/contacts.ts';
import { machineLine, percentile } from './support/machine.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { chunks: { type: 'string', default: '400' } } });
const LENGTHS = (positionals[0] ?? '10000,100000,1000000').split(',').map(Number);
const CHUNKS = Number(values.chunks);
const CHUNK = 50;
const SLICE = 500;
const LEASE_MS = 45_000;
/** Chunks between the answer of CXone and its word that the contacts are merged. */
const CONFIRMED_AFTER = 20;

const folder = mkdtempSync(join(tmpdir(), 'queue-bench-'));
const policy = { consent: { policy: 'all' as const }, policyVersion: 'bench', exportOn: true, identifierMaxPeople: 5, queueMaxContacts: 10_000_000, sourcePriority: [] };
const engine = new Engine({ path: join(folder, 'queue.db'), encryptionKeys: [randomBytes(32).toString('base64')], policy, openedAt: Date.now() });

/** One call in a transaction of its own, as JSON goes over the thread's border. */
function call<T>(op: OperationName, input: unknown): T {
  const [reply] = engine.run([{ id: 1, op, input: JSON.parse(JSON.stringify(input)) as unknown }]).replies;
  if (reply === undefined || 'failure' in reply) throw new Error(`${op}: ${JSON.stringify(reply)}`);
  return reply.value as T;
}

function incoming(n: number, index: number): IncomingContact {
  const { contact: clean, raw, errors, warnings, covered_country: country } = normalizeContact(contact(n), {});
  return { index, contact: clean, raw, errors, warnings, country, source: 'bench' };
}

/** The word of CXone on a whole chunk. */
function confirmAll(contactIds: readonly string[]): void {
  const receivedAt = Date.now();
  const { replies } = engine.run(contactIds.map((contactId, id) => ({ id, op: 'recordWebhook', input: { eventId: `merged-${contactId}`, type: 'contact.merged', confirms: true, contactId, receivedAt } })));
  if (replies.some((reply) => 'failure' in reply || !(reply.value as { confirmed: number }).confirmed)) throw new Error('not confirmed');
}

/** One upload that brings the queue to a length. */
function fill(from: number, to: number): void {
  const now = Date.now();
  const head = { jobId: `job-${to}`, caller: 'bench', requestId: `job-${to}`, receivedAt: now, policyVersion: 'bench' };
  call('openBatch', head);
  for (let n = from; n < to; n += SLICE) {
    const contacts = Array.from({ length: Math.min(SLICE, to - n) }, (_, i) => incoming(n + i, n + i - from));
    call('stageSlice', { jobId: head.jobId, contacts, now });
  }
  call('sealBatch', { head, errors: [], warnings: [], metrics: { total_processed: 0, total_duplicates: 0, avg_latency_ms: 0, failed_exports: 0 } });
  const limits = { limit: 500, confirmationTimeoutMs: 1e12 };
  while (call<{ more: boolean }>('sweep', { now, ...limits }).more);
}

function timed<T>(work: () => T): { ms: number; result: T } {
  const start = performance.now();
  const result = work();
  return { ms: performance.now() - start, result };
}

function show(what: string, samples: readonly number[]): string {
  return `${what} p50 ${percentile(samples, 0.5).toFixed(2)} p99 ${percentile(samples, 0.99).toFixed(2)} ms`;
}

console.log(machineLine());
let sent = 0;
let filled = 0;
for (const length of LENGTHS) {
  const before = performance.now();
  const upto = length + sent + CHUNKS * CHUNK;
  fill(filled, upto);
  console.log(`${upto - sent} waiting after ${((performance.now() - before) / 1000).toFixed(0)} s`);
  filled = upto;
  const claims: number[] = [];
  const settles: number[] = [];
  const prepares: number[] = [];
  const awaited: string[][] = [];
  let cpuMs = 0;
  for (let n = 0; n < CHUNKS; n += 1) {
    const now = Date.now();
    const cpu = process.cpuUsage();
    const claim = timed(() => call<{ chunk: MergeChunk | null }>('claimMerge', { now, limit: CHUNK, leaseMs: LEASE_MS, lingerBefore: now }));
    const { chunk } = claim.result;
    if (chunk === null) throw new Error('nothing waits');
    const contactIds = chunk.contacts.map((_, i) => `cx-${sent + i}`);
    const settlement = { kind: 'accepted', contactIds, confirmed: false };
    const settle = timed(() => call('settleMerge', { requestId: chunk.requestId, fence: chunk.fence, now, latencyMs: 10, status: 202, settlement }));
    claims.push(claim.ms);
    settles.push(settle.ms);
    // What the store's thread does on its own between calls.
    const prepared = timed(() => engine.rest());
    prepares.push(prepared.ms);
    const { user, system } = process.cpuUsage(cpu);
    cpuMs += (user + system) / 1000;
    sent += chunk.contacts.length;
    awaited.push(contactIds);
    if (awaited.length > CONFIRMED_AFTER) confirmAll(awaited.shift()!);
  }
  for (const contactIds of awaited) confirmAll(contactIds);
  console.log(`${length} waiting: ${show('claim', claims)}, ${show('settle', settles)}, ${show('prepare', prepares)}; ${((cpuMs * 1000) / (CHUNKS * CHUNK)).toFixed(1)} µs CPU a contact for all`);
}
engine.close();
rmSync(folder, { recursive: true });
