import { batchAnswer } from '../../../domain/batch-answer.ts';
import { CodedError } from '../../../domain/errors.ts';
import type { FieldError } from '../../../domain/errors.ts';
import type { AnswerMetrics, BatchAnswer, BatchHead, IdempotencyClaim, IncomingContact } from '../../../domain/ports/intake-store.ts';
import type { Context } from '../context.ts';
import { isSealed } from '../vault.ts';
import { saveAnswer } from './answers.ts';
import { CONTACTS_PER_JOB, countNew } from './contacts.ts';
import { planSlice, takesConsentBack } from './intake-plan.ts';
import type { Planned } from './intake-plan.ts';
import type { FiledJob } from './filing-trail.ts';
import { auditSlice, fileSlice } from './intake-write.ts';
import type { SliceCounts } from './intake-write.ts';

/** Contacts of a sealed upload that are released to the queue in one transaction. */
export const RELEASE_SLICE = 1000;

/** `text`: the contacts as JSON, where they came so. */
type Accept = { head: BatchHead; contacts: IncomingContact[]; text?: string; metrics: AnswerMetrics; idempotency?: IdempotencyClaim };
type Seal = { head: BatchHead; errors: FieldError[]; warnings: FieldError[]; metrics: AnswerMetrics; idempotency?: IdempotencyClaim };

/** See {@link import('../../../domain/ports/store.ts').IntakeStore}. */
export function acceptBatch(context: Context, { head, contacts, text, metrics, idempotency }: Accept): BatchAnswer {
  refuseOverflow(context, contacts.length);
  const busy = context.journal.isBusy(head.receivedAt);
  if (!busy) context.journal.catchUp(context);
  const planned = planSlice(context, contacts, undefined, head.receivedAt);
  const { counts, auditIds } = auditSlice(context, planned, head);
  const jobNo = createJob(context, head, 1, counts);
  const isFiledLater = (busy || context.journal.size > 0) && !takesConsentBack(context, planned);
  const stored = isFiledLater ? context.journal.keep(planned, text ?? JSON.stringify(contacts), jobNo, head.receivedAt) : fileSlice(context, planned, { job: filedJob(jobNo, head), now: head.receivedAt, state: 'waiting' });
  if (counts.accepted === 0) completeEmpty(context, jobNo, head.receivedAt);
  const submitted = appendSubmitted(context, head, counts, { ...stored, covered_contacts: planned.filter((plan) => plan.verdict?.covered === true).length });
  const answer = batchAnswer(head, { jobId: head.jobId, ...counts, ...findingsOf(planned), auditIds: [submitted, ...auditIds] }, metrics);
  if (idempotency !== undefined) saveAnswer(context, idempotency, answer, jobNo);
  return answer;
}

export function openBatch(context: Context, head: BatchHead): void {
  refuseOverflow(context, 1);
  createJob(context, head, 0, { received: 0, accepted: 0, duplicates: 0, rejected: 0 });
}

export function stageSlice(context: Context, { jobId, contacts, now }: { jobId: string; contacts: IncomingContact[]; now: number }): Findings {
  refuseOverflow(context, contacts.length);
  const job = jobOf(context, jobId);
  const planned = planSlice(context, contacts, job.job_no, now);
  const head: BatchHead = { jobId, caller: job.caller, requestId: job.request_id ?? jobId, receivedAt: now, policyVersion: context.policy.policyVersion };
  const { counts } = auditSlice(context, planned, head);
  fileSlice(context, planned, { job: filedJob(job.job_no, head), now, state: 'staged' });
  countIn(context, job.job_no, counts);
  return findingsOf(planned);
}

/** Makes an upload count: one small write, whatever its size. Its contacts are released to the queue in slices. */
export function sealBatch(context: Context, { head, errors, warnings, metrics, idempotency }: Seal): BatchAnswer {
  const job = jobOf(context, head.jobId);
  context.db.run('UPDATE jobs SET sealed = 1, staged_upto = -1 WHERE job_no = ?', job.job_no);
  completeEmpty(context, job.job_no, head.receivedAt);
  const { received, accepted, duplicates, rejected } = job;
  const counts = { received, accepted, duplicates, rejected };
  const submitted = appendSubmitted(context, head, counts, { encrypted: isUploadSealed(context, job.job_no) });
  const answer = batchAnswer(head, { jobId: head.jobId, ...counts, errors, warnings, auditIds: [submitted] }, metrics);
  if (idempotency !== undefined) saveAnswer(context, idempotency, answer, job.job_no);
  return answer;
}

/** Takes back an upload that ended early, as nothing of it was ever acknowledged. One that is gone, or sealed after all, is left as it is. */
export function abortBatch(context: Context, { jobId, now }: { jobId: string; now: number }): void {
  const job = openJob(context, jobId);
  if (job === undefined) return;
  context.audit.append(
    {
      action: 'batch_failed',
      actor: job.caller,
      job_id: jobId,
      // An upload from before requests were kept names none.
      ...(job.request_id === null ? {} : { request_id: job.request_id }),
      details: { reason: 'upload_incomplete', received: job.received },
      privacy_compliance: { policy_version: context.policy.policyVersion, stored: false },
    },
    now,
  );
  dropStaged(context, job.job_no);
}

/** Takes back uploads that a stop of the process cut off. */
export function abortUnsealed(context: Context, now: number): void {
  for (const { job_id } of context.db.all<{ job_id: string }>('SELECT job_id FROM jobs WHERE sealed = 0')) abortBatch(context, { jobId: job_id, now });
}

/** Releases one slice of a sealed upload to the queue. Answers whether there is more. */
export function releaseStaged({ db }: Context): boolean {
  const job = db.get<{ job_no: number; staged_upto: number }>('SELECT job_no, staged_upto FROM jobs WHERE sealed = 1 AND staged_upto IS NOT NULL ORDER BY job_no LIMIT 1');
  if (job === undefined) return false;
  const upto = job.staged_upto + RELEASE_SLICE;
  db.run(
    `UPDATE persons
        SET rank = coalesce(min(rank, c.turn), c.turn)
       FROM (SELECT person_id, min(job_no * ${CONTACTS_PER_JOB} + idx) AS turn
               FROM contacts
              WHERE job_no = ? AND idx > ? AND idx <= ? AND state = 'staged'
              GROUP BY person_id) AS c
      WHERE persons.person_id = c.person_id`,
    job.job_no,
    job.staged_upto,
    upto,
  );
  db.run(`UPDATE contacts SET state = 'waiting' WHERE job_no = ? AND idx > ? AND idx <= ? AND state = 'staged'`, job.job_no, job.staged_upto, upto);
  const last = db.get<{ last: number | null }>('SELECT max(idx) AS last FROM contacts WHERE job_no = ?', job.job_no)?.last ?? -1;
  db.run('UPDATE jobs SET staged_upto = ? WHERE job_no = ?', upto >= last ? null : upto, job.job_no);
  return true;
}

function refuseOverflow({ db, policy }: Context, more: number): void {
  const depth = db.get<{ n: number }>('SELECT waiting + in_flight AS n FROM totals')?.n ?? 0;
  if (depth + more > policy.queueMaxContacts) throw new CodedError('queue_full', `The queue holds ${depth} contacts and takes ${policy.queueMaxContacts}; try again later.`);
}

type Job = { job_no: number; caller: string; request_id: string | null } & SliceCounts;

function openJob({ db }: Context, jobId: string): Job | undefined {
  return db.get<Job>('SELECT job_no, caller, request_id, received, accepted, duplicates, rejected FROM jobs WHERE job_id = ? AND sealed = 0', jobId);
}

function jobOf(context: Context, jobId: string): Job {
  const job = openJob(context, jobId);
  // The file was opened anew after a failure, which ends the uploads that were under way.
  if (job === undefined) throw new CodedError('storage_unavailable', 'The upload was cut off; send it again.');
  return job;
}

function filedJob(jobNo: number, { jobId, caller, requestId }: BatchHead): FiledJob {
  return { jobNo, jobId, caller, requestId };
}

function createJob(context: Context, head: BatchHead, sealed: 0 | 1, counts: SliceCounts): number {
  if (counts.accepted > 0) countNew(context, counts.accepted);
  return context.db.insert(
    `INSERT INTO jobs (job_id, kind, caller, request_id, sealed, created_at, received, accepted, duplicates, rejected, waiting)
     VALUES (?, 'merge', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    head.jobId,
    head.caller,
    head.requestId,
    sealed,
    head.receivedAt,
    counts.received,
    counts.accepted,
    counts.duplicates,
    counts.rejected,
    counts.accepted,
  );
}

function countIn({ db }: Context, jobNo: number, counts: SliceCounts): void {
  db.run(
    `UPDATE jobs
        SET received = received + ?, accepted = accepted + ?, duplicates = duplicates + ?, rejected = rejected + ?, waiting = waiting + ?
      WHERE job_no = ?`,
    counts.received,
    counts.accepted,
    counts.duplicates,
    counts.rejected,
    counts.accepted,
    jobNo,
  );
}

/** A job of which nothing was accepted is over with its answer: no contact will ever move it. */
function completeEmpty({ db }: Context, jobNo: number, now: number): void {
  db.run('UPDATE jobs SET completed_at = ? WHERE job_no = ? AND accepted = 0', now, jobNo);
}

type Findings = { errors: FieldError[]; warnings: FieldError[] };

function findingsOf(planned: readonly Planned[]): Findings {
  const findings: Findings = { errors: [], warnings: [] };
  for (const { outcome } of planned) {
    const { index } = outcome;
    if (outcome.outcome === 'rejected') for (const error of outcome.errors) findings.errors.push({ index, ...error });
    for (const warning of outcome.warnings) findings.warnings.push({ index, ...warning });
  }
  return findings;
}

/** Each slice has told of its own contacts when it was filed; here the first one that is kept speaks for the upload. */
function isUploadSealed({ db }: Context, jobNo: number): boolean {
  const first = db.get<{ payload: Uint8Array }>('SELECT payload FROM contacts WHERE job_no = ? AND payload IS NOT NULL LIMIT 1', jobNo);
  return first === undefined || isSealed(first.payload);
}

function appendSubmitted({ audit }: Context, head: BatchHead, counts: SliceCounts, facts: { encrypted: boolean; covered_contacts?: number }): string {
  const entry = audit.append(
    {
      action: 'batch_submitted',
      actor: head.caller,
      job_id: head.jobId,
      request_id: head.requestId,
      details: { ...counts },
      privacy_compliance: { policy_version: head.policyVersion, ...facts },
    },
    head.receivedAt,
  );
  return entry.audit_id;
}

/** Deletes what a staged upload wrote of contacts; people and their evidence stay. */
function dropStaged({ db }: Context, jobNo: number): void {
  db.run(`DELETE FROM contacts WHERE job_no = ?`, jobNo);
  db.run('DELETE FROM jobs WHERE job_no = ?', jobNo);
}
