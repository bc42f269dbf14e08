import type { JobCounter } from '../../../domain/delivery/states.ts';
import type { PatchFacts, ProfilePatch } from '../../../domain/ports/delivery-store.ts';
import type { Context } from '../context.ts';
import { applyShift } from './contacts.ts';
import { ERASED_REASON } from './erased.ts';
import { keyOf } from './persons.ts';

export type PatchRow = {
  /** Its own id, and the `X-Request-ID` of its call where it goes by itself. */
  request_id: string;
  /** `X-Request-ID` of the call that carries it; null while it waits. What goes out under it never changes. */
  call_id: string | null;
  /** Hash of what that call says, where several share it. */
  call_hash: string | null;
  job_no: number;
  job_id: string;
  caller: string;
  person_id: number;
  profile_id: string;
  patch_no: number;
  state: 'waiting' | 'in_flight';
  attempts: number;
  first_attempt_at: number;
  fence: number;
  unknown: number;
  lease_until: number;
  reason: string | null;
  alone: number;
  /** Null: the person of the profile was erased. */
  payload: Uint8Array | null;
};

/** What a patch holds, as it is sealed. */
export type Content = { patch: ProfilePatch; facts: PatchFacts };

export const PATCH_ROW = `
SELECT p.request_id, p.call_id, p.call_hash, p.job_no, j.job_id, j.caller, p.person_id, p.profile_id, p.patch_no, p.state, p.attempts,
       p.first_attempt_at, p.fence, p.unknown, p.lease_until, p.reason, p.alone, p.payload
  FROM patches AS p
  JOIN jobs AS j USING (job_no)`;

/** The place behind all patches of a profile that are not over yet. */
export const NEXT_IN_LINE = `(SELECT coalesce(max(patch_no), 0) + 1 FROM patches WHERE person_id = ? AND state IN ('waiting', 'in_flight'))`;

/** The patches that go out under one id, in their order. */
export function carriedBy({ db }: Context, callId: string): PatchRow[] {
  return db.all<PatchRow>(`${PATCH_ROW} WHERE p.call_id = ? AND p.state = 'in_flight' ORDER BY p.patch_no`, callId);
}

/** The contents of patches of one profile, none of them erased. */
export function contentsOf(context: Context, rows: readonly PatchRow[]): Content[] {
  const [first] = rows;
  if (first === undefined) return [];
  const key = keyOf(context, first.person_id);
  return rows.map(({ payload }) => {
    if (payload === null) throw new Error('an erased patch cannot be sent');
    return JSON.parse(context.vault.open(payload, key)) as Content;
  });
}

export function shiftJob(context: Context, jobNo: number, from: JobCounter, to: JobCounter, now: number): void {
  applyShift(context, jobNo, new Map([[from, -1], [to, 1]]), now);
}

/**
 * Takes patches out of the call that they share: each goes by itself from now on, under its own id. So it is where CXone
 * refused what they say together, and where one of them was erased: what goes out under one id never changes.
 */
export function sendApart(context: Context, rows: readonly PatchRow[], given: { now: number; dueAt: number; countAttempt: boolean; unknown: boolean }): void {
  for (const row of rows) {
    context.db.run(
      `UPDATE patches
          SET state = 'waiting', call_id = NULL, call_hash = NULL, alone = 1, attempts = attempts + ?, unknown = max(unknown, ?), due_at = ?, lease_until = 0, reason = NULL
        WHERE request_id = ?`,
      Number(given.countAttempt),
      Number(given.unknown),
      given.dueAt,
      row.request_id,
    );
    shiftJob(context, row.job_no, 'in_flight', 'waiting', given.now);
  }
}

/** Ends a patch that was in the air when its profile was erased, whatever became of it. */
export function closeErasedPatch(context: Context, row: PatchRow, now: number): void {
  context.db.run(`UPDATE patches SET state = 'cancelled', reason = ?, lease_until = 0 WHERE request_id = ?`, ERASED_REASON, row.request_id);
  shiftJob(context, row.job_no, row.state, 'failed', now);
}
