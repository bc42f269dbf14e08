import { v7 as uuidv7 } from 'uuid';
import type { DeadLetterView } from '../../../domain/ports/delivery-store.ts';
import type { Requester } from '../../../domain/ports/record-store.ts';
import { askedBy } from '../context.ts';
import type { Context } from '../context.ts';
import type { SqlValue } from '../database.ts';
import { CONTACT_COLUMNS, applyShift, contactsOf, groupByPerson, move } from './contacts.ts';
import type { ContactRow } from './contacts.ts';
import { NEXT_IN_LINE } from './patch-rows.ts';
import { releasePeople, subjectsOf } from './persons.ts';

type Filter = { id?: string; after?: string; reason?: string; jobId?: string; from?: number; to?: number; limit: number };
type LetterRow = {
  dead_letter_id: string;
  api: 'contacts' | 'profiles';
  contact_no: number | null;
  patch_id: string | null;
  person_id: number;
  job_no: number;
  job_id: string;
  idx: number;
  reason: string;
  attempts: number;
  created_at: number;
};

export function listDeadLetters(context: Context, filter: Filter): DeadLetterView[] {
  return select(context, filter).map((row) => ({
    id: row.dead_letter_id,
    jobId: row.job_id,
    index: row.idx,
    api: row.api,
    reason: row.reason,
    createdAt: row.created_at,
    attempts: row.attempts,
  }));
}

/** Puts what matches back to the queue, under new request ids. Answers how many. */
export function retryDeadLetters(context: Context, input: Filter & Requester & { now: number }): number {
  const letters = select(context, input);
  for (const letter of letters) {
    if (letter.patch_id === null) retryContact(context, letter, input.now);
    else retryPatch(context, letter, letter.patch_id, input.now);
    context.db.run('DELETE FROM dead_letters WHERE dead_letter_id = ?', letter.dead_letter_id);
    context.audit.append(
      {
        action: 'dead_letter_retried',
        ...askedBy(input),
        job_id: letter.job_id,
        subjects: subjectsOf(context, letter.person_id),
        details: { dead_letter_id: letter.dead_letter_id, api: letter.api, index: letter.idx, reason: letter.reason },
        privacy_compliance: { policy_version: context.policy.policyVersion },
      },
      input.now,
    );
  }
  return letters.length;
}

/** A later version of people has gone out, or changed nothing: what was set aside of an earlier one is settled by it. */
export function clearDeadLetters(context: Context, people: readonly number[], now: number): void {
  const letters = contactsOf(context, people, 'set_aside');
  if (letters.length === 0) return;
  move(context, letters, 'superseded', { now, reason: 'superseded' });
  for (const personId of groupByPerson(letters).keys()) context.db.run(`DELETE FROM dead_letters WHERE person_id = ? AND api = 'contacts'`, personId);
}

function retryContact(context: Context, letter: LetterRow, now: number): void {
  const rows = context.db.all<ContactRow>(
    `SELECT ${CONTACT_COLUMNS}
       FROM contacts
      WHERE person_id = ? AND state = 'set_aside' AND job_no = ? AND (contact_no = ? OR duplicate_of = ?)`,
    letter.person_id,
    letter.job_no,
    letter.contact_no,
    letter.idx,
  );
  move(context, rows, 'waiting', { now, requestId: null });
  const held = context.db.get<{ held_by: string | null }>('SELECT held_by FROM persons WHERE person_id = ?', letter.person_id);
  if (held?.held_by === null) releasePeople(context, [letter.person_id]);
}

function retryPatch(context: Context, letter: LetterRow, patchId: string, now: number): void {
  context.db.run(
    `UPDATE patches
        SET request_id = ?, patch_no = ${NEXT_IN_LINE}, state = 'waiting', attempts = 0, first_attempt_at = ?, due_at = ?, lease_until = 0, unknown = 0, reason = NULL, call_id = NULL, call_hash = NULL, alone = 1
      WHERE request_id = ? AND state = 'set_aside'`,
    uuidv7(),
    letter.person_id,
    now,
    now,
    patchId,
  );
  applyShift(context, letter.job_no, new Map([['failed', -1], ['waiting', 1]]), now);
}

function select({ db }: Context, filter: Filter): LetterRow[] {
  const where: string[] = [];
  const values: SqlValue[] = [];
  const add = (clause: string, value: SqlValue | undefined): void => {
    if (value === undefined) return;
    where.push(clause);
    values.push(value);
  };
  add('d.dead_letter_id = ?', filter.id);
  add('d.dead_letter_id > ?', filter.after);
  add('d.reason = ?', filter.reason);
  add('j.job_id = ?', filter.jobId);
  add('d.created_at >= ?', filter.from);
  add('d.created_at < ?', filter.to);
  return db.all<LetterRow>(
    `SELECT d.*, j.job_id
       FROM dead_letters AS d
       JOIN jobs AS j USING (job_no)
      ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}
      ORDER BY d.dead_letter_id
      LIMIT ?`,
    ...values,
    filter.limit,
  );
}
