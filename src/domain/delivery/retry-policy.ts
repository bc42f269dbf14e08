import type { Random } from '../ports/clock.ts';

export type RetryPolicy = {
  baseMs: number;
  maxMs: number;
  maxAttempts: number;
  maxAgeMs: number;
};

export type RetryInput = {
  /** Attempts made so far, the one that has just failed included. */
  attempts: number;
  /** Epoch ms. */
  firstAttemptAt: number;
  /** Epoch ms. */
  now: number;
  /** What the answer asked for, if it did. */
  retryAfterMs?: number;
};

export type RetryDecision = { kind: 'retry'; dueAt: number } | { kind: 'give_up' };

/** The longest delay that a timer takes: beyond it, it fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
/** Doubling more often than this changes nothing any more and would leave the range of exact numbers. */
const MAX_DOUBLINGS = 31;

/**
 * When to try again after a failed attempt, or whether to set the work aside.
 *
 * It is set aside only when both its attempts and its age are spent: a short outage must not use up the attempts,
 * and a rare one not the time. The delay is exponential with full jitter above a floor of half the base, so that
 * work which failed together does not return together, and never at once.
 * The due time (epoch ms) is always later than now and at most `MAX_TIMER_MS` away.
 * @throws RangeError if `now` is not a finite number.
 */
export function nextAttempt(input: RetryInput, policy: RetryPolicy, random: Random): RetryDecision {
  const { now } = input;
  if (!Number.isFinite(now)) throw new RangeError('now must be a finite number of ms');
  const attempts = atLeast(1, input.attempts);
  const age = atLeast(0, now - input.firstAttemptAt);
  if (attempts >= policy.maxAttempts && age >= policy.maxAgeMs) return { kind: 'give_up' };
  const delay = Math.max(backoffMs(attempts, policy, random), atLeast(0, input.retryAfterMs));
  return { kind: 'retry', dueAt: now + Math.ceil(clamp(delay, 1, MAX_TIMER_MS)) };
}

/**
 * Exponential delay with full jitter above a floor of half the base: between `baseMs / 2` and
 * `baseMs * 2 ** (attempts - 1)`, the latter at most `maxMs`.
 */
export function backoffMs(attempts: number, policy: Pick<RetryPolicy, 'baseMs' | 'maxMs'>, random: Random): number {
  const base = clamp(atLeast(1, policy.baseMs), 1, MAX_TIMER_MS);
  const cap = clamp(atLeast(1, policy.maxMs), 1, MAX_TIMER_MS);
  const most = Math.min(base * 2 ** Math.min(attempts - 1, MAX_DOUBLINGS), cap);
  const least = Math.min(base / 2, most);
  const dice = clamp(atLeast(0, random()), 0, 1);
  return least + dice * (most - least);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** The value, or the least one where it is missing, lower, or no number. */
function atLeast(least: number, value: number | undefined): number {
  return value !== undefined && value > least ? value : least;
}
