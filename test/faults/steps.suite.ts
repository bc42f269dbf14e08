import assert from 'node:assert/strict';
import test from 'node:test';
import type { Fault } from '../../src/sandbox/fault-catalogue.ts';
import { killAt, killWhileFrozen } from '../support/fault-plays.ts';
import { straceMissing } from '../support/strace.ts';
import type { Workplace } from '../support/workplace.ts';

const once = (place: Workplace): void => assert.equal(place.sandbox.stats().appliedAgain, 0);
const sinkRepeats = (place: Workplace): void => {
  const seen = place.sandbox.ledger().marketing;
  assert.ok(seen.some((delivery) => delivery.repeated), 'the message went again under its id');
};

/** Steps outside the file, each frozen by the one it waits for. Those within it are hit by the kills at each write. */
const FROZEN: [step: string, fault: Fault, inspect?: (place: Workplace) => void][] = [
  ['S7 while a token is asked for', { kind: 'hang', endpoint: 'token' }, once],
  ['while the webhook is registered', { kind: 'hang', endpoint: 'webhooks' }, once],
  ['S10 a merge is out and not applied', { kind: 'hang', endpoint: 'merge' }, once],
  ['S11 a merge is applied and not answered', { kind: 'hang-after', endpoint: 'merge' }, once],
  ['S12 a merge is being answered', { kind: 'drip', endpoint: 'merge', ms: 50 }, once],
  ['S14 webhooks are on their way', { kind: 'late', ms: 400 }, once],
  ['S14 webhooks come while the answer is out', { kind: 'early', endpoint: 'callbacks' }, once],
  ['S17 an export is out', { kind: 'hang', endpoint: 'marketing' }],
  ['S18 an export is taken and not acknowledged', { kind: 'hang-after', endpoint: 'marketing' }, sinkRepeats],
];

for (const [step, fault, inspect] of FROZEN) test(`killed at ${step}`, () => killWhileFrozen(fault, inspect));

const AT_MOST = 5000;
const skip = straceMissing() ?? false;

for (const [what, stride] of [['sync', 1], ['write', 29]] as const) {
  test(`S3, S4, S6, S8, S9, S13, S15, S16, S19 to S21: killed at every ${stride === 1 ? '' : `${stride}th `}${what}`, { skip }, async (t) => {
    let kills = 0;
    let n = 1;
    // A clean run ends it: there is nothing left to be killed at.
    while (n < AT_MOST && (await killAt(what, n))) {
      kills += 1;
      n += stride;
    }
    t.diagnostic(`${kills} kills, the last at ${what} ${n - stride}`);
    assert.ok(kills > 8, `only ${kills} kills fired`);
  });
}
