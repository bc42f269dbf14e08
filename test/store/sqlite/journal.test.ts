import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import type { Call } from '../../../src/store/sqlite/engine.ts';
import { DEFAULT_RULES } from '../harness.ts';
import { START, Scene, incoming, person } from '../scene.ts';
import type { Row } from '../scene.ts';
import { engineOptions, storeOver, temporaryDatabase } from './engine-harness.ts';

const METRICS = { total_processed: 0, total_duplicates: 0, avg_latency_ms: 0, failed_exports: 0 };
const REFUSES_SMS = { consent_to_sms: false };

/** An engine that is given batches several at a time, so that it keeps them in the journal; answers how many contacts wait there. */
function rush(t: TestContext): (...batches: Row[][]) => number {
  const { path, remove } = temporaryDatabase();
  const engine = new Engine(engineOptions(path, START));
  t.after(() => {
    engine.close();
    remove();
  });
  const scene = new Scene({} as Scene['harness'], DEFAULT_RULES);
  let jobs = 0;
  return (...batches) => {
    const calls = batches.map((rows, id): Call => ({ id, op: 'acceptBatch', input: { head: scene.head(`job-${(jobs += 1)}`), contacts: rows.map(incoming), metrics: METRICS } }));
    const { replies } = engine.run(calls);
    assert.ok(replies.every((reply) => 'value' in reply));
    return engine.backlog;
  };
}

test('a refusal that takes nothing back waits with the rest, however often it is said', (t) => {
  const take = rush(t);
  assert.equal(take([person(1, REFUSES_SMS)], [person(2)]), 2);
  assert.equal(take([person(1, REFUSES_SMS)], [person(3, REFUSES_SMS)]), 4);
});

test('a refusal of what somebody who waits may be sent on is filed at once, by either identifier', (t) => {
  const take = rush(t);
  const phone = '+12025550143';
  assert.equal(take([person(1, { phone })], [person(2, REFUSES_SMS)]), 2);
  assert.equal(take([person(1, REFUSES_SMS)], [person(3)]), 3);
  const { email: _email, ...byPhone } = person(1, { phone, ...REFUSES_SMS });
  assert.equal(take([byPhone], [person(4)]), 4);
  assert.equal(take([person(2, { consent_to_email: false })], [person(5)]), 5);
});

test('batches are filed as they were decided, also by the next process', async () => {
  const { path, remove } = temporaryDatabase();
  const scene = new Scene({} as Scene['harness'], DEFAULT_RULES);
  const many = Array.from({ length: 200 }, (_, i) => person(i + 10, { city: 'Zürich', last_name: `Łącki 氏 ${i}` }));
  const batches = [[person(1), person(1), { email: 'none' }], many];
  try {
    const first = new Engine(engineOptions(path, START));
    first.run(batches.map((rows, id): Call => ({ id, op: 'acceptBatch', input: { head: scene.head(`job-${id}`), contacts: rows.map(incoming), metrics: METRICS } })));
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
