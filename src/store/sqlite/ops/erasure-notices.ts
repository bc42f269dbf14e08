import type { ErasureNotice, NoticeSettlement } from '../../../domain/ports/privacy.ts';
import type { Context } from '../context.ts';
import { noteMarketing } from './erasure.ts';

type Row = { message_id: string; erasure_no: number; attempts: number; first_attempt_at: number; fence: number; sealed: Uint8Array; erasure_id: string; requested_at: number; wrapped: Uint8Array };

/**
 * The next notice that is due. One about a person who is part of an export in the air waits for its end, so that the
 * word of the erasure is the last one.
 */
export function claimNotice(context: Context, input: { now: number; leaseMs: number }): { notice: ErasureNotice | null; nextDueAt: number | null } {
  const { db, vault } = context;
  const row = db.get<Row>(
    `SELECT n.*, e.erasure_id, e.requested_at, k.wrapped
       FROM erasure_notices AS n
       JOIN erasures AS e USING (erasure_no)
       JOIN erasure_keys AS k USING (erasure_no)
      WHERE n.due_at <= ? AND n.lease_until <= ?
        AND e.step = 'notices'
        AND NOT EXISTS (SELECT 1 FROM exports WHERE exports.person_id = n.person_id AND exports.state = 'in_flight')
      ORDER BY n.due_at
      LIMIT 1`,
    input.now,
    input.now,
  );
  const next = db.get<{ at: number | null }>('SELECT min(max(due_at, lease_until)) AS at FROM erasure_notices');
  if (row === undefined) return { notice: null, nextDueAt: next?.at ?? null };
  const fence = row.fence + 1;
  db.run('UPDATE erasure_notices SET lease_until = ?, fence = ? WHERE message_id = ?', input.now + input.leaseMs, fence, row.message_id);
  const notice: ErasureNotice = {
    messageId: row.message_id,
    erasureId: row.erasure_id,
    fence,
    attempts: row.attempts,
    firstAttemptAt: row.first_attempt_at,
    externalId: vault.open(row.sealed, vault.unwrap(row.wrapped)),
    erasedAt: row.requested_at,
  };
  return { notice, nextDueAt: next?.at ?? null };
}

/** Writes how a notice went; a stale fence changes nothing and answers false. */
export function settleNotice(context: Context, { messageId, fence, settlement }: { messageId: string; fence: number; settlement: NoticeSettlement; now: number }): boolean {
  const { db } = context;
  const row = db.get<{ erasure_no: number }>('SELECT erasure_no FROM erasure_notices WHERE message_id = ? AND fence = ?', messageId, fence);
  if (row === undefined) return false;
  if (settlement.kind === 'retry') {
    db.run('UPDATE erasure_notices SET attempts = attempts + 1, due_at = ?, lease_until = 0 WHERE message_id = ?', settlement.dueAt, messageId);
    return true;
  }
  db.run('DELETE FROM erasure_notices WHERE message_id = ?', messageId);
  if (settlement.kind === 'delivered') noteMarketing(context, row.erasure_no, 'completed');
  else noteMarketing(context, row.erasure_no, 'failed', settlement.reason);
  return true;
}
