import type { ContactState, JobStatus } from '../../../domain/delivery/states.ts';
import type { JobContactView, JobView } from '../../../domain/ports/record-store.ts';
import type { Context } from '../context.ts';
import { openCurrent, personById } from './persons.ts';

type JobRow = {
  job_no: number;
  job_id: string;
  kind: 'merge' | 'profile';
  status: JobStatus;
  received: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  waiting: number;
  in_flight: number;
  submitted: number;
  confirmed: number;
  failed: number;
  attempts: number;
  created_at: number;
  completed_at: number | null;
};

type ContactLine = { idx: number; state: ContactState; duplicate_of: number | null; reason: string | null; person_id: number | null };

const COLUMNS = `job_no, job_id, kind, status, received, accepted, duplicates, rejected,
       waiting, in_flight, submitted, confirmed, failed, attempts, created_at, completed_at`;
const WITH_CONTACT_ID: ReadonlySet<ContactState> = new Set(['submitted', 'confirmed', 'unconfirmed', 'unchanged']);

/** See {@link import('../../../domain/ports/store.ts').JobStore}. */
export function getJob(context: Context, input: { jobId: string; after: number; limit: number }): { job: JobView; contacts: JobContactView[]; more: boolean } | null {
  const row = context.db.get<JobRow>(`SELECT ${COLUMNS} FROM jobs WHERE job_id = ?`, input.jobId);
  if (row === undefined) return null;
  if (row.kind === 'profile') return { job: viewOf(context, row), contacts: [patchLine(context, row)], more: false };
  const lines = context.db.all<ContactLine>(
    'SELECT idx, state, duplicate_of, reason, person_id FROM contacts WHERE job_no = ? AND idx > ? ORDER BY idx LIMIT ?',
    row.job_no,
    input.after,
    input.limit + 1,
  );
  if (lines.length === 0) lines.push(...unfiledLines(context, row.job_no, input.after).slice(0, input.limit + 1));
  const page = lines.slice(0, input.limit);
  return { job: viewOf(context, row), contacts: page.map((line) => contactView(context, line)), more: lines.length > input.limit };
}

export function listJobs(context: Context, input: { status?: JobStatus; before?: string; limit: number }): JobView[] {
  const before = input.before === undefined ? Number.MAX_SAFE_INTEGER : (context.db.get<{ job_no: number }>('SELECT job_no FROM jobs WHERE job_id = ?', input.before)?.job_no ?? 0);
  const rows =
    input.status === undefined
      ? context.db.all<JobRow>(`SELECT ${COLUMNS} FROM jobs WHERE sealed = 1 AND job_no < ? ORDER BY job_no DESC LIMIT ?`, before, input.limit)
      : context.db.all<JobRow>(`SELECT ${COLUMNS} FROM jobs WHERE sealed = 1 AND status = ? AND job_no < ? ORDER BY job_no DESC LIMIT ?`, input.status, before, input.limit);
  return rows.map((row) => viewOf(context, row));
}

function viewOf({ db }: Context, row: JobRow): JobView {
  const next =
    row.in_flight === 0
      ? undefined
      : row.kind === 'profile'
        ? db.get<{ at: number | null }>(`SELECT min(due_at) AS at FROM patches WHERE job_no = ? AND attempts > 0 AND state IN ('waiting', 'in_flight')`, row.job_no)
        : db.get<{ at: number | null }>(
            `SELECT min(due_at) AS at
               FROM chunks
              WHERE reason IS NOT NULL
                AND EXISTS (SELECT 1 FROM contacts WHERE contacts.request_id = chunks.request_id AND contacts.state = 'in_flight' AND contacts.job_no = ?)`,
            row.job_no,
          );
  return {
    jobId: row.job_id,
    kind: row.kind,
    status: row.status,
    received: row.received,
    accepted: row.accepted,
    duplicates: row.duplicates,
    rejected: row.rejected,
    submitted: row.submitted + row.confirmed,
    confirmed: row.confirmed,
    failed: row.failed,
    pending: row.accepted - row.confirmed - row.failed,
    attempts: row.attempts,
    nextAttemptAt: next?.at ?? null,
    createdAt: row.created_at,
    completedAt: row.completed_at,
  };
}

/** Contacts of a batch that is acknowledged and not filed yet. */
function unfiledLines({ journal }: Context, jobNo: number, after: number): ContactLine[] {
  return journal
    .outcomesOf(jobNo)
    .filter(({ outcome }) => outcome.index > after)
    .map(({ outcome }): ContactLine => {
      const rejected = outcome.outcome === 'rejected';
      return { idx: outcome.index, state: rejected ? 'rejected' : 'waiting', duplicate_of: outcome.duplicateOf ?? null, reason: rejected ? outcome.errors.map(({ code }) => code).join(',') : null, person_id: null };
    });
}

function contactView(context: Context, line: ContactLine): JobContactView {
  const view: JobContactView = { index: line.idx, status: line.duplicate_of === null ? line.state : 'duplicate' };
  if (line.duplicate_of !== null) view.duplicateOf = line.duplicate_of;
  if (line.reason !== null) view.reason = line.reason;
  const contactId = line.person_id === null || !WITH_CONTACT_ID.has(line.state) ? undefined : contactIdOf(context, line.person_id);
  if (contactId !== undefined) view.contactId = contactId;
  return view;
}

function contactIdOf(context: Context, personId: number): string | undefined {
  const person = personById(context, personId);
  return person === undefined ? undefined : openCurrent(context, person, context.vault.unwrap(person.wrapped_key))?.contactId;
}

function patchLine({ db }: Context, row: JobRow): JobContactView {
  const patch = db.get<{ state: ContactState; profile_id: string; reason: string | null }>('SELECT state, profile_id, reason FROM patches WHERE job_no = ?', row.job_no);
  const view: JobContactView = { index: 0, status: patch?.state ?? 'cancelled' };
  if (patch !== undefined) view.contactId = patch.profile_id;
  if (patch?.reason != null) view.reason = patch.reason;
  return view;
}
