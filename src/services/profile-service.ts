import { setTimeout as sleep } from 'node:timers/promises';
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { CanonicalJsonError } from '../domain/audit/canonical-json.ts';
import type { AuditEntry } from '../domain/audit/entry.ts';
import type { CallGate, Entry } from '../domain/delivery/call-gate.ts';
import { patchBody, patchHash } from '../domain/delivery/combine-patches.ts';
import type { ObjectLimit } from '../domain/delivery/object-limit.ts';
import { settlePatchOutcome } from '../domain/delivery/settlement.ts';
import type { RetryPolicy } from '../domain/delivery/retry-policy.ts';
import { CodedError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Clock, Random } from '../domain/ports/clock.ts';
import type { CallResult, CxonePort } from '../domain/ports/cxone.ts';
import type { Requester } from '../domain/ports/record-store.ts';
import type { PatchFacts, PatchLease, PatchSettlement, PatchStore, ProfilePatch } from '../domain/ports/delivery-store.ts';
import { checkFreshness } from '../domain/privacy/freshness.ts';
import type { FreshnessOptions, FreshnessVerdict } from '../domain/privacy/freshness.ts';
import { applyPolicy } from '../domain/privacy/pii.ts';
import { fieldsOf } from '../domain/privacy/pii-fields.ts';
import type { PiiField } from '../domain/privacy/pii-fields.ts';
import type { PiiPolicy } from '../domain/privacy/pii.ts';
import { untilStored } from './until-stored.ts';

/** How long a caller waits for a slot of the budget before it gets a 202; the call itself comes on top. */
const SLOT_WAIT_MS = 2000;
const LEASE_MARGIN_MS = 30_000;
const IN_FLIGHT_MAX = 16;
const STALE: ReadonlySet<FreshnessVerdict['verdict']> = new Set(['stale_data', 'invalid_timestamp', 'future_timestamp']);

export type ProfileOptions = {
  store: PatchStore;
  cxone: CxonePort;
  gate: CallGate;
  clock: Clock;
  random: Random;
  retry: RetryPolicy;
  policyVersion: string;
  settings: { freshness: FreshnessOptions; pii: PiiPolicy; unknownAppend: 'hold' | 'repeat'; callTimeoutMs: number };
  /** The limit on updates of one profile, where the tenant has one. */
  objectLimit: ObjectLimit | undefined;
  accuracyRate(): number;
  schedule(dueAt: number): void;
  onError(error: unknown, where: string): void;
};

export type EnrichmentInput = Omit<ProfilePatch, 'profileId'>;

export type EnrichmentPreview = {
  dry_run: true;
  piiClassification: Record<string, string>;
  pii: { attribute: string; class: string; pointer: string; detector: string; score: number; action: string }[];
  dataHash: string;
  freshness: FreshnessVerdict[];
  accepted: boolean;
  errors: { field: string; code: string; message: string }[];
};

export type EnrichmentResult = {
  enrichmentResult: {
    status: number;
    profileId: string;
    latencyMs: number;
    piiClassification: Record<string, string>;
    dataHash: string;
    timestamp: string;
    updatedAttributes: number;
    mergeResult: string;
    deduplicationTrigger: boolean;
  };
  auditEntry: AuditEntry;
  accuracyRate: number;
};

export type EnrichmentAnswer = { status: 200; body: EnrichmentResult } | { status: 202; body: { job_id: string; status: 'queued_for_retry' } };

/** `unexamined`: values too long for a policy that masks or blocks. */
type Checked = { patch: ProfilePatch; facts: PatchFacts; preview: EnrichmentPreview; blocked: PiiField[]; unexamined: number };
type Sent = { result: CallResult; settlement: PatchSettlement; entry: AuditEntry | null };

/** Enriches single profiles: checks them, keeps the intent, patches at once where CXone can take it, else from the queue. */
export class ProfileService {
  readonly #options: ProfileOptions;
  readonly #calls = new Set<Promise<unknown>>();
  #stopped = false;

  constructor(options: ProfileOptions) {
    this.#options = options;
  }

  /** What `enrich` would check and send. */
  preview(profileId: string, input: EnrichmentInput): EnrichmentPreview {
    return this.#check(profileId, input).preview;
  }

  /**
   * Coded errors: `stale_data`, `invalid_timestamp`, `future_timestamp`, `pii_blocked`, `cxone_rejected`,
   * `profile_gone`, `unknown_outcome`.
   */
  async enrich(profileId: string, input: EnrichmentInput, by: Requester): Promise<EnrichmentAnswer> {
    const { store, clock, settings } = this.#options;
    const checked = this.#check(profileId, input);
    if (!checked.preview.accepted) await this.#refuse(profileId, by, checked);
    const { patch, facts } = checked;
    const jobId = uuidv7();
    const now = clock.now();
    const leaseMs = SLOT_WAIT_MS + settings.callTimeoutMs + LEASE_MARGIN_MS;
    const { lease } = await store.acceptPatch({ jobId, requestId: uuidv4(), caller: by.actor, askedIn: by.requestId, patch, facts, now, leaseMs });
    const queued = { status: 202, body: { job_id: jobId, status: 'queued_for_retry' } } as const;
    if (lease === null) {
      this.#options.schedule(now);
      return queued;
    }
    const entry = await this.#slotWithin(SLOT_WAIT_MS);
    if (entry === undefined) {
      await this.#release(lease, clock.now());
      return queued;
    }
    const sent = await this.#track(this.#send(lease, entry));
    if (sent === undefined || sent.settlement.kind === 'retry') return queued;
    const { result, settlement, entry: audit } = sent;
    if (settlement.kind !== 'done' || audit === null) throw this.#setAsideError(result, settlement, jobId);
    return { status: 200, body: this.#resultOf({ patch, facts }, result, settlement, audit) };
  }

  /** Sends what waits, oldest first, as far as the budget goes. Runs never overlap: the queue sees to it. */
  async run(): Promise<void> {
    const { store, gate, clock, settings, schedule } = this.#options;
    while (!this.#stopped && this.#calls.size < IN_FLIGHT_MAX) {
      const now = clock.now();
      const waitMs = gate.waitMs('profiles', 'interactive', clock.monotonic());
      const nextAt = await store.patchWork();
      if (nextAt === null) return;
      if (waitMs > 0 || nextAt > now) return schedule(Math.max(nextAt, now + waitMs));
      const { lease } = await store.claimPatch({ now, leaseMs: settings.callTimeoutMs + LEASE_MARGIN_MS });
      if (lease === null) return;
      if (lease.unknown && !this.#mayRepeat(lease)) {
        const settlement = { kind: 'set_aside', reason: 'unknown_outcome' } as const;
        await store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now, latencyMs: 0, status: null, settlement });
        continue;
      }
      const entry = gate.enter('profiles', 'interactive', clock.monotonic());
      if ('waitMs' in entry) {
        return this.#release(lease, now, clock.now() + entry.waitMs);
      }
      void this.#track(this.#send(lease, entry).catch((error: unknown) => this.#options.onError(error, 'profiles')));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#calls);
  }

  #check(profileId: string, input: EnrichmentInput): Checked {
    const { settings, clock, policyVersion } = this.#options;
    const freshness = checkFreshness(input.attributes, settings.freshness, clock.now());
    const pii = applyPolicy(input.attributes, settings.pii);
    const patch: ProfilePatch = { ...input, profileId, attributes: pii.attributes };
    const dataHash = hashOf(patch);
    const errors = freshness
      .filter(({ verdict }) => STALE.has(verdict))
      .map(({ attribute, verdict }) => ({ field: `attributes.${attribute}`, code: verdict as string, message: FRESHNESS_MESSAGES[verdict] ?? '' }));
    for (const hit of pii.blocked) {
      errors.push({ field: `attributes${hit.pointer.replaceAll('/', '.')}`, code: 'pii_blocked', message: `The policy blocks ${hit.class}.` });
    }
    const guarded = Object.values(settings.pii).some((action) => action === 'mask' || action === 'block');
    if (guarded) for (const pointer of pii.truncated) errors.push({ field: `attributes${pointer.replaceAll('/', '.')}`, code: 'pii_blocked', message: 'Too long to be examined in full.' });
    const masked = fieldsOf(pii.hits.filter(({ action }) => action === 'mask'));
    const facts: PatchFacts = { dataHash, classification: pii.classification, masked, policyVersion };
    const hits = pii.hits.map((hit) => ({
      attribute: hit.pointer.split('/')[1] ?? '',
      class: hit.class,
      pointer: hit.pointer,
      detector: hit.detector,
      score: hit.score,
      action: settings.pii[hit.class] ?? 'flag',
    }));
    const preview: EnrichmentPreview = {
      dry_run: true,
      piiClassification: pii.classification,
      pii: hits,
      dataHash,
      freshness,
      accepted: errors.length === 0,
      errors,
    };
    return { patch, facts, preview, blocked: fieldsOf(pii.blocked), unexamined: guarded ? pii.truncated.length : 0 };
  }

  async #refuse(profileId: string, { actor, requestId }: Requester, { preview, blocked, unexamined }: Checked): Promise<never> {
    const code = (preview.errors[0]?.code ?? 'invalid_request') as ErrorCode;
    const facts = { errors: preview.errors.map((error) => error.code), pii_classes: [...new Set(preview.pii.map((hit) => hit.class))].sort(), ...(unexamined === 0 ? {} : { unexamined }) };
    await this.#options.store.rejectPatch({ profileId, caller: actor, askedIn: requestId, code, facts, ...(blocked.length === 0 ? {} : { blocked }), now: this.#options.clock.now() });
    throw new CodedError(code, 'The enrichment was refused; nothing was sent.', { errors: preview.errors });
  }

  async #slotWithin(maxMs: number): Promise<Entry | undefined> {
    const { gate, clock } = this.#options;
    const until = clock.monotonic() + maxMs;
    for (;;) {
      const entry = gate.enter('profiles', 'interactive', clock.monotonic());
      if (!('waitMs' in entry)) return entry;
      if (this.#stopped || clock.monotonic() + entry.waitMs > until) return undefined;
      await sleep(Math.max(1, Math.ceil(entry.waitMs)));
    }
  }

  /** What came of the call; undefined where the limit of its profile held it back. */
  async #send(lease: PatchLease, entry: Entry): Promise<Sent | undefined> {
    const { store, cxone, gate, clock, retry, random, objectLimit } = this.#options;
    const room = objectLimit?.tryAcquire(lease.patch.profileId, clock.monotonic());
    if (room?.ok === false) {
      gate.cancel(entry);
      await this.#release(lease, clock.now() + room.waitMs);
      return undefined;
    }
    const result = await cxone.patch(lease.patch.profileId, patchBody(lease.patch), lease.requestId);
    gate.leave(entry, result, clock.monotonic());
    const now = clock.now();
    const apiFreeAt = now + gate.waitMs('profiles', 'interactive', clock.monotonic());
    const settlement = settlePatchOutcome(result.outcome, lease, { retry, random, apiFreeAt, now }, this.#mayRepeat(lease));
    const audit = await untilStored(() => store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now, latencyMs: result.latencyMs, status: result.status, settlement }));
    if (settlement.kind === 'retry') this.#options.schedule(settlement.dueAt);
    else this.#options.schedule(now);
    return { result, settlement, entry: audit };
  }

  /** Gives a claim back unsent, which is no attempt, and has the queue look again then. */
  async #release(lease: PatchLease, dueAt: number, lookAt = dueAt): Promise<void> {
    const { store, clock, schedule } = this.#options;
    await store.releasePatch({ requestId: lease.requestId, fence: lease.fence, now: clock.now(), dueAt });
    schedule(lookAt);
  }

  /** Whether a patch may go again although it may have been applied: one that appends would append twice. */
  #mayRepeat({ appends }: PatchLease): boolean {
    return !appends || this.#options.settings.unknownAppend === 'repeat';
  }

  #resultOf({ patch, facts }: Pick<Checked, 'patch' | 'facts'>, result: CallResult, settlement: Extract<PatchSettlement, { kind: 'done' }>, audit: AuditEntry): EnrichmentResult {
    return {
      enrichmentResult: {
        status: 200,
        profileId: patch.profileId,
        latencyMs: Math.round(result.latencyMs),
        piiClassification: facts.classification,
        dataHash: facts.dataHash,
        timestamp: audit.created_at,
        updatedAttributes: settlement.updatedAttributes,
        mergeResult: settlement.mergeResult,
        deduplicationTrigger: settlement.deduplicationTrigger,
      },
      auditEntry: audit,
      accuracyRate: this.#options.accuracyRate(),
    };
  }

  #setAsideError(result: CallResult, settlement: PatchSettlement, jobId: string): CodedError {
    const reason = 'reason' in settlement ? settlement.reason : 'superseded';
    const detail = `Set aside (job ${jobId}): ${reason}`;
    if (result.outcome.kind === 'gone') return new CodedError('profile_gone', detail);
    if (reason === 'unknown_outcome') return new CodedError('unknown_outcome', detail);
    return new CodedError('cxone_rejected', detail);
  }

  #track<T>(call: Promise<T>): Promise<T> {
    const tracked = call.finally(() => this.#calls.delete(tracked));
    this.#calls.add(tracked);
    tracked.catch(() => undefined);
    return tracked;
  }
}

/** Coded error: `not_canonical` for a lone surrogate or a number that JSON cannot say. */
function hashOf(patch: ProfilePatch): string {
  try {
    return patchHash(patch);
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error;
    throw new CodedError('not_canonical', 'The attributes hold what JSON cannot say without loss; nothing was sent.', {
      errors: [{ field: 'attributes', code: error.code, message: 'A lone surrogate, or a number out of range.' }],
    });
  }
}

const FRESHNESS_MESSAGES: Partial<Record<FreshnessVerdict['verdict'], string>> = {
  stale_data: 'The observation is older than FRESHNESS_MAX_AGE_DAYS.',
  invalid_timestamp: 'Not an ISO 8601 date or date-time.',
  future_timestamp: 'The observation lies in the future.',
};
