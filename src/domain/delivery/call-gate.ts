import type { Api, CallResult } from '../ports/cxone.ts';
import type { Random } from '../ports/clock.ts';
import { Breaker, breakerSignal } from './breaker.ts';
import type { BreakerChange, BreakerSignal, BreakerState, Pass } from './breaker.ts';
import { RateBudget } from './rate-budget.ts';
import type { BudgetSnapshot, Lane, RateBudgetOptions } from './rate-budget.ts';

/** Leave to make one call: a slot of the budget and the breaker's pass. */
export type Entry = { api: Api; lane: Lane; slot: number; pass: Pass };

/** Why nothing goes now, and when to ask again. */
export type Closed = { waitMs: number; because: 'budget' | 'breaker' | 'paused' };

export type GateView = {
  budget: BudgetSnapshot;
  apis: Record<Api, { breaker: BreakerState; reason: string | undefined; paused: boolean }>;
};

/** How often to ask again while an operator has paused an API; resuming wakes the queue anyway. */
const PAUSED_WAIT_MS = 60_000;
const APIS = ['contacts', 'profiles'] as const;

/**
 * The one door to CXone: nobody calls without an entry from here. It joins the tenant's budget, which both
 * APIs share, with a breaker and an operator's pause for each. Times are monotonic milliseconds.
 */
export class CallGate {
  readonly #budget: RateBudget;
  readonly #breakers: Record<Api, Breaker>;
  readonly #paused = new Set<Api>();
  readonly #onChange: (api: Api, change: BreakerChange) => void;

  constructor(options: RateBudgetOptions, random: Random, onChange: (api: Api, change: BreakerChange) => void) {
    this.#budget = new RateBudget(options);
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
    if ('slot' in acquired) return { api, lane, slot: acquired.slot, pass: passed.pass };
    this.#breakers[api].giveBack(passed.pass);
    return { waitMs: acquired.waitMs, because: 'budget' };
  }

  /** Hands an entry back with what came of its call. `signal` is what that says of the API as a whole. */
  leave(entry: Entry, result: CallResult, now: number, signal: BreakerSignal = breakerSignal(result.outcome)): void {
    const { outcome } = result;
    if (outcome.kind === 'throttled') this.#budget.throttled(entry.slot, now, outcome.retryAfterMs);
    else if (result.requests === 0) this.#budget.released(entry.slot);
    else this.#budget.answered(entry.slot, now);
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
    return { budget: this.#budget.snapshot(now), apis: { contacts: of('contacts'), profiles: of('profiles') } };
  }

  /** Whether everything that could be sent is held up by something other than the budget. */
  isOpen(now: number): boolean {
    return APIS.every((api) => !this.#paused.has(api) && this.#breakers[api].waitMs(now) === 0);
  }

  /** A request that was repeated with a fresh token took a second one from the budget. */
  #book(lane: Lane, now: number): void {
    const extra = this.#budget.tryAcquire(lane, now);
    if ('slot' in extra) this.#budget.answered(extra.slot, now);
  }
}
