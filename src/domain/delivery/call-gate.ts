import type { Api, CallResult } from '../ports/cxone.ts';
import type { Random } from '../ports/clock.ts';
import { Breaker, breakerSignal } from './breaker.ts';
import type { BreakerChange, BreakerSignal, BreakerState, Pass } from './breaker.ts';
import { DEFAULT_INTERACTIVE_SHARE, RateBudget } from './rate-budget.ts';
import type { BudgetSnapshot, Lane, RateBudgetOptions } from './rate-budget.ts';
import { Smoothed } from './smoothed.ts';
import { TimeQueue } from './time-queue.ts';

/** Leave to make one call: a slot of the budget and the breaker's pass. */
export type Entry = { api: Api; lane: Lane; slot: number; pass: Pass };

/** Why nothing goes now, and when to ask again. */
export type Closed = { waitMs: number; because: 'budget' | 'breaker' | 'paused' };

export type GateView = {
  budget: BudgetSnapshot;
  /** Calls of interactive work in a window, by what came lately. */
  interactivePerWindow: number;
  /** Share of the window that interactive work gets at the most while other work waits. */
  interactiveShare: number;
  /** What a merge takes, by those before, ms. */
  latencyMs: number;
  apis: Record<Api, { breaker: BreakerState; reason: string | undefined; paused: boolean }>;
};

/** How often to ask again while an operator has paused an API; resuming wakes the queue anyway. */
const PAUSED_WAIT_MS = 60_000;
/** Interactive work of so much of a window, 5 s of a minute, tells how much comes in a whole one. */
const LATELY_WINDOWS = 1 / 12;

/**
 * The one door to CXone: nobody calls without an entry from here. It joins the tenant's budget, which both
 * APIs share, with a breaker and an operator's pause for each. Times are monotonic milliseconds.
 */
export class CallGate {
  readonly #budget: RateBudget;
  readonly #breakers: Record<Api, Breaker>;
  readonly #paused = new Set<Api>();
  readonly #interactiveAt = new TimeQueue();
  readonly #interactiveShare: number;
  readonly #latency = new Smoothed();
  readonly #onChange: (api: Api, change: BreakerChange) => void;

  constructor(options: RateBudgetOptions, random: Random, onChange: (api: Api, change: BreakerChange) => void) {
    this.#budget = new RateBudget(options);
    this.#interactiveShare = options.interactiveShare ?? DEFAULT_INTERACTIVE_SHARE;
    this.#breakers = { contacts: new Breaker({}, random), profiles: new Breaker({}, random) };
    this.#onChange = onChange;
  }

  /** How long until `enter` may succeed; 0 is now. Takes nothing. */
  waitMs(api: Api, lane: Lane, now: number): number {
    if (this.#paused.has(api)) return PAUSED_WAIT_MS;
    return Math.max(this.#breakers[api].waitMs(now), this.#budget.nextFreeIn(lane, now));
  }

  enter(api: Api, lane: Lane, now: number): Entry | Closed {
    if (this.#paused.has(api)) return { waitMs: PAUSED_WAIT_MS, because: 'paused' };
    const passed = this.#breakers[api].tryPass(now);
    if ('waitMs' in passed) return { waitMs: passed.waitMs, because: 'breaker' };
    const acquired = this.#budget.tryAcquire(lane, now);
    if ('slot' in acquired) {
      if (lane === 'interactive') this.#interactiveAt.push(now);
      return { api, lane, slot: acquired.slot, pass: passed.pass };
    }
    this.#breakers[api].giveBack(passed.pass);
    return { waitMs: acquired.waitMs, because: 'budget' };
  }

  /** Hands an entry back with what came of its call. `signal` is what that says of the API as a whole. */
  leave(entry: Entry, result: CallResult, now: number, signal: BreakerSignal = breakerSignal(result.outcome)): void {
    const { outcome } = result;
    if (outcome.kind === 'throttled') this.#budget.throttled(entry.slot, now, outcome.retryAfterMs);
    else if (result.requests === 0) this.#budget.released(entry.slot);
    else this.#budget.answered(entry.slot, now);
    if (entry.lane === 'bulk' && result.requests > 0) this.#latency.add(result.latencyMs);
    if (result.requests > 1) this.#book(entry.lane, now);
    const change = this.#breakers[entry.api].settle(entry.pass, signal, now);
    if (change !== undefined) this.#onChange(entry.api, change);
  }

  /** Hands an entry back that was not used. */
  cancel(entry: Entry): void {
    this.#budget.released(entry.slot);
    this.#breakers[entry.api].giveBack(entry.pass);
  }

  pause(api: Api): void {
    this.#paused.add(api);
  }

  resume(api: Api): void {
    this.#paused.delete(api);
  }

  /** Calls of the process before this one still count in the tenant's window. */
  restore(sentAt: readonly number[], now: number): void {
    this.#budget.restore(sentAt, now);
  }

  view(now: number): GateView {
    const of = (api: Api) => ({ breaker: this.#breakers[api].state, reason: this.#breakers[api].reason, paused: this.#paused.has(api) });
    const budget = this.#budget.snapshot(now);
    this.#interactiveAt.dropUntil(now - budget.windowMs * LATELY_WINDOWS);
    const pace = { interactivePerWindow: this.#interactiveAt.size / LATELY_WINDOWS, interactiveShare: this.#interactiveShare, latencyMs: this.#latency.mean };
    return { budget, ...pace, apis: { contacts: of('contacts'), profiles: of('profiles') } };
  }

  /** A request that was repeated with a fresh token took a second one from the budget. */
  #book(lane: Lane, now: number): void {
    const extra = this.#budget.tryAcquire(lane, now);
    if ('slot' in extra) this.#budget.answered(extra.slot, now);
  }
}
