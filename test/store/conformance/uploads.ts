import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Harness } from '../harness.ts';
import { METRICS, START, Scene, byPhone, people, person } from '../scene.ts';

/** Batches that arrive in slices: nothing of them counts before all of them is there. */
export function uploadTests(newHarness: () => Harness): void {
  test('nothing of an upload is sent before it is sealed', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.upload([people(3), people(2, 3)], { seal: false });
    await scene.sweep();
    assert.equal(await scene.claim(), null);
    assert.equal(await scene.store.mergeWork({ now: scene.now }), null);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'accepted', received: 5, accepted: 5, pending: 5 });
    assert.equal((await scene.store.stats()).waiting, 5);
  });

  test('a sealed upload is answered and goes as a batch does', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const idempotency = { caller: 'importer', key: 'upload', bodyHash: 'abc', expiresAt: START + 1000 };
    const jobId = await scene.upload([[person(1), person(2)], [person(1, { first_name: 'Ada' }), { email: 'x', errors: [{ field: 'email', code: 'email_invalid', message: '' }] }]], { idempotency });
    const counts = { received: 4, accepted: 2, duplicates: 1, rejected: 1 };
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'accepted', ...counts });
    const answer = await scene.store.findAnswer({ caller: 'importer', key: 'upload', now: START });
    assert.partialDeepStrictEqual(JSON.parse(answer?.body ?? ''), { job_id: jobId, errors: [{ index: 3, code: 'email_invalid' }], ...counts });
    assert.deepEqual((await scene.audit({ action: 'batch_submitted', jobId })).map(({ details }) => details), [counts]);
    await scene.sweep();
    const [chunk, ...others] = await scene.deliver();
    assert.equal(others.length, 0);
    assert.deepEqual(chunk?.contacts.map(({ email, first_name }) => [email, first_name]), [['person1@example.com', 'Ada'], ['person2@example.com', undefined]]);
    assert.equal(chunk?.originals, 3);
    assert.deepEqual(await scene.statuses(jobId), ['confirmed', 'confirmed', 'duplicate', 'rejected']);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'completed', confirmed: 2, pending: 0, completedAt: START });
  });

  test('a person is one across the slices, also when known by phone first', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const phone = '+4930123456';
    const jobId = await scene.upload([[byPhone(1, phone)], [person(1, { phone })], [byPhone(1, phone)]]);
    assert.deepEqual((await scene.jobPage(jobId)).contacts.map(({ duplicateOf }) => duplicateOf), [undefined, 0, 0]);
  });

  test('a refusal in a later slice bars what an earlier one accepted', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.upload([[person(1), person(2)], [person(1, { consent_to_phone: false, consent_date: '2026-02-01T00:00:00Z' })]]);
    await scene.sweep();
    const [chunk] = await scene.deliver();
    assert.deepEqual(chunk?.contacts.map(({ email }) => email), ['person2@example.com']);
    assert.deepEqual(await scene.statuses(jobId), ['cancelled', 'confirmed', 'rejected']);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'partially_failed', confirmed: 1, failed: 1, pending: 0 });
  });

  test('a large upload is released in steps, in the order of arrival, and loses nobody', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const size = 2300;
    const jobId = await scene.upload([people(size / 2), people(size / 2, size / 2)]);
    let steps = 1;
    while ((await scene.sweepOnce()).more) steps += 1;
    assert.ok(steps > 2, `${steps} steps`);
    const first = await scene.mustClaim(100);
    assert.deepEqual(first.contacts.map(({ email }) => email), people(100).map(({ email }) => email));
    assert.partialDeepStrictEqual(await scene.store.stats(), { waiting: size - 100, inFlight: 100 });
    await scene.accept(first, true);
    const rest = await scene.deliver();
    assert.equal(rest.reduce((sum, chunk) => sum + chunk.originals, 0), size - 100);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'completed', confirmed: size });
  });

  test('an upload that ended early leaves no contact, but what it said of refusals', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.upload([people(3), [person(9, { consent_to_email: false, consent_date: '2026-02-01T00:00:00Z' })]], { seal: false });
    await scene.store.abortBatch({ jobId, now: scene.now });
    assert.equal(await scene.store.getJob({ jobId, after: -1, limit: 10 }), null);
    assert.equal((await scene.store.stats()).waiting, 0);
    await scene.sweep();
    assert.equal(await scene.claim(), null);
    assert.deepEqual((await scene.audit({ action: 'batch_failed', jobId })).map(({ details }) => details), [{ reason: 'upload_incomplete', received: 4 }]);
    const { body } = await scene.answer([person(9)]);
    assert.deepEqual((body['errors'] as { code: string }[]).map(({ code }) => code), ['consent_withdrawn']);
    await scene.batch(people(3));
    assert.equal((await scene.mustClaim()).originals, 3);
  });

  test('to take an upload back again, or after it was sealed, changes nothing', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const open = await scene.upload([people(2)], { seal: false });
    const sealed = await scene.upload([people(2, 10)]);
    for (const jobId of [open, open, sealed]) await scene.store.abortBatch({ jobId, now: scene.now });
    assert.deepEqual((await scene.audit({ action: 'batch_failed' })).map(({ job_id: jobId }) => jobId), [open]);
    await scene.sweep();
    await scene.deliver();
    assert.partialDeepStrictEqual(await scene.job(sealed), { status: 'completed', confirmed: 2 });
  });

  test('a stop takes back an upload that is half there and keeps one that is sealed', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const sealed = await scene.upload([people(2)]);
    const open = await scene.upload([people(2, 10)], { seal: false });
    await scene.reopen();
    assert.equal(await scene.store.getJob({ jobId: open, after: -1, limit: 10 }), null);
    assert.deepEqual(await scene.actions({ action: 'batch_failed', jobId: open }), ['batch_failed']);
    await scene.sweep();
    assert.equal((await scene.mustClaim()).originals, 2);
    assert.deepEqual(await scene.statuses(sealed), ['in_flight', 'in_flight']);
  });

  test('an upload that is still arriving has not failed, whatever its first rows were', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.upload([[{ email: 'x', errors: [{ field: 'email', code: 'email_invalid', message: '' }] }]], { seal: false });
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'accepted', rejected: 1, completedAt: null });
    await scene.store.sealBatch({ head: scene.head(jobId), errors: [], warnings: [], metrics: METRICS });
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'failed', completedAt: START });
  });
}
