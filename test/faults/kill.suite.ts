import assert from 'node:assert/strict';
import test from 'node:test';
import { crowd, post } from '../support/crowd.ts';
import { killUnderLoad } from '../support/kill-cycle.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';

const KILLS = 90;
/** Calls take a while, so that many kills meet one in the air; webhooks as well. */
const SLOW = { latency: { minMs: 10, maxMs: 120 }, callbackDelay: { minMs: 5, maxMs: 150 } } as const;
const SMALL = { CXONE_MERGE_CHUNK_SIZE: '10' } as const;

for (const seed of [1, 2]) {
  test(`${KILLS} kills at random moments under load, seed ${seed}: nothing lost, each effect once`, async (t) => {
    await withWorkplace({ sandbox: { ...SLOW, seed }, settings: SMALL }, async (place) => {
      const run = await killUnderLoad(place, { kills: KILLS, seed });
      const stats = place.sandbox.stats();
      t.diagnostic(`${run.kills} kills, ${run.batches.length} batches, ${run.unanswered} tries without an answer, ${stats.people} people, ${stats.mergeCalls} merges, ${stats.replayed} repeated`);
      assert.ok(run.unanswered > 0, 'no kill met a request');
      assert.ok(stats.replayed > 0, 'no kill met a call to CXone');
      assert.equal(stats.appliedAgain, 0);
    });
  });
}

test('kills at random moments, at a tenant that knows no request ids: what is doubled is flagged', async (t) => {
  await withWorkplace({ sandbox: { ...SLOW, seed: 3, idempotency: false }, settings: SMALL }, async (place) => {
    const run = await killUnderLoad(place, { kills: 25, seed: 3 });
    const stats = place.sandbox.stats();
    t.diagnostic(`${run.kills} kills, ${stats.people} people, ${stats.appliedAgain} identifiers doubled, each flagged`);
    assert.ok(stats.appliedAgain > 0, 'no kill met the window');
  });
});

test('the budget holds over lives: however often it is killed, no window sees more calls than the limit', async (t) => {
  const limit = 10;
  // Without webhooks to register, the first call of a life is a merge.
  const settings = { CXONE_MERGE_CHUNK_SIZE: '1', WEBHOOK_URL: '', CDP_WEBHOOK_URL: '' };
  await withWorkplace({ sandbox: { requestsPerWindow: limit, mergeMode: 'sync' }, settings }, async (place) => {
    await place.start();
    await post(() => place.service, crowd({ size: 60, roles: ['clean'] }));
    for (let life = 0; life < 14; life += 1) {
      const calls = place.sandbox.stats().budgetRequests;
      const since = performance.now();
      // A life that has its whole budget sends at once; one that knows what the lives before it sent waits for its turn.
      await until(() => place.sandbox.stats().budgetRequests > calls || performance.now() - since > 700, 10_000, 'a call, or none');
      await place.service.kill9();
      await place.start();
    }
    const stats = place.sandbox.stats();
    t.diagnostic(`${stats.budgetRequests} calls in ${place.lives.length} lives, at most ${stats.peakInWindow} in a window of ${limit}`);
    // The lives together last for about four turns of an even pace; each on its own budget would make a call of its own.
    assert.ok(stats.budgetRequests > 1 && stats.budgetRequests < place.lives.length);
    assert.deepEqual([stats.limited, stats.peakInWindow <= limit], [0, true]);
  });
});
