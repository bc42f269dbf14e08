import type { Random } from '../ports/clock.ts';
import type { MergeSettlement, PatchSettlement } from '../ports/delivery-store.ts';
import type { Outcome } from './outcome.ts';
import { nextAttempt } from './retry-policy.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** What stood before the call whose outcome is to be settled. */
export type Attempted = { attempts: number; firstAttemptAt: number };

export type SettleRules = {
  retry: RetryPolicy;
  random: Random;
  /** When an API that is denied or throttled is worth asking again, epoch ms. */
  apiFreeAt: number;
  now: number;
};

type Retry = Extract<MergeSettlement, { kind: 'retry' }>;
type SetAside = Extract<MergeSettlement, { kind: 'set_aside' }>;

/** What the outcome of a merge call means for its chunk. `confirmedByAnswer`: the tenant sends no webhooks. */
export function settleMergeOutcome(outcome: Outcome, attempted: Attempted, rules: SettleRules, confirmedByAnswer: boolean): MergeSettlement {
  switch (outcome.kind) {
    case 'accepted':
      return { kind: 'accepted', contactIds: outcome.contactIds, confirmed: confirmedByAnswer };
    case 'completed':
      return { kind: 'accepted', contactIds: outcome.contactIds, confirmed: true };
    case 'rejected':
      return { kind: 'rejected', reason: outcome.reason, at: outcome.at };
    default:
      return settleFailure(outcome, attempted, rules);
  }
}

/**
 * What the outcome of a patch means for it. A patch that appends is not repeated while its outcome is unknown,
 * unless the operator said so: it would append twice.
 */
export function settlePatchOutcome(outcome: Outcome, attempted: Attempted, rules: SettleRules, appendsBlindly: boolean): PatchSettlement {
  switch (outcome.kind) {
    case 'patched':
      return { kind: 'done', updatedAttributes: outcome.updatedAttributes, mergeResult: outcome.mergeResult, deduplicationTrigger: outcome.deduplicationTrigger };
    case 'rejected':
      return { kind: 'rejected', reason: outcome.reason };
    case 'unknown':
    case 'failed':
      return appendsBlindly ? settleFailure(outcome, attempted, rules) : { kind: 'set_aside', reason: 'unknown_outcome' };
    default:
      return settleFailure(outcome, attempted, rules);
  }
}

function settleFailure(outcome: Outcome, attempted: Attempted, rules: SettleRules): Retry | SetAside {
  switch (outcome.kind) {
    case 'gone':
    case 'misconfigured':
      return { kind: 'set_aside', reason: outcome.reason };
    case 'unauthorized':
    case 'forbidden':
    case 'throttled':
      // Nothing of this is the chunk's fault: no attempt is spent.
      return { kind: 'retry', dueAt: Math.max(rules.now, rules.apiFreeAt), countAttempt: false, unknown: false, reason: outcome.kind };
    default:
      return again(outcome, attempted, rules);
  }
}

function again(outcome: Outcome, attempted: Attempted, rules: SettleRules): Retry | SetAside {
  const reason = reasonOf(outcome);
  const retryAfterMs = 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined;
  const next = nextAttempt(
    { attempts: attempted.attempts + 1, firstAttemptAt: attempted.firstAttemptAt, now: rules.now, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    rules.retry,
    rules.random,
  );
  if (next.kind === 'give_up') return { kind: 'set_aside', reason: `retries_spent: ${reason}` };
  return { kind: 'retry', dueAt: next.dueAt, countAttempt: true, unknown: outcome.kind === 'unknown' || outcome.kind === 'failed', reason };
}

function reasonOf(outcome: Outcome): string {
  if (outcome.kind === 'failed') return `CXone answered ${outcome.status}`;
  return 'reason' in outcome ? outcome.reason : outcome.kind;
}
