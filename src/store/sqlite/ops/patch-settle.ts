import { v7 as uuidv7 } from 'uuid';
import type { AuditEntry } from '../../../domain/audit/entry.ts';
import type { PatchSettlement } from '../../../domain/ports/delivery-store.ts';
import type { AuditDraft } from '../../../domain/ports/record-store.ts';
import type { Context } from '../context.ts';
import { isSealed } from '../vault.ts';
import { carriedBy, closeErasedPatch, contentsOf, sendApart, shiftJob } from './patch-rows.ts';
import type { Content, PatchRow } from './patch-rows.ts';

type Settle = { requestId: string; fence: number; now: number; latencyMs: number; status: number | null; settlement: PatchSettlement };
type Retry = Extract<PatchSettlement, { kind: 'retry' }>;

/**
 * Writes what an answer meant for each patch that the call carried. Answers the entry of the first; null when the
 * fence is stale or they only wait on.
 */
export function settlePatch(context: Context, input: Settle): AuditEntry | null {
  // A claim is settled once: what is said again of a patch that waits for its retry is of no claim.
  const carried = carriedBy(context, input.requestId).filter((row) => row.fence === input.fence && row.lease_until > 0);
  const rows = carried.filter((row) => row.payload !== null);
  for (const row of carried) if (row.payload === null) closeErasedPatch(context, row, input.now);
  if (rows.length === 0) return null;
  const { settlement } = input;
  const countAttempt = settlement.kind !== 'retry' || settlement.countAttempt;
  if (countAttempt) for (const row of rows) context.db.run('UPDATE jobs SET attempts = attempts + 1 WHERE job_no = ?', row.job_no);
  const shared = carried.length > 1;
  if (settlement.kind === 'rejected' && shared) sendApart(context, rows, { now: input.now, dueAt: input.now, countAttempt, unknown: false });
  else if (settlement.kind !== 'retry') return end(context, rows, carried.length, input);
  else if (rows.length < carried.length) sendApart(context, rows, { now: input.now, dueAt: settlement.dueAt, countAttempt, unknown: settlement.unknown });
  else retryLater(context, rows, settlement);
  return null;
}

function retryLater({ db }: Context, rows: readonly PatchRow[], settlement: Retry): void {
  for (const row of rows) {
    db.run(
      'UPDATE patches SET attempts = attempts + ?, due_at = ?, lease_until = 0, unknown = max(unknown, ?), reason = ? WHERE request_id = ?',
      Number(settlement.countAttempt),
      settlement.dueAt,
      Number(settlement.unknown),
      settlement.reason,
      row.request_id,
    );
  }
}

function end(context: Context, rows: readonly PatchRow[], sharedBy: number, input: Settle): AuditEntry {
  const { db } = context;
  const { settlement } = input;
  const contents = contentsOf(context, rows);
  const before = profileCommitment(context, rows[0]!);
  const entries = rows.map((row, i) => {
    const done = settlement.kind === 'done';
    if (done) db.run(`UPDATE patches SET state = 'confirmed', payload = NULL WHERE request_id = ?`, row.request_id);
    else setAside(context, row, 'reason' in settlement ? settlement.reason : '', input.now);
    shiftJob(context, row.job_no, 'in_flight', done ? 'confirmed' : 'failed', input.now);
    const hash = row.call_hash ?? contents[i]!.facts.dataHash;
    return context.audit.append(enrichmentDraft(row, contents[i]!, { sharedBy, hash, commitments: { before, after: done ? commitProfile(context, row, hash) : before } }, input), input.now);
  });
  return entries[0]!;
}

/** What this service last wrote to a profile, by keyed hash; null before the first time. */
function profileCommitment({ db }: Context, { person_id }: PatchRow): string | null {
  const written = db.get<{ fingerprint: Uint8Array | null }>('SELECT fingerprint FROM persons WHERE person_id = ?', person_id)?.fingerprint;
  return written == null ? null : Buffer.from(written).toString('hex');
}

/** Keeps what was written to a profile as what the next one comes after. */
function commitProfile(context: Context, { person_id }: PatchRow, hash: string): string {
  const commitment = context.pseudonyms.commit('profile_content', hash);
  context.db.run('UPDATE persons SET fingerprint = ? WHERE person_id = ?', Buffer.from(commitment, 'hex'), person_id);
  return commitment;
}

type Sent = { sharedBy: number; hash: string; commitments: { before: string | null; after: string | null } };

function enrichmentDraft(row: PatchRow, { facts }: Content, { sharedBy, hash, commitments }: Sent, input: Settle): AuditDraft {
  const { settlement } = input;
  const result =
    settlement.kind === 'done'
      ? { result: settlement.mergeResult, updated_attributes: settlement.updatedAttributes, deduplication_trigger: settlement.deduplicationTrigger }
      : { result: 'SET_ASIDE', reason: 'reason' in settlement ? settlement.reason : '' };
  return {
    action: 'PROFILE_ENRICHMENT',
    actor: row.caller,
    job_id: row.job_id,
    profile_id: row.profile_id,
    request_id: input.requestId,
    details: {
      ...result,
      status: input.status,
      latency_ms: Math.round(input.latencyMs),
      attempts: row.attempts + 1,
      dataIntegrityHash: hash,
      commitments,
      // Of a call that several patches share: how many, and the hash of this one as it would have gone by itself.
      ...(sharedBy > 1 ? { combined_patches: sharedBy, own_data_hash: facts.dataHash } : {}),
      pii_classes: [...new Set(Object.values(facts.classification))].sort(),
      ...(row.unknown === 1 ? { maybe_duplicate: true } : {}),
    },
    privacy_compliance: { policy_version: facts.policyVersion, masked_attributes: facts.masked.length, encrypted: row.payload !== null && isSealed(row.payload) },
  };
}

function setAside({ db }: Context, row: PatchRow, reason: string, now: number): void {
  db.run(`UPDATE patches SET state = 'set_aside', reason = ? WHERE request_id = ?`, reason, row.request_id);
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
