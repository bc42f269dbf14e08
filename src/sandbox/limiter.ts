import type { LimiterKind } from './types.ts';

/** Lets a call in (0), or says how many milliseconds until one would be let in. */
export type Limiter = { take(now: number): number };

/**
 * The ways in which a tenant may count "N requests a minute". They differ at the edges of a window, which is where
 * a careless caller meets them. Calls that were refused are not counted.
 *
 * - `sliding`: no window of that length, wherever it begins, holds more than the limit.
 * - `fixed`: a window begins with the first call after the last window ended.
 * - `aligned`: windows begin at whole multiples of their length (each full minute of the clock).
 * - `bucket`: as many tokens as the limit, refilled evenly.
 */
export function createLimiter(kind: LimiterKind, limit: () => number, windowMs: number): Limiter {
  switch (kind) {
    case 'sliding':
      return sliding(limit, windowMs);
    case 'fixed':
      return windowed(limit, windowMs, (now, previous) => (now < previous + windowMs ? previous : now));
    case 'aligned':
      return windowed(limit, windowMs, (now) => Math.floor(now / windowMs) * windowMs);
    case 'bucket':
      return bucket(limit, windowMs);
  }
}

function sliding(limit: () => number, windowMs: number): Limiter {
  const taken: number[] = [];
  return {
    take(now) {
      while (taken.length > 0 && (taken[0] as number) <= now - windowMs) taken.shift();
      const capacity = limit();
      if (taken.length < capacity) {
        taken.push(now);
        return 0;
      }
      const blocking = taken[taken.length - capacity];
      return blocking === undefined ? windowMs : blocking + windowMs - now;
    },
  };
}

function windowed(limit: () => number, windowMs: number, beginOf: (now: number, previous: number) => number): Limiter {
  let begin = Number.NEGATIVE_INFINITY;
  let count = 0;
  return {
    take(now) {
      const current = beginOf(now, begin);
      if (current !== begin) {
        begin = current;
        count = 0;
      }
      if (count >= limit()) return begin + windowMs - now;
      count += 1;
      return 0;
    },
  };
}

function bucket(limit: () => number, windowMs: number): Limiter {
  let tokens = limit();
  let at: number | undefined;
  return {
    take(now) {
      const perMs = limit() / windowMs;
      tokens = Math.min(limit(), tokens + (at === undefined ? 0 : (now - at) * perMs));
      at = now;
      if (tokens >= 1) {
        tokens -= 1;
        return 0;
      }
      return perMs > 0 ? (1 - tokens) / perMs : windowMs;
    },
  };
}
