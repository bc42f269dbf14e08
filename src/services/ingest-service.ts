import { setImmediate } from 'node:timers/promises';
import { FINDINGS_MAX } from '../domain/batch-answer.ts';
import type { Change, Contact } from '../domain/contact/types.ts';
import { normalizeContact } from '../domain/contact/normalize.ts';
import type { NormalizedContact } from '../domain/contact/normalize.ts';
import { CodedError } from '../domain/errors.ts';
import type { FieldError } from '../domain/errors.ts';
import type { Clock } from '../domain/ports/clock.ts';
import type { AnswerMetrics, BatchAnswer, BatchHead, IdempotencyClaim, IncomingContact, IntakeStore, Outcome, PreviewedContact } from '../domain/ports/intake-store.ts';
import { classText, classifyValue } from '../domain/privacy/pii.ts';
import { readOverride } from '../domain/consent/override.ts';

/** Contacts normalized, or explained, before the event loop gets its turn, and staged in one transaction of an upload. */
const SLICE = 200;
/** A larger batch is staged like an upload, so that one caller does not hold the store for long. */
const ONE_TRANSACTION_MAX = 2000;
const IDEMPOTENCY_KEEP_MS = 24 * 3_600_000;

export type IngestOptions = {
  store: IntakeStore;
  clock: Clock;
  policyVersion: string;
  defaultCountry: string | undefined;
  /** A UUIDv7. */
  newId(): string;
  overrideAllowed: boolean;
  metrics(): AnswerMetrics;
  /** Told when there is something new to deliver. */
  onAccepted(): void;
};

export type Caller = { name: string; isAdmin: boolean };

export type BatchRequest = {
  caller: Caller;
  requestId: string;
  /** The caller's key, and the hash of what was sent under it. */
  idempotency?: { key: string; bodyHash(): string };
};

export type PreviewLine = Pick<PreviewedContact, 'index' | 'outcome' | 'effect' | 'covered' | 'channels' | 'survivorship' | 'errors' | 'warnings'> & {
  duplicate_of?: number;
  possible_duplicates?: PreviewedContact['possibleDuplicates'];
  contact: Contact;
  changes: Change[];
  pii: Record<string, string>;
};

export type Preview = {
  received: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  /** People who take a place in a request; who is unchanged, or waits already, takes none. */
  people: number;
  errors: FieldError[];
  results: PreviewLine[];
};

/** Takes batches in: normalizes, lets the store decide and keep, and answers from what was kept. */
export class IngestService {
  readonly #options: IngestOptions;
  /** Uploads that ended early and are still to be taken back, as the storage took nothing then. */
  readonly #cutOff = new Set<string>();

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /** A batch that is there as a whole. Durable when it answers. Coded errors: `queue_full`, `storage_full`. */
  async accept(contacts: readonly unknown[], request: BatchRequest): Promise<BatchAnswer> {
    if (contacts.length > ONE_TRANSACTION_MAX) return this.acceptStream(inSteps(contacts), request);
    const head = this.#head(request);
    const incoming: IncomingContact[] = [];
    for (const [i, contact] of contacts.entries()) {
      if (i > 0 && i % SLICE === 0) await setImmediate();
      incoming.push(this.#incoming(contact, i, request.caller));
    }
    const answer = await this.#options.store.acceptBatch({ head, contacts: incoming, metrics: this.#options.metrics(), ...this.#claim(request, head) });
    this.#options.onAccepted();
    return answer;
  }

  /** A batch that arrives row by row, of any length, in flat memory. Nothing of it is sent unless all of it arrived. */
  async acceptStream(rows: AsyncIterable<unknown>, request: BatchRequest): Promise<BatchAnswer> {
    const head = this.#head(request);
    const { store } = this.#options;
    await this.#takeBack();
    await store.openBatch(head);
    const findings = { errors: [] as FieldError[], warnings: [] as FieldError[] };
    try {
      let count = 0;
      let slice: IncomingContact[] = [];
      for await (const row of rows) {
        slice.push(this.#incoming(row, count, request.caller));
        count += 1;
        if (slice.length === SLICE) {
          await this.#stage(head, slice, findings);
          slice = [];
        }
      }
      if (slice.length > 0) await this.#stage(head, slice, findings);
      if (count === 0) throw new CodedError('contacts_missing', 'The body holds no rows.');
      const answer = await store.sealBatch({ head, ...findings, metrics: this.#options.metrics(), ...this.#claim(request, head) });
      this.#options.onAccepted();
      return answer;
    } catch (error) {
      this.#cutOff.add(head.jobId);
      await this.#takeBack();
      throw error;
    }
  }

  /** What `accept` would do, explained; stores and sends nothing. */
  async preview(contacts: readonly unknown[], caller: Caller): Promise<Preview> {
    const normalized: NormalizedContact[] = [];
    const incoming: IncomingContact[] = [];
    for (const [i, contact] of contacts.entries()) {
      if (i > 0 && i % SLICE === 0) await setImmediate();
      const result = normalizeContact(contact, this.#normalizeOptions(true));
      normalized.push(result);
      incoming.push(this.#prepare(result, contact, i, caller));
    }
    const previewed = await this.#options.store.previewBatch({ contacts: incoming, now: this.#options.clock.now() });
    const results: PreviewLine[] = [];
    for (const [i, outcome] of previewed.entries()) {
      if (i > 0 && i % SLICE === 0) await setImmediate();
      results.push(previewLine(outcome, normalized[i]!));
    }
    const count = (wanted: Outcome['outcome']): number => previewed.filter(({ outcome }) => outcome === wanted).length;
    const errors = previewed.flatMap(({ index, outcome, errors: found }) => (outcome === 'rejected' ? found.map((error) => ({ index, ...error })) : []));
    const people = previewed.filter(({ costsRequest }) => costsRequest).length;
    return { received: previewed.length, accepted: count('accepted'), duplicates: count('duplicate'), rejected: count('rejected'), people, errors, results };
  }

  /** Whether this caller's key has an answer already. */
  async isKeyUsed(caller: Caller, key: string): Promise<boolean> {
    return (await this.#options.store.findAnswer({ caller: caller.name, key, now: this.#options.clock.now() })) !== null;
  }

  /** The answer given under a key that is used. Coded error: `idempotency_key_reused` where the body was another. */
  async earlierAnswer(caller: Caller, key: string, bodyHash: string): Promise<BatchAnswer> {
    const found = await this.#options.store.findAnswer({ caller: caller.name, key, bodyHash, now: this.#options.clock.now() });
    if (found?.isSameBody !== true) throw new CodedError('idempotency_key_reused', 'The key belongs to a request with another body.');
    return { status: found.status, body: found.body };
  }

  /** Takes back what was cut off. What the storage cannot take back now counts in the queue until the next upload tries again. */
  async #takeBack(): Promise<void> {
    const { store, clock } = this.#options;
    for (const jobId of this.#cutOff) {
      await store.abortBatch({ jobId, now: clock.now() });
      this.#cutOff.delete(jobId);
    }
  }

  async #stage(head: BatchHead, contacts: IncomingContact[], findings: { errors: FieldError[]; warnings: FieldError[] }): Promise<void> {
    const found = await this.#options.store.stageSlice({ jobId: head.jobId, contacts, now: head.receivedAt });
    for (const side of ['errors', 'warnings'] as const) {
      const room = FINDINGS_MAX + 1 - findings[side].length;
      if (room > 0) findings[side].push(...found[side].slice(0, room));
    }
  }

  #head({ caller, requestId }: BatchRequest): BatchHead {
    const { clock, newId, policyVersion } = this.#options;
    return { jobId: newId(), caller: caller.name, requestId, receivedAt: clock.now(), policyVersion };
  }

  #claim({ caller, idempotency }: BatchRequest, head: BatchHead): { idempotency?: IdempotencyClaim } {
    if (idempotency === undefined) return {};
    return { idempotency: { caller: caller.name, key: idempotency.key, bodyHash: idempotency.bodyHash(), expiresAt: head.receivedAt + IDEMPOTENCY_KEEP_MS } };
  }

  #normalizeOptions(explain: boolean) {
    const { defaultCountry } = this.#options;
    return defaultCountry === undefined ? { explain } : { explain, defaultCountry };
  }

  #incoming(raw: unknown, index: number, caller: Caller): IncomingContact {
    return this.#prepare(normalizeContact(raw, this.#normalizeOptions(false)), raw, index, caller);
  }

  #prepare(result: NormalizedContact, raw: unknown, index: number, caller: Caller): IncomingContact {
    const incoming: IncomingContact = {
      index,
      contact: result.contact,
      raw: result.raw,
      errors: result.errors,
      warnings: result.warnings,
      source: caller.name,
      country: result.covered_country,
    };
    const asked = readOverride(raw);
    if (asked === undefined) return incoming;
    const granted = this.#options.overrideAllowed && caller.isAdmin && asked.reason !== undefined;
    if (granted) incoming.override = { reason: asked.reason ?? '' };
    else incoming.overrideRefused = true;
    return incoming;
  }
}

function previewLine(outcome: PreviewedContact, { contact, changes }: NormalizedContact): PreviewLine {
  const { index, outcome: what, duplicateOf, effect, covered, channels, survivorship, possibleDuplicates, preferredChannelMoved: moved, errors, warnings } = outcome;
  const shown = moved === undefined ? contact : { ...contact, communication_preferences: { ...contact.communication_preferences, preferred_channel: moved.to } };
  const move: Change[] = moved === undefined ? [] : [{ field: 'communication_preferences.preferred_channel', ...moved, rule: 'consent.preferred-channel', confidence: 1 }];
  return {
    index,
    outcome: what,
    ...(duplicateOf === undefined ? {} : { duplicate_of: duplicateOf }),
    ...(effect === undefined ? {} : { effect }),
    ...(covered === undefined ? {} : { covered }),
    ...(channels === undefined ? {} : { channels }),
    contact: shown,
    changes: [...changes, ...move],
    ...(survivorship === undefined ? {} : { survivorship }),
    ...(possibleDuplicates === undefined ? {} : { possible_duplicates: possibleDuplicates }),
    pii: piiOf(contact),
    errors,
    warnings,
  };
}

/** Personal data by field, as a dry run shows it. */
function piiOf(contact: Contact): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [field, value] of Object.entries(contact)) {
    const hits = classifyValue(field, value);
    if (hits.length > 0) found[field] = classText(hits);
  }
  return found;
}

/** Gives the event loop its turn between slices. */
async function* inSteps(contacts: readonly unknown[]): AsyncGenerator<unknown> {
  for (const [i, contact] of contacts.entries()) {
    if (i > 0 && i % SLICE === 0) await setImmediate();
    yield contact;
  }
}
