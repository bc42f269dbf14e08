import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Harness } from '../harness.ts';
import { CONFIRMATION_TIMEOUT_MS, START, Scene, people, person } from '../scene.ts';

const CX1 = 'cx:person1@example.com';

/** Words of CXone that a merge is done: in any order, any number of times, or never. */
export function confirmationTests(newHarness: () => Harness): void {
  test('a word after the answer confirms, once', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1), person(2)]);
    const chunk = await scene.mustClaim();
    await scene.accept(chunk);
    scene.now += 5000;
    assert.deepEqual(await scene.webhook({ eventId: 'e1', contactId: CX1 }), { duplicate: false, confirmed: 1 });
    const size = (await scene.store.auditTree()).size;
    assert.deepEqual(await scene.webhook({ eventId: 'e1', contactId: CX1 }), { duplicate: true, confirmed: 0 });
    assert.equal((await scene.store.auditTree()).size, size, 'a repetition leaves no trace');
    assert.deepEqual(await scene.webhook({ eventId: 'e2', contactId: CX1 }), { duplicate: false, confirmed: 0 });
    assert.deepEqual(await scene.statuses(jobId), ['confirmed', 'submitted']);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'submitted', submitted: 2, confirmed: 1, pending: 1 });
    const entries = await scene.audit({ action: 'merge_confirmed', jobId });
    assert.deepEqual(entries.map(({ request_id, actor, details }) => [request_id, actor, details['confirmed_by'], details['latency_ms']]), [[chunk.requestId, 'cxone', 'webhook', 5000]]);
    assert.equal((await scene.store.stats()).exportsWaiting, 1);
    await scene.webhook({ contactId: 'cx:person2@example.com' });
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'completed', completedAt: scene.now });
  });

  test('a word before the answer waits for it', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1)]);
    const chunk = await scene.mustClaim();
    scene.now += 100;
    assert.deepEqual(await scene.webhook({ contactId: CX1 }), { duplicate: false, confirmed: 0 });
    scene.now += 100;
    await scene.accept(chunk);
    assert.deepEqual(await scene.statuses(jobId), ['confirmed']);
    await scene.batch([person(1, { first_name: 'Ada' })]);
    assert.notEqual(await scene.claim(), null, 'the next version goes at once');
  });

  test('a word before the answer waits through a stop and a retry', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1)]);
    await scene.mustClaim();
    await scene.webhook({ contactId: CX1 });
    await scene.reopen();
    await scene.accept(await scene.mustClaim());
    assert.deepEqual(await scene.statuses(jobId), ['confirmed']);
  });

  test('a word of an earlier merge says nothing of a later call', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1)]);
    await scene.accept(await scene.mustClaim());
    await scene.webhook({ contactId: CX1 });
    await scene.webhook({ contactId: CX1 });
    scene.now += 60_000;
    const jobId = await scene.batch([person(1, { first_name: 'Ada' })]);
    await scene.accept(await scene.mustClaim());
    assert.deepEqual(await scene.statuses(jobId), ['submitted']);
  });

  test('a word of an unknown id, or one that confirms nothing, is kept and changes nothing', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1)]);
    await scene.accept(await scene.mustClaim());
    for (const event of [{ contactId: 'cx:nobody' }, {}, { contactId: CX1, confirms: false, type: 'contact.updated' }]) {
      assert.deepEqual(await scene.webhook(event), { duplicate: false, confirmed: 0 });
    }
    assert.deepEqual(await scene.statuses(jobId), ['submitted']);
    assert.equal((await scene.audit({ action: 'webhook_received' })).length, 3);
  });

  test('an answer without an id is not confirmed by a word about "undefined" or "null"', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1)]);
    const chunk = await scene.mustClaim();
    for (const contactId of ['null', 'undefined', '']) await scene.webhook({ contactId });
    await scene.settle(chunk, { kind: 'accepted', contactIds: [undefined], confirmed: false });
    assert.deepEqual(await scene.statuses(jobId), ['submitted']);
  });

  test('a word that names a request confirms what that request carried', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const first = await scene.batch([person(1)]);
    const chunk = await scene.mustClaim();
    await scene.accept(chunk);
    scene.now += 60_000;
    await scene.sweep();
    const second = await scene.batch([person(1, { first_name: 'Ada' })]);
    const next = await scene.mustClaim();
    await scene.accept(next);
    assert.equal((await scene.webhook({ contactId: CX1, requestId: next.requestId })).confirmed, 1);
    assert.deepEqual([await scene.statuses(first), await scene.statuses(second)], [['submitted'], ['confirmed']]);
    assert.equal((await scene.webhook({ contactId: CX1, requestId: 'of CXone itself' })).confirmed, 1);
    assert.deepEqual(await scene.statuses(first), ['confirmed']);
  });

  test('one that comes before the answer of its request leaves alone what an earlier one carried', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const first = await scene.batch([person(1)]);
    await scene.accept(await scene.mustClaim());
    scene.now += 60_000;
    await scene.sweep();
    const second = await scene.batch([person(1, { first_name: 'Ada' })]);
    const next = await scene.mustClaim();
    assert.equal((await scene.webhook({ contactId: CX1, requestId: next.requestId })).confirmed, 0);
    await scene.accept(next);
    assert.deepEqual([await scene.statuses(first), await scene.statuses(second)], [['submitted'], ['confirmed']]);
  });

  test('a word of the profile id confirms as well', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1)]);
    await scene.accept(await scene.mustClaim());
    assert.equal((await scene.webhook({ profileId: CX1 })).confirmed, 1);
    assert.deepEqual(await scene.statuses(jobId), ['confirmed']);
  });

  test('an answer confirms by itself where the tenant sends no words', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch(people(2));
    await scene.accept(await scene.mustClaim(), true);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'completed', confirmed: 2 });
    assert.deepEqual((await scene.audit({ action: 'merge_confirmed' })).map(({ details }) => details['confirmed_by']), ['answer', 'answer']);
  });

  test('what is not confirmed in time is visible as such, and a late word confirms it after all', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1), person(2)]);
    await scene.accept(await scene.mustClaim());
    scene.now = START + CONFIRMATION_TIMEOUT_MS - 1;
    await scene.sweep();
    assert.deepEqual(await scene.statuses(jobId), ['submitted', 'submitted']);
    scene.now += 1;
    await scene.sweep();
    assert.deepEqual((await scene.jobPage(jobId)).contacts[0], { index: 0, status: 'unconfirmed', contactId: CX1, reason: 'no_confirmation' });
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'submitted', submitted: 2, confirmed: 0, pending: 2 });
    assert.partialDeepStrictEqual(await scene.store.stats(), { unconfirmed: 2, exportsWaiting: 0 });
    assert.equal((await scene.audit({ action: 'merge_unconfirmed', jobId })).length, 2);
    await scene.sweep();
    assert.equal((await scene.audit({ action: 'merge_unconfirmed', jobId })).length, 2, 'told once');
    scene.now += 3_600_000;
    assert.equal((await scene.webhook({ contactId: CX1 })).confirmed, 1);
    assert.deepEqual((await scene.jobPage(jobId)).contacts[0], { index: 0, status: 'confirmed', contactId: CX1 });
    assert.partialDeepStrictEqual(await scene.store.stats(), { unconfirmed: 1, exportsWaiting: 1 });
  });

  test('a newer version of somebody whose older one is late has its own time', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const first = await scene.batch([person(1)]);
    await scene.accept(await scene.mustClaim());
    scene.now = START + CONFIRMATION_TIMEOUT_MS - 1;
    await scene.sweep();
    const second = await scene.batch([person(1, { first_name: 'Ada' })]);
    await scene.accept(await scene.mustClaim());
    scene.now += 1;
    await scene.sweep();
    assert.deepEqual([await scene.statuses(first), await scene.statuses(second)], [['unconfirmed'], ['submitted']]);
    scene.now += CONFIRMATION_TIMEOUT_MS;
    await scene.sweep();
    assert.deepEqual(await scene.statuses(second), ['unconfirmed']);
    assert.equal((await scene.webhook({ contactId: CX1 })).confirmed, 2);
  });
}
