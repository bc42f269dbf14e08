import { v7 as uuidv7 } from 'uuid';
import { CodedError } from '../../../domain/errors.ts';
import type { AuditEntry } from '../../../domain/audit/entry.ts';
import type { PatchFacts, PatchLease, PatchSettlement, ProfilePatch } from '../../../domain/ports/delivery-store.ts';
import type { AuditDraft } from '../../../domain/ports/record-store.ts';
import type { Context } from '../context.ts';
import { applyShift } from './contacts.ts';
import type { JobCounter } from '../../../domain/delivery/states.ts';
import { ERASED_REASON } from './erased.ts';
import { giveKey, keyOf } from './persons.ts';

type PatchRow = {
  request_id: string;
  job_no: number;
  job_id: string;
  caller: string;
  person_id: number;
  profile_id: string;
  state: 'waiting' | 'in_flight';
  attempts: number;
  first_attempt_at: number;
  fence: number;
  unknown: number;
  lease_until: number;
  /** Null: the person of the profile was erased. */
  payload: Uint8Array | null;
};

type Accept = { jobId: string; requestId: string; caller: string; patch: ProfilePatch; facts: PatchFacts; now: number; leaseMs: number };

const ROW = `
SELECT p.request_id, p.job_no, j.job_id, j.caller, p.person_id, p.profile_id, p.state, p.attempts, p.first_attempt_at, p.fence, p.unknown, p.lease_until, p.payload
  FROM patches AS p
  JOIN jobs AS j USING (job_no)`;

/** The place behind all patches of a profile that are not over yet. */
export const NEXT_IN_LINE = `(SELECT coalesce(max(patch_no), 0) + 1 FROM patches WHERE person_id = ? AND state IN ('waiting', 'in_flight'))`;

/** See {@link import('../../../domain/ports/delivery-store.ts').PatchStore}. */
export function acceptPatch(context: Context, input: Accept): { lease: PatchLease | null } {
  const { db, vault } = context;
  if (db.get('SELECT 1 AS one FROM tombstones WHERE hash = ?', context.pseudonyms.of('profile', input.patch.profileId)) !== undefined) {
    throw new CodedError('erased_subject', 'The person of this profile was erased on request.');
  }
  const jobNo = db.insert(
    `INSERT INTO jobs (job_id, kind, caller, sealed, created_at, received, accepted, waiting) VALUES (?, 'profile', ?, 1, ?, 1, 1, 1)`,
    input.jobId,
    input.caller,
    input.now,
  );
  const personId = profileSubject(context, input.patch.profileId);
  const key = keyOf(context, personId);
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
    vault.seal(JSON.stringify({ patch: input.patch, facts: input.facts }), key),
  );
  return claimPatch(context, { now: input.now, leaseMs: input.leaseMs, requestId: input.requestId });
}

/** The next patch that is due and whose profile has none before it; or a given one, if it is its turn. */
export function claimPatch(context: Context, input: { now: number; leaseMs: number; requestId?: string }): { lease: PatchLease | null } {
  const { db } = context;
  const row = db.get<PatchRow>(
    `${ROW}
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
  const fence = row.fence + 1;
  // A lease that ran out was for a call nobody heard the end of.
  if (row.lease_until > 0) row.unknown = 1;
  db.run(`UPDATE patches SET state = 'in_flight', lease_until = ?, fence = ?, unknown = ? WHERE request_id = ?`, input.now + input.leaseMs, fence, row.unknown, row.request_id);
  db.run('INSERT INTO calls (sent_at) VALUES (?)', input.now);
  if (row.state === 'waiting') shiftJob(context, row.job_no, 'waiting', 'in_flight', input.now);
  return { lease: leaseOf(context, row, fence) };
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

/** Writes what an answer meant; null when the fence is stale or the patch only waits on. */
export function settlePatch(
  context: Context,
  input: { requestId: string; fence: number; now: number; latencyMs: number; status: number | null; settlement: PatchSettlement },
): AuditEntry | null {
  const { db } = context;
  const row = db.get<PatchRow>(`${ROW} WHERE p.request_id = ? AND p.fence = ? AND p.state = 'in_flight'`, input.requestId, input.fence);
  if (row === undefined) return null;
  if (row.payload === null) {
    closeErasedPatch(context, row, input.now);
    return null;
  }
  const { settlement } = input;
  const { facts } = leaseOf(context, row, row.fence);
  if (settlement.kind !== 'retry' || settlement.countAttempt) db.run('UPDATE jobs SET attempts = attempts + 1 WHERE job_no = ?', row.job_no);
  if (settlement.kind === 'retry') {
    db.run(
      'UPDATE patches SET attempts = attempts + ?, due_at = ?, lease_until = 0, unknown = max(unknown, ?), reason = ? WHERE request_id = ?',
      Number(settlement.countAttempt),
      settlement.dueAt,
      Number(settlement.unknown),
      settlement.reason,
      row.request_id,
    );
    return null;
  }
  const done = settlement.kind === 'done';
  if (done) db.run(`UPDATE patches SET state = 'confirmed', payload = NULL WHERE request_id = ?`, row.request_id);
  else db.run(`UPDATE patches SET state = 'set_aside', reason = ? WHERE request_id = ?`, settlement.reason, row.request_id);
  if (!done) setAside(context, row, settlement.reason, input.now);
  shiftJob(context, row.job_no, 'in_flight', done ? 'confirmed' : 'failed', input.now);
  return context.audit.append(enrichmentDraft(row, facts, input), input.now);
}

export function releasePatch({ db }: Context, input: { requestId: string; fence: number; now: number }): void {
  db.run('UPDATE patches SET lease_until = 0, due_at = ? WHERE request_id = ? AND fence = ?', input.now, input.requestId, input.fence);
}

/** Leaves the entry of an enrichment that was refused before anything was stored. */
export function rejectPatch(context: Context, input: { profileId: string; caller: string; code: string; facts: Record<string, unknown>; now: number }): AuditEntry {
  return context.audit.append(
    {
      action: input.code === 'pii_blocked' ? 'pii_blocked' : 'profile_rejected',
      actor: input.caller,
      profile_id: input.profileId,
      details: { code: input.code, ...input.facts },
      privacy_compliance: { policy_version: context.policy.policyVersion, stored: false },
    },
    input.now,
  );
}

function enrichmentDraft(row: PatchRow, facts: PatchFacts, input: { status: number | null; latencyMs: number; settlement: PatchSettlement }): AuditDraft {
  const { settlement } = input;
  const result =
    settlement.kind === 'done'
      ? { result: settlement.mergeResult, updated_attributes: settlement.updatedAttributes, deduplication_trigger: settlement.deduplicationTrigger }
      : { result: 'SET_ASIDE', reason: settlement.kind === 'set_aside' ? settlement.reason : '' };
  return {
    action: 'PROFILE_ENRICHMENT',
    actor: row.caller,
    job_id: row.job_id,
    profile_id: row.profile_id,
    request_id: row.request_id,
    details: {
      ...result,
      status: input.status,
      latency_ms: Math.round(input.latencyMs),
      attempts: row.attempts + 1,
      dataIntegrityHash: facts.dataHash,
      pii_classes: [...new Set(Object.values(facts.classification))].sort(),
      ...(row.unknown === 1 ? { maybe_duplicate: true } : {}),
    },
    privacy_compliance: { policy_version: facts.policyVersion, masked_attributes: facts.masked.length, encrypted_at_rest: true },
  };
}

function setAside({ db }: Context, row: PatchRow, reason: string, now: number): void {
  db.run(
    `INSERT INTO dead_letters (dead_letter_id, api, patch_id, person_id, job_no, idx, reason, attempts, created_at)
     VALUES (?, 'profiles', ?, ?, ?, 0, ?, ?, ?)`,
    uuidv7(),
    row.request_id,
    row.person_id,
    row.job_no,
    reason,
    row.attempts + 1,
    now,
  );
}

function shiftJob(context: Context, jobNo: number, from: JobCounter, to: JobCounter, now: number): void {
  applyShift(context, jobNo, new Map([[from, -1], [to, 1]]), now);
}

/** Ends a patch that was in the air when its profile was erased, whatever became of it. */
function closeErasedPatch(context: Context, row: PatchRow, now: number): void {
  context.db.run(`UPDATE patches SET state = 'cancelled', reason = ?, lease_until = 0 WHERE request_id = ?`, ERASED_REASON, row.request_id);
  shiftJob(context, row.job_no, row.state, 'failed', now);
}

function leaseOf(context: Context, row: PatchRow, fence: number): PatchLease {
  if (row.payload === null) throw new Error('an erased patch cannot be sent');
  const key = keyOf(context, row.person_id);
  const { patch, facts } = JSON.parse(context.vault.open(row.payload, key)) as { patch: ProfilePatch; facts: PatchFacts };
  return { requestId: row.request_id, jobId: row.job_id, fence, attempts: row.attempts, firstAttemptAt: row.first_attempt_at, unknown: row.unknown === 1, patch, facts };
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
