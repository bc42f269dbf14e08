import { makeLimiter, type Limiter, type LimiterKind } from './limiters.ts';

/**
 * What CXone does for a stretch of time: 5xx, some 5xx and slow, accepted but never answered, connection refused,
 * credentials refused, or another integration that eats from the same budget.
 */
export const FAULT_KINDS = ['outage', 'brownout', 'hang', 'refused', 'denied', 'foreign'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
export type Phase = { kind: FaultKind; from: number; to: number };

/** The kinds of outcome that matter to budget, breaker and retries. */
export type SimulatedOutcome =
  | { kind: 'accepted' | 'failed' | 'unknown' | 'unavailable' | 'unauthorized' }
  | { kind: 'throttled'; retryAfterMs?: number };

export type CxoneWorld = {
  limiter: LimiterKind;
  limit: number;
  phases: readonly Phase[];
  /** Keys that CXone always answers with 500. */
  poison: ReadonlySet<string>;
  /** What another integration sends while its phase lasts. */
  foreignPerMinute: number;
  /** 429 names a time. */
  namesRetryAfter: boolean;
  random: () => number;
};

export const WINDOW_MS = 60_000;
export const TIMEOUT_MS = 15_000;
const BROWNOUT_ERRORS = 0.2;
const BROWNOUT_LATENCY_MS = 5_000;

/** A tenant in virtual time, with a ledger of what arrived and what took effect. */
export class SimulatedCxone {
  readonly arrivals: number[] = [];
  readonly effects = new Map<string, number>();
  readonly fired: Record<FaultKind, number> = { outage: 0, brownout: 0, hang: 0, refused: 0, denied: 0, foreign: 0 };
  refusals = 0;
  readonly #world: CxoneWorld;
  readonly #limiter: Limiter;

  constructor(world: CxoneWorld) {
    this.#world = world;
    this.#limiter = makeLimiter(world.limiter, {
      limit: world.limit,
      windowMs: WINDOW_MS,
      phaseMs: world.random() * WINDOW_MS,
    });
  }

  /** Whether a connection can be had at all. */
  reachable(now: number): boolean {
    return !this.#during('refused', now);
  }

  /** One request that arrives; gives its outcome and what the server takes for it. */
  handle(key: string, now: number): { outcome: SimulatedOutcome; serverMs: number } {
    this.arrivals.push(now);
    if (!this.#limiter.allow(now)) return { outcome: this.#throttle(), serverMs: 0 };
    if (this.#during('denied', now)) return { outcome: { kind: 'unauthorized' }, serverMs: 0 };
    if (this.#during('outage', now) || this.#world.poison.has(key)) return { outcome: { kind: 'failed' }, serverMs: 0 };
    const slow = this.#world.phases.some(({ kind, from, to }) => kind === 'brownout' && now >= from && now < to);
    if (slow && this.#world.random() < BROWNOUT_ERRORS) {
      this.fired.brownout += 1;
      return { outcome: { kind: 'failed' }, serverMs: BROWNOUT_LATENCY_MS };
    }
    this.effects.set(key, (this.effects.get(key) ?? 0) + 1);
    if (this.#during('hang', now)) return { outcome: { kind: 'unknown' }, serverMs: TIMEOUT_MS };
    return { outcome: { kind: 'accepted' }, serverMs: slow ? BROWNOUT_LATENCY_MS : 0 };
  }

  /** A request of another integration; it counts with the limiter, not with our arrivals. */
  handleForeign(now: number): void {
    if (this.#during('foreign', now)) this.#limiter.allow(now);
  }

  #during(kind: FaultKind, now: number): boolean {
    const on = this.#world.phases.some((phase) => phase.kind === kind && now >= phase.from && now < phase.to);
    if (on) this.fired[kind] += 1;
    return on;
  }

  #throttle(): SimulatedOutcome {
    this.refusals += 1;
    if (!this.#world.namesRetryAfter) return { kind: 'throttled' };
    return { kind: 'throttled', retryAfterMs: 1_000 + Math.floor(this.#world.random() * 20_000) };
  }
}
