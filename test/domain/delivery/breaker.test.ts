import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Breaker, breakerSignal, type BreakerSignal, type Pass } from '../../../src/domain/delivery/breaker.ts';

const options = { failureThreshold: 3, baseMs: 2_000, maxMs: 60_000 };
const half = (): number => 0.5;

function pass(breaker: Breaker, now: number): Pass {
  const got = breaker.tryPass(now);
  assert.ok('pass' in got, `does not pass at ${now}: ${JSON.stringify(got)}`);
  return got.pass;
}

function wait(breaker: Breaker, now: number): number {
  const got = breaker.tryPass(now);
  assert.ok('waitMs' in got, `passes at ${now}`);
  return got.waitMs;
}

function open(breaker: Breaker, signal: BreakerSignal = 'down'): void {
  while (breaker.state === 'closed') breaker.settle(pass(breaker, 0), signal, 0);
}

describe('Breaker', () => {
  it('opens after so many failures in a row, and tells it once', () => {
    const breaker = new Breaker(options, half);
    const changes = [0, 1, 2].map((now) => breaker.settle(pass(breaker, now), 'down', now));
    assert.deepEqual(changes, [undefined, undefined, { to: 'open', reason: 'failures', failures: 3, nextProbeAt: 1_502 }]);
    assert.equal(breaker.state, 'open');
    assert.equal(wait(breaker, 2), 1_500);
  });

  it('starts counting again after a success', () => {
    const breaker = new Breaker(options, half);
    for (const signal of ['down', 'down', 'up', 'down', 'down'] as const) {
      assert.equal(breaker.settle(pass(breaker, 0), signal, 0), undefined);
    }
    assert.equal(breaker.state, 'closed');
  });

  it('does not count a throttled call', () => {
    const breaker = new Breaker(options, half);
    for (let call = 0; call < 20; call += 1) {
      const signal = breakerSignal({ kind: 'throttled' });
      assert.equal(breaker.settle(pass(breaker, 0), signal, 0), undefined);
    }
    assert.equal(breaker.state, 'closed');
  });

  it('sends one probe at a time, each later than the last, and closes on success', () => {
    const breaker = new Breaker(options, half);
    open(breaker);
    const waits = [];
    let now = 0;
    for (let probe = 0; probe < 8; probe += 1) {
      const ms = wait(breaker, now);
      waits.push(ms);
      now += ms;
      const pending = pass(breaker, now);
      assert.equal(breaker.state, 'half_open');
      assert.ok(wait(breaker, now) > 0, 'a second probe passed');
      assert.equal(breaker.settle(pending, 'down', now), undefined, 'a failed probe is no change');
    }
    assert.deepEqual(waits, [1_500, 2_500, 4_500, 8_500, 16_500, 30_500, 30_500, 30_500]);
    now += 30_500;
    const change = breaker.settle(pass(breaker, now), 'up', now);
    assert.deepEqual(change, { to: 'closed', reason: 'failures', openForMs: now });
    assert.equal(breaker.waitMs(now), 0);
  });

  it('opens at the first denial, probes every 30 s to 5 min, and recovers alone', () => {
    for (const dice of [0, 0.5, 0.999]) {
      const breaker = new Breaker(options, () => dice);
      const change = breaker.settle(pass(breaker, 0), 'denied', 0);
      assert.equal(change?.to === 'open' && change.reason, 'denied');
      let now = 0;
      for (let probe = 0; probe < 10; probe += 1) {
        const ms = wait(breaker, now);
        assert.ok(ms >= 30_000 && ms <= 300_000, `${ms}`);
        now += ms;
        assert.equal(breaker.settle(pass(breaker, now), 'denied', now), undefined);
      }
      now += wait(breaker, now);
      assert.equal(breaker.settle(pass(breaker, now), 'up', now)?.to, 'closed');
    }
  });

  it('tells when the reason changes', () => {
    const breaker = new Breaker(options, half);
    open(breaker);
    const change = breaker.settle(pass(breaker, 10_000), 'denied', 10_000);
    assert.equal(change?.to === 'open' && change.reason, 'denied');
  });

  it('ignores answers to calls that passed before it opened or closed', () => {
    const breaker = new Breaker(options, half);
    const [early, hanging] = [pass(breaker, 0), pass(breaker, 0)];
    open(breaker);
    assert.equal(breaker.settle(early, 'up', 1), undefined);
    assert.equal(breaker.state, 'open');
    breaker.settle(pass(breaker, 10_000), 'up', 10_000);
    for (let call = 0; call < 5; call += 1) breaker.settle(hanging, 'denied', 10_001);
    assert.equal(breaker.state, 'closed');
  });

  it('gives a probe that was not sent, or was throttled, to the next call', () => {
    const breaker = new Breaker(options, half);
    open(breaker);
    breaker.giveBack(pass(breaker, 10_000));
    breaker.settle(pass(breaker, 10_000), 'neutral', 10_000);
    assert.equal(breaker.state, 'open');
    assert.ok(pass(breaker, 10_000).probe);
  });

  it('does not wait for ever for a probe that got lost', () => {
    const breaker = new Breaker(options, half);
    open(breaker);
    const lost = pass(breaker, 10_000);
    const now = 10_000 + wait(breaker, 10_000);
    const next = pass(breaker, now);
    assert.ok(next.probe);
    breaker.giveBack(lost);
    assert.equal(breaker.state, 'half_open', 'the lost one came back and took the place of the new one');
    assert.equal(breaker.settle(next, 'up', now)?.to, 'closed');
  });

  it('always lets work pass again in the end, whatever came before', () => {
    const signals = fc.array(fc.constantFrom<BreakerSignal>('up', 'down', 'denied', 'neutral'), { maxLength: 60 });
    const dice = fc.double({ min: 0, max: 1, noNaN: true });
    const check = fc.property(signals, dice, (all, value) => {
      const breaker = new Breaker(options, () => value);
      let now = 0;
      for (const signal of all) {
        const ms = breaker.waitMs(now);
        assert.ok(Number.isInteger(ms) && ms >= 0 && ms <= 300_000, `${ms}`);
        now += ms;
        breaker.settle(pass(breaker, now), signal, now);
        assert.equal(breaker.state === 'closed', breaker.reason === undefined);
      }
      now += breaker.waitMs(now);
      breaker.settle(pass(breaker, now), 'up', now);
      assert.equal(breaker.state, 'closed');
    });
    fc.assert(check, { numRuns: 300 });
  });
});

describe('breakerSignal', () => {
  for (const [signal, kinds] of [
    ['up', ['accepted', 'completed', 'patched', 'rejected', 'gone', 'conflict']],
    ['down', ['failed', 'unknown', 'unavailable', 'misconfigured']],
    ['denied', ['unauthorized', 'forbidden']],
    ['neutral', ['throttled']],
  ] as const) {
    it(`${kinds.join(', ')}: ${signal}`, () => {
      for (const kind of kinds) assert.equal(breakerSignal({ kind }), signal);
    });
  }
});
