import type { Lane } from '../../src/domain/delivery/rate-budget.ts';
import { EventLoop } from './events.ts';
import { makeLimiter, type LimiterKind } from './limiters.ts';

/** What a sender needs of a pacer; `RateBudget` is one. */
export type Pacer = {
  tryAcquire(lane: Lane, now: number): { slot: number } | { waitMs: number };
  answered(slot: number, now: number): void;
  throttled(slot: number, now: number, retryAfterMs?: number): void;
};

export type PacingRun = {
  limiter: LimiterKind;
  limit: number;
  windowMs: number;
  durationMs: number;
  /** Round trip of a call, uniformly from the first to the second. */
  latencyMs: readonly [number, number];
  /** How late timers fire, uniformly up to this. */
  timerLagMs: number;
  random: () => number;
};

export type PacingResult = {
  sent: number;
  refused: number;
  /** Passed calls as a share of what the limit allows in the time. */
  utilisation: number;
  arrivals: number[];
};

/** Lets one sender with endless work run against a limiter, in virtual time. */
export function runPacing(pacer: Pacer, run: PacingRun): PacingResult {
  const loop = new EventLoop();
  const limiter = makeLimiter(run.limiter, { ...run, phaseMs: run.random() * run.windowMs });
  const arrivals: number[] = [];
  let refused = 0;
  const send = (slot: number): void => {
    const [least, most] = run.latencyMs;
    const roundTrip = least + run.random() * (most - least);
    const outward = run.random() * roundTrip;
    loop.after(outward, () => {
      const passed = limiter.allow(loop.now);
      if (passed) arrivals.push(loop.now);
      else refused += 1;
      loop.after(roundTrip - outward, () => {
        if (passed) pacer.answered(slot, loop.now);
        else pacer.throttled(slot, loop.now);
      });
    });
  };
  const pump = (): void => {
    for (;;) {
      const got = pacer.tryAcquire('bulk', loop.now);
      if ('waitMs' in got) {
        loop.after(got.waitMs + run.random() * run.timerLagMs, pump);
        return;
      }
      send(got.slot);
    }
  };
  pump();
  loop.runUntil(run.durationMs);
  const allowed = (run.limit * run.durationMs) / run.windowMs;
  return { sent: arrivals.length + refused, refused, utilisation: arrivals.length / allowed, arrivals };
}

/** The most arrivals that any window of that length holds, `[t, t + windowMs)` for every `t`. Times ascend. */
export function mostInAnyWindow(times: readonly number[], windowMs: number): number {
  let most = 0;
  let first = 0;
  for (const [index, time] of times.entries()) {
    while (time - (times[first] ?? time) >= windowMs) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
