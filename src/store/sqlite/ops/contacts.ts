import { counterOf, mayMove } from '../../../domain/delivery/states.ts';
import type { ContactState, JobCounter } from '../../../domain/delivery/states.ts';
import type { Contact } from '../../../domain/contact/types.ts';
import type { Context } from '../context.ts';

export type ContactRow = {
  contact_no: number;
  job_no: number;
  idx: number;
  person_id: number;
  state: ContactState;
  duplicate_of: number | null;
};

/** What a waiting contact keeps sealed: the normalized contact, and address and phone as they came. */
export type ContactPayload = {
  contact: Contact;
  raw: { address?: string; phone?: string };
  receivedAt: number;
  /** Who sent it. */
  source?: string;
  /** Country by which consent is judged; absent counts as covered. A guessed country is none. */
  judged?: string;
};

/** Turn of a contact in the queue: the order of arrival. A job has at most 2^24 contacts. */
export const CONTACTS_PER_JOB = 2 ** 24;
/** Subtracted from the turn of a contact that takes consent back, so that it goes first. */
export const PRIORITY = 2 ** 52;

/**
 * The one place that changes where contacts stand. Keeps the counters of their jobs true in the same
 * transaction. Throws when the transition table does not know the move: that is a mistake of ours.
 */
export function move(
  context: Context,
  rows: readonly ContactRow[],
  to: ContactState,
  change: { now: number; requestId?: string | null; reason?: string },
): void {
  const shifts = new Map<number, Map<JobCounter, number>>();
  for (const row of rows) {
    if (!mayMove(row.state, to)) throw new Error(`a contact may not go from ${row.state} to ${to}`);
    context.db.run(
      `UPDATE contacts
          SET state = ?, settled_at = ?, reason = ?, request_id = CASE WHEN ? THEN ? ELSE request_id END
        WHERE contact_no = ?`,
      to,
      change.now,
      change.reason ?? null,
      change.requestId === undefined ? 0 : 1,
      change.requestId ?? null,
      row.contact_no,
    );
    if (row.duplicate_of === null) shift(shifts, row, to);
  }
  for (const [jobNo, counters] of shifts) applyShift(context, jobNo, counters, change.now);
}

function shift(shifts: Map<number, Map<JobCounter, number>>, row: ContactRow, to: ContactState): void {
  const counters = shifts.get(row.job_no) ?? new Map<JobCounter, number>();
  shifts.set(row.job_no, counters);
  for (const [counter, by] of [[counterOf(row.state), -1], [counterOf(to), 1]] as const) {
    if (counter !== undefined) counters.set(counter, (counters.get(counter) ?? 0) + by);
  }
}

/** Moves a job's counters, and notes when nothing of it is left to do (or takes that back). */
export function applyShift({ db }: Context, jobNo: number, by: ReadonlyMap<JobCounter, number>, now: number): void {
  db.run(
    `UPDATE jobs
        SET waiting   = waiting + ?,
            in_flight = in_flight + ?,
            submitted = submitted + ?,
            confirmed = confirmed + ?,
            failed    = failed + ?
      WHERE job_no = ?`,
    by.get('waiting') ?? 0,
    by.get('in_flight') ?? 0,
    by.get('submitted') ?? 0,
    by.get('confirmed') ?? 0,
    by.get('failed') ?? 0,
    jobNo,
  );
  db.run(
    `UPDATE jobs
        SET completed_at = CASE WHEN confirmed + failed = accepted THEN coalesce(completed_at, ?) END
      WHERE job_no = ? AND sealed = 1`,
    now,
    jobNo,
  );
}

/** How many contacts these are to their jobs: a duplicate shares the fate of another and is counted as a duplicate only. */
export function countOf(rows: readonly ContactRow[]): number {
  return rows.filter((row) => row.duplicate_of === null).length;
}

const COLUMNS = 'contact_no, job_no, idx, person_id, state, duplicate_of';

export function inFlightOf({ db }: Context, requestId: string): ContactRow[] {
  return db.all<ContactRow>(`SELECT ${COLUMNS} FROM contacts WHERE request_id = ? AND state = 'in_flight' ORDER BY person_id, contact_no`, requestId);
}

export function contactsOf({ db }: Context, personId: number, state: ContactState): ContactRow[] {
  return db.all<ContactRow>(
    `SELECT ${COLUMNS}
       FROM contacts
      WHERE person_id = ? AND state = ?
      ORDER BY contact_no`,
    personId,
    state,
  );
}

export function jobIdsOf({ db }: Context, rows: readonly { job_no: number }[]): string[] {
  const numbers = [...new Set(rows.map((row) => row.job_no))];
  return numbers.map((no) => db.get<{ job_id: string }>('SELECT job_id FROM jobs WHERE job_no = ?', no)?.job_id ?? '').filter((id) => id !== '');
}
