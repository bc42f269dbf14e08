import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { estimatedSeconds, requestsNeeded } from '../../../src/domain/delivery/estimate.ts';
import { RateBudget } from '../../../src/domain/delivery/rate-budget.ts';
import { EventLoop } from '../../support/events.ts';

/** Seconds that so many calls really take, in virtual time, from the state that `prepare` left. */
function measure(calls: number, latencyMs: number, prepare: (budget: RateBudget) => void): { real: number; told: number } {
  const loop = new EventLoop();
  const budget = new RateBudget({ perMinute: 100 });
  prepare(budget);
  const told = estimatedSeconds({ waitingPeople: calls * 50, chunkSize: 50, budget: budget.snapshot(0), now: 0, latencyMs });
  let left = calls;
  let answeredAt = 0;
  const pump = (): void => {
    while (left > 0) {
      const got = budget.tryAcquire('bulk', loop.now);
      if ('waitMs' in got) {
        loop.after(got.waitMs, pump);
        return;
      }
      left -= 1;
      loop.after(latencyMs, () => {
        budget.answered(got.slot, loop.now);
        answeredAt = loop.now;
      });
    }
  };
  pump();
  while (loop.step());
  return { real: answeredAt / 1_000, told };
}

const states: Record<string, (budget: RateBudget) => void> = {
  idle: () => {},
  'after a restart': (budget) => budget.restore(Array.from({ length: 80 }, (_, call) => -48_000 + call * 600), 0, 100),
  'blocked for 90 s': (budget) => budget.throttled(0, 0, 90_000),
  'at a third of its pace': (budget) => {
    for (const _ of [1, 2, 3]) budget.throttled(0, 0, 1_000);
  },
};

describe('estimatedSeconds', () => {
  for (const [name, prepare] of Object.entries(states)) {
    for (const calls of [10, 100, 1_000, 20_000]) {
      for (const latencyMs of [20, 2_000]) {
        it(`${calls} calls of ${latencyMs} ms, ${name}: within 20 % of the truth`, () => {
          const { real, told } = measure(calls, latencyMs, prepare);
          assert.ok(Math.abs(told - real) <= 0.2 * real, `told ${told}, took ${real}`);
        });
      }
    }
  }

  const budget = new RateBudget({ perMinute: 100 }).snapshot(0);
  const base = { waitingPeople: 0, chunkSize: 50, budget, now: 0 };

  it('is 0 where nothing waits', () => assert.equal(estimatedSeconds(base), 0));
  it('counts the wait for company of a chunk that is not full', () => {
    assert.equal(estimatedSeconds({ ...base, waitingPeople: 7, latencyMs: 100, lingerMs: 200 }), 0.3);
    assert.equal(estimatedSeconds({ ...base, waitingPeople: 50, latencyMs: 100, lingerMs: 200 }), 0.1);
  });
  it('counts calls that are no merges', () => {
    assert.equal(estimatedSeconds({ ...base, waitingCalls: 101 }), 60);
  });
  it('leaves the calls that other work takes', () => {
    assert.equal(estimatedSeconds({ ...base, waitingCalls: 101, otherPerWindow: 20 }), 75);
    assert.equal(estimatedSeconds({ ...base, waitingCalls: 101, otherPerWindow: 1_000 }), 600);
  });
});

describe('requestsNeeded', () => {
  for (const [people, chunk, calls] of [[0, 50, 0], [1, 50, 1], [50, 50, 1], [51, 50, 2], [10, 0, 10]] as const) {
    it(`${people} people in chunks of ${chunk}: ${calls}`, () => assert.equal(requestsNeeded(people, chunk), calls));
  }
});
