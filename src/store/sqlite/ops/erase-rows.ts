import { v7 as uuidv7 } from 'uuid';
import type { Context } from '../context.ts';
import type { PersonKey } from '../vault.ts';
import { cleanAnswers } from './answers.ts';
import { ERASED_REASON } from './erased.ts';
import { keyOf, personById } from './persons.ts';

export type Erased = { contacts: number; consentEvents: number; patches: number; exports: number; answers: number; notices: number };

/** What a profile's id is replaced by in the record of its patches. */
export const NO_PROFILE = '00000000-0000-0000-0000-000000000000';

/**
 * Deletes everything about a person: the key first, so that no copy of what it sealed is readable anywhere. The
 * contacts stay in their jobs as numbers without a person; what is in the air keeps the number of the person until it
 * is settled. Recipients still to be told get a notice each, sealed under the key of the erasure.
 */
export function eraseRows(context: Context, personId: number, erasure: { no: number; key: PersonKey; now: number }): Erased {
  const { db } = context;
  const person = personById(context, personId);
  if (person === undefined) return { contacts: 0, consentEvents: 0, patches: 0, exports: 0, answers: 0, notices: 0 };
  const notices = leaveNotices(context, personId, erasure);
  const answers = cleanAnswers(context, personId);
  const cxone = db.get<{ cxone_hash: Uint8Array | null }>('SELECT cxone_hash FROM persons WHERE person_id = ?', personId)?.cxone_hash;

  db.run('UPDATE person_keys SET wrapped = zeroblob(length(wrapped)) WHERE person_id = ?', personId);
  if (cxone != null) db.run('DELETE FROM webhook_events WHERE target_hash = ?', cxone);
  const contacts = db.run(
    `UPDATE contacts
        SET payload = NULL,
            person_id = CASE WHEN state = 'in_flight' THEN person_id END,
            reason = CASE WHEN state IN ('confirmed', 'unchanged', 'superseded', 'in_flight') THEN NULL ELSE ? END
      WHERE person_id = ?`,
    ERASED_REASON,
    personId,
  );
  const patches = db.run('UPDATE patches SET payload = NULL, profile_id = ?, reason = NULL WHERE person_id = ?', NO_PROFILE, personId);
  const exports = db.run(`DELETE FROM exports WHERE person_id = ? AND state <> 'in_flight'`, personId);
  const consentEvents = db.run('DELETE FROM consent_events WHERE person_id = ?', personId);
  db.run('UPDATE exports SET external_id = NULL WHERE person_id = ?', personId);
  db.run('DELETE FROM identifiers WHERE person_id = ?', personId);
  db.run('DELETE FROM persons WHERE person_id = ?', personId);
  return { contacts, consentEvents, patches, exports, answers, notices };
}

/** One notice for each id under which the person was, or may have been, exported. */
function leaveNotices(context: Context, personId: number, erasure: { no: number; key: PersonKey; now: number }): number {
  const { db, vault } = context;
  const key = keyOf(context, personId);
  const sent = db.all<{ external_id: Uint8Array }>('SELECT external_id FROM exports WHERE person_id = ? AND external_id IS NOT NULL', personId);
  const ids = new Set(sent.map((row) => vault.open(row.external_id, key)));
  for (const id of ids) {
    db.run(
      'INSERT INTO erasure_notices (message_id, erasure_no, person_id, first_attempt_at, due_at, sealed) VALUES (?, ?, ?, ?, ?, ?)',
      `msg_${uuidv7()}`,
      erasure.no,
      personId,
      erasure.now,
      erasure.now,
      vault.seal(id, erasure.key),
    );
  }
  return ids.size;
}
