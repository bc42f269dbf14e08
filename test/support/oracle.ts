import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Batch } from './crowd.ts';
import { auditCountsAgree, countersAgree, faultsFired, resourcesAreBounded } from './oracle-counts.ts';
import type { HttpAnswer, ServiceProcess } from './service-process.ts';
import { until } from './until.ts';
import type { Workplace } from './workplace.ts';

/**
 * What must hold after every fault, whatever it was. The tenant's ledger and the sink are the judges; the service is
 * asked only for what it shows to everybody.
 */
export type Claims = {
  batches: readonly Batch[];
  /** The run held a moment in which an outcome could stay unknown: a crash, a lost answer. Only then may an effect be doubled. */
  hadUnknown?: boolean;
  /** Times, epoch ms, at which a withdrawal for an e-mail was acknowledged. */
  withdrawn?: ReadonlyMap<string, number>;
  /** E-mails that CXone was made to refuse. */
  poison?: ReadonlySet<string>;
  /** Somebody else used up the limit, or a fault answered 429. */
  foreignLoad?: boolean;
  /** Confirmations never come: `unconfirmed` is an end, too. */
  withoutConfirmation?: boolean;
  /** Counters of the process start with it: they can be held against the ledger only when there was one life. */
  oneLife?: boolean;
  exports?: boolean;
  /** The storage was made to fail: unexpected errors are expected. */
  brokenStorage?: boolean;
  /** How long after the fault's end all may take. */
  withinMs?: number;
};

export type JobLine = { index: number; status: string; contact_id?: string; reason?: string };
export type Entry = { sequence: number; action: string; request_id?: string; job_id?: string; details: Record<string, unknown>; leaf: string };

const ENDS = new Set(['confirmed', 'unchanged', 'superseded', 'set_aside', 'cancelled']);
const DRAINED_WITHIN_MS = 45_000;

/** Everything about one run, fetched once and then asserted. */
export async function judge(place: Workplace, claims: Claims): Promise<{ entries: Entry[]; lines: Map<string, JobLine[]> }> {
  await drained(place, claims);
  const lines = await everyContactEnded(place.service, claims);
  effectsAreRight(place, claims, lines);
  const entries = await auditHolds(place.service);
  doublesAreFlagged(place, claims, entries);
  auditAgrees(place, claims, entries, lines);
  budgetHeld(place, claims);
  auditCountsAgree(place, claims, entries, lines);
  await metricsAgree(place.service, claims, lines);
  if (claims.oneLife === true) await countersAgree(place, claims, entries, lines);
  await resourcesAreBounded(place.service);
  faultsFired(place);
  if (claims.exports !== false) sinkIsRight(place, claims, lines);
  if (claims.brokenStorage !== true) logsAreClean(place);
  return { entries, lines };
}

/** Waits until nothing is left to do. */
export async function drained(place: Workplace, claims: Pick<Claims, 'withoutConfirmation'> & { withinMs?: number } = {}): Promise<void> {
  let last = '';
  await until(async () => {
    const answer = await place.service.call('GET', '/admin/queue').catch(() => undefined);
    if (answer?.status !== 200) return false;
    last = answer.text;
    const { waiting, in_flight, submitted, unconfirmed, patches_waiting, exports_waiting } = answer.json as Record<string, number>;
    const open = claims.withoutConfirmation === true ? (submitted ?? 0) - (unconfirmed ?? 0) : submitted;
    return [waiting, in_flight, open, patches_waiting, exports_waiting].every((count) => count === 0);
  }, claims.withinMs ?? DRAINED_WITHIN_MS, 'everything being drained').catch((error: unknown) => {
    throw new Error(`${String(error)}; queue: ${last}; log: ${place.service.lastWords()}`, { cause: error });
  });
}

/** O1, O2: each acknowledged batch is there, each of its contacts once, in one end state, and the counts add up. */
async function everyContactEnded(service: ServiceProcess, claims: Claims): Promise<Map<string, JobLine[]>> {
  const jobs = new Map<string, JobLine[]>();
  for (const batch of claims.batches) {
    const { job, lines } = await jobOf(service, batch.jobId);
    const { received, accepted, duplicates, rejected } = batch;
    assert.deepEqual({ ...pick(job, ['received', 'accepted', 'duplicates', 'rejected']) }, { received, accepted, duplicates, rejected }, 'the job says what the answer said');
    assert.equal(received, accepted + duplicates + rejected);
    assert.deepEqual(lines.map((line) => line.index), batch.people.map((_, index) => index), 'each contact is listed once');
    const ended = lines.filter((line) => ENDS.has(line.status) || (claims.withoutConfirmation === true && line.status === 'unconfirmed'));
    const others = lines.filter((line) => line.status === 'rejected' || line.status === 'duplicate');
    assert.equal(ended.length, accepted, `accepted contacts in an end state: ${JSON.stringify(tally(lines))}`);
    assert.equal(others.length, duplicates + rejected);
    if (claims.withoutConfirmation !== true) assert.equal((job['confirmed'] ?? 0) + (job['failed'] ?? 0), accepted, 'confirmed + failed = accepted');
    assert.equal(job['failed'], lines.filter((line) => line.status === 'set_aside' || line.status === 'cancelled').length);
    jobs.set(batch.jobId, lines);
  }
  return jobs;
}

export async function jobOf(service: ServiceProcess, jobId: string): Promise<{ job: Record<string, number>; lines: JobLine[] }> {
  const lines: JobLine[] = [];
  let cursor = '';
  for (;;) {
    const answer: HttpAnswer = await service.call('GET', `/jobs/${jobId}?limit=1000${cursor}`);
    assert.equal(answer.status, 200, `job ${jobId}: ${answer.text}`);
    lines.push(...(answer.json['contacts'] as JobLine[]));
    const next = answer.json['next_cursor'];
    if (next === undefined) return { job: answer.json as Record<string, number>, lines };
    cursor = `&cursor=${String(next)}`;
  }
}

/** O3, O4: what is confirmed took effect under the id that is shown; what was rejected or withdrawn never did. */
function effectsAreRight(place: Workplace, claims: Claims, jobs: Map<string, JobLine[]>): void {
  const ledger = place.sandbox.ledger();
  const arrivedAt = new Map(ledger.requests.filter((call) => call.requestId !== undefined).map((call) => [call.requestId, call.at]));
  const everRight = new Set<string>();
  for (const batch of claims.batches) {
    for (const line of jobs.get(batch.jobId) ?? []) if (line.status !== 'rejected') everRight.add(batch.people[line.index]?.email ?? '');
  }
  for (const batch of claims.batches) {
    for (const line of jobs.get(batch.jobId) ?? []) {
      const { email = '', role } = batch.people[line.index] ?? {};
      const effect = ledger.emails.get(email);
      if (role === 'no_consent') assert.equal(line.status, 'rejected', `${email} has no consent`);
      if (line.status === 'confirmed' || line.status === 'unchanged' || line.status === 'unconfirmed') {
        assert.ok(effect !== undefined && effect.applied >= 1, `${email} is ${line.status} and took no effect`);
        assert.ok(line.contact_id === undefined || effect.contactIds.includes(line.contact_id), `${email} is shown under another's id`);
      }
      if (line.status === 'rejected' && !everRight.has(email)) assert.equal(effect, undefined, `${email} was rejected and reached the tenant`);
      if (line.status === 'set_aside' && claims.poison !== undefined) assert.ok(claims.poison.has(email), `${email} was set aside: ${line.reason}`);
      if (line.status === 'cancelled') {
        const since = claims.withdrawn?.get(email);
        assert.ok(since !== undefined, `${email} was cancelled and nobody withdrew it`);
        for (const id of effect?.requestIds ?? []) assert.ok((arrivedAt.get(id) ?? 0) <= since, `${email} was sent after its withdrawal`);
      }
    }
  }
  for (const email of claims.poison ?? []) assert.equal(ledger.emails.get(email), undefined, `${email} is refused and took effect`);
}

/** O3: a version takes effect once; a second time only under an id whose outcome was once unknown, and that is said. */
function doublesAreFlagged(place: Workplace, claims: Claims, entries: readonly Entry[]): void {
  const versions = new Map<string, number>();
  for (const batch of claims.batches) {
    for (const email of new Set(batch.people.map((person) => person.email))) versions.set(email, (versions.get(email) ?? 0) + 1);
  }
  const flagged = new Set(entries.filter((entry) => entry.details['maybe_duplicate'] === true).map((entry) => entry.request_id));
  for (const [email, effect] of place.sandbox.ledger().emails) {
    if (effect.applied <= (versions.get(email) ?? 0)) continue;
    assert.ok(claims.hadUnknown === true, `${email} took effect ${effect.applied} times for ${versions.get(email)} versions, and no outcome was unknown`);
    assert.ok(effect.requestIds.some((id) => flagged.has(id)), `${email} took effect ${effect.applied} times and no entry says so`);
  }
  if (claims.hadUnknown !== true) assert.equal(flagged.size, 0, 'maybe_duplicate without an unknown outcome');
}

/** O5, first half: the export is gapless and its leaves make the root that the service names. */
async function auditHolds(service: ServiceProcess): Promise<Entry[]> {
  return until(async () => {
    const before = (await service.call('GET', '/audit-trail?limit=1')).json['tree'] as { size: number; root_hash: string };
    const exported = await service.call('GET', '/audit-trail', undefined, { accept: 'application/x-ndjson' });
    const entries = exported.text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Entry);
    // The trail grew meanwhile: look again.
    if (entries.length !== before.size) return undefined;
    entries.forEach((entry, index) => assert.equal(entry.sequence, index, 'sequence without gaps'));
    for (const entry of entries) assert.equal((JSON.parse(Buffer.from(entry.leaf, 'base64').toString()) as Entry).sequence, entry.sequence);
    assert.equal(rootOf(entries.map((entry) => Buffer.from(entry.leaf, 'base64'))), before.root_hash, 'the root is that of the exported leaves');
    return entries;
  }, 20_000, 'a quiet audit trail');
}

/** O5, second half: effects and their entries are the same. */
function auditAgrees(place: Workplace, claims: Claims, entries: readonly Entry[], jobs: Map<string, JobLine[]>): void {
  const delivered = new Set(entries.filter((entry) => entry.action === 'batch_delivered').map((entry) => entry.request_id));
  const submitted = new Map(entries.filter((entry) => entry.action === 'batch_submitted').map((entry) => [entry.job_id, entry.details]));
  const ledger = place.sandbox.ledger();
  for (const batch of claims.batches) {
    const details = submitted.get(batch.jobId);
    assert.deepEqual(pick(details ?? {}, ['received', 'accepted', 'duplicates', 'rejected']), pick(batch, ['received', 'accepted', 'duplicates', 'rejected']));
    for (const line of jobs.get(batch.jobId) ?? []) {
      if (line.status !== 'confirmed') continue;
      const effect = ledger.emails.get(batch.people[line.index]?.email ?? '');
      assert.ok(effect?.requestIds.some((id) => delivered.has(id)), 'a confirmed effect has its entry');
    }
  }
  for (const id of delivered) assert.ok(ledger.requests.some((call) => call.requestId === id), 'an entry without a call');
}

/** O6: no window at the tenant held more calls than its limit, and nothing was refused for that. */
function budgetHeld(place: Workplace, claims: Claims): void {
  const stats = place.sandbox.stats();
  assert.ok(stats.peakInWindow <= stats.requestsPerWindow, `${stats.peakInWindow} calls in one window of ${stats.requestsPerWindow}`);
  if (claims.foreignLoad !== true) assert.equal(stats.limited, 0, 'a call over the limit');
  assert.equal(stats.replayedWithOtherBody, 0, 'one request id, two bodies');
  assert.equal(stats.strays, 0, 'a redirect was followed');
  assert.equal(stats.secretsInUrl, 0);
  if (claims.hadUnknown !== true) assert.equal(stats.overlaps, 0, 'two calls for one person at once');
}

async function metricsAgree(service: ServiceProcess, claims: Claims, jobs: Map<string, JobLine[]>): Promise<void> {
  const { json } = await service.call('GET', '/metrics', undefined, { accept: 'application/json' });
  assert.equal(json['queue_depth'], 0);
  const all = [...jobs.values()].flat();
  const setAside = all.filter((line) => line.status === 'set_aside').length;
  assert.equal(json['dead_letters'], setAside);
  if (claims.oneLife !== true) return;
  const text = (await service.call('GET', '/metrics')).text;
  const sum = (name: 'accepted' | 'duplicates' | 'rejected'): number => claims.batches.reduce((total, batch) => total + batch[name], 0);
  assert.equal(sample(text, 'enricher_contacts_total{outcome="accepted"}'), sum('accepted'));
  assert.equal(sample(text, 'enricher_contacts_total{outcome="rejected"}'), sum('rejected'));
  assert.equal(sample(text, 'enricher_contacts_total{outcome="duplicate"}'), sum('duplicates'));
}

/** A value of a Prometheus text; 0 where the sample is not there. */
export function sample(text: string, name: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.split(' ').at(-1));
}

/** Only who consents, only four fields, everybody who was confirmed; the same again only under the same message id. */
function sinkIsRight(place: Workplace, claims: Claims, jobs: Map<string, JobLine[]>): void {
  const exported = new Set<string>();
  for (const { body } of place.sandbox.ledger().marketing) {
    for (const contact of (body as { contacts?: Record<string, unknown>[] }).contacts ?? []) {
      assert.deepEqual(Object.keys(contact).sort(), ['consent_status', 'email', 'external_id', 'merged_at']);
      assert.equal(contact['consent_status'], 'granted');
      exported.add(String(contact['email']));
    }
  }
  const allowed = new Set<string>();
  for (const batch of claims.batches) {
    for (const line of jobs.get(batch.jobId) ?? []) {
      const email = batch.people[line.index]?.email ?? '';
      if (line.status === 'confirmed') {
        allowed.add(email);
        if (claims.withdrawn?.has(email) !== true) assert.ok(exported.has(email), `${email} is confirmed and was not exported`);
      }
    }
  }
  for (const email of exported) assert.ok(allowed.has(email), `${email} was exported and is not confirmed`);
}

/** No life of the service met an error that it did not expect. */
export function logsAreClean(place: Workplace): void {
  for (const life of place.lives) {
    const unexpected = life.out.split('\n').find((line) => line.includes('"unexpected error"'));
    assert.equal(unexpected, undefined);
  }
}

/** After the last life has ended: the file is whole. */
export function fileIsWhole(path: string): void {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    assert.deepEqual(db.prepare('PRAGMA integrity_check').all().map((row) => Object.values(row)[0]), ['ok']);
  } finally {
    db.close();
  }
}

/** MTH of RFC 9162 §2.1.1 as it is written there, base64; shares nothing with the service. */
export function rootOf(leaves: readonly Buffer[]): string {
  const sha256 = (...parts: readonly Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
  const head = (from: number, to: number): Buffer => {
    if (to - from === 0) return sha256();
    if (to - from === 1) return sha256(Buffer.of(0), leaves[from] as Buffer);
    let k = 1;
    while (k * 2 < to - from) k *= 2;
    return sha256(Buffer.of(1), head(from, from + k), head(from + k, to));
  };
  return head(0, leaves.length).toString('base64');
}

function pick<T extends object>(from: T, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, (from as Record<string, unknown>)[name]]));
}

function tally(lines: readonly JobLine[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of lines) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
