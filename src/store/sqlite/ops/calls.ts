import type { Context } from '../context.ts';

/** Counts a call from its claim on: from then on it may go out, also where nobody lives to tell. */
export function bookCall({ db }: Context, requestId: string, now: number): void {
  db.run('INSERT INTO calls (sent_at, request_id) VALUES (?, ?)', now, requestId);
}

/** Takes the last call under an id back, for a claim that is given up before anything was sent. */
export function takeBackCall({ db }: Context, requestId: string): void {
  db.run('DELETE FROM calls WHERE call_no = (SELECT call_no FROM calls WHERE request_id = ? ORDER BY call_no DESC LIMIT 1)', requestId);
}
