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
  received_at: number;
  request_id: string | null;
  overridden: number;
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
  if (rows.length === 0) return;
  const shifts = new Map<number, Map<JobCounter, number>>();
  for (const row of rows) {
    if (!mayMove(row.state, to)) throw new Error(`a contact may not go from ${row.state} to ${to}`);
    if (row.duplicate_of === null) shift(shifts, row, to);
  }
  context.db.run(
    `UPDATE contacts
        SET state = ?, settled_at = ?, reason = ?, request_id = CASE WHEN ? THEN ? ELSE request_id END
      WHERE contact_no IN (SELECT value FROM json_each(?))`,
    to,
    change.now,
    change.reason ?? null,
    change.requestId === undefined ? 0 : 1,
    change.requestId ?? null,
    JSON.stringify(rows.map((row) => row.contact_no)),
  );
  for (const [jobNo, counters] of shifts) applyShift(context, jobNo, counters, change.now);
}

function shift(shifts: Map<number, Map<JobCounter, number>>, row: ContactRow, to: ContactState): void {
  const counters = shifts.get(row.job_no) ?? new Map<JobCounter, number>();
  shifts.set(row.job_no, counters);
  for (const [counter, by] of [[counterOf(row.state), -1], [counterOf(to), 1]] as const) {
    if (counter !== undefined) counters.set(counter, (counters.get(counter) ?? 0) + by);
  }
}

/** Counts the contacts of a new job in; what then becomes of them is counted by the triggers of its row. */
export function countNew({ db }: Context, waiting: number): void {
  db.run('UPDATE totals SET waiting = waiting + ?', waiting);
}

/** Moves a job's counters, and notes when nothing of it is left to do (or takes that back). */
export function applyShift({ db }: Context, jobNo: number, by: ReadonlyMap<JobCounter, number>, now: number): void {
  const ended = (by.get('confirmed') ?? 0) + (by.get('failed') ?? 0);
  db.run(
    `UPDATE jobs
        SET waiting   = waiting + ?,
            in_flight = in_flight + ?,
            submitted = submitted + ?,
            confirmed = confirmed + ?,
            failed    = failed + ?,
            completed_at = CASE
              WHEN sealed = 0 THEN completed_at
              WHEN confirmed + failed + ? = accepted THEN coalesce(completed_at, ?)
            END
      WHERE job_no = ?`,
    by.get('waiting') ?? 0,
    by.get('in_flight') ?? 0,
    by.get('submitted') ?? 0,
    by.get('confirmed') ?? 0,
    by.get('failed') ?? 0,
    ended,
    now,
    jobNo,
  );
}

/** How many contacts these are to their jobs: a duplicate shares the fate of another and is counted as a duplicate only. */
export function countOf(rows: readonly ContactRow[]): number {
  return rows.filter((row) => row.duplicate_of === null).length;
}

/** The columns of a {@link ContactRow}. */
export const CONTACT_COLUMNS = 'contact_no, job_no, idx, person_id, state, duplicate_of, received_at, request_id, overridden';

/** The contacts of a chunk, person by person: the order in which they are sent. */
export function inFlightOf({ db }: Context, requestId: string): ContactRow[] {
  return db.all<ContactRow>(`SELECT ${CONTACT_COLUMNS} FROM contacts WHERE request_id = ? AND state = 'in_flight' ORDER BY person_id, contact_no`, requestId);
}

/** The contacts of people that stand somewhere; one read for many people costs a fifth of one each. */
export function contactsOf({ db }: Context, people: readonly number[], ...states: ContactState[]): ContactRow[] {
  return db.all<ContactRow>(
    `SELECT ${CONTACT_COLUMNS}
       FROM contacts
      WHERE person_id IN (SELECT value FROM json_each(?)) AND state IN (SELECT value FROM json_each(?))
      ORDER BY person_id, contact_no`,
    JSON.stringify(people),
    JSON.stringify(states),
  );
}

export function groupByPerson(rows: readonly ContactRow[]): Map<number, ContactRow[]> {
  const people = new Map<number, ContactRow[]>();
  for (const row of rows) {
    const known = people.get(row.person_id);
    if (known === undefined) people.set(row.person_id, [row]);
    else known.push(row);
  }
  return people;
}

/** What contacts keep sealed, by their number; those that keep nothing any more are left out. */
export function payloadsOf({ db }: Context, rows: readonly ContactRow[]): Map<number, Uint8Array> {
  const kept = db.all<{ contact_no: number; payload: Uint8Array }>(
    'SELECT contact_no, payload FROM contacts WHERE contact_no IN (SELECT value FROM json_each(?)) AND payload IS NOT NULL ORDER BY contact_no',
    JSON.stringify(rows.map((row) => row.contact_no)),
  );
  return new Map(kept.map((row) => [row.contact_no, row.payload]));
}

/** The ids of the jobs that rows are of, in the order of the rows; of `jobs`, where many such questions are asked. */
export function jobIdsOf(context: Context, rows: readonly { job_no: number }[], jobs = jobIds(context, rows)): string[] {
  return [...new Set(rows.map((row) => row.job_no))].flatMap((no) => jobs.get(no) ?? []);
}

/** The ids of the jobs that rows are of, by their number. */
export function jobIds({ db }: Context, rows: readonly { job_no: number }[]): Map<number, string> {
  const numbers = new Set(rows.map((row) => row.job_no));
  const jobs = db.all<{ job_no: number; job_id: string }>('SELECT job_no, job_id FROM jobs WHERE job_no IN (SELECT value FROM json_each(?))', JSON.stringify([...numbers]));
  return new Map(jobs.map((job) => [job.job_no, job.job_id]));
}
