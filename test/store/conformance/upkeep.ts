import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Harness } from '../harness.ts';
import { LEASE_MS, START, Scene, people, person } from '../scene.ts';

const DAY_MS = 86_400_000;

/** What time alone brings about, and what the store tells of itself. */
export function upkeepTests(newHarness: () => Harness): void {
  test('the figures of the store agree with what is in it', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const empty = { waiting: 0, inFlight: 0, submitted: 0, unconfirmed: 0, deadLetters: 0, patchesWaiting: 0, exportsWaiting: 0, oldestWaitingSince: null };
    assert.deepEqual(await scene.store.stats(), empty);
    await scene.batch([...people(6), person(0), { email: 'x', errors: [{ field: 'email', code: 'email_invalid', message: '' }] }]);
    scene.now += 1000;
    await scene.accept(await scene.mustClaim(1), true);
    await scene.accept(await scene.mustClaim(1));
    await scene.reject(await scene.mustClaim(1));
    await scene.mustClaim(1);
    await scene.batch([person(9)]);
    const patch = { profileId: 'a', attributes: {}, mergeStrategy: 'OVERWRITE' as const, sourceSystem: 'crm', tags: [] };
    const facts = { dataHash: '', classification: {}, masked: [], policyVersion: 'policy-1' };
    await scene.store.acceptPatch({ jobId: 'p', requestId: 'r', caller: 'desk', patch, facts, now: scene.now, leaseMs: LEASE_MS });
    const { waiting, inFlight, ...others } = await scene.store.stats();
    assert.equal(waiting, 3);
    assert.ok(inFlight >= 1);
    assert.deepEqual(others, { submitted: 1, unconfirmed: 0, deadLetters: 1, patchesWaiting: 1, exportsWaiting: 1, oldestWaitingSince: START });
    await scene.deliver();
    assert.partialDeepStrictEqual(await scene.store.stats(), { waiting: 0, oldestWaitingSince: null });
  });

  test('a secret is the first that was kept under its name, through a stop', async (t) => {
    const scene = await Scene.open(t, newHarness);
    assert.equal(await scene.store.keepSecret({ name: 'webhook', candidate: 'first' }), 'first');
    assert.equal(await scene.store.keepSecret({ name: 'webhook', candidate: 'second' }), 'first');
    assert.equal(await scene.store.keepSecret({ name: 'other', candidate: 'second' }), 'second');
    await scene.reopen();
    assert.equal(await scene.store.keepSecret({ name: 'webhook', candidate: 'third' }), 'first');
  });

  test('what has had its time goes: answers, webhooks, calls; the rest stays', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const idempotency = { bodyHash: 'abc', expiresAt: START + DAY_MS };
    const jobId = await scene.batch([person(1)], { idempotency: { key: 'old', ...idempotency } });
    await scene.batch([person(2)], { idempotency: { key: 'new', ...idempotency, expiresAt: START + 30 * DAY_MS } });
    await scene.deliver();
    await scene.webhook({ eventId: 'e1' });
    scene.now += DAY_MS;
    await scene.sweep();
    assert.deepEqual(await scene.store.recentCalls({ since: 0 }), []);
    assert.equal((await scene.webhook({ eventId: 'e1' })).duplicate, true, 'a repetition is known for days');
    scene.now += 29 * DAY_MS;
    await scene.sweep();
    assert.equal(await scene.store.findAnswer({ caller: 'importer', key: 'old', now: 0 }), null);
    assert.equal((await scene.webhook({ eventId: 'e1' })).duplicate, false);
    assert.equal((await scene.job(jobId)).status, 'completed');
    await scene.sweep();
    assert.deepEqual(await scene.sweepOnce(), { more: false });
  });

  test('a recent call stays in the memory of the budget', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1)]);
    await scene.deliver();
    scene.now += 60_000;
    await scene.sweep();
    assert.deepEqual(await scene.store.recentCalls({ since: 0 }), [START]);
  });
}
