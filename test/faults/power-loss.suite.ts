import assert from 'node:assert/strict';
import test from 'node:test';
import { losePower } from '../support/power-loss.ts';
import { straceMissing } from '../support/strace.ts';

const BATCHES = 60;
const skip = straceMissing() ?? false;

test('power lost at every fsync: nothing acknowledged is lost, whatever of the rest was written', { skip }, async (t) => {
  const { syncs, states, acknowledged, lost, corrupt } = await losePower('FULL', BATCHES);
  t.diagnostic(`${acknowledged} batches, ${syncs} syncs, ${states} states`);
  assert.equal(acknowledged, BATCHES);
  assert.ok(states > BATCHES, 'the power was lost often enough');
  assert.deepEqual({ lost, corrupt }, { lost: 0, corrupt: 0 });
});

test('negative control: without an fsync at each commit the same run does lose', { skip }, async (t) => {
  const { states, acknowledged, lost, corrupt } = await losePower('NORMAL', BATCHES);
  t.diagnostic(`${acknowledged} batches, ${states} states, ${lost + corrupt} of them lost acknowledged ones`);
  assert.equal(acknowledged, BATCHES);
  assert.ok(lost + corrupt > 0, 'the test cannot see a loss');
});
