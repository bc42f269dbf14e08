import { v7 as uuidv7 } from 'uuid';
import { canonicalJson } from '../domain/audit/canonical-json.ts';
import type { AuditEntry } from '../domain/audit/entry.ts';
import { leafOf } from '../domain/audit/entry.ts';
import { nextAttempt } from '../domain/delivery/retry-policy.ts';
import type { RetryPolicy } from '../domain/delivery/retry-policy.ts';
import { CodedError } from '../domain/errors.ts';
import { canonicalSubject } from '../domain/identity/subject.ts';
import type { Requester } from '../domain/ports/record-store.ts';
import type { Clock, Random } from '../domain/ports/clock.ts';
import type { ErasureNoticePort } from '../domain/ports/export.ts';
import type { AccessedPerson, ErasureNotice, ErasureView, KeyRotation, PrivacyStore, PrivacySubject } from '../domain/ports/privacy.ts';
import type { AuditStore } from '../domain/ports/record-store.ts';
import { fileBacklog } from './file-backlog.ts';

const LEASE_MS = 60_000;
/** A recipient must hear of an erasure within the month that the law gives (GDPR Articles 12(3) and 19). */
const NOTICE_MAX_AGE_MS = 30 * 86_400_000;
/** Reasons are codes: free words could name the person, and the trail keeps them for ever. */
const REASON_CODE = /^[\w.:-]{1,64}$/;
const OTHER_REASON = 'other';

/** Who vouches for a certificate: the key that the audit trail is signed with. */
export type Notary = { sign(text: string): string; current(): Promise<{ size: number; note: string }> };

export type PrivacyOptions = {
  store: PrivacyStore & Pick<AuditStore, 'auditPage' | 'auditProof'>;
  notary: Notary;
  /** Undefined: there is no marketing to tell. */
  notices: ErasureNoticePort | undefined;
  clock: Clock;
  random: Random;
  retry: RetryPolicy;
  defaultCountry: string | undefined;
  /** What does not hang on the person: why data are held, who gets them, and for how long. */
  disclosure: Disclosure;
  events: { exportFailed(reason: string, retryAt: number | undefined): void };
  schedule(dueAt: number): void;
  onError(error: unknown, where: string): void;
};

export type Disclosure = {
  purposes: { purpose: string; legal_basis: string }[];
  recipients: { name: string; data: string }[];
  retention: Record<string, string>;
};
export type AccessReport = Disclosure & { held: boolean; generated_at: string; people: AccessedPerson[]; sources: string[] };

/** What somebody outside can check an erasure by; holds no personal data. */
export type Certificate = {
  /** C2SP signed note over the facts of the erasure. */
  note: string;
  entry: AuditEntry;
  /** The bytes of that entry in the tree, base64. */
  leaf: string;
  inclusion: { sequence: number; size: number; hashes: string[] };
  checkpoint: string;
};

/** Erases and shows what is held of a person. An erasure once noted is finished, also over restarts. */
export class PrivacyService {
  readonly #options: PrivacyOptions;
  #turn: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | undefined;
  #isAskedAgain = false;
  #stopped = false;

  constructor(options: PrivacyOptions) {
    this.#options = options;
  }

  /**
   * Erases whoever the subject means. Nothing of them is sent or taken in from here on; rows and bytes are gone when
   * it answers, unless the service is stopped meanwhile. Coded errors: `invalid_request`, `subject_ambiguous`.
   */
  async erase(subject: PrivacySubject & { country?: string }, request: { everyone: boolean; reason: string } & Requester): Promise<ErasureView> {
    const { store, clock } = this.#options;
    await fileBacklog(store);
    const erasureId = uuidv7();
    const reason = REASON_CODE.test(request.reason) ? request.reason : OTHER_REASON;
    await store.requestErasure({ ...request, erasureId, subject: this.#canonical(subject), reason, now: clock.now() });
    try {
      await this.#inTurn(() => this.#advance(erasureId));
    } catch (error) {
      // It is noted, so it is finished later; whoever asked learns how it stands.
      this.#options.onError(error, 'erasure');
    }
    return (await store.erasureOf({ erasureId }))!;
  }

  /** How an erasure stands, with its certificate once it is completed; null when there is none of this id. */
  async erasure(erasureId: string): Promise<{ view: ErasureView; certificate: Certificate | undefined } | null> {
    const view = await this.#options.store.erasureOf({ erasureId });
    if (view === null) return null;
    return { view, certificate: view.completedSequence === null ? undefined : await this.#certify(view, view.completedSequence) };
  }

  /** Everything held about whoever the subject means. Coded error: `invalid_request`. */
  async access(subject: PrivacySubject & { country?: string }, by: Requester): Promise<AccessReport> {
    const { store, clock, disclosure } = this.#options;
    await fileBacklog(store);
    const now = clock.now();
    const people = await store.accessSubject({ subject: this.#canonical(subject), ...by, now });
    const callers = people.flatMap((person) => person.jobs.map((job) => `API key ${job.caller}`));
    const named = people.flatMap((person) => person.contacts.flatMap(({ normalized }) => sourceOf(normalized)));
    return { held: people.length > 0, generated_at: new Date(now).toISOString(), people, ...disclosure, sources: [...new Set([...named, ...callers])] };
  }

  /** Takes master keys into use without a stop, and wraps all keys anew in small steps. Coded error: `keys_refused`. */
  async useKeys(keys: string[], by: Requester): Promise<KeyRotation> {
    return this.#options.store.useKeys({ keys, ...by, now: this.#options.clock.now() });
  }

  /** Starts a run unless one is under way, and does not wait: a recipient that does not answer is to hold up nothing else. */
  start(): void {
    if (this.#stopped) return;
    this.#isAskedAgain = this.#running !== undefined;
    this.#running ??= this.run()
      .catch((error: unknown) => this.#options.onError(error, 'erasures'))
      .finally(() => {
        this.#running = undefined;
        // What came while it ended may not have been seen.
        if (this.#isAskedAgain) this.start();
      });
  }

  /** Goes on with every erasure that is not completed, and tells recipients. */
  async run(): Promise<void> {
    for (const erasureId of await this.#options.store.openErasures()) if (!this.#stopped) await this.#inTurn(() => this.#advance(erasureId));
    await this.#tellRecipients();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#turn.catch(() => undefined);
    await this.#running;
  }

  async #advance(erasureId: string): Promise<void> {
    const { store, clock, notices, schedule } = this.#options;
    let wiped = false;
    while (!this.#stopped) {
      const { next } = await store.stepErasure({ erasureId, wiped, marketing: notices !== undefined, now: clock.now() });
      wiped = next === 'wipe';
      if (next === 'wipe') await store.wipe();
      if (next === 'notices') schedule(clock.now());
      if (next === 'notices' || next === 'completed') return;
    }
  }

  async #tellRecipients(): Promise<void> {
    const { store, clock, schedule, notices } = this.#options;
    if (notices === undefined) return;
    while (!this.#stopped) {
      const { notice, nextDueAt } = await store.claimNotice({ now: clock.now(), leaseMs: LEASE_MS });
      if (notice === null) {
        if (nextDueAt !== null && nextDueAt > clock.now()) schedule(nextDueAt);
        return;
      }
      await this.#tell(notice, notices);
      await this.#inTurn(() => this.#advance(notice.erasureId));
    }
  }

  async #tell(notice: ErasureNotice, notices: ErasureNoticePort): Promise<void> {
    const { store, clock, random, retry, events } = this.#options;
    const outcome = await notices.tellErased({ external_id: notice.externalId, erased_at: new Date(notice.erasedAt).toISOString() }, notice.messageId);
    const settle = (settlement: Parameters<PrivacyStore['settleNotice']>[0]['settlement']) =>
      store.settleNotice({ messageId: notice.messageId, fence: notice.fence, settlement, now: clock.now() });
    if (outcome.kind === 'delivered') return void (await settle({ kind: 'delivered' }));
    const attempt = { attempts: notice.attempts + 1, firstAttemptAt: notice.firstAttemptAt, now: clock.now(), ...(outcome.kind === 'retry' && outcome.retryAfterMs !== undefined ? { retryAfterMs: outcome.retryAfterMs } : {}) };
    const next = outcome.kind === 'retry' ? nextAttempt(attempt, { ...retry, maxAgeMs: Math.max(retry.maxAgeMs, NOTICE_MAX_AGE_MS) }, random) : undefined;
    events.exportFailed(outcome.reason, next?.kind === 'retry' ? next.dueAt : undefined);
    await settle(next?.kind === 'retry' ? { kind: 'retry', dueAt: next.dueAt } : { kind: 'failed', reason: outcome.reason });
  }

  async #certify(view: ErasureView, sequence: number): Promise<Certificate> {
    const { store, notary } = this.#options;
    const { entries } = await store.auditPage({ after: sequence - 1, limit: 1 });
    const [entry] = entries;
    if (entry?.sequence !== sequence) throw new Error('the entry of an erasure is missing: the trail was damaged');
    const { size, note: checkpoint } = await notary.current();
    const proof = await store.auditProof({ kind: 'inclusion', sequence, size });
    if (proof === null) throw new CodedError('storage_unavailable', 'The checkpoint does not hold the erasure yet; ask again.', { retryAfterSeconds: 1 });
    const leaf = Buffer.from(leafOf(entry), 'utf8').toString('base64');
    const inclusion = { sequence, size, hashes: proof.hashes.map((hash) => Buffer.from(hash).toString('base64')) };
    return { note: notary.sign(`erasure certificate\n${canonicalJson(certified(view))}\n`), entry, leaf, inclusion, checkpoint };
  }

  #canonical({ profile_id, country, ...subject }: PrivacySubject & { country?: string }): PrivacySubject {
    if (profile_id !== undefined && Object.keys(subject).length === 0) return { profile_id: profile_id.toLowerCase() };
    const canonical = canonicalSubject(subject, country ?? this.#options.defaultCountry);
    return profile_id === undefined ? canonical : { ...canonical, profile_id: profile_id.toLowerCase() };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function certified(view: ErasureView): Record<string, unknown> {
  return {
    erasure_id: view.erasureId,
    requested_at: new Date(view.requestedAt).toISOString(),
    completed_at: new Date(view.completedAt ?? 0).toISOString(),
    reason: view.reason,
    people: view.people,
    erased: { ...view.counts },
    legs: view.legs.map((leg) => ({ ...leg })),
    audit_sequence: view.completedSequence,
  };
}

function sourceOf(contact: unknown): string[] {
  const source = (contact as { consent_source?: unknown } | null)?.consent_source;
  return typeof source === 'string' ? [source] : [];
}
