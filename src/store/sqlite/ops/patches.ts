import { v7 as uuidv7 } from 'uuid';
import { combinable, combinePatches, patchHash } from '../../../domain/delivery/combine-patches.ts';
import { CodedError } from '../../../domain/errors.ts';
import type { AuditEntry } from '../../../domain/audit/entry.ts';
import type { PatchFacts, PatchLease, ProfilePatch } from '../../../domain/ports/delivery-store.ts';
import type { AuditDraft } from '../../../domain/ports/record-store.ts';
import type { PiiField } from '../../../domain/privacy/pii-fields.ts';
import type { Context } from '../context.ts';
import { isSealed } from '../vault.ts';
import { bookCall, takeBackCall } from './calls.ts';
import { countNew } from './contacts.ts';
import { NEXT_IN_LINE, PATCH_ROW, carriedBy, closeErasedPatch, contentsOf, sendApart, shiftJob } from './patch-rows.ts';
import type { PatchRow } from './patch-rows.ts';
import { giveKey, keyOf } from './persons.ts';

/** Patches that one call carries at the most, and bytes of them as they are sealed. */
const COMBINED_MAX = 50;
const COMBINED_BYTES_MAX = 256 * 1024;

type Accept = { jobId: string; requestId: string; caller: string; askedIn?: string; patch: ProfilePatch; facts: PatchFacts; now: number; leaseMs: number };
type Reject = { profileId: string; caller: string; askedIn?: string; code: string; facts: Record<string, unknown>; blocked?: PiiField[]; now: number };
type Claim = { now: number; leaseMs: number; requestId?: string };

/** See {@link import('../../../domain/ports/delivery-store.ts').PatchStore}. */
export function acceptPatch(context: Context, input: Accept): { lease: PatchLease | null } {
  const { db, vault } = context;
  if (db.get('SELECT 1 AS one FROM tombstones WHERE hash = ?', context.pseudonyms.of('profile', input.patch.profileId)) !== undefined) {
    throw new CodedError('erased_subject', 'The person of this profile was erased on request.');
  }
  countNew(context, 1);
  const jobNo = db.insert(
    `INSERT INTO jobs (job_id, kind, caller, request_id, sealed, created_at, received, accepted, waiting) VALUES (?, 'profile', ?, ?, 1, ?, 1, 1, 1)`,
    input.jobId,
    input.caller,
    input.askedIn ?? null,
    input.now,
  );
  const personId = profileSubject(context, input.patch.profileId);
  const payload = vault.seal(JSON.stringify({ patch: input.patch, facts: input.facts }), keyOf(context, personId));
  db.run(
    `INSERT INTO patches (request_id, job_no, person_id, profile_id, patch_no, state, first_attempt_at, due_at, payload)
     VALUES (?, ?, ?, ?, ${NEXT_IN_LINE}, 'waiting', ?, ?, ?)`,
    input.requestId,
    jobNo,
    personId,
    input.patch.profileId,
    personId,
    input.now,
    input.now,
    payload,
  );
  if (input.facts.masked.length > 0) context.audit.append(maskedDraft(input, payload), input.now);
  return claimPatch(context, { now: input.now, leaseMs: input.leaseMs, requestId: input.requestId });
}

/**
 * The next patch that is due and whose profile has none before it, with those that wait behind it as far as one call
 * can say them all; or a given one, if it is its turn.
 */
export function claimPatch(context: Context, input: Claim): { lease: PatchLease | null } {
  const row = context.db.get<PatchRow>(
    `${PATCH_ROW}
     WHERE p.state IN ('waiting', 'in_flight') AND p.due_at <= ? AND p.lease_until <= ?
       AND (? IS NULL OR p.request_id = ?)
       AND NOT EXISTS (SELECT 1 FROM patches AS older
                        WHERE older.person_id = p.person_id AND older.patch_no < p.patch_no AND older.state IN ('waiting', 'in_flight'))
     ORDER BY p.due_at
     LIMIT 1`,
    input.now,
    input.now,
    input.requestId ?? null,
    input.requestId ?? null,
  );
  if (row === undefined) return { lease: null };
  if (row.payload === null) {
    closeErasedPatch(context, row, input.now);
    return claimPatch(context, input);
  }
  if (row.call_id === null) return { lease: lease(context, gather(context, row), input) };
  const rows = carriedBy(context, row.call_id);
  if (isWhole(context, rows)) return { lease: lease(context, rows, input) };
  const left = rows.filter(({ payload }) => payload !== null);
  for (const erased of rows) if (erased.payload === null) closeErasedPatch(context, erased, input.now);
  sendApart(context, left, { now: input.now, dueAt: input.now, countAttempt: false, unknown: row.lease_until > 0 });
  return claimPatch(context, input);
}

/** Whether a call can say again what it said: nobody has left it. */
function isWhole(context: Context, rows: readonly PatchRow[]): boolean {
  const hash = rows[0]?.call_hash ?? null;
  if (hash === null) return true;
  if (rows.some(({ payload }) => payload === null)) return false;
  const patches = contentsOf(context, rows).map(({ patch }) => patch);
  return combinable(patches) === patches.length && patchHash(combinePatches(patches)) === hash;
}

/** The first patch in a line, and those behind it that go with it. */
function gather(context: Context, first: PatchRow): PatchRow[] {
  if (first.alone === 1) return [first];
  const line = context.db.all<PatchRow>(`${PATCH_ROW} WHERE p.person_id = ? AND p.state = 'waiting' ORDER BY p.patch_no LIMIT ?`, first.person_id, COMBINED_MAX);
  let bytes = 0;
  const until = line.findIndex(({ alone, payload }, i) => (bytes += payload?.length ?? 0) > COMBINED_BYTES_MAX && i > 0 || alone === 1 || payload === null);
  const rows = until === -1 ? line : line.slice(0, until);
  return rows.slice(0, combinable(contentsOf(context, rows).map(({ patch }) => patch)));
}

/** Leases patches for one call. What they say together is theirs from now on, under an id that stays. */
function lease(context: Context, rows: readonly PatchRow[], input: Claim): PatchLease {
  const { db } = context;
  const first = rows[0]!;
  const requestId = first.call_id ?? (rows.length === 1 ? first.request_id : uuidv7());
  const fence = Math.max(...rows.map((row) => row.fence)) + 1;
  // A lease that ran out was for a call nobody heard the end of.
  const unknown = rows.some((row) => row.unknown === 1 || row.lease_until > 0);
  const patches = contentsOf(context, rows).map(({ patch }) => patch);
  const together = combinePatches(patches);
  const hash = rows.length > 1 ? patchHash(together) : first.call_hash;
  for (const row of rows) {
    db.run(`UPDATE patches SET state = 'in_flight', call_id = ?, call_hash = ?, lease_until = ?, fence = ?, unknown = ? WHERE request_id = ?`, requestId, hash, input.now + input.leaseMs, fence, Number(unknown), row.request_id);
    if (row.state === 'waiting') shiftJob(context, row.job_no, 'waiting', 'in_flight', input.now);
  }
  bookCall(context, requestId, input.now);
  return {
    requestId,
    jobIds: rows.map((row) => row.job_id),
    fence,
    attempts: first.attempts,
    firstAttemptAt: first.first_attempt_at,
    unknown,
    patch: together,
    appends: patches.some(({ mergeStrategy }) => mergeStrategy === 'APPEND'),
  };
}

/** When the first patch of any profile may go: those behind it wait for its end. */
export function patchWork({ db }: Context): number | null {
  return (
    db.get<{ at: number | null }>(
      `SELECT min(max(p.due_at, p.lease_until)) AS at
         FROM patches AS p
        WHERE p.state IN ('waiting', 'in_flight')
          AND NOT EXISTS (SELECT 1 FROM patches AS older
                           WHERE older.person_id = p.person_id AND older.patch_no < p.patch_no AND older.state IN ('waiting', 'in_flight'))`,
    )?.at ?? null
  );
}

/** Gives a claim back of which nothing was sent. Patches that never went out may go in other company next time. */
export function releasePatch(context: Context, input: { requestId: string; fence: number; now: number; dueAt: number }): void {
  const rows = carriedBy(context, input.requestId).filter((row) => row.fence === input.fence && row.lease_until > 0);
  if (rows.length === 0) return;
  for (const row of rows) {
    const wasSent = row.reason !== null || row.unknown === 1;
    context.db.run('UPDATE patches SET lease_until = 0, due_at = ? WHERE request_id = ?', input.dueAt, row.request_id);
    if (wasSent) continue;
    context.db.run(`UPDATE patches SET state = 'waiting', call_id = NULL, call_hash = NULL WHERE request_id = ?`, row.request_id);
    shiftJob(context, row.job_no, 'in_flight', 'waiting', input.now);
  }
  takeBackCall(context, input.requestId);
}

/** Leaves the entry of an enrichment that was refused before anything was stored. */
export function rejectPatch(context: Context, input: Reject): AuditEntry {
  const { code, facts, blocked } = input;
  return context.audit.append(
    {
      action: code === 'pii_blocked' || blocked !== undefined ? 'pii_blocked' : 'profile_rejected',
      actor: input.caller,
      profile_id: input.profileId,
      ...(input.askedIn === undefined ? {} : { request_id: input.askedIn }),
      details: { code, ...facts, ...(blocked === undefined ? {} : { fields: blocked, found: sumOf(blocked) }) },
      privacy_compliance: { policy_version: context.policy.policyVersion, stored: false },
    },
    input.now,
  );
}

/** Says in which attributes the policy replaced values by the names of their classes before anything was stored or sent. */
function maskedDraft({ caller, jobId, askedIn, patch, facts }: Accept, payload: Uint8Array): AuditDraft {
  return {
    action: 'pii_masked',
    actor: caller,
    job_id: jobId,
    profile_id: patch.profileId,
    ...(askedIn === undefined ? {} : { request_id: askedIn }),
    details: { fields: facts.masked, found: sumOf(facts.masked) },
    privacy_compliance: { policy_version: facts.policyVersion, stored: 'masked', encrypted: isSealed(payload) },
  };
}

function sumOf(fields: readonly PiiField[]): number {
  return fields.reduce((sum, { found }) => sum + found, 0);
}

/** A profile is a person of its own here: its attributes are sealed under a key that can be destroyed. */
function profileSubject(context: Context, profileId: string): number {
  const { db, pseudonyms } = context;
  const hash = pseudonyms.of('profile', profileId);
  const known = db.get<{ person_id: number }>('SELECT person_id FROM identifiers WHERE hash = ?', hash);
  if (known !== undefined) return known.person_id;
  const id = db.insert('INSERT INTO persons DEFAULT VALUES');
  giveKey(context, id);
  db.run(`INSERT INTO identifiers (hash, person_id, kind) VALUES (?, ?, 'profile')`, hash, id);
  return id;
}
