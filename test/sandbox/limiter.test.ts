import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { peakInWindow } from '../../src/sandbox/ledger.ts';
import { createLimiter } from '../../src/sandbox/limiter.ts';
import type { LimiterKind } from '../../src/sandbox/types.ts';

/** The times of those that are let in. */
function admitted(kind: LimiterKind, times: readonly number[], limit = 3, windowMs = 1000): number[] {
  const limiter = createLimiter(kind, () => limit, windowMs);
  return times.filter((time) => limiter.take(time) === 0);
}

describe('limiters', () => {
  const burst = [900, 910, 920, 930, 1000, 1010, 1890, 1900, 1911, 2000];
  const table: Record<LimiterKind, number[]> = {
    sliding: [900, 910, 920, 1900, 1911, 2000],
    fixed: [900, 910, 920, 1900, 1911, 2000],
    aligned: [900, 910, 920, 1000, 1010, 1890, 2000],
    bucket: [900, 910, 920, 1890, 1900, 1911],
  };
  for (const [kind, expected] of Object.entries(table)) {
    it(`${kind}: lets the right ones of a burst in`, () => assert.deepEqual(admitted(kind as LimiterKind, burst), expected));
  }

  it('differ where a burst meets the edge of a window', () => {
    const edge = [990, 991, 992, 1000, 1001, 1002];
    assert.equal(admitted('aligned', edge).length, 6);
    assert.equal(admitted('sliding', edge).length, 3);
  });

  const increasing = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 60 }).map((gaps) => {
    let time = 0;
    return gaps.map((gap) => (time += gap));
  });

  it('sliding: no window holds more than the limit, and a refused call is let in when it said', () => {
    fc.assert(
      fc.property(increasing, fc.integer({ min: 1, max: 5 }), (times, limit) => {
        const limiter = createLimiter('sliding', () => limit, 1000);
        const taken: number[] = [];
        for (const time of times) {
          const wait = limiter.take(time);
          if (wait === 0) taken.push(time);
          else assert.ok(wait > 0 && wait <= 1000);
        }
        assert.ok(peakInWindow(taken, 1000) <= limit);
        const last = times.at(-1) as number;
        const wait = limiter.take(last);
        if (wait > 0) assert.equal(limiter.take(last + wait), 0);
      }),
    );
  });

  it('every kind: what it refuses would have been one too many, at most twice the limit fits any window', () => {
    fc.assert(
      fc.property(increasing, fc.constantFrom<LimiterKind>('fixed', 'aligned', 'bucket'), (times, kind) => {
        const taken = admitted(kind, times);
        assert.ok(taken.length >= Math.min(3, times.length));
        assert.ok(peakInWindow(taken, 1000) <= 6);
      }),
    );
  });
});

describe('the peak in a window', () => {
  for (const [times, windowMs, peak] of [
    [[], 10, 0],
    [[1], 10, 1],
    [[0, 10], 10, 1],
    [[0, 9.9], 10, 2],
    [[30, 0, 5, 31, 9, 39], 10, 3],
  ] as const) {
    it(`of ${JSON.stringify(times)} in ${windowMs} ms is ${peak}`, () => assert.equal(peakInWindow(times, windowMs), peak));
  }
});
