import type { Clock } from '../domain/ports/clock.ts';
import { RetryQueue } from './retry-queue.ts';

/** Moments kept in memory; beyond them the next look into the store brings them back. */
const MOMENTS_MAX = 2000;

export type AgendaOptions<Kind extends string> = {
  tickMs: number;
  clock: Clock;
  /** What to do for each kind of work when a moment of it has come. */
  handlers: Record<Kind, () => Promise<void>>;
  /** Looks into the store: the kinds that have work, and when. */
  refill(): Promise<[Kind, number][]>;
  onError(error: unknown): void;
};

/**
 * The retry queue by kinds of work: a kind has a handler and as many moments as it asks for. However many of
 * them have come, the handler runs once, and never beside itself.
 */
export class Agenda<Kind extends string> {
  readonly #queue: RetryQueue;

  constructor({ tickMs, clock, handlers, refill, onError }: AgendaOptions<Kind>) {
    this.#queue = new RetryQueue({
      tickMs,
      maxItems: MOMENTS_MAX,
      clock,
      onError,
      onTick: async () => (await refill()).map(([kind, dueAt]) => item(kind, dueAt)),
      onDue: async (items) => {
        for (const kind of new Set(items.map((due) => due.kind as Kind))) await handlers[kind]().catch(onError);
      },
    });
  }

  /** Asks for a run of a kind at a time, epoch ms. */
  at(kind: Kind, dueAt: number): void {
    this.#queue.add(item(kind, dueAt));
  }

  start(): void {
    this.#queue.start();
  }

  /** Ends when the run under way has ended. */
  stop(): Promise<void> {
    return this.#queue.stop();
  }
}

function item(kind: string, dueAt: number): { key: string; kind: string; dueAt: number } {
  const moment = Math.ceil(dueAt);
  return { key: `${kind}@${moment}`, kind, dueAt: moment };
}
