/** Rate limiters as servers have them: each says whether a request that arrives at `now` (ms, ascending) passes. */
export type Limiter = { allow(now: number): boolean };

/** Those that count exactly. */
export const LIMITER_KINDS = ['fixed', 'aligned', 'sliding', 'bucket'] as const;
export type LimiterKind = (typeof LIMITER_KINDS)[number] | 'counter';

export type LimiterOptions = {
  limit: number;
  windowMs: number;
  /** Where the aligned window begins, since our clock and the server's minute are not in step. */
  phaseMs?: number;
};

export function makeLimiter(kind: LimiterKind, options: LimiterOptions): Limiter {
  const makers = {
    fixed: fixedWindow,
    aligned: alignedWindow,
    sliding: slidingWindow,
    counter: slidingCounter,
    bucket: tokenBucket,
  };
  return makers[kind](options);
}

/** The window begins with the first request after the last one ended. */
function fixedWindow({ limit, windowMs }: LimiterOptions): Limiter {
  let start = Number.NEGATIVE_INFINITY;
  let used = 0;
  return {
    allow(now) {
      if (now - start >= windowMs) {
        start = now;
        used = 0;
      }
      used += 1;
      return used <= limit;
    },
  };
}

/** The windows are those of the clock, as in "per calendar minute". */
function alignedWindow({ limit, windowMs, phaseMs = 0 }: LimiterOptions): Limiter {
  let current = Number.NaN;
  let used = 0;
  return {
    allow(now) {
      const window = Math.floor((now + phaseMs) / windowMs);
      if (window !== current) {
        current = window;
        used = 0;
      }
      used += 1;
      return used <= limit;
    },
  };
}

/** The strictest: no window, wherever it begins, may hold more. Refused requests do not count. */
function slidingWindow({ limit, windowMs }: LimiterOptions): Limiter {
  const times: number[] = [];
  let head = 0;
  return {
    allow(now) {
      while (head < times.length && now - (times[head] ?? now) >= windowMs) head += 1;
      if (times.length - head >= limit) return false;
      times.push(now);
      return true;
    },
  };
}

/** A sliding window estimated from two aligned counters, the older one by the share of it that is still in sight. */
function slidingCounter({ limit, windowMs, phaseMs = 0 }: LimiterOptions): Limiter {
  let current = Number.NaN;
  let [used, before] = [0, 0];
  return {
    allow(now) {
      const windows = (now + phaseMs) / windowMs;
      const window = Math.floor(windows);
      if (window !== current) {
        before = window === current + 1 ? used : 0;
        current = window;
        used = 0;
      }
      if (before * (1 - (windows - window)) + used + 1 > limit) return false;
      used += 1;
      return true;
    },
  };
}

/** A token bucket that holds one window's worth and is full at first. */
function tokenBucket({ limit, windowMs }: LimiterOptions): Limiter {
  let tokens = limit;
  let filledAt: number | undefined;
  return {
    allow(now) {
      tokens = Math.min(limit, tokens + ((now - (filledAt ?? now)) * limit) / windowMs);
      filledAt = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
