import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MergeChunk } from '../../../src/domain/ports/delivery-store.ts';
import type { Harness } from '../harness.ts';
import { START, Scene, cxoneId, people, person } from '../scene.ts';

/** What an answer of CXone means for the contacts it was about. */
export function settlementTests(newHarness: () => Harness): void {
  test('what CXone accepted is submitted, with the id it was given', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch(people(2));
    const chunk = await scene.mustClaim();
    await scene.settle(chunk, { kind: 'accepted', contactIds: [undefined, 'cx-2'], confirmed: false });
    assert.deepEqual((await scene.jobPage(jobId)).contacts, [
      { index: 0, status: 'submitted' },
      { index: 1, status: 'submitted', contactId: 'cx-2' },
    ]);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'submitted', submitted: 2, confirmed: 0, pending: 2, attempts: 1, completedAt: null });
    const [entry] = await scene.audit({ action: 'batch_delivered', jobId });
    assert.equal(entry?.request_id, chunk.requestId);
    assert.partialDeepStrictEqual(entry?.details, { status: 200, latency_ms: 12, contacts: 2 });
  });

  test('an answer speaks of the people in the order in which they were sent', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch(people(4));
    await scene.deliver();
    const jobId = await scene.batch([person(8), person(3, { first_name: 'Eve' }), person(9), person(1, { first_name: 'Ada' })]);
    const chunk = await scene.mustClaim();
    assert.equal(chunk.contacts.length, 4);
    await scene.reject(chunk, [{ index: 1, reason: 'second is bad' }]);
    const bad = chunk.contacts[1]?.email;
    const rest = await scene.mustClaim();
    assert.deepEqual(rest.contacts.map(({ email }) => email), chunk.contacts.map(({ email }) => email).filter((email) => email !== bad));
    await scene.accept(rest);
    const emails = ['person8@example.com', 'person3@example.com', 'person9@example.com', 'person1@example.com'];
    for (const [i, line] of (await scene.jobPage(jobId)).contacts.entries()) {
      if (emails[i] === bad) assert.partialDeepStrictEqual(line, { status: 'set_aside', reason: 'second is bad' });
      else assert.partialDeepStrictEqual(line, { status: 'submitted', contactId: `cx:${emails[i]}` });
    }
  });

  test('a retry waits for its time and counts only what is the chunk its own', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch(people(2));
    const chunk = await scene.mustClaim();
    const size = (await scene.store.auditTree()).size;
    await scene.retry(chunk, { dueAt: START + 7000, countAttempt: false });
    assert.equal((await scene.store.auditTree()).size, size, 'a wait for the budget is no failure of the batch');
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'submitting', attempts: 0, nextAttemptAt: START + 7000 });
    assert.equal(await scene.claim(), null);
    assert.equal(await scene.store.mergeWork({ now: scene.now }), START + 7000);
    scene.now += 7000;
    const second = await scene.mustClaim();
    assert.partialDeepStrictEqual(second, { requestId: chunk.requestId, attempts: 0, unknown: false, firstAttemptAt: START });
    await scene.retry(second, { dueAt: scene.now + 1000, unknown: true });
    assert.partialDeepStrictEqual(await scene.job(jobId), { attempts: 1 });
    scene.now += 1000;
    const third = await scene.mustClaim();
    assert.partialDeepStrictEqual(third, { requestId: chunk.requestId, attempts: 1, unknown: true });
    await scene.retry(third);
    assert.equal((await scene.mustClaim()).unknown, true, 'what may have been applied stays so');
    const failures = await scene.audit({ action: 'batch_failed', jobId });
    assert.deepEqual(failures.map(({ details }) => [details['attempt'], details['outcome_known']]), [[1, false], [2, true]]);
  });

  test('an end of all retries sets every contact aside', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1), person(2), person(1, { first_name: 'Ada' })]);
    await scene.settle(await scene.mustClaim(), { kind: 'set_aside', reason: 'retries_spent' }, 503);
    assert.deepEqual((await scene.jobPage(jobId)).contacts.map(({ status, reason }) => [status, reason]), [['set_aside', 'retries_spent'], ['set_aside', 'retries_spent'], ['duplicate', 'retries_spent']]);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'failed', failed: 2, pending: 0, completedAt: START, attempts: 1 });
    assert.equal((await scene.store.listDeadLetters({ limit: 10 })).length, 2);
    assert.equal(await scene.store.mergeWork({ now: scene.now }), null);
    assert.equal((await scene.audit({ action: 'dead_lettered', jobId })).length, 2);
  });

  test('named contacts are set aside and the rest goes in one call under another id', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch(people(5));
    const chunk = await scene.mustClaim();
    await scene.reject(chunk, [{ index: 0, reason: 'no such country' }, { index: 3, reason: 'bad zone' }, { index: 17, reason: 'nobody' }]);
    const rest = await scene.mustClaim();
    assert.notEqual(rest.requestId, chunk.requestId);
    assert.deepEqual(rest.contacts, [1, 2, 4].map((i) => chunk.contacts[i]));
    assert.equal(await scene.claim(), null);
    await scene.accept(rest, true);
    assert.deepEqual((await scene.jobPage(jobId)).contacts.map(({ reason }) => reason), ['no such country', undefined, undefined, 'bad zone', undefined]);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'partially_failed', confirmed: 3, failed: 2 });
  });

  for (const [size, bad] of [[1, [0]], [2, [1]], [50, [17]], [50, [0, 49]], [13, [12]]] as const) {
    test(`${bad.length} bad of ${size} that CXone does not name: found by halves, the good delivered on the way`, async (t) => {
      const scene = await Scene.open(t, newHarness);
      const jobId = await scene.batch(people(size));
      const poison = new Set(bad.map((n) => `person${n}@example.com`));
      let calls = 0;
      const ids = new Set<string>();
      for (let chunk = await scene.claim(); chunk !== null; chunk = await scene.claim()) {
        calls += 1;
        ids.add(chunk.requestId);
        if (chunk.contacts.some(({ email }) => poison.has(email ?? ''))) await scene.reject(chunk);
        else await scene.accept(chunk, true);
      }
      assert.equal(ids.size, calls, 'other contents have another id');
      const bound = bad.length * (2 * Math.ceil(Math.log2(size)) + 2);
      assert.ok(calls - 1 <= bound, `${calls - 1} extra calls of at most ${bound}`);
      assert.deepEqual(await scene.statuses(jobId), people(size).map(({ email }) => (poison.has(email ?? '') ? 'set_aside' : 'confirmed')));
    });
  }

  test('what an earlier attempt left unknown is unknown in each part of the chunk', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch(people(4));
    await scene.retry(await scene.mustClaim(), { unknown: true });
    await scene.reject(await scene.mustClaim());
    const halves: MergeChunk[] = [await scene.mustClaim(), await scene.mustClaim()];
    assert.deepEqual(halves.map(({ unknown, attempts, firstAttemptAt }) => [unknown, attempts, firstAttemptAt]), [[true, 1, START], [true, 1, START]]);
  });

  test('a newer version of somebody set aside goes on its own', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const first = await scene.batch([person(1, { first_name: 'Ada' })]);
    const chunk = await scene.mustClaim();
    const second = await scene.batch([person(1, { first_name: 'Adele' })]);
    await scene.reject(chunk);
    const next = await scene.mustClaim();
    assert.deepEqual(next.contacts.map(({ first_name }) => first_name), ['Adele']);
    await scene.settle(next, { kind: 'accepted', contactIds: next.contacts.map(cxoneId), confirmed: true });
    assert.deepEqual([await scene.statuses(first), await scene.statuses(second)], [['superseded'], ['confirmed']]);
  });
}
