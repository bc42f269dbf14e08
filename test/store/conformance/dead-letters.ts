import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Harness } from '../harness.ts';
import { START, Scene, people, person } from '../scene.ts';

/** What was set aside, and how it comes back or is settled by something newer. */
export function deadLetterTests(newHarness: () => Harness): void {
  /** Three jobs of one contact each, set aside a second apart: two for one reason, one for another. */
  async function withLetters(scene: Scene): Promise<string[]> {
    const jobs: string[] = [];
    for (const [n, reason] of ['bad zone', 'bad country', 'bad zone'].entries()) {
      scene.now = START + n * 1000;
      jobs.push(await scene.batch([person(n)]));
      await scene.reject(await scene.mustClaim(), [{ index: 0, reason }]);
    }
    return jobs;
  }

  test('they are listed in order of time, by page and by filter', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobs = await withLetters(scene);
    const all = await scene.store.listDeadLetters({ limit: 10 });
    assert.deepEqual(all.map(({ jobId, index, api, reason, createdAt, attempts }) => ({ jobId, index, api, reason, createdAt, attempts })), [
      { jobId: jobs[0], index: 0, api: 'contacts', reason: 'bad zone', createdAt: START, attempts: 1 },
      { jobId: jobs[1], index: 0, api: 'contacts', reason: 'bad country', createdAt: START + 1000, attempts: 1 },
      { jobId: jobs[2], index: 0, api: 'contacts', reason: 'bad zone', createdAt: START + 2000, attempts: 1 },
    ]);
    const list = async (filter: Omit<Parameters<typeof scene.store.listDeadLetters>[0], 'limit'>, limit = 10) =>
      (await scene.store.listDeadLetters({ limit, ...filter })).map(({ jobId }) => jobs.indexOf(jobId));
    assert.deepEqual(await list({}, 2), [0, 1]);
    assert.deepEqual(await list({ after: all[1]!.id }), [2]);
    assert.deepEqual(await list({ reason: 'bad zone' }), [0, 2]);
    assert.deepEqual(await list({ jobId: jobs[1]! }), [1]);
    assert.deepEqual(await list({ from: START + 1000, to: START + 2000 }), [1]);
    assert.deepEqual(await list({ reason: 'bad zone', from: START + 1 }), [2]);
    assert.equal((await scene.store.stats()).deadLetters, 3);
  });

  test('one is put back by its id: under a new request, with its attempts anew, and audited', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const [jobId] = await withLetters(scene);
    const [letter] = await scene.store.listDeadLetters({ limit: 1 });
    const before = new Set((await scene.audit()).map(({ request_id }) => request_id));
    assert.equal(await scene.store.retryDeadLetters({ id: letter!.id, limit: 1, actor: 'chief', now: scene.now }), 1);
    assert.equal(await scene.store.retryDeadLetters({ id: letter!.id, limit: 1, actor: 'chief', now: scene.now }), 0);
    assert.deepEqual((await scene.jobPage(jobId!)).contacts, [{ index: 0, status: 'waiting' }]);
    assert.partialDeepStrictEqual(await scene.job(jobId!), { status: 'accepted', failed: 0, pending: 1, completedAt: null });
    const [entry] = await scene.audit({ action: 'dead_letter_retried' });
    assert.partialDeepStrictEqual(entry, { actor: 'chief', job_id: jobId, details: { dead_letter_id: letter!.id, reason: 'bad zone' } });
    assert.equal((await scene.audit({ action: 'dead_letter_retried', subject: { email: 'person0@example.com' } })).length, 1);
    const chunk = await scene.mustClaim();
    assert.equal(before.has(chunk.requestId), false);
    assert.partialDeepStrictEqual(chunk, { attempts: 0, contacts: [{ email: 'person0@example.com' }] });
    await scene.accept(chunk, true);
    assert.deepEqual((await scene.jobPage(jobId!)).contacts, [{ index: 0, status: 'confirmed', contactId: 'cx:person0@example.com' }]);
    assert.equal((await scene.store.stats()).deadLetters, 2);
  });

  test('those that match a filter are put back together, up to a limit', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobs = await withLetters(scene);
    const retry = (filter: { reason?: string; jobId?: string; from?: number; to?: number }, limit = 10) => scene.store.retryDeadLetters({ ...filter, limit, actor: 'chief', now: scene.now });
    assert.equal(await retry({ reason: 'no such reason' }), 0);
    assert.equal(await retry({ from: START + 5000 }), 0);
    assert.equal(await retry({ reason: 'bad zone' }, 1), 1);
    assert.equal(await retry({ reason: 'bad zone' }), 1);
    assert.equal(await retry({ jobId: jobs[1]!, to: START + 1000 }), 0);
    assert.equal(await retry({ jobId: jobs[1]!, to: START + 1001 }), 1);
    assert.equal((await scene.mustClaim()).contacts.length, 3);
  });

  test('duplicates come back with their contact', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1, { first_name: 'Ada' }), person(1, { last_name: 'Roe' })]);
    await scene.reject(await scene.mustClaim());
    assert.equal((await scene.store.listDeadLetters({ limit: 10 })).length, 1);
    await scene.store.retryDeadLetters({ limit: 10, actor: 'chief', now: scene.now });
    const chunk = await scene.mustClaim();
    assert.partialDeepStrictEqual(chunk, { originals: 2, contacts: [{ first_name: 'Ada', last_name: 'Roe' }] });
    await scene.accept(chunk, true);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'completed', confirmed: 1 });
  });

  test('consent is asked again when one comes back', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch(people(1));
    await scene.reject(await scene.mustClaim());
    await scene.store.withdrawConsent({ subject: { email: 'person0@example.com' }, channels: ['email', 'sms', 'phone'], reason: 'asked', actor: 'desk', now: scene.now });
    await scene.store.retryDeadLetters({ limit: 10, actor: 'chief', now: scene.now });
    assert.equal(await scene.claim(), null);
    assert.deepEqual(await scene.statuses(jobId), ['cancelled']);
  });

  for (const [what, delivered, later, state] of [
    ['that went', [], person(1, { first_name: 'Ada' }), 'confirmed'],
    ['that changed nothing', [person(1)], person(1), 'unchanged'],
  ] as const) {
    test(`a later version of the person ${what} settles it`, async (t) => {
      const scene = await Scene.open(t, newHarness);
      if (delivered.length > 0) await scene.batch(delivered);
      await scene.deliver();
      const first = await scene.batch([person(1, { first_name: 'Bad', last_name: 'Word' })]);
      await scene.reject(await scene.mustClaim());
      assert.equal((await scene.store.stats()).deadLetters, 1);
      const second = await scene.batch([later]);
      await scene.deliver();
      assert.deepEqual([await scene.statuses(first), await scene.statuses(second)], [['superseded'], [state]]);
      assert.deepEqual(await scene.store.listDeadLetters({ limit: 10 }), []);
      assert.partialDeepStrictEqual(await scene.job(first), { status: 'completed', confirmed: 1, failed: 0, pending: 0 });
    });
  }

  test('one whose person has another version in the air waits for it', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const first = await scene.batch([person(1, { first_name: 'Ada' })]);
    await scene.reject(await scene.mustClaim());
    await scene.batch([person(1, { last_name: 'Roe' })]);
    const newer = await scene.mustClaim();
    await scene.store.retryDeadLetters({ limit: 10, actor: 'chief', now: scene.now });
    assert.equal(await scene.claim(), null);
    await scene.accept(newer, true);
    assert.partialDeepStrictEqual(await scene.mustClaim(), { contacts: [{ first_name: 'Ada', last_name: 'Roe' }] });
    assert.deepEqual(await scene.statuses(first), ['in_flight']);
  });

  test('a duplicate that goes without its contact is not lost when it is refused', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const filler = Array.from({ length: 1100 }, (_, n) => person(n + 10));
    const jobId = await scene.upload([[person(1, { first_name: 'Ada' })], filler, [person(1, { last_name: 'Roe' })]]);
    await scene.sweepOnce();
    const first = await scene.mustClaim(1);
    await scene.sweep();
    await scene.accept(first, true);
    await scene.deliver();
    const rejected = await scene.store.listDeadLetters({ limit: 10 });
    assert.deepEqual(rejected, []);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'completed', duplicates: 1 });
    const other = await scene.upload([[person(2, { first_name: 'Eve' })], filler.map((row) => ({ ...row, first_name: 'X' })), [person(2, { last_name: 'Doe' })]]);
    await scene.sweepOnce();
    await scene.accept(await scene.mustClaim(1), true);
    await scene.sweep();
    for (let chunk = await scene.claim(); chunk !== null; chunk = await scene.claim()) {
      const at = chunk.contacts.findIndex(({ email }) => email === 'person2@example.com');
      if (at === -1) await scene.accept(chunk, true);
      else await scene.reject(chunk, [{ index: at, reason: 'bad name' }]);
    }
    assert.deepEqual((await scene.store.listDeadLetters({ limit: 10 })).map(({ jobId: job, index, reason }) => ({ job, index, reason })), [{ job: other, index: 1101, reason: 'bad name' }]);
  });
}
