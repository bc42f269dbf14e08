import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Harness } from '../harness.ts';
import { START, Scene, people, person } from '../scene.ts';

/** What a job tells of itself at each moment. */
export function jobTests(newHarness: () => Harness): void {
  test('a job tells where its contacts stand at every step', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch(people(4));
    const seen: unknown[] = [];
    const look = async (): Promise<void> => {
      const { status, submitted, confirmed, failed, pending, attempts } = await scene.job(jobId);
      seen.push([status, submitted, confirmed, failed, pending, attempts]);
    };
    await look();
    const first = await scene.mustClaim(2);
    await look();
    await scene.retry(first);
    await look();
    const again = await scene.mustClaim(2);
    await scene.accept(again);
    await look();
    const second = await scene.mustClaim(2);
    await scene.reject(second, [{ index: 1, reason: 'bad zone' }]);
    await look();
    await scene.accept(await scene.mustClaim());
    await look();
    for (const n of [0, 1]) await scene.webhook({ contactId: `cx:person${n}@example.com` });
    await look();
    await scene.webhook({ contactId: 'cx:person2@example.com' });
    await look();
    assert.equal((await scene.job(jobId)).completedAt, START);
    await scene.store.retryDeadLetters({ limit: 1, actor: 'chief', now: scene.now });
    await look();
    assert.equal((await scene.job(jobId)).completedAt, null);
    await scene.deliver();
    await look();
    assert.deepEqual(seen, [
      ['accepted', 0, 0, 0, 4, 0],
      ['submitting', 0, 0, 0, 4, 0],
      ['submitting', 0, 0, 0, 4, 1],
      ['submitting', 2, 0, 0, 4, 2],
      ['submitting', 2, 0, 1, 3, 3],
      ['submitted', 3, 0, 1, 3, 4],
      ['submitted', 3, 2, 1, 1, 4],
      ['partially_failed', 3, 3, 1, 0, 4],
      ['submitting', 3, 3, 0, 1, 4],
      ['completed', 4, 4, 0, 0, 5],
    ]);
  });

  test('contacts come by page, in their order', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([...people(5), person(2)]);
    const indexes: number[] = [];
    for (let after = -1, more = true; more; ) {
      const page = await scene.jobPage(jobId, after, 2);
      more = page.more;
      indexes.push(...page.contacts.map(({ index }) => index));
      after = indexes.at(-1)!;
      assert.equal(page.contacts.length, 2);
    }
    assert.deepEqual(indexes, [0, 1, 2, 3, 4, 5]);
    assert.deepEqual((await scene.jobPage(jobId, 5)).contacts, []);
    assert.equal(await scene.store.getJob({ jobId: 'nobody', after: -1, limit: 10 }), null);
  });

  test('jobs are listed newest first, by page and by status', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const done = await scene.batch([person(1)]);
    await scene.deliver();
    const jobs = [done];
    for (let n = 2; n <= 5; n += 1) {
      scene.now += 1000;
      jobs.push(await scene.batch([person(n)]));
    }
    const list = async (filter: Omit<Parameters<typeof scene.store.listJobs>[0], 'limit'>, limit = 10): Promise<number[]> =>
      (await scene.store.listJobs({ limit, ...filter })).map(({ jobId }) => jobs.indexOf(jobId));
    assert.deepEqual(await list({}), [4, 3, 2, 1, 0]);
    assert.deepEqual(await list({}, 2), [4, 3]);
    assert.deepEqual(await list({ before: jobs[3]! }, 2), [2, 1]);
    assert.deepEqual(await list({ status: 'completed' }), [0]);
    assert.deepEqual(await list({ status: 'accepted', before: jobs[2]! }), [1]);
    assert.deepEqual(await list({ status: 'failed' }), []);
    assert.deepEqual(await list({ before: 'nobody' }), []);
    assert.deepEqual(await scene.store.listJobs({ limit: 1, status: 'completed' }), [await scene.job(done)]);
  });

  test('what goes out up to a job is told by people and calls, whatever keeps them from their turn', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const ahead = (jobId?: string) => scene.store.workAhead({ now: scene.now, ...(jobId === undefined ? {} : { jobId }) });
    assert.deepEqual(await ahead(), { people: 0, chunks: 0, profiles: 0 });
    const first = await scene.batch(people(60));
    const again = await scene.batch(people(20, 10).map((one) => ({ ...one, city: 'Ulm' })));
    const second = await scene.batch(people(30, 100));
    if (scene.harness.filesLater !== true) {
      assert.deepEqual([await ahead(first), await ahead(again), await ahead(second), await ahead()], [60, 60, 90, 90].map((n) => ({ people: n, chunks: 0, profiles: 0 })));
    }
    const file = async (): Promise<void> => {
      while ((await scene.store.fileBacklog()) > 0);
    };
    await file();
    const chunk = await scene.mustClaim();
    await scene.batch([person(0, { city: 'Ulm' })]);
    await file();
    assert.equal((await ahead(second)).people, 40);
    assert.equal((await ahead()).people, 41, 'who waits behind a call in the air is counted');
    await scene.retry(chunk);
    assert.equal((await ahead()).chunks, 1);
    await scene.accept(await scene.mustClaim(), true);
    await scene.deliver();
    assert.deepEqual(await ahead(), { people: 0, chunks: 0, profiles: 0 });
    await scene.upload([people(1500, 1000)]);
    assert.equal((await ahead()).people, 1500);
    await scene.sweepOnce();
    assert.ok(Math.abs((await ahead()).people - 1500) <= 1, 'also while it is released');
    for (const profileId of ['a', 'a', 'b']) {
      const patch = { profileId, attributes: { n: 1 }, mergeStrategy: 'OVERWRITE' as const, sourceSystem: 'crm', tags: [] };
      const { lease } = await scene.store.acceptPatch({ jobId: scene.id('job'), requestId: scene.id('patch'), caller: 'desk', patch, facts: { dataHash: '', classification: {}, masked: [], policyVersion: '1' }, now: scene.now, leaseMs: 1 });
      if (lease !== null) await scene.store.releasePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, dueAt: scene.now });
    }
    assert.equal((await ahead()).profiles, 2);
  });
}
