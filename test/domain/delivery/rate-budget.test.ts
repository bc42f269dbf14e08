import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LANES, RateBudget, type Lane } from '../../../src/domain/delivery/rate-budget.ts';
import { EventLoop } from '../../support/events.ts';
import { LIMITER_KINDS } from '../../support/limiters.ts';
import { mostInAnyWindow, runPacing } from '../../support/pacing.ts';
import { seededRandom } from '../../support/random.ts';

function take(budget: RateBudget, now: number, lane: Lane = 'bulk'): number {
  const got = budget.tryAcquire(lane, now);
  assert.ok('slot' in got, `no slot at ${now}: ${JSON.stringify(got)}`);
  return got.slot;
}

function refused(budget: RateBudget, now: number, lane: Lane = 'bulk'): number {
  const got = budget.tryAcquire(lane, now);
  assert.ok('waitMs' in got, `a slot at ${now}`);
  return got.waitMs;
}

describe('RateBudget: spacing', () => {
  it('spaces calls evenly', () => {
    const budget = new RateBudget({ perMinute: 100 });
    take(budget, 0);
    // One of a hundred is headroom: 60,000 / 99.
    assert.equal(refused(budget, 0), 607);
    assert.equal(refused(budget, 605.5), 1);
    take(budget, 607);
  });

  it('makes up for two late intervals and no more, when it was asked before', () => {
    const budget = new RateBudget({ perMinute: 100 });
    take(budget, 0);
    refused(budget, 1);
    for (let call = 0; call < 3; call += 1) take(budget, 10_000);
    refused(budget, 10_000);
  });

  it('owes nothing for idle time', () => {
    const budget = new RateBudget({ perMinute: 100 });
    take(budget, 0);
    take(budget, 10_000);
    assert.equal(refused(budget, 10_000), 607);
  });

  it('frees a slot one window after its answer, not after its send', () => {
    const budget = new RateBudget({ perMinute: 2 });
    const first = take(budget, 0);
    const second = take(budget, 30_304);
    budget.answered(first, 40_000);
    budget.answered(second, 41_000);
    const wait = refused(budget, 60_000);
    assert.ok(wait >= 40_000 && wait <= 40_031, `${wait}`);
  });

  it('never sends while all slots are in flight, and frees a released one at once', () => {
    const budget = new RateBudget({ perMinute: 2 });
    take(budget, 0);
    const second = take(budget, 30_304);
    assert.ok(refused(budget, 10_000_000) >= 60_000);
    budget.released(second);
    take(budget, 10_000_000);
  });

  it('ignores a slot that was given back before, or never was', () => {
    const budget = new RateBudget({ perMinute: 10 });
    const slot = take(budget, 0);
    budget.answered(slot, 1);
    budget.answered(slot, 2);
    budget.released(slot);
    budget.answered(4711, 3);
    assert.equal(budget.snapshot(3).tokens, 9);
  });

  it('stands still while time runs backwards', () => {
    const budget = new RateBudget({ perMinute: 60 });
    take(budget, 10_000);
    assert.equal(refused(budget, 0), 1_011);
    assert.throws(() => budget.tryAcquire('bulk', Number.NaN), RangeError);
  });

  it('holds no 5-second window above its share', () => {
    const budget = new RateBudget({ perMinute: 100 });
    const { arrivals } = runPacing(budget, { ...steady, latencyMs: [0, 0], timerLagMs: 5, limiter: 'sliding' });
    assert.ok(mostInAnyWindow(arrivals, 5_000) <= Math.ceil((100 * 5) / 60), `${mostInAnyWindow(arrivals, 5_000)}`);
  });

  for (const options of [
    { perMinute: 0 },
    { perMinute: 1.5 },
    { perMinute: Number.NaN },
    { perMinute: 1, interactiveShare: 1.1 },
    { perMinute: 1, windowMs: 0 },
  ]) {
    it(`refuses ${JSON.stringify(options)}`, () => assert.throws(() => new RateBudget(options), RangeError));
  }
});

const steady = { limit: 100, windowMs: 60_000, durationMs: 600_000, random: seededRandom(1) };

describe('RateBudget: every limiter, the whole budget, no refusal', () => {
  for (const limiter of LIMITER_KINDS) {
    for (const latencyMs of [[0, 0], [10, 30]] as const) {
      for (const scaled of [
        { limit: 100, windowMs: 60_000, durationMs: 60_000, timerLagMs: 2 },
        { limit: 100, windowMs: 60_000, durationMs: 600_000, timerLagMs: 2 },
        { limit: 6_000, windowMs: 60_000, durationMs: 60_000, timerLagMs: 5 },
        { limit: 600, windowMs: 6_000, durationMs: 60_000, timerLagMs: 5 },
      ]) {
        const name = `${limiter}, ${latencyMs.join('-')} ms, ${scaled.limit} in ${scaled.windowMs / 1_000} s`;
        it(`${name}, for ${scaled.durationMs / 1_000} s`, () => {
          const budget = new RateBudget({ perMinute: scaled.limit, windowMs: scaled.windowMs });
          const result = runPacing(budget, { ...scaled, limiter, latencyMs, random: seededRandom(7) });
          assert.equal(result.refused, 0);
          assert.ok(result.utilisation >= 0.98, `${result.utilisation}`);
          assert.ok(mostInAnyWindow(result.arrivals, scaled.windowMs) <= scaled.limit);
        });
      }
    }
  }

  for (const latencyMs of [[0, 0], [10, 30], [100, 400]] as const) {
    it(`is not refused by an estimating limiter either, at 100 a minute and ${latencyMs.join('-')} ms`, () => {
      const run = { limiter: 'counter' as const, limit: 100, windowMs: 60_000, durationMs: 3_600_000, timerLagMs: 5 };
      const result = runPacing(new RateBudget({ perMinute: 100 }), { ...run, latencyMs, random: seededRandom(7) });
      assert.equal(result.refused, 0);
      assert.ok(result.utilisation >= 0.98, `${result.utilisation}`);
    });
  }

  it('is refused when it sends more than the limiter allows (the limiters do limit)', () => {
    for (const limiter of [...LIMITER_KINDS, 'counter' as const]) {
      const budget = new RateBudget({ perMinute: 150 });
      const result = runPacing(budget, { ...steady, limiter, latencyMs: [10, 30], timerLagMs: 0 });
      assert.ok(result.refused > 0, limiter);
    }
  });
});

describe('RateBudget: properties', () => {
  const step = fc.record({
    gap: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 50, noNaN: true }), fc.integer({ min: 0, max: 5_000 })),
    out: fc.double({ min: 0, max: 1_500, noNaN: true }),
    back: fc.double({ min: 0, max: 1_500, noNaN: true }),
    lane: fc.constantFrom(...LANES),
    end: fc.constantFrom('answered', 'answered', 'answered', 'throttled', 'released'),
  });

  it('no window on the server ever holds more than the limit, whatever the latencies', () => {
    const world = fc.record({
      limit: fc.integer({ min: 1, max: 12 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      restored: fc.array(fc.double({ min: -1_500, max: 0, noNaN: true }), { maxLength: 12 }),
      steps: fc.array(step, { maxLength: 120 }),
    });
    fc.assert(
      fc.property(world, ({ limit, share, restored, steps }) => {
        const windowMs = 1_000;
        const budget = new RateBudget({ perMinute: limit, interactiveShare: share, windowMs });
        const before = restored.slice(0, limit);
        budget.restore(before, 0, 0);
        const arrivals = [...before];
        const loop = new EventLoop();
        let at = 0;
        for (const { gap, out, back, lane, end } of steps) {
          at += gap;
          loop.at(at, () => {
            const got = budget.tryAcquire(lane, loop.now);
            if ('waitMs' in got) {
              assert.ok(Number.isInteger(got.waitMs) && got.waitMs >= 1 && got.waitMs < 2 ** 31);
              return;
            }
            if (end === 'released') {
              loop.after(back, () => budget.released(got.slot));
              return;
            }
            arrivals.push(loop.now + out);
            loop.after(out + back, () => budget[end](got.slot, loop.now));
          });
        }
        while (loop.step());
        assert.ok(mostInAnyWindow(arrivals.sort((a, b) => a - b), windowMs) <= limit);
        const seen = budget.snapshot(loop.now);
        for (const value of [seen.effectiveLimit, seen.tokens, seen.inFlight, seen.usedLastWindow]) {
          assert.ok(Number.isFinite(value) && value >= 0 && value <= limit, JSON.stringify(seen));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('the wait it names is enough: asked again then, alone, it gives the slot', () => {
    const world = fc.record({
      limit: fc.integer({ min: 1, max: 300 }),
      asks: fc.array(fc.record({ gap: fc.integer({ min: 0, max: 2_000 }), latency: fc.nat(3_000) }), { maxLength: 80 }),
    });
    fc.assert(
      fc.property(world, ({ limit, asks }) => {
        const budget = new RateBudget({ perMinute: limit });
        let now = 0;
        for (const { gap, latency } of asks) {
          now += gap;
          const got = budget.tryAcquire('bulk', now);
          if ('waitMs' in got) {
            now += got.waitMs;
            assert.equal(budget.nextFreeIn('bulk', now), 0);
          } else {
            now += latency;
            budget.answered(got.slot, now);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('no number it is handed makes a NaN', () => {
    fc.assert(
      fc.property(fc.double(), fc.array(fc.double(), { maxLength: 5 }), fc.double(), (retryAfterMs, times, latency) => {
        const budget = new RateBudget({ perMinute: 5 });
        budget.restore(times, 1_000, latency);
        budget.throttled(1, 1_000, retryAfterMs);
        const wait = budget.nextFreeIn('bulk', 1_000);
        assert.ok(Number.isInteger(wait) && wait >= 0 && wait <= 3_660_030, `${wait}`);
        for (const value of Object.values(budget.snapshot(1_000))) assert.ok(!Number.isNaN(value));
      }),
    );
  });
});

/** Both lanes at once in virtual time: bulk work without end, PATCHes that arrive at random. Gives their waits. */
function runLanes(options: { patchesPerMinute: number; minutes: number; share?: number; latencyMs?: number }): {
  waits: number[];
  bulkCalls: number;
  arrivals: number[];
} {
  const { patchesPerMinute, minutes, share = 0.2, latencyMs = 20 } = options;
  const loop = new EventLoop();
  const random = seededRandom(11);
  const budget = new RateBudget({ perMinute: 100, interactiveShare: share });
  const waits: number[] = [];
  const arrivals: number[] = [];
  let bulkCalls = 0;
  const send = (slot: number): void => {
    arrivals.push(loop.now);
    loop.after(random() * 2 * latencyMs, () => budget.answered(slot, loop.now));
  };
  const bulk = (): void => {
    for (;;) {
      const got = budget.tryAcquire('bulk', loop.now);
      if ('waitMs' in got) {
        loop.after(got.waitMs + random() * 5, bulk);
        return;
      }
      bulkCalls += 1;
      send(got.slot);
    }
  };
  const patch = (since: number): void => {
    const got = budget.tryAcquire('interactive', loop.now);
    if ('waitMs' in got) {
      loop.after(got.waitMs + random() * 5, () => patch(since));
      return;
    }
    waits.push(loop.now - since);
    send(got.slot);
  };
  const arrive = (): void => {
    patch(loop.now);
    loop.after((-Math.log(1 - random()) * 60_000) / patchesPerMinute, arrive);
  };
  bulk();
  loop.after(1, arrive);
  loop.runUntil(minutes * 60_000);
  return { waits: waits.sort((a, b) => a - b), bulkCalls, arrivals };
}

describe('RateBudget: lanes', () => {
  for (const latencyMs of [0, 20, 500, 5_000]) {
    it(`a PATCH waits under 1 s (p95) behind endless bulk work, calls of ${latencyMs} ms`, () => {
      const { waits, arrivals } = runLanes({ patchesPerMinute: 10, minutes: 60, latencyMs });
      const p95 = waits[Math.floor(waits.length * 0.95)] ?? Number.NaN;
      assert.ok(waits.length > 500 && p95 < 1_000, `${waits.length} ${p95}`);
      assert.ok(arrivals.length / 6_000 > (latencyMs > 1_000 ? 0.88 : 0.98), `${arrivals.length}`);
    });
  }

  it('bulk work keeps its share, and interactive work its own, when both have more than the budget', () => {
    const { waits, bulkCalls } = runLanes({ patchesPerMinute: 50, minutes: 10 });
    const total = waits.length + bulkCalls;
    assert.ok(Math.abs(waits.length / total - 0.2) < 0.02, `${waits.length} of ${total}`);
    assert.ok(total / 1_000 > 0.98);
  });

  it('a lane takes all of the budget while the other has no work', () => {
    for (const lane of LANES) {
      const budget = new RateBudget({ perMinute: 100 });
      let sent = 0;
      for (let now = 0; now < 60_000; now += 100) {
        const got = budget.tryAcquire(lane, now);
        if ('slot' in got) {
          sent += 1;
          budget.answered(got.slot, now);
        }
      }
      assert.ok(sent >= 99, `${lane} ${sent}`);
    }
  });

  it('interactive demand that nobody comes back for delays bulk work by half an interval only', () => {
    const budget = new RateBudget({ perMinute: 100 });
    take(budget, 0);
    refused(budget, 10, 'interactive');
    refused(budget, 10);
    assert.equal(refused(budget, 607), 303);
    take(budget, 910);
    // The pace goes on from when the call was due.
    assert.equal(refused(budget, 910), 303);
  });

  it('without a share, first come is first served', () => {
    const budget = new RateBudget({ perMinute: 100, interactiveShare: 0 });
    take(budget, 0);
    refused(budget, 10, 'interactive');
    take(budget, 607, 'bulk');
    refused(budget, 607, 'bulk');
    take(budget, 1_213, 'interactive');
  });
});

describe('RateBudget: 429', () => {
  it('makes everybody wait as long as the answer says', () => {
    const budget = new RateBudget({ perMinute: 100 });
    budget.throttled(take(budget, 0), 50, 7_000);
    for (const lane of LANES) assert.equal(budget.nextFreeIn(lane, 50), 7_000);
    assert.equal(budget.snapshot(50).blockedUntil, 7_050);
    assert.equal(budget.snapshot(50).tokens, 0);
    take(budget, 7_050, 'interactive');
    assert.equal(budget.snapshot(7_050).blockedUntil, null);
    refused(budget, 7_050, 'bulk');
  });

  it('waits 1, 2, 4 … s, at most a window, where the answer names no time; an answer ends the row', () => {
    const budget = new RateBudget({ perMinute: 100 });
    let now = 0;
    const waits = [];
    for (let call = 0; call < 9; call += 1) {
      budget.throttled(take(budget, now), now);
      waits.push(budget.nextFreeIn('bulk', now));
      now += budget.nextFreeIn('bulk', now);
    }
    assert.deepEqual(waits.slice(0, 6), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000]);
    assert.ok(waits.slice(6).every((wait) => wait === 60_000));
    budget.answered(take(budget, now), now);
    now += budget.nextFreeIn('bulk', now);
    const slot = take(budget, now);
    budget.throttled(slot, now);
    assert.ok(budget.nextFreeIn('bulk', now) <= 12_200);
  });

  it('lowers the pace once for calls that were on their way together, and grows back to the limit', () => {
    const budget = new RateBudget({ perMinute: 100 });
    const slots = [0, 607, 1_213].map((now) => take(budget, now));
    for (const slot of slots) budget.throttled(slot, 1_300, 1_000);
    assert.equal(budget.snapshot(1_300).effectiveLimit, 70);
    assert.equal(Math.round(budget.snapshot(62_300).effectiveLimit), 80);
    assert.equal(budget.snapshot(300_000).effectiveLimit, 100);
  });

  it('finds its pace beside another consumer of the same limit, and its way back', () => {
    const foreign = { until: 30 * 60_000, perMinute: 40 };
    const result = runBesideForeign(foreign);
    assert.ok(result.refused > 0, 'the other consumer was not felt');
    assert.ok(result.refused <= 30, `${result.refused} refusals`);
    assert.ok(result.during / (60 * 30) > 0.75, `${result.during} of ${60 * 30}`);
    assert.ok(result.after / (100 * 20) > 0.98, `${result.after} of ${100 * 20}`);
  });

  it('adapts within a minute or so to a limit that was lowered to 30', () => {
    const result = runBesideForeign({ until: Number.POSITIVE_INFINITY, perMinute: 70 });
    assert.ok(result.refused <= 120, `${result.refused} refusals in an hour`);
    assert.ok(result.during / (30 * 30) > 0.7, `${result.during} of ${30 * 30}`);
  });
});

/** An hour against a sliding limiter of 100 that a foreign consumer drains evenly until the given time. */
function runBesideForeign(foreign: { until: number; perMinute: number }): {
  refused: number;
  during: number;
  after: number;
} {
  const loop = new EventLoop();
  const budget = new RateBudget({ perMinute: 100 });
  const passed: number[] = [];
  let window: number[] = [];
  let refused = 0;
  const allow = (): boolean => {
    window = window.filter((at) => at > loop.now - 60_000);
    if (window.length >= 100) return false;
    window.push(loop.now);
    return true;
  };
  const other = (): void => {
    if (loop.now >= foreign.until) return;
    allow();
    loop.after(60_000 / foreign.perMinute, other);
  };
  const pump = (): void => {
    const got = budget.tryAcquire('bulk', loop.now);
    if ('waitMs' in got) {
      loop.after(got.waitMs, pump);
      return;
    }
    if (allow()) {
      passed.push(loop.now);
      budget.answered(got.slot, loop.now);
    } else {
      refused += 1;
      budget.throttled(got.slot, loop.now);
    }
    loop.after(1, pump);
  };
  other();
  pump();
  loop.runUntil(3_600_000);
  const between = (from: number, to: number): number => passed.filter((at) => at >= from && at < to).length;
  return { refused, during: between(0, 1_800_000), after: between(2_400_000, 3_600_000) };
}

describe('RateBudget: restart', () => {
  it('counts what an earlier process sent', () => {
    const budget = new RateBudget({ perMinute: 100 });
    const times = Array.from({ length: 100 }, (_, call) => -59_000 + call * 590);
    budget.restore(times, 0, 0);
    assert.equal(budget.snapshot(0).usedLastWindow, 100);
    assert.equal(budget.snapshot(0).tokens, 0);
    const wait = refused(budget, 0);
    assert.ok(wait >= 1_000 && wait <= 1_030, `${wait}`);
  });

  it('waits for all of them when there are more than the limit (it was lowered meanwhile)', () => {
    const budget = new RateBudget({ perMinute: 10 });
    budget.restore(Array.from({ length: 20 }, (_, call) => -50_000 + call * 1_000), 0, 0);
    // The eleventh youngest must have gone: it was sent at -40 s.
    const wait = refused(budget, 0);
    assert.ok(wait >= 20_000 && wait <= 20_030, `${wait}`);
  });

  it('takes the answer to have come as late as it may have, but not after the restart', () => {
    const budget = new RateBudget({ perMinute: 1 });
    budget.restore([-10_000], 0, 15_000);
    const wait = refused(budget, 0);
    assert.ok(wait >= 60_000 && wait <= 60_030, `${wait}`);
  });

  it('forgets what is older than a window', () => {
    const budget = new RateBudget({ perMinute: 1 });
    budget.restore([-70_000], 0);
    take(budget, 0);
  });
});
