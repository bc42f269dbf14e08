import { MAX_TIMER_MS } from '../domain/delivery/retry-policy.ts';
import type { Clock } from '../domain/ports/clock.ts';
import { DueHeap, type QueueItem } from './due-heap.ts';

/**
 * What is due soon, in memory, and the one timer that wakes for it. The store is the truth: what is dropped here,
 * or lost with the process, comes back with the next refill.
 *
 * | state     | timer | left when |
 * |-----------|-------|-----------|
 * | `stopped` | none  | `start()` → `waiting` |
 * | `waiting` | set: next due item, or the next tick | it fires → `running`; `stop()` → `stopped` |
 * | `running` | none  | the run ends → `waiting`, or `stopped` if `stop()` was called meanwhile |
 *
 * A run refills (when its tick has come or `wake()` asked for it) and then hands over all that is due. Runs never
 * overlap, and an error in one never stops the timer.
 */
export type Timers = { set(fn: () => void, ms: number): unknown; clear(timer: unknown): void };

export type RetryQueueOptions = {
  /** Refill at least this often; also the longest sleep, so that a jump of the wall clock is noticed. */
  tickMs: number;
  /** Never more items than this in memory. */
  maxItems: number;
  clock: Clock;
  /** Work that is due soon, in order of due time, not more than the queue holds. */
  onTick(): Promise<QueueItem[]>;
  /** Takes over the items; they are no longer in the queue. */
  onDue(items: QueueItem[]): Promise<void>;
  onError?: (error: unknown) => void;
  timers?: Timers;
};

/** Refills are at least so far apart: a thousand small batches a second wake us, and need no thousand scans. */
const REFILL_GAP_MS = 20;
/** What is left of a full queue: making room one item at a time would cost a scan an item. */
const TRIM_TO_SHARE = 0.875;

const realTimers: Timers = {
  set: (fn, ms) => setTimeout(fn, ms),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

export class RetryQueue {
  readonly #options: RetryQueueOptions;
  readonly #timers: Timers;
  readonly #heap = new DueHeap();
  #started = false;
  #run: Promise<void> | undefined;
  #timer: unknown;
  /** Monotonic ms at which the timer fires; infinite while there is none. */
  #timerAt = Number.POSITIVE_INFINITY;
  #nextTickAt = Number.NEGATIVE_INFINITY;
  #lastRefillAt = Number.NEGATIVE_INFINITY;
  /** After a trim, what is due later than this is left to the store. */
  #horizon = Number.POSITIVE_INFINITY;

  /** @throws RangeError for a tick below 1 ms or a size below 1. */
  constructor(options: RetryQueueOptions) {
    if (!(options.tickMs >= 1)) throw new RangeError('tickMs must be at least 1');
    if (!(options.maxItems >= 1)) throw new RangeError('maxItems must be at least 1');
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** Items were left to the store since the last refill. */
  get truncated(): boolean {
    return this.#horizon < Number.POSITIVE_INFINITY;
  }

  /** Epoch ms at which the first item is due, if there is one. */
  get nextDueAt(): number | undefined {
    return this.#heap.first?.dueAt;
  }

  /**
   * Adds an item, or moves the one that has its key.
   * @throws RangeError if the due time is not a finite number.
   */
  add(item: QueueItem): void {
    if (!Number.isFinite(item.dueAt)) throw new RangeError('dueAt must be a finite number of ms');
    if (item.dueAt > this.#horizon) {
      this.#heap.delete(item.key);
      return;
    }
    this.#heap.set(item);
    if (this.#heap.size > this.#options.maxItems) this.#makeRoom();
    this.#schedule();
  }

  /** Takes the item out; false if it was not there. */
  remove(key: string): boolean {
    return this.#heap.delete(key);
  }

  /** Refills and runs as soon as possible, once however often it is asked for. */
  wake(): void {
    this.#refillSoon();
    this.#schedule();
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.wake();
  }

  /** Sets no timer any more, and waits for the run under way. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#clearTimer();
    await this.#run;
  }

  /** Sets the timer to what comes first, unless it is set so; a run schedules when it ends. */
  #schedule(): void {
    if (!this.#started || this.#run !== undefined) return;
    const monotonic = this.#options.clock.monotonic();
    const untilTick = this.#nextTickAt - monotonic;
    const first = this.nextDueAt;
    const untilDue = first === undefined ? untilTick : first - this.#options.clock.now();
    const delay = Math.ceil(Math.min(Math.max(Math.min(untilTick, untilDue), 1), this.#options.tickMs, MAX_TIMER_MS));
    if (this.#timerAt <= monotonic + delay) return;
    this.#clearTimer();
    this.#timerAt = monotonic + delay;
    this.#timer = this.#timers.set(() => this.#fire(), delay);
  }

  #fire(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (!this.#started || this.#run !== undefined) return;
    this.#run = this.#runOnce().finally(() => {
      this.#run = undefined;
      this.#schedule();
    });
  }

  async #runOnce(): Promise<void> {
    try {
      if (this.#options.clock.monotonic() >= this.#nextTickAt) await this.#refill();
    } catch (error) {
      this.#report(error);
    }
    try {
      const due = this.#takeDue();
      if (due.length > 0) await this.#options.onDue(due);
    } catch (error) {
      this.#report(error);
    }
    // All that was kept is done, and more waits in the store.
    if (this.truncated && this.size === 0) this.#refillSoon();
  }

  #refillSoon(): void {
    this.#nextTickAt = Math.min(this.#nextTickAt, this.#lastRefillAt + REFILL_GAP_MS);
  }

  async #refill(): Promise<void> {
    this.#lastRefillAt = this.#options.clock.monotonic();
    this.#nextTickAt = this.#lastRefillAt + this.#options.tickMs;
    this.#horizon = Number.POSITIVE_INFINITY;
    for (const item of await this.#options.onTick()) this.add(item);
  }

  #takeDue(): QueueItem[] {
    const now = this.#options.clock.now();
    const due: QueueItem[] = [];
    for (let first = this.#heap.first; first !== undefined && first.dueAt <= now; first = this.#heap.first) {
      this.#heap.pop();
      due.push(first);
    }
    return due;
  }

  #makeRoom(): void {
    const kept = Math.max(1, Math.floor(this.#options.maxItems * TRIM_TO_SHARE));
    this.#horizon = this.#heap.trim(kept) ?? Number.POSITIVE_INFINITY;
  }

  /** A reporter that throws must not end the timer either. */
  #report(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // Nobody is left to tell.
    }
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#timers.clear(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }
}
