import { RECOVERY_PER_WINDOW, type BudgetSnapshot } from './rate-budget.ts';

export type EstimateInput = {
  /** People whose merge waits, the ones ahead in the queue included. */
  waitingPeople: number;
  /** People in one merge call. */
  chunkSize: number;
  /** Calls that wait beside: merges that are to be sent again, profile updates. */
  waitingCalls?: number;
  budget: BudgetSnapshot;
  /** Monotonic ms, of the same clock as the snapshot's. */
  now: number;
  /** What one call takes. */
  latencyMs?: number;
  /** What a chunk that is not full waits for company. */
  lingerMs?: number;
  /** Calls a window that go to other work meanwhile. */
  otherPerWindow?: number;
};

/** However busy other work is, a tenth of the pace is counted on. */
const LEAST_PACE_SHARE = 0.1;

/** Calls that so many people take. */
export function requestsNeeded(people: number, chunkSize: number): number {
  return people > 0 ? Math.ceil(people / Math.max(1, chunkSize)) : 0;
}

/**
 * Seconds, to a tenth, until the answer to the last waiting call, when nothing fails: what is blocked, then one call
 * each interval at the pace of the budget while that grows back to its limit, then the answer. A chunk that is not full
 * waits for company, mostly while those before it go.
 */
export function estimatedSeconds(input: EstimateInput): number {
  const { budget, now, latencyMs = 0, lingerMs = 0, otherPerWindow = 0 } = input;
  const calls = requestsNeeded(input.waitingPeople, input.chunkSize) + Math.max(0, input.waitingCalls ?? 0);
  if (calls <= 0) return 0;
  const blockedMs = Math.max(0, (budget.blockedUntil ?? now) - now);
  const linger = input.waitingPeople > 0 && input.waitingPeople % Math.max(1, input.chunkSize) !== 0 ? lingerMs : 0;
  const ms = Math.max(blockedMs + spacedMs(calls - 1, budget, latencyMs, otherPerWindow), linger) + latencyMs;
  return Math.ceil(ms / 100) / 10;
}

/** Ms over which so many intervals stretch, the pace growing back linearly until it has reached the limit. */
function spacedMs(intervals: number, budget: BudgetSnapshot, latencyMs: number, otherPerWindow: number): number {
  const { limit, windowMs } = budget;
  // A slot is busy for a window and the call itself.
  const full = pace((limit * windowMs) / (windowMs + latencyMs), limit, otherPerWindow);
  const start = Math.min(full, pace(budget.effectiveLimit, limit, otherPerWindow));
  const growth = limit * RECOVERY_PER_WINDOW;
  const growing = (full - start) / growth;
  const whileGrowing = start * growing + (growth * growing ** 2) / 2;
  if (intervals >= whileGrowing) return (growing + (intervals - whileGrowing) / full) * windowMs;
  return ((Math.sqrt(start ** 2 + 2 * growth * intervals) - start) / growth) * windowMs;
}

function pace(calls: number, limit: number, otherPerWindow: number): number {
  return Math.max(limit * LEAST_PACE_SHARE, calls - Math.max(0, otherPerWindow));
}
