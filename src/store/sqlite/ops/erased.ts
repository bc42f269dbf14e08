import type { Context } from '../context.ts';
import { move } from './contacts.ts';
import type { ContactRow } from './contacts.ts';

/** What is said of a contact, patch or export whose person was erased. */
export const ERASED_REASON = 'erased_subject';

/** Whether the person of a row is gone. Rows of calls in the air still name people who were erased meanwhile. */
export function isGone({ db }: Context, personId: number): boolean {
  return db.get('SELECT 1 AS one FROM persons WHERE person_id = ?', personId) === undefined;
}

/** Ends contacts of an erased person: they stay in their jobs, as cancelled, and nothing of the person is in them. */
export function closeErased(context: Context, rows: readonly ContactRow[], now: number): void {
  move(context, rows, 'cancelled', { now, reason: ERASED_REASON, requestId: null });
  for (const { contact_no: no } of rows) context.db.run('UPDATE contacts SET person_id = NULL, payload = NULL WHERE contact_no = ?', no);
}
