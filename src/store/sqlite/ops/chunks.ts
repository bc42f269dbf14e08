import { v7 as uuidv7 } from 'uuid';
import type { Context } from '../context.ts';
import { groupByPerson, move } from './contacts.ts';
import type { ContactRow } from './contacts.ts';

export type ChunkRow = {
  request_id: string;
  people: number;
  attempts: number;
  first_attempt_at: number;
  due_at: number;
  lease_until: number;
  fence: number;
  unknown: number;
  reason: string | null;
};

/** The contacts of one person in a chunk; `fingerprint` of what is sent of it, where that is not what it was. */
type Part = { personId: number; rows: readonly ContactRow[]; fingerprint?: Buffer };

export function partsOf(rows: readonly ContactRow[]): Part[] {
  return [...groupByPerson(rows)].map(([personId, contacts]) => ({ personId, rows: contacts }));
}

/**
 * Makes a chunk of contacts that wait, or of a part of another chunk. It has an id of its own from the start:
 * what is sent under one `X-Request-ID` never changes.
 */
export function newChunk(context: Context, parts: readonly Part[], given: { now: number; from?: ChunkRow }): ChunkRow {
  const rows = parts.flatMap((part) => part.rows);
  const chunk: ChunkRow = {
    request_id: uuidv7(),
    people: parts.length,
    attempts: given.from?.attempts ?? 0,
    first_attempt_at: given.from?.first_attempt_at ?? given.now,
    due_at: given.now,
    lease_until: 0,
    fence: 0,
    unknown: given.from?.unknown ?? 0,
    reason: null,
  };
  context.db.run(
    'INSERT INTO chunks (request_id, people, attempts, first_attempt_at, due_at, lease_until, fence, unknown) VALUES (?, ?, ?, ?, ?, 0, 0, ?)',
    chunk.request_id,
    chunk.people,
    chunk.attempts,
    chunk.first_attempt_at,
    chunk.due_at,
    chunk.unknown,
  );
  const taken = given.from === undefined;
  if (taken) move(context, rows, 'in_flight', { now: given.now, requestId: chunk.request_id });
  else {
    context.db.run(
      'UPDATE contacts SET request_id = ? WHERE contact_no IN (SELECT value FROM json_each(?))',
      chunk.request_id,
      JSON.stringify(rows.map((row) => row.contact_no)),
    );
  }
  // Whoever moves from one chunk to another may have something newer that waits: that keeps its turn.
  context.db.run(
    `UPDATE persons
        SET held_by = ?, held_until = NULL, rank = CASE WHEN ? THEN NULL ELSE rank END, in_flight = coalesce(unhex(part.value ->> 1), in_flight)
       FROM json_each(?) AS part
      WHERE person_id = part.value ->> 0`,
    chunk.request_id,
    Number(taken),
    JSON.stringify(parts.map(({ personId, fingerprint }) => [personId, fingerprint?.toString('hex')])),
  );
  if (given.from !== undefined) dropIfEmpty(context, given.from.request_id);
  return chunk;
}

export function dropIfEmpty({ db }: Context, requestId: string): void {
  const left = db.get<{ n: number }>(`SELECT count(*) AS n FROM contacts WHERE request_id = ? AND state = 'in_flight'`, requestId)?.n ?? 0;
  if (left === 0) db.run('DELETE FROM chunks WHERE request_id = ?', requestId);
}
