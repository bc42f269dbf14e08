import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Contact, Finding } from '../../src/domain/contact/types.ts';
import type { MergeChunk, MergeSettlement, WebhookEvent } from '../../src/domain/ports/delivery-store.ts';
import type { BatchHead, IdempotencyClaim, IncomingContact } from '../../src/domain/ports/intake-store.ts';
import type { AuditFilter, JobContactView, JobView } from '../../src/domain/ports/record-store.ts';
import type { Store } from '../../src/domain/ports/store.ts';
import type { AuditEntry } from '../../src/domain/audit/entry.ts';
import { DEFAULT_RULES, POLICY_VERSION } from './harness.ts';
import type { Harness, StoreRules } from './harness.ts';

export const START = Date.parse('2026-03-01T12:00:00Z');
export const LEASE_MS = 45_000;
export const CONFIRMATION_TIMEOUT_MS = 900_000;
const CONSENT_DATE = '2026-01-10T09:00:00Z';
/** What an answer tells of the service as a whole, where nothing came before. */
export const METRICS = { total_processed: 0, total_duplicates: 0, avg_latency_ms: 0, failed_exports: 0 };

/** One row of a batch: a contact, and what normalization and the caller said of it. */
export type Row = Contact & { override?: string; overrideRefused?: boolean; errors?: Finding[] };
export type Answer = { status: number; body: Record<string, unknown> };
type BatchOptions = { caller?: string; idempotency?: Omit<IdempotencyClaim, 'caller'> };

/** A contact of a covered country with full consent; the number tells people apart. */
export function person(n: number, more: Row = {}): Row {
  return {
    email: `person${n}@example.com`,
    country: 'DE',
    consent_to_email: true,
    consent_to_sms: true,
    consent_to_phone: true,
    consent_date: CONSENT_DATE,
    ...more,
  };
}

/** The same without an e-mail address. */
export function byPhone(n: number, phone: string, more: Row = {}): Row {
  const { email: _, ...rest } = person(n, more);
  return { ...rest, phone };
}

export function people(count: number, from = 0): Row[] {
  return Array.from({ length: count }, (_, i) => person(from + i));
}

export function incoming(row: Row, index: number): IncomingContact {
  const { override, overrideRefused, errors, ...contact } = row;
  return {
    index,
    contact,
    raw: {},
    errors: errors ?? [],
    warnings: [],
    country: contact.country,
    ...(override === undefined ? {} : { override: { reason: override } }),
    ...(overrideRefused === undefined ? {} : { overrideRefused }),
  };
}

/** A store on the stage: with a clock of its own and short words for what tests do with it again and again. */
export class Scene {
  now = START;
  store!: Store;
  readonly harness: Harness;
  readonly rules: StoreRules;
  #ids = 0;

  constructor(harness: Harness, rules: StoreRules) {
    this.harness = harness;
    this.rules = rules;
  }

  /** Opens an empty store that is closed when the test ends. */
  static async open(t: TestContext, newHarness: () => Harness, rules: Partial<StoreRules> = {}): Promise<Scene> {
    const scene = new Scene(newHarness(), { ...DEFAULT_RULES, ...rules });
    t.after(() => scene.harness.close());
    scene.store = await scene.harness.open({ rules: scene.rules, now: scene.now });
    return scene;
  }

  async reopen(): Promise<void> {
    this.store = await this.harness.reopen({ rules: this.rules, now: this.now });
  }

  id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}-${String(this.#ids).padStart(5, '0')}`;
  }

  head(jobId: string, caller = 'importer'): BatchHead {
    return { jobId, caller, requestId: `http-${jobId}`, receivedAt: this.now, policyVersion: POLICY_VERSION };
  }

  /** Takes a batch in; answers its job id. */
  async batch(rows: readonly Row[], options: BatchOptions = {}): Promise<string> {
    const jobId = this.id('job');
    await this.answer(rows, options, jobId);
    return jobId;
  }

  async answer(rows: readonly Row[], options: BatchOptions = {}, jobId = this.id('job')): Promise<Answer> {
    const head = this.head(jobId, options.caller);
    const idempotency = options.idempotency === undefined ? {} : { idempotency: { caller: head.caller, ...options.idempotency } };
    const { status, body } = await this.store.acceptBatch({ head, contacts: rows.map(incoming), metrics: METRICS, ...idempotency });
    return { status, body: JSON.parse(body) as Record<string, unknown> };
  }

  /** Uploads slices; seals unless told otherwise. */
  async upload(slices: readonly (readonly Row[])[], options: { seal?: boolean; idempotency?: IdempotencyClaim } = {}): Promise<string> {
    const jobId = this.id('upload');
    await this.store.openBatch(this.head(jobId));
    let index = 0;
    const findings = { errors: [], warnings: [] } as Awaited<ReturnType<Store['stageSlice']>>;
    for (const slice of slices) {
      const from = index;
      const found = await this.store.stageSlice({ jobId, contacts: slice.map((row, i) => incoming(row, from + i)), now: this.now });
      findings.errors.push(...found.errors);
      findings.warnings.push(...found.warnings);
      index += slice.length;
    }
    if (options.seal !== false) {
      const idempotency = options.idempotency === undefined ? {} : { idempotency: options.idempotency };
      await this.store.sealBatch({ head: this.head(jobId), ...findings, metrics: METRICS, ...idempotency });
    }
    return jobId;
  }

  async claim(limit = 50): Promise<MergeChunk | null> {
    return (await this.store.claimMerge({ now: this.now, limit, leaseMs: LEASE_MS, lingerBefore: this.now })).chunk;
  }

  /** A chunk, where the test is sure that there is one. */
  async mustClaim(limit = 50): Promise<MergeChunk> {
    const chunk = await this.claim(limit);
    assert.ok(chunk !== null, 'a chunk was to be claimed');
    return chunk;
  }

  async settle(chunk: MergeChunk, settlement: MergeSettlement, status: number | null = 200): Promise<boolean> {
    return this.store.settleMerge({ requestId: chunk.requestId, fence: chunk.fence, now: this.now, latencyMs: 12, status, settlement });
  }

  /** CXone accepts a chunk and gives each contact the id `cx:<e-mail or phone>`. */
  async accept(chunk: MergeChunk, confirmed = false): Promise<boolean> {
    return this.settle(chunk, { kind: 'accepted', contactIds: chunk.contacts.map(cxoneId), confirmed });
  }

  async retry(chunk: MergeChunk, more: { dueAt?: number; countAttempt?: boolean; unknown?: boolean } = {}): Promise<boolean> {
    return this.settle(chunk, { kind: 'retry', dueAt: this.now, countAttempt: true, unknown: false, reason: 'CXone answered 503', ...more }, 503);
  }

  async reject(chunk: MergeChunk, at: { index: number; reason: string }[] = []): Promise<boolean> {
    return this.settle(chunk, { kind: 'rejected', reason: 'invalid batch', at }, 422);
  }

  /** Takes everything that waits to CXone and confirms it by its answer. */
  async deliver(confirmed = true): Promise<MergeChunk[]> {
    const chunks: MergeChunk[] = [];
    for (let chunk = await this.claim(); chunk !== null; chunk = await this.claim()) {
      chunks.push(chunk);
      await this.accept(chunk, confirmed);
    }
    return chunks;
  }

  async webhook(more: Partial<WebhookEvent> & { contactId?: string }): Promise<{ duplicate: boolean; confirmed: number }> {
    return this.store.recordWebhook({ eventId: this.id('event'), type: 'contact.merged', confirms: true, receivedAt: this.now, ...more });
  }

  async sweep(): Promise<void> {
    for (let more = true; more; ) more = (await this.sweepOnce()).more;
  }

  async sweepOnce(): Promise<{ more: boolean }> {
    return this.store.sweep({ now: this.now, limit: 1000, confirmationTimeoutMs: CONFIRMATION_TIMEOUT_MS });
  }

  async job(jobId: string): Promise<JobView> {
    return (await this.jobPage(jobId)).job;
  }

  async jobPage(jobId: string, after = -1, limit = 100_000): Promise<{ job: JobView; contacts: JobContactView[]; more: boolean }> {
    const page = await this.store.getJob({ jobId, after, limit });
    assert.ok(page !== null, `there is a job ${jobId}`);
    return page;
  }

  /** Where the contacts of a job stand, in their order. */
  async statuses(jobId: string): Promise<string[]> {
    return (await this.jobPage(jobId)).contacts.map(({ status }) => status);
  }

  async audit(filter: Partial<AuditFilter> = {}): Promise<AuditEntry[]> {
    return (await this.store.auditPage({ after: -1, limit: 100_000, ...filter })).entries;
  }

  async actions(filter: Partial<AuditFilter> = {}): Promise<string[]> {
    return (await this.audit(filter)).map(({ action }) => action);
  }
}

/** The id that the tenant of these tests gives a contact. */
export function cxoneId(contact: Contact): string {
  return `cx:${contact.email ?? contact.phone ?? ''}`;
}
