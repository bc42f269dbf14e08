import assert from 'node:assert/strict';
import test from 'node:test';
import { killAt, killWhileFrozen, playDiskFault } from '../support/fault-plays.ts';
import { eraseUnderLoad } from '../support/erasure-cycle.ts';
import { playSeries } from '../support/fault-series.ts';
import { killUnderLoad } from '../support/kill-cycle.ts';
import { judge } from '../support/oracle.ts';
import { losePower } from '../support/power-loss.ts';
import { straceMissing } from '../support/strace.ts';
import { withWorkplace } from '../support/workplace.ts';

// A minute of what `npm run test:faults` does at length.

const skip = straceMissing() ?? false;

test('ten kills at random moments under load', async () => {
  const sandbox = { latency: { minMs: 10, maxMs: 120 }, callbackDelay: { minMs: 5, maxMs: 150 }, seed: 7 };
  await withWorkplace({ sandbox, settings: { CXONE_MERGE_CHUNK_SIZE: '10' } }, async (place) => {
    const run = await killUnderLoad(place, { kills: 10, seed: 7, mostMs: 300 });
    assert.ok(run.unanswered > 0, 'no kill met a request');
    assert.equal(place.sandbox.stats().appliedAgain, 0);
  });
});

test('killed as an export is taken and not acknowledged', async () => {
  await killWhileFrozen({ kind: 'hang-after', endpoint: 'marketing' }, (place) => {
    assert.ok(place.sandbox.ledger().marketing.some((delivery) => delivery.repeated));
  });
});

for (const n of [9, 17]) {
  test(`killed at sync ${n}`, { skip }, async () => {
    assert.ok(await killAt('sync', n), 'the kill did not fire');
  });
}

test('killed as erasures are under way', { skip }, async () => {
  await withWorkplace({}, async (place) => {
    const { kills } = await eraseUnderLoad(place, { next: ({ kills }) => (kills.length === 0 ? [{ atStep: 'rows', syncMs: 25 }] : undefined), seed: 13 });
    assert.ok(kills[0]!.length > 0, 'the kill met no erasure');
  });
});

test('300 ms at every sync', { skip }, async () => {
  await playDiskFault({ delayMs: 300 });
});

test('power lost at every fsync, and the control that must lose', { skip }, async () => {
  const kept = await losePower('FULL', 12);
  assert.deepEqual([kept.acknowledged, kept.lost, kept.corrupt], [12, 0, 0]);
  const control = await losePower('NORMAL', 12);
  assert.ok(control.lost + control.corrupt > 0, 'the test cannot see a loss');
});

test('a tenant that throttles, fails, resets and answers what nobody can read', async () => {
  await withWorkplace({}, async (place) => {
    await place.start();
    const batches = await playSeries(place, [
      [{ kind: '429-seconds', seconds: 1, count: 1 }],
      [{ kind: '500', count: 2 }],
      [{ kind: 'reset-after', count: 1 }],
      [{ kind: 'unreadable', count: 1 }],
      [{ kind: '422-indexes', indexes: [0], count: 1 }, { setAside: 1, reason: /is not valid/ }],
    ]);
    await judge(place, { batches, hadUnknown: true, oneLife: true });
    assert.equal(place.sandbox.stats().appliedAgain, 0);
  });
});
