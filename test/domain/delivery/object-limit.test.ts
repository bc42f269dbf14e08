import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ObjectLimit } from '../../../src/domain/delivery/object-limit.ts';

describe('ObjectLimit', () => {
  it('gives a burst at once and then its rate, to each object by itself', () => {
    const limit = new ObjectLimit({ burst: 3, perMinute: 60 });
    for (let update = 0; update < 3; update += 1) assert.deepEqual(limit.tryAcquire('a', 0), { ok: true });
    assert.deepEqual(limit.tryAcquire('a', 0), { ok: false, waitMs: 1_000 });
    assert.deepEqual(limit.tryAcquire('b', 0), { ok: true });
    assert.deepEqual(limit.tryAcquire('a', 1_000), { ok: true });
    assert.deepEqual(limit.tryAcquire('a', 1_500), { ok: false, waitMs: 500 });
  });

  it('gives a whole burst of any size', () => {
    for (const burst of [1, 7, 250]) {
      const limit = new ObjectLimit({ burst, perMinute: 17 });
      let given = 0;
      while (limit.tryAcquire('a', 1e9 / 3).ok) given += 1;
      assert.equal(given, burst);
    }
  });

  it('never gives more than the burst and the refill of any stretch of time', () => {
    const world = fc.record({
      burst: fc.integer({ min: 1, max: 5 }),
      perMinute: fc.integer({ min: 1, max: 600 }),
      gaps: fc.array(fc.nat(5_000), { maxLength: 60 }),
    });
    const check = fc.property(world, ({ burst, perMinute, gaps }) => {
      const limit = new ObjectLimit({ burst, perMinute });
      const given: number[] = [];
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        const got = limit.tryAcquire('a', now);
        if (got.ok) given.push(now);
        else assert.ok(got.waitMs >= 1 && Number.isInteger(got.waitMs));
      }
      for (const [first, from] of given.entries()) {
        for (const [last, to] of given.entries()) {
          if (last >= first) assert.ok(last - first + 1 <= burst + ((to - from) * perMinute) / 60_000 + 1e-6);
        }
      }
    });
    fc.assert(check);
  });

  it('keeps its memory bounded, and lets go of full allowances first', () => {
    const limit = new ObjectLimit({ burst: 1, perMinute: 1, maxObjects: 2 });
    limit.tryAcquire('old', 0);
    limit.tryAcquire('busy', 59_000);
    limit.tryAcquire('new', 61_000);
    assert.equal(limit.size, 2);
    assert.equal(limit.tryAcquire('busy', 61_000).ok, false);
    for (let object = 0; object < 100; object += 1) limit.tryAcquire(`${object}`, 61_000);
    assert.equal(limit.size, 2);
  });

  it('refuses limits that are none', () => {
    for (const options of [{ burst: 0, perMinute: 1 }, { burst: 1, perMinute: 0 }, { burst: Number.NaN, perMinute: 1 }]) {
      assert.throws(() => new ObjectLimit(options), RangeError);
    }
  });
});
