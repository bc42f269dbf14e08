import type { Random } from '../ports/clock.ts';
import type { Outcome } from './outcome.ts';
import { backoffMs } from './retry-policy.ts';

/**
 * One breaker for each API.
 *
 * | state       | what passes              | left when |
 * |-------------|--------------------------|-----------|
 * | `closed`    | everything               | `failureThreshold` failures in a row, or one denial → `open` |
 * | `open`      | nothing until the probe is due | the probe is due and somebody asks → `half_open` |
 * | `half_open` | the one probe            | it succeeds → `closed`; it fails → `open`, for longer |
 *
 * A denial (credentials, scope, allow-list) is nothing that a retry mends: its probes are rarer. It recovers alone.
 * An answer to a call that passed before the breaker last opened or closed changes nothing: hanging calls that time
 * out after the recovery must not open it again. Times are monotonic ms.
 */
export const BREAKER_STATES = ['closed', 'open', 'half_open'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

/** What an answer says about the API as a whole. */
export type BreakerSignal = 'up' | 'down' | 'denied' | 'neutral';
export type BreakerReason = 'failures' | 'denied';

/** Leave to make one call; handed back with what became of it. */
export type Pass = { readonly probe: boolean; readonly era: number };

/** `half_open` is a part of being open: a probe is no change, so that each change is worth one log line. */
export type BreakerChange =
  | { to: 'open'; reason: BreakerReason; failures: number; nextProbeAt: number }
  | { to: 'closed'; reason: BreakerReason; openForMs: number };

export type BreakerOptions = {
  /** Failures in a row that open it. */
  failureThreshold?: number;
  /** First and longest wait between probes after failures. */
  baseMs?: number;
  maxMs?: number;
  /** First and longest wait between probes after a denial. */
  deniedBaseMs?: number;
  deniedMaxMs?: number;
};

/** A probe of which nothing was heard for so long is taken for lost; longer than any call may last. */
const PROBE_LEASE_MS = 300_000;

const SIGNALS: Readonly<Record<Outcome['kind'], BreakerSignal>> = {
  accepted: 'up',
  completed: 'up',
  patched: 'up',
  registered: 'up',
  rejected: 'up',
  gone: 'up',
  conflict: 'up',
  // A redirect is what a maintenance page often is: let it stop the traffic rather than set aside the whole queue.
  misconfigured: 'down',
  unavailable: 'down',
  failed: 'down',
  unknown: 'down',
  unauthorized: 'denied',
  forbidden: 'denied',
  throttled: 'neutral',
};

/** What the outcome of a call says about its API. */
export function breakerSignal(outcome: Pick<Outcome, 'kind'>): BreakerSignal {
  return SIGNALS[outcome.kind];
}

export class Breaker {
  readonly #options: Required<BreakerOptions>;
  readonly #random: Random;
  #reason: BreakerReason | undefined;
  #failures = 0;
  #openedAt = 0;
  #probes = 0;
  #nextProbeAt = 0;
  #probeUntil: number | undefined;
  /** Counts the openings, closings and probes, so that an answer is known to be from before them. */
  #era = 0;

  constructor(options: BreakerOptions, random: Random) {
    this.#options = {
      failureThreshold: 5,
      baseMs: 2_000,
      maxMs: 300_000,
      deniedBaseMs: 30_000,
      deniedMaxMs: 300_000,
      ...options,
    };
    this.#random = random;
  }

  get state(): BreakerState {
    if (this.#reason === undefined) return 'closed';
    return this.#probeUntil === undefined ? 'open' : 'half_open';
  }

  /** Why it is open, or undefined while it is closed. */
  get reason(): BreakerReason | undefined {
    return this.#reason;
  }

  /** Ms until a call may pass, 0 for now; takes nothing. While a probe is out, until it is taken for lost. */
  waitMs(now: number): number {
    if (this.#reason === undefined) return 0;
    return Math.max(0, Math.ceil((this.#probeUntil ?? this.#nextProbeAt) - now));
  }

  /** Lets a call pass, as the probe where it is open, or says in how many whole ms to ask again. */
  tryPass(now: number): { pass: Pass } | { waitMs: number } {
    const waitMs = this.waitMs(now);
    if (waitMs > 0) return { waitMs };
    const probe = this.#reason !== undefined;
    if (probe) {
      this.#probeUntil = now + PROBE_LEASE_MS;
      this.#era += 1;
    }
    return { pass: { probe, era: this.#era } };
  }

  /** The call that passed was not made after all: the next one may be the probe. */
  giveBack(pass: Pass): void {
    if (pass.era === this.#era && pass.probe) this.#probeUntil = undefined;
  }

  /** Tells what became of a call that passed; gives the change, if it made one. */
  settle(pass: Pass, signal: BreakerSignal, now: number): BreakerChange | undefined {
    if (pass.era !== this.#era) return undefined;
    if (signal === 'up') return this.#close(now);
    if (signal === 'neutral') {
      this.giveBack(pass);
      return undefined;
    }
    if (!pass.probe) this.#failures += 1;
    if (signal === 'down' && !pass.probe && this.#failures < this.#options.failureThreshold) return undefined;
    return this.#open(signal === 'denied' ? 'denied' : 'failures', now);
  }

  #open(reason: BreakerReason, now: number): BreakerChange | undefined {
    const changed = this.#reason !== reason;
    if (this.#reason === undefined) this.#openedAt = now;
    this.#reason = reason;
    this.#era += 1;
    this.#probeUntil = undefined;
    this.#probes = changed ? 1 : this.#probes + 1;
    this.#nextProbeAt = now + this.#probeDelayMs(reason);
    return changed ? { to: 'open', reason, failures: this.#failures, nextProbeAt: this.#nextProbeAt } : undefined;
  }

  #close(now: number): BreakerChange | undefined {
    this.#failures = 0;
    const reason = this.#reason;
    if (reason === undefined) return undefined;
    this.#reason = undefined;
    this.#probeUntil = undefined;
    this.#era += 1;
    return { to: 'closed', reason, openForMs: now - this.#openedAt };
  }

  #probeDelayMs(reason: BreakerReason): number {
    const { baseMs, maxMs, deniedBaseMs, deniedMaxMs } = this.#options;
    if (reason === 'failures') return backoffMs(this.#probes, { baseMs, maxMs }, this.#random);
    // The floor of the backoff is half its base; a denial keeps its whole base.
    return Math.min(deniedMaxMs, backoffMs(this.#probes, { baseMs: 2 * deniedBaseMs, maxMs: deniedMaxMs }, this.#random));
  }
}
