import { Smoothed } from './smoothed.ts';
import { TimeQueue } from './time-queue.ts';

/**
 * One budget of calls for the whole tenant, paced evenly.
 *
 * A call holds a slot from its send until one window after its answer. A request reaches the server
 * between its send and its answer, so two requests of one slot arrive at least one window apart, and no
 * window on the server, wherever it begins, holds more requests than there are slots, whatever the latency.
 *
 * Spacing keeps shorter windows even too: the next call is due one interval after the last one *was due*, so a
 * late timer costs nothing, but at most `CATCH_UP` intervals are made up for. The interval is what a slot takes,
 * a window and a call, over the number of slots: were it shorter, the slots would run out and come back in clumps.
 *
 * All times are monotonic milliseconds, handed in by the caller; time that runs backwards stands still here.
 */
export const LANES = ['interactive', 'bulk'] as const;
export type Lane = (typeof LANES)[number];

export type RateBudgetOptions = {
  /** Calls in one window. */
  perMinute: number;
  /** Share of the calls, 0 to 1, that interactive work gets first, however much bulk work waits. */
  interactiveShare?: number;
  /** Length of the window in ms: a minute, but for tests that run a scaled one. */
  windowMs?: number;
};

export type BudgetSnapshot = {
  limit: number;
  windowMs: number;
  /** Calls a window that the pace allows now; below `limit` after a 429, until it has grown back. */
  effectiveLimit: number;
  /** Calls for which the current window still has room; 0 while blocked. */
  tokens: number;
  inFlight: number;
  /** Monotonic ms until which nobody may send, or null. */
  blockedUntil: number | null;
  /** Calls sent in the window that ends now. */
  usedLastWindow: number;
};

export type Acquired = { slot: number } | { waitMs: number };

export const DEFAULT_INTERACTIVE_SHARE = 0.2;
/** Intervals of lateness that are made up for. */
export const CATCH_UP = 2;
/** What is left of the pace after a 429. */
export const DECREASE = 0.7;
/** Share of the configured limit by which the pace grows back in each window without a 429. */
export const RECOVERY_PER_WINDOW = 0.1;
/** The pace never falls below this share of the limit. */
const LOWEST_SHARE = 0.05;
/** A `Retry-After` beyond an hour is taken for an hour. */
const MAX_BLOCK_MS = 3_600_000;
/** Two clocks that are kept by NTP differ in speed by at most 500 ppm: so much longer a slot is kept. */
const CLOCK_SKEW = 0.0005;
/** However long calls take, the pace allows for no more than this share of a window. */
const MAX_LATENCY_SHARE = 0.25;
/**
 * One call a window, but no more than this share, is left unused: limiters that estimate a sliding window from two
 * aligned counters refuse the last call where there is no headroom.
 */
const MAX_HEADROOM_SHARE = 0.01;
/** A first 429 that names no time stops everybody for this share of a window, and twice as long each time in a row. */
const FIRST_BLOCK_SHARE = 1 / 60;
/** How long a free slot is held for the lane it belongs to, in intervals and at most in ms. */
const HOLD_INTERVALS = 0.5;
const MAX_HOLD_MS = 1_000;

export class RateBudget {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #share: number;
  /** Send time of each call whose answer has not come, by slot, oldest first. */
  readonly #inFlight = new Map<number, number>();
  /** When the slots of answered calls become free again. */
  readonly #cooling = new TimeQueue();
  readonly #sends = new TimeQueue();
  #now = Number.NEGATIVE_INFINITY;
  #lastSlot = 0;
  /** When the next call is due by the spacing. */
  #nextAt = Number.NEGATIVE_INFINITY;
  /** Since when there has been a free slot. */
  #roomSince = Number.NEGATIVE_INFINITY;
  #blockedUntil = Number.NEGATIVE_INFINITY;
  #effective: number;
  #grownUntil = Number.NEGATIVE_INFINITY;
  readonly #latency = new Smoothed();
  #lastDecreaseAt = Number.NEGATIVE_INFINITY;
  #throttledInARow = 0;
  /** Calls that interactive work may still have ahead of waiting bulk work. */
  #credit: number;
  /** A lane that was told to wait is expected back until then. */
  readonly #expectedUntil: Record<Lane, number> = {
    interactive: Number.NEGATIVE_INFINITY,
    bulk: Number.NEGATIVE_INFINITY,
  };

  /** @throws RangeError for a limit below 1, a share outside 0 to 1, or a window that is not positive. */
  constructor(options: RateBudgetOptions) {
    const { perMinute, interactiveShare = DEFAULT_INTERACTIVE_SHARE, windowMs = 60_000 } = options;
    if (!Number.isInteger(perMinute) || perMinute < 1) throw new RangeError('perMinute must be a whole number from 1');
    if (!(interactiveShare >= 0 && interactiveShare <= 1)) throw new RangeError('interactiveShare must be 0 to 1');
    if (!Number.isFinite(windowMs) || windowMs <= 0) throw new RangeError('windowMs must be positive');
    this.#limit = perMinute;
    this.#windowMs = windowMs;
    this.#share = interactiveShare;
    this.#effective = perMinute;
    this.#credit = this.#maxCredit();
  }

  /**
   * Takes a slot for one call, or says in how many whole ms to ask again (at least 1).
   * A lane that is refused is expected back: the other lane leaves it the slot that it has a right to, but for no
   * longer than half an interval. Each slot must be given back by `answered`, `throttled` or `released`.
   */
  tryAcquire(lane: Lane, now: number): Acquired {
    const time = this.#advance(now);
    const wait = this.#waitFor(lane, time);
    if (wait > 0) {
      const waitMs = Math.max(1, Math.ceil(wait));
      this.#expectedUntil[lane] = Math.max(this.#expectedUntil[lane], time + waitMs + this.#holdMs());
      return { waitMs };
    }
    this.#settleCredit(lane, time);
    this.#nextAt = this.#paceFrom(time) + this.#intervalMs();
    this.#expectedUntil[lane] = Number.NEGATIVE_INFINITY;
    this.#lastSlot += 1;
    this.#inFlight.set(this.#lastSlot, time);
    this.#sends.push(time);
    return { slot: this.#lastSlot };
  }

  /** Ms until the lane would get a slot, 0 for now. Asks for nothing. */
  nextFreeIn(lane: Lane, now: number): number {
    return Math.max(0, Math.ceil(this.#waitFor(lane, this.#advance(now))));
  }

  /** The call's answer came, of whatever kind, or it was given up after it was sent. */
  answered(slot: number, now: number): void {
    const time = this.#advance(now);
    if (this.#cool(slot, time) !== undefined) this.#throttledInARow = 0;
  }

  /**
   * The call was refused with 429: everybody waits for `retryAfterMs`, or where that is missing for a time that
   * doubles with each refusal in a row; the pace is lowered, once for all calls that were on their way together.
   * A slot that is not known stands for a call outside the budget; its refusal counts all the same.
   */
  throttled(slot: number, now: number, retryAfterMs?: number): void {
    const time = this.#advance(now);
    const sentAt = this.#cool(slot, time) ?? time;
    if (sentAt >= this.#lastDecreaseAt) {
      this.#effective = Math.max(1, this.#limit * LOWEST_SHARE, this.#effective * DECREASE);
      this.#lastDecreaseAt = time;
      this.#throttledInARow += 1;
    }
    const doubled = this.#windowMs * FIRST_BLOCK_SHARE * 2 ** Math.min(this.#throttledInARow - 1, 30);
    const named = retryAfterMs !== undefined && retryAfterMs >= 0 ? retryAfterMs : undefined;
    const block = named === undefined ? Math.min(doubled, this.#windowMs) : Math.min(named, MAX_BLOCK_MS);
    this.#blockedUntil = Math.max(this.#blockedUntil, time + Math.max(block, this.#intervalMs()));
    this.#nextAt = Math.max(this.#nextAt, this.#blockedUntil);
    this.#grownUntil = Math.max(this.#grownUntil, this.#blockedUntil);
  }

  /** The call surely never left: its slot is free at once. Who was told to wait may ask again now. */
  released(slot: number): void {
    const sentAt = this.#inFlight.get(slot);
    if (sentAt === undefined) return;
    if (this.#occupied() === this.#limit) this.#roomSince = this.#now;
    this.#inFlight.delete(slot);
    this.#sends.remove(sentAt);
  }

  snapshot(now: number): BudgetSnapshot {
    const time = this.#advance(now);
    const blocked = this.#blockedUntil > time;
    return {
      limit: this.#limit,
      windowMs: this.#windowMs,
      effectiveLimit: this.#effective,
      tokens: blocked ? 0 : Math.max(0, this.#limit - this.#occupied()),
      inFlight: this.#inFlight.size,
      blockedUntil: blocked ? this.#blockedUntil : null,
      usedLastWindow: this.#sends.size,
    };
  }

  /**
   * Puts back what an earlier process sent, in monotonic ms of this one (negative where that was before its start).
   * Their answers are not known: each counts as answered `latencyMs` after it was sent, but no later than now.
   * A time in the future, or that is no number, counts as now.
   */
  restore(times: readonly number[], now: number, latencyMs: number = this.#windowMs / 30): void {
    const time = this.#advance(now);
    const sent = times.map((at) => (at <= time ? at : time)).sort((a, b) => a - b);
    for (const at of sent) {
      const freeAt = Math.min(time, at + latencyMs) + this.#slotMs();
      if (freeAt > time) this.#cooling.insert(freeAt);
      if (at > time - this.#windowMs) this.#sends.insert(at);
    }
    const last = sent.at(-1);
    if (last !== undefined) this.#nextAt = Math.max(this.#nextAt, last + this.#intervalMs());
  }

  /** Brings slots and pace up to date; the one place where time moves. */
  #advance(now: number): number {
    if (!Number.isFinite(now)) throw new RangeError('now must be a finite number of ms');
    const time = Math.max(now, this.#now);
    this.#now = time;
    for (let free = this.#cooling.first; free !== undefined && free <= time; free = this.#cooling.first) {
      if (this.#occupied() === this.#limit) this.#roomSince = free;
      this.#cooling.shift();
    }
    this.#sends.dropUntil(time - this.#windowMs);
    if (time > this.#grownUntil) {
      if (this.#effective < this.#limit) {
        const windows = (time - this.#grownUntil) / this.#windowMs;
        this.#effective = Math.min(this.#limit, this.#effective + this.#limit * RECOVERY_PER_WINDOW * windows);
      }
      this.#grownUntil = time;
    }
    return time;
  }

  /** Ms until the lane gets a slot; 0 or less for now. */
  #waitFor(lane: Lane, time: number): number {
    const availableAt = Math.max(this.#nextAt, this.#blockedUntil, this.#roomAt(time));
    if (availableAt > time) return availableAt - time;
    const other = lane === 'bulk' ? 'interactive' : 'bulk';
    const otherFirst = this.#share > 0 && this.#interactiveFirst() === (lane === 'bulk');
    return otherFirst && this.#expectedUntil[other] >= time ? availableAt + this.#holdMs() - time : 0;
  }

  /** When a slot is, or was, free; while all calls are in flight none can be before a window has passed. */
  #roomAt(time: number): number {
    const surplus = this.#occupied() - this.#limit;
    if (surplus < 0) return this.#roomSince;
    return this.#cooling.at(surplus) ?? time + this.#slotMs();
  }

  /** From when the next interval counts: what was due, as far as it is caught up with. */
  #paceFrom(time: number): number {
    const late = time - this.#nextAt;
    const most = CATCH_UP * this.#intervalMs();
    if (late <= most) return this.#nextAt;
    // Where nobody was told to wait for this slot, it was idleness, and nothing is owed.
    const awaited = LANES.some((lane) => this.#expectedUntil[lane] >= this.#nextAt);
    return awaited && Number.isFinite(this.#nextAt) ? time - most : time;
  }

  #settleCredit(lane: Lane, time: number): void {
    const contended = this.#expectedUntil.bulk >= time;
    const spent = lane === 'interactive' && contended ? 1 : 0;
    this.#credit = Math.max(0, Math.min(this.#maxCredit(), this.#credit + this.#share) - spent);
  }

  #cool(slot: number, time: number): number | undefined {
    const sentAt = this.#inFlight.get(slot);
    if (sentAt === undefined) return undefined;
    this.#inFlight.delete(slot);
    this.#latency.add(Math.min(time - sentAt, this.#windowMs * MAX_LATENCY_SHARE));
    this.#cooling.push(time + this.#slotMs());
    return sentAt;
  }

  #occupied(): number {
    return this.#inFlight.size + this.#cooling.size;
  }

  #interactiveFirst(): boolean {
    // A sum of shares such as five times 0.2 must count as one.
    return this.#credit >= 1 - 1e-9;
  }

  /** What interactive work may save up: its share of one window. */
  #maxCredit(): number {
    return this.#share === 0 ? 0 : Math.max(1, this.#share * this.#limit);
  }

  #intervalMs(): number {
    const headroom = Math.min(1, this.#effective * MAX_HEADROOM_SHARE);
    const even = this.#windowMs / (this.#effective - headroom);
    return Math.max(even, (this.#slotMs() + this.#latency.upper) / this.#effective);
  }

  #holdMs(): number {
    return Math.min(MAX_HOLD_MS, this.#intervalMs() * HOLD_INTERVALS);
  }

  #slotMs(): number {
    return this.#windowMs * (1 + CLOCK_SKEW);
  }
}
