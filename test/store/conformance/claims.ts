import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Harness } from '../harness.ts';
import { LEASE_MS, START, Scene, byPhone, people, person } from '../scene.ts';

const emails = (contacts: readonly { email?: string }[]): (string | undefined)[] => contacts.map(({ email }) => email);

/** Chunks: who takes them, for how long, and what becomes of them when nobody hears of the taker again. */
export function claimTests(newHarness: () => Harness): void {
  test('chunks are filled in the order of arrival and held by one taker', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch(people(3));
    await scene.batch(people(2, 3));
    const first = await scene.store.claimMerge({ now: scene.now, limit: 3, leaseMs: LEASE_MS, lingerBefore: scene.now });
    assert.deepEqual(emails(first.chunk?.contacts ?? []), emails(people(3)));
    assert.partialDeepStrictEqual(first.chunk, { attempts: 0, firstAttemptAt: START, unknown: false, originals: 3 });
    assert.partialDeepStrictEqual(first, { lingering: false, nextDueAt: START + LEASE_MS });
    const second = await scene.mustClaim(3);
    assert.deepEqual(emails(second.contacts), emails(people(2, 3)));
    assert.notEqual(second.requestId, first.chunk?.requestId);
    assert.equal(await scene.claim(), null);
    assert.partialDeepStrictEqual(await scene.store.stats(), { waiting: 0, inFlight: 5, oldestWaitingSince: null });
  });

  test('a few wait a moment for company, a full chunk does not', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const claim = (limit: number) => scene.store.claimMerge({ now: scene.now, limit, leaseMs: LEASE_MS, lingerBefore: scene.now - 200 });
    await scene.batch(people(2));
    assert.partialDeepStrictEqual(await claim(3), { chunk: null, lingering: true, nextDueAt: null });
    assert.equal(await scene.store.mergeWork({ now: scene.now }), scene.now);
    scene.now += 100;
    await scene.batch([person(2)]);
    assert.equal((await claim(3)).chunk?.originals, 3);
    await scene.batch([person(3)]);
    scene.now += 199;
    assert.equal((await claim(3)).chunk, null);
    scene.now += 1;
    assert.equal((await claim(3)).chunk?.originals, 1);
  });

  test('people who cost no request do not make those behind them wait for company', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const claim = () => scene.store.claimMerge({ now: scene.now, limit: 50, leaseMs: LEASE_MS, lingerBefore: scene.now - 60_000 });
    const known = people(450);
    await scene.batch(known);
    await scene.deliver();
    scene.now += 1000;
    await scene.batch([...known, person(999)]);
    scene.now += 60_000;
    for (const waiting of [251, 51]) {
      assert.deepEqual(await claim(), { chunk: null, nextDueAt: scene.now, lingering: false });
      assert.equal((await scene.store.stats()).waiting, waiting);
    }
    assert.deepEqual(emails((await claim()).chunk?.contacts ?? []), ['person999@example.com']);
    assert.deepEqual(await claim(), { chunk: null, nextDueAt: scene.now + LEASE_MS, lingering: false });
  });

  test('who has news among many who have none goes in full chunks, and waits no longer than seconds for it', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const claim = () => scene.store.claimMerge({ now: scene.now, limit: 20, leaseMs: LEASE_MS, lingerBefore: scene.now });
    const known = people(600);
    await scene.batch(known);
    await scene.deliver();
    const withNews = (city: string, every: number) => known.map((row, i) => (i % every === 0 ? { ...row, city } : row));
    scene.now += 60_000;
    await scene.batch(withNews('Bonn', 20));
    const sizes: number[] = [];
    for (let claims = 0; claims < 20; claims += 1) {
      const { chunk, nextDueAt, lingering } = await claim();
      if (chunk !== null) sizes.push(chunk.contacts.length);
      else if (lingering || nextDueAt !== scene.now) break;
    }
    assert.deepEqual(sizes, [20, 10], 'two calls for thirty people');

    scene.now += 60_000;
    await scene.deliver();
    scene.now += 60_000;
    await scene.batch(withNews('Ulm', 60));
    assert.equal((await claim()).chunk, null);
    scene.now += 5000;
    const late = (await claim()).chunk?.contacts.length ?? 0;
    assert.ok(late > 0 && late < 10, `${late} go after five seconds`);
  });

  test('a withdrawal waits for nobody behind people who have no news', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const known = people(400);
    await scene.batch(known);
    await scene.deliver();
    scene.now += 60_000;
    await scene.batch([...known, person(1, { consent_to_sms: false, country: 'US' })]);
    const { chunk } = await scene.store.claimMerge({ now: scene.now, limit: 20, leaseMs: LEASE_MS, lingerBefore: scene.now });
    assert.deepEqual(emails(chunk?.contacts ?? []), ['person1@example.com']);
  });

  test('a lease that ran out is taken again, under its id, and its outcome is unknown', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch(people(2));
    const lost = await scene.mustClaim();
    assert.equal(await scene.store.mergeWork({ now: scene.now }), START + LEASE_MS);
    scene.now += LEASE_MS - 1;
    assert.equal(await scene.claim(), null);
    scene.now += 1;
    const again = await scene.mustClaim();
    assert.equal(again.requestId, lost.requestId);
    assert.deepEqual(again.contacts, lost.contacts);
    assert.ok(again.fence > lost.fence);
    assert.equal(again.unknown, true);
    assert.equal(again.firstAttemptAt, START);
    const before = { job: await scene.jobPage(jobId), tree: await scene.store.auditTree() };
    for (const settle of [() => scene.accept(lost), () => scene.retry(lost), () => scene.reject(lost), () => scene.settle(lost, { kind: 'set_aside', reason: 'late' })]) {
      assert.equal(await settle(), false, 'a stale fence changes nothing');
    }
    await scene.store.releaseMerge({ requestId: lost.requestId, fence: lost.fence, now: scene.now });
    assert.equal(await scene.claim(), null, 'nor does it release');
    assert.deepEqual({ job: await scene.jobPage(jobId), tree: await scene.store.auditTree() }, before);
    assert.equal(await scene.accept(again), true);
    assert.equal(await scene.accept(again), false, 'a settled chunk is settled once');
    assert.deepEqual(await scene.statuses(jobId), ['submitted', 'submitted']);
    const [delivered] = await scene.audit({ action: 'batch_delivered' });
    assert.equal(delivered?.details['maybe_duplicate'], true);
  });

  test('what is given back unsent goes again with nothing spent and nothing unknown', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch(people(2));
    const chunk = await scene.mustClaim();
    await scene.store.releaseMerge({ requestId: chunk.requestId, fence: chunk.fence, now: scene.now });
    assert.deepEqual(await scene.store.recentCalls({ since: 0 }), [], 'what was not sent takes nothing from the budget');
    assert.equal((await scene.job(jobId)).attempts, 0);
    const again = await scene.mustClaim();
    assert.partialDeepStrictEqual(again, { requestId: chunk.requestId, attempts: 0, unknown: false, contacts: chunk.contacts });
    await scene.accept(again);
    const [delivered] = await scene.audit({ action: 'batch_delivered' });
    assert.equal(delivered?.details['maybe_duplicate'], undefined);
  });

  test('a stop frees what was in the air: at once, under its id, as unknown', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch(people(3));
    const chunk = await scene.mustClaim(2);
    await scene.reopen();
    assert.equal(await scene.store.mergeWork({ now: scene.now }), scene.now);
    const again = await scene.mustClaim(2);
    assert.partialDeepStrictEqual(again, { requestId: chunk.requestId, unknown: true, contacts: chunk.contacts });
    assert.deepEqual(emails((await scene.mustClaim()).contacts), ['person2@example.com']);
  });

  test('a retry that waited for its time through a stop is not unknown', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch(people(1));
    await scene.retry(await scene.mustClaim(), { dueAt: START + 5000 });
    await scene.reopen();
    assert.equal(await scene.claim(), null);
    scene.now += 5000;
    assert.partialDeepStrictEqual(await scene.mustClaim(), { unknown: false, attempts: 1 });
  });

  test('calls are remembered for the budget, through a stop', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch(people(4));
    await scene.claim(2);
    scene.now += 1000;
    await scene.claim(2);
    await scene.reopen();
    assert.deepEqual(await scene.store.recentCalls({ since: START - 1 }), [START, START + 1000]);
    assert.deepEqual(await scene.store.recentCalls({ since: START }), [START + 1000]);
  });

  test('consent is asked again at the moment of sending, also of what is sent again', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch(people(3));
    const first = await scene.mustClaim();
    await scene.retry(first);
    const { cancelled } = await scene.store.withdrawConsent({ subject: { email: 'person1@example.com' }, channels: ['sms'], reason: 'asked', actor: 'desk', now: scene.now });
    assert.equal(cancelled, 0, 'what may be on its way cannot be called back');
    const again = await scene.mustClaim();
    assert.deepEqual(emails(again.contacts), ['person0@example.com', 'person2@example.com']);
    assert.notEqual(again.requestId, first.requestId, 'other contents have another id');
    assert.deepEqual(await scene.statuses(jobId), ['in_flight', 'cancelled', 'in_flight']);
    await scene.retry(again);
    for (const n of [0, 2]) {
      await scene.store.withdrawConsent({ subject: { email: `person${n}@example.com` }, channels: ['email'], reason: 'asked', actor: 'desk', now: scene.now });
    }
    assert.equal(await scene.claim(), null);
    assert.equal(await scene.store.mergeWork({ now: scene.now }), null);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'failed', failed: 3, pending: 0, nextAttemptAt: null });
    assert.deepEqual((await scene.audit({ action: 'consent_withdrawn', jobId })).map(({ details }) => details['effect']), Array(3).fill('delivery_cancelled'));
  });

  test('an expired consent is none at the moment of sending', async (t) => {
    const scene = await Scene.open(t, newHarness, { consent: { policy: 'all', maxAgeDays: 60 } });
    const jobId = await scene.batch([person(1)]);
    scene.now += 30 * 86_400_000;
    assert.equal(await scene.claim(), null);
    assert.partialDeepStrictEqual((await scene.jobPage(jobId)).contacts, [{ status: 'cancelled', reason: 'consent_expired' }]);
  });

  test('what was sent under an id never changes, whatever is learned meanwhile', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1, { country: 'US', first_name: 'Ada' }), byPhone(2, '+12025550123', { country: 'US' })]);
    const first = await scene.mustClaim();
    await scene.batch([person(1, { country: 'US', first_name: 'Adele' })]);
    await scene.retry(first);
    const second = await scene.mustClaim();
    assert.deepEqual([second.requestId, second.contacts], [first.requestId, first.contacts]);
    await scene.retry(second);
    await scene.store.withdrawConsent({ subject: { email: 'person1@example.com' }, channels: ['sms'], reason: 'asked', actor: 'desk', now: scene.now });
    const third = await scene.mustClaim();
    assert.equal(third.contacts[0]?.consent_to_sms, false);
    assert.notEqual(third.requestId, first.requestId);
    assert.equal(third.attempts, 2);
  });

  test('a claim is settled once, also where the chunk waits for its retry', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1)]);
    const chunk = await scene.mustClaim();
    assert.equal(await scene.retry(chunk, { dueAt: scene.now + 1000 }), true);
    assert.equal(await scene.retry(chunk, { dueAt: scene.now + 1000 }), false);
    assert.equal(await scene.accept(chunk, true), false);
    assert.deepEqual([await scene.statuses(jobId), (await scene.job(jobId)).attempts], [['in_flight'], 1]);
  });
}
