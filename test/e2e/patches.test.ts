import assert from 'node:assert/strict';
import test from 'node:test';
import { crowd, post } from '../support/crowd.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';
import type { Workplace } from '../support/workplace.ts';

const PROFILE = '7d1f3f0e-6a62-4b0a-9b3e-2f6f0a3c5d11';
const PATIENCE_MS = 20_000;

/** Has patches of one profile wait for each other, then lets them go. Answers their jobs. */
async function together(place: Workplace, bodies: readonly (readonly [strategy: string, attributes: object])[]): Promise<string[]> {
  assert.equal((await place.service.call('POST', '/admin/pause?api=profiles')).status, 200);
  const jobs: string[] = [];
  for (const [mergeStrategy, attributes] of bodies) {
    const answer = await place.service.call('POST', `/profiles/${PROFILE}/enrich`, { attributes, mergeStrategy, sourceSystem: 'crm' });
    assert.equal(answer.status, 202, answer.text);
    jobs.push(String(answer.json['job_id']));
  }
  assert.equal((await place.service.call('POST', '/admin/resume?api=profiles')).status, 200);
  return jobs;
}

/** How each job ended, once all have. */
async function ends(place: Workplace, jobs: readonly string[]): Promise<string[]> {
  const ask = async (): Promise<string[] | undefined> => {
    const answers = await Promise.all(jobs.map((job) => place.service.call('GET', `/jobs/${job}`)));
    const statuses = answers.map(({ json }) => String(json['status']));
    return statuses.every((status) => status === 'completed' || status === 'failed') ? statuses : undefined;
  };
  return until(ask, PATIENCE_MS, 'every patch having ended');
}

const patchCalls = (place: Workplace): number => place.sandbox.ledger().requests.filter(({ endpoint }) => endpoint === 'patch').length;
const held = (place: Workplace) => place.sandbox.ledger().profiles.get(PROFILE);

test('patches that wait together are one call, with an end and an entry for each', async () => {
  await withWorkplace({}, async (place) => {
    await place.start();
    const jobs = await together(place, [['OVERWRITE', { tier: 'gold', log: 'a' }], ['OVERWRITE', { tier: 'silver' }], ['APPEND', { log: 'b' }], ['APPEND', { log: ['c', 'd'] }]]);
    assert.deepEqual(await ends(place, jobs), jobs.map(() => 'completed'));
    assert.equal(patchCalls(place), 1);
    assert.deepEqual(held(place)?.attributes, { tier: 'silver', log: ['a', 'b', 'c', 'd'] });
    for (const job of jobs) {
      const { entries } = (await place.service.call('GET', `/audit-trail?job_id=${job}&action=PROFILE_ENRICHMENT`)).json as { entries: { request_id: string; details: object }[] };
      assert.equal(entries.length, 1);
      assert.equal(entries[0]?.request_id, held(place)?.requestIds[0]);
      assert.partialDeepStrictEqual(entries[0]?.details, { result: 'SUCCESS', combined_patches: 4, attempts: 1 });
    }
  });
});

test('patches that waited for a pause to end go as it ends, however seldom the store is looked into', async () => {
  await withWorkplace({ settings: { RETRY_TICK_MS: '3600000' } }, async (place) => {
    await place.start();
    assert.equal((await place.service.call('POST', '/admin/pause?api=profiles')).status, 200);
    const patch = await place.service.call('POST', `/profiles/${PROFILE}/enrich`, { attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' });
    assert.equal(patch.status, 202, patch.text);
    // What comes later was looked at, so that the patch was, too, and found the pause.
    const { jobId } = await post(() => place.service, crowd({ size: 1, roles: ['clean'] }));
    await ends(place, [jobId]);
    assert.equal((await place.service.call('POST', '/admin/resume?api=profiles')).status, 200);
    assert.deepEqual(await ends(place, [String(patch.json['job_id'])]), ['completed']);
  });
});

test('a repeated call says the same under the same id, also after a crash, and what came meanwhile waits', async () => {
  await withWorkplace({ settings: { RETRY_BASE_MS: '600', RETRY_MAX_MS: '600' } }, async (place) => {
    await place.start();
    const fault = place.fault({ kind: 'hang-after', endpoint: 'patch', count: 1 });
    const jobs = await together(place, [['OVERWRITE', { n: 1 }], ['OVERWRITE', { n: 2, tier: 'gold' }]]);
    await until(() => fault.fired === 1, PATIENCE_MS, 'the call whose answer never came');
    const later = await place.service.call('POST', `/profiles/${PROFILE}/enrich`, { attributes: { n: 3 }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' });
    assert.equal(later.status, 202, later.text);
    await place.service.kill9();
    await place.start();
    assert.deepEqual(await ends(place, [...jobs, String(later.json['job_id'])]), ['completed', 'completed', 'completed']);
    const ids = place.sandbox.ledger().requests.filter(({ endpoint }) => endpoint === 'patch').map(({ requestId }) => requestId);
    assert.equal(ids.length, 3);
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[1], ids[2]);
    assert.equal(place.sandbox.stats().replayedWithOtherBody, 0);
    assert.deepEqual(held(place)?.attributes, { n: 3, tier: 'gold' });
  });
});

test('of patches that CXone refuses together, only the one at fault is set aside', async () => {
  await withWorkplace({}, async (place) => {
    await place.start();
    const fault = place.fault({ kind: 'poison', endpoint: 'patch', pattern: '^bad$' });
    const jobs = await together(place, [['OVERWRITE', { a: 1 }], ['OVERWRITE', { bad: 2 }], ['APPEND', { a: 3 }], ['OVERWRITE', { d: 4 }]]);
    assert.deepEqual(await ends(place, jobs), ['completed', 'failed', 'completed', 'completed']);
    assert.equal(fault.fired, 2, 'together, and alone');
    assert.deepEqual(held(place)?.attributes, { a: [1, 3], d: 4 });
    const { dead_letters: letters } = (await place.service.call('GET', '/dead-letters')).json as { dead_letters: { job_id: string; api: string }[] };
    assert.deepEqual(letters.map(({ job_id: job, api }) => [job, api]), [[jobs[1], 'profiles']]);
  });
});

for (const unknown of ['hold', 'repeat'] as const) {
  test(`what appends and may have been applied: ${unknown}`, async () => {
    await withWorkplace({ settings: { PATCH_UNKNOWN: unknown } }, async (place) => {
      await place.start();
      const fault = place.fault({ kind: 'reset-after', endpoint: 'patch', count: 1 });
      const jobs = await together(place, [['OVERWRITE', { log: 'a' }], ['APPEND', { log: 'b' }]]);
      const outcome = unknown === 'hold' ? 'failed' : 'completed';
      assert.deepEqual(await ends(place, jobs), [outcome, outcome]);
      assert.equal(fault.fired, 1);
      assert.equal(patchCalls(place), unknown === 'hold' ? 1 : 2);
      assert.deepEqual(held(place)?.attributes, { log: ['a', 'b'] });
      const { dead_letters: letters } = (await place.service.call('GET', '/dead-letters')).json as { dead_letters: { reason: string }[] };
      assert.deepEqual(letters.map(({ reason }) => reason), unknown === 'hold' ? ['unknown_outcome', 'unknown_outcome'] : []);
    });
  });
}
