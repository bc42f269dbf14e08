import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import { START, person } from '../scene.ts';
import type { Row } from '../scene.ts';
import { engineOptions, storeOver, temporaryDatabase } from './engine-harness.ts';
import { engineOf, rush } from './rush.ts';

const REFUSES_SMS = { consent_to_sms: false };

/** Takes batches several at a time; answers how many contacts then wait to be filed. */
function taker(t: TestContext): (...batches: Row[][]) => number {
  const engine = engineOf(t);
  let jobs = 0;
  return (...batches) => {
    rush(engine, batches, jobs);
    jobs += batches.length;
    return engine.backlog;
  };
}

test('a refusal that takes nothing back waits with the rest, however often it is said', (t) => {
  const take = taker(t);
  assert.equal(take([person(1, REFUSES_SMS)], [person(2)]), 2);
  assert.equal(take([person(1, REFUSES_SMS)], [person(3, REFUSES_SMS)]), 4);
});

test('a refusal of what somebody who waits may be sent on is filed at once, by either identifier', (t) => {
  const take = taker(t);
  const phone = '+12025550143';
  assert.equal(take([person(1, { phone })], [person(2, REFUSES_SMS)]), 2);
  assert.equal(take([person(1, REFUSES_SMS)], [person(3)]), 3);
  const { email: _email, ...byPhone } = person(1, { phone, ...REFUSES_SMS });
  assert.equal(take([byPhone], [person(4)]), 4);
  assert.equal(take([person(2, { consent_to_email: false })], [person(5)]), 5);
});

test('batches are filed as they were decided, also by the next process', async () => {
  const { path, remove } = temporaryDatabase();
  const many = Array.from({ length: 200 }, (_, i) => person(i + 10, { city: 'Zürich', last_name: `Łącki 氏 ${i}` }));
  const batches = [[person(1), person(1), { email: 'none' }], many];
  try {
    const first = new Engine(engineOptions(path, START));
    rush(first, batches);
    assert.equal(first.backlog, 203);
    first.close();
    const second = new Engine(engineOptions(path, START));
    while (second.backlog > 0) second.fileSome(50);
    const store = storeOver(second, () => undefined);
    const job = await store.getJob({ jobId: 'job-0', after: -1, limit: 10 });
    assert.deepEqual(job?.contacts.map(({ index, status }) => [index, status]), [[0, 'waiting'], [1, 'duplicate'], [2, 'rejected']]);
    const chunk = await store.claimMerge({ now: START, limit: 300, leaseMs: 1000, lingerBefore: START });
    assert.deepEqual(chunk.chunk?.contacts.slice(1).map(({ last_name: name, city }) => [name, city]), many.map(({ last_name: name, city }) => [name, city]));
    second.close();
  } finally {
    remove();
  }
});
