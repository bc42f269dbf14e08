import type { Context } from '../context.ts';
import { dropIfEmpty, newChunk, partsOf } from './chunks.ts';
import type { ChunkRow } from './chunks.ts';
import { applyShift, contactsOf, inFlightOf, move } from './contacts.ts';
import type { ContactRow } from './contacts.ts';
import { ERASED_REASON } from './erased.ts';

export type Stopped = { contacts: number; patches: number; exports: number; deadLetters: number };

const OPEN_STATES = ['staged', 'waiting', 'set_aside', 'submitted', 'unconfirmed'] as const;

/**
 * Takes everything of a person out of the queues that is not in the air at this moment. What is in the air is settled
 * by its answer, and never sent again.
 */
export function stopQueues(context: Context, personId: number, now: number): Stopped {
  const { db } = context;
  const rows = contactsOf(context, [personId], ...OPEN_STATES);
  const resting = [...rows, ...leaveChunks(context, personId, now)];
  move(context, resting, 'cancelled', { now, reason: ERASED_REASON, requestId: null });
  db.run('UPDATE persons SET rank = NULL WHERE person_id = ?', personId);
  context.prepared.forget(personId);
  const patches = cancelPatches(context, personId, now);
  const exports = cancelExports(context, personId, now);
  const deadLetters = db.run('DELETE FROM dead_letters WHERE person_id = ?', personId);
  return { contacts: resting.length, patches, exports, deadLetters };
}

/** Whether anything of a person was sent to CXone, or may have been. */
export function wasSentToCxone({ db }: Context, personId: number): boolean {
  const sent = db.get<{ known: number }>(
    `SELECT current IS NOT NULL OR cxone_hash IS NOT NULL
            OR EXISTS (SELECT 1 FROM contacts WHERE person_id = persons.person_id AND state IN ('in_flight', 'submitted', 'unconfirmed', 'confirmed', 'superseded'))
            OR EXISTS (SELECT 1 FROM patches WHERE person_id = persons.person_id AND (state = 'confirmed' OR fence > 0)) AS known
       FROM persons
      WHERE person_id = ?`,
    personId,
  );
  return sent?.known === 1;
}

/** Leaves chunks that wait to be sent again; the rest of each goes under a new id, as it is another chunk then. */
function leaveChunks(context: Context, personId: number, now: number): ContactRow[] {
  const chunks = context.db.all<ChunkRow>(
    `SELECT * FROM chunks
      WHERE lease_until <= ? AND request_id IN (SELECT request_id FROM contacts WHERE person_id = ? AND state = 'in_flight')`,
    now,
    personId,
  );
  const left: ContactRow[] = [];
  for (const chunk of chunks) {
    const rows = inFlightOf(context, chunk.request_id);
    const others = rows.filter((row) => row.person_id !== personId);
    left.push(...rows.filter((row) => row.person_id === personId));
    const unknown = Number(chunk.unknown === 1 || chunk.lease_until > 0);
    if (others.length > 0) {
      const renewed = newChunk(context, partsOf(others), { from: { ...chunk, unknown }, now });
      context.db.run('UPDATE chunks SET due_at = ?, reason = ? WHERE request_id = ?', chunk.due_at, chunk.reason, renewed.request_id);
    }
    for (const row of rows) if (row.person_id === personId) context.db.run('UPDATE contacts SET request_id = NULL WHERE contact_no = ?', row.contact_no);
    dropIfEmpty(context, chunk.request_id);
  }
  return left;
}

function cancelPatches(context: Context, personId: number, now: number): number {
  const rows = context.db.all<{ request_id: string; job_no: number; state: 'waiting' | 'in_flight' | 'set_aside' }>(
    `SELECT request_id, job_no, state FROM patches WHERE person_id = ? AND (state IN ('waiting', 'set_aside') OR state = 'in_flight' AND lease_until <= ?)`,
    personId,
    now,
  );
  for (const row of rows) {
    context.db.run(`UPDATE patches SET state = 'cancelled', reason = ?, payload = NULL WHERE request_id = ?`, ERASED_REASON, row.request_id);
    if (row.state !== 'set_aside') applyShift(context, row.job_no, new Map([[row.state, -1], ['failed', 1]]), now);
  }
  return rows.length;
}

function cancelExports({ db }: Context, personId: number, now: number): number {
  return db.run(
    `UPDATE exports SET state = 'cancelled', reason = ?
      WHERE person_id = ?
        AND (state = 'waiting'
             OR state = 'in_flight' AND NOT EXISTS (SELECT 1 FROM export_messages AS m WHERE m.message_id = exports.message_id AND m.lease_until > ?))`,
    ERASED_REASON,
    personId,
    now,
  );
}
