import type { StoreStats, SweepInput } from '../../../domain/ports/store.ts';
import type { Context } from '../context.ts';
import { endHolds, expireConfirmations } from './confirmations.ts';
import { releaseStaged } from './intake.ts';
import { REWRAP_STEP, rewrapKeys } from './key-rotation.ts';
import { sweepPeople } from './retention-people.ts';
import { sweepRetention } from './retention.ts';

/** Longer than the longest window of a limiter. */
const CALLS_KEEP_MS = 10 * 60_000;

export function stats({ db, journal }: Context): StoreStats {
  const totals = db.get<{ waiting: number; in_flight: number; submitted: number }>('SELECT waiting, in_flight, submitted FROM totals')!;
  const count = (sql: string): number => db.get<{ n: number }>(sql)?.n ?? 0;
  const first = db.get<{ person_id: number }>('SELECT person_id FROM persons WHERE available_rank IS NOT NULL ORDER BY available_rank LIMIT 1');
  const oldest = first === undefined ? undefined : db.get<{ at: number | null }>(`SELECT min(received_at) AS at FROM contacts WHERE person_id = ? AND state = 'waiting'`, first.person_id);
  return {
    waiting: totals.waiting,
    inFlight: totals.in_flight,
    submitted: totals.submitted,
    unconfirmed: count(`SELECT count(*) AS n FROM contacts WHERE state = 'unconfirmed'`),
    deadLetters: count('SELECT count(*) AS n FROM dead_letters'),
    patchesWaiting: count(`SELECT count(*) AS n FROM patches WHERE state IN ('waiting', 'in_flight')`),
    exportsWaiting: count(`SELECT count(*) AS n FROM exports WHERE state IN ('waiting', 'in_flight')`),
    // Whoever has a turn came before those that are not filed yet.
    oldestWaitingSince: oldest?.at ?? journal.oldestAt(),
  };
}

/** See {@link import('../../../domain/ports/store.ts').Store}. */
export function keepSecret({ db, vault }: Context, { name, candidate }: { name: string; candidate: string }): string {
  const kept = db.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM secrets WHERE name = ?', name);
  if (kept !== undefined) return vault.openSecret(kept.wrapped);
  db.run('INSERT INTO secrets (name, wrapped) VALUES (?, ?)', name, vault.sealSecret(candidate));
  return candidate;
}

/** One small step of all that time alone brings about. Answers whether there is more to do at once. */
export function sweep(context: Context, input: SweepInput): { more: boolean } {
  const staged = releaseStaged(context);
  const late = expireConfirmations(context, input.now, input.confirmationTimeoutMs);
  const held = endHolds(context, input.now);
  const expired = sweepRetention(context, input);
  const forgotten = sweepPeople(context, input);
  const rewrapped = rewrapKeys(context, { limit: REWRAP_STEP, now: input.now }).done;
  context.db.run('DELETE FROM calls WHERE sent_at <= ?', input.now - CALLS_KEEP_MS);
  return { more: staged || late || held || expired || forgotten || !rewrapped };
}
