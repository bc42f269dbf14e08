import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { backoffMs, MAX_TIMER_MS, nextAttempt, type RetryPolicy } from '../../../src/domain/delivery/retry-policy.ts';

const policy: RetryPolicy = { baseMs: 2_000, maxMs: 300_000, maxAttempts: 3, maxAgeMs: 86_400_000 };
const now = 1_800_000_000_000;

describe('backoffMs', () => {
  for (const [attempts, least, most] of [
    [1, 1_000, 2_000],
    [2, 1_000, 4_000],
    [3, 1_000, 8_000],
    [8, 1_000, 256_000],
    [9, 1_000, 300_000],
    [1_000_000, 1_000, 300_000],
  ] as const) {
    it(`after ${attempts} attempts lies between ${least} and ${most} ms`, () => {
      assert.equal(backoffMs(attempts, policy, () => 0), least);
      assert.equal(backoffMs(attempts, policy, () => 1), most);
      assert.equal(backoffMs(attempts, policy, () => 0.5), (least + most) / 2);
    });
  }
});

describe('nextAttempt', () => {
  for (const [attempts, ageMs, expected] of [
    [1, 0, 'retry'],
    [3, 0, 'retry'],
    [3, 86_399_999, 'retry'],
    [2, 86_400_000, 'retry'],
    [3, 86_400_000, 'give_up'],
    [500, 90_000_000, 'give_up'],
    [500, 1_000, 'retry'],
  ] as const) {
    it(`${attempts} attempts in ${ageMs} ms: ${expected}`, () => {
      const input = { attempts, firstAttemptAt: now - ageMs, now };
      assert.equal(nextAttempt(input, policy, () => 0.5).kind, expected);
    });
  }

  it('waits at least as long as the answer asked for', () => {
    const input = { attempts: 1, firstAttemptAt: now, now, retryAfterMs: 60_000 };
    assert.deepEqual(nextAttempt(input, policy, () => 0.5), { kind: 'retry', dueAt: now + 60_000 });
  });

  it('does not count time that went backwards', () => {
    const input = { attempts: 9, firstAttemptAt: now + 90_000_000, now };
    assert.equal(nextAttempt(input, policy, () => 0).kind, 'retry');
  });

  it('is never due in the past, never NaN, and never further away than a timer reaches', () => {
    const any = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -1, Infinity, Number.NaN, 2 ** 40));
    const anyPolicy = fc.record({ baseMs: any, maxMs: any, maxAttempts: any, maxAgeMs: any });
    const input = fc.record({
      attempts: any,
      firstAttemptAt: any,
      now: fc.integer({ min: -8.64e15, max: 8.64e15 }),
      retryAfterMs: fc.option(any, { nil: undefined }),
    });
    const check = fc.property(input, anyPolicy, any, ({ retryAfterMs, ...rest }, limits, dice) => {
      const asked = retryAfterMs === undefined ? rest : { ...rest, retryAfterMs };
      const decision = nextAttempt(asked, limits, () => dice);
      if (decision.kind === 'give_up') {
        assert.ok(rest.attempts >= limits.maxAttempts || limits.maxAttempts <= 1);
        return;
      }
      const delay = decision.dueAt - rest.now;
      assert.ok(delay >= 1 && delay <= MAX_TIMER_MS, `${delay}`);
    });
    fc.assert(check, { numRuns: 2_000 });
  });

  it('gives up only when both attempts and age are spent', () => {
    const check = fc.property(fc.nat(10), fc.nat(200_000_000), fc.double({ min: 0, max: 1, noNaN: true }), (attempts, age, dice) => {
      const decision = nextAttempt({ attempts, firstAttemptAt: now - age, now }, policy, () => dice);
      assert.equal(decision.kind === 'give_up', attempts >= 3 && age >= 86_400_000);
    });
    fc.assert(check);
  });

  it('spreads work that failed together', () => {
    let dice = 0;
    const due = new Set<number>();
    for (; dice < 1; dice += 0.01) {
      const decision = nextAttempt({ attempts: 4, firstAttemptAt: now, now }, policy, () => dice);
      if (decision.kind === 'retry') due.add(decision.dueAt);
    }
    assert.ok(due.size >= 99, `${due.size}`);
  });

  it('refuses a time that is none', () => {
    const input = { attempts: 1, firstAttemptAt: 0, now: Number.NaN };
    assert.throws(() => nextAttempt(input, policy, () => 0), RangeError);
  });
});
