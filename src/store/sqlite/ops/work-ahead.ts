import type { WorkAhead } from '../../../domain/ports/delivery-store.ts';
import type { Context } from '../context.ts';
import { CONTACTS_PER_JOB } from './contacts.ts';

/**
 * What goes out up to the last contact of a job, or of everything; a patch stands in no line with merges. People are
 * counted along the index of turns: 3.5 ms for each 100,000 of them.
 */
export function workAhead(context: Context, { jobId, now }: { jobId?: string; now: number }): WorkAhead {
  const job = jobId === undefined ? undefined : context.db.get<{ job_no: number; waiting: number; kind: string }>('SELECT job_no, waiting, kind FROM jobs WHERE job_id = ?', jobId);
  const upto = job?.kind === 'merge' ? job.job_no : Math.floor(Number.MAX_SAFE_INTEGER / CONTACTS_PER_JOB) - 1;
  const isSent = job?.kind === 'merge' && job.waiting === 0;
  const count = (sql: string, ...values: number[]): number => context.db.get<{ n: number | null }>(sql, ...values)?.n ?? 0;
  return {
    people: isSent ? 0 : peopleUpTo(context, upto),
    chunks: count('SELECT count(*) AS n FROM chunks WHERE lease_until <= ?', now),
    profiles: count(`SELECT count(DISTINCT person_id) AS n FROM patches WHERE state IN ('waiting', 'in_flight') AND lease_until <= ?`, now),
  };
}

function peopleUpTo({ db, journal }: Context, jobNo: number): number {
  const last = (jobNo + 1) * CONTACTS_PER_JOB - 1;
  const count = (sql: string, value: number): number => db.get<{ n: number | null }>(sql, value)?.n ?? 0;
  const inLine = count('SELECT count(*) AS n FROM persons WHERE available_rank IS NOT NULL AND available_rank <= ?', last);
  const held = count('SELECT count(*) AS n FROM persons WHERE held_by IS NOT NULL AND rank IS NOT NULL AND rank <= ?', last);
  const unfiled = journal.size === 0 ? 0 : count('SELECT sum(contacts) AS n FROM journal WHERE job_no <= ?', jobNo);
  // Of an upload that is released slice by slice, the share that has no turn yet.
  const staged = count(
    `SELECT sum(waiting * max(0, received - 1 - staged_upto) / max(1, received)) AS n FROM jobs WHERE sealed = 1 AND staged_upto IS NOT NULL AND job_no <= ?`,
    jobNo,
  );
  return inLine + held + unfiled + staged;
}
