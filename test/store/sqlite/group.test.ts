import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import type { Call, Group } from '../../../src/store/sqlite/engine.ts';
import type { OperationName } from '../../../src/store/sqlite/operations.ts';
import { DEFAULT_RULES } from '../harness.ts';
import { METRICS, START, Scene, incoming, people, person } from '../scene.ts';
import type { Row } from '../scene.ts';
import { KEY, engineOptions, storeOver, temporaryDatabase } from './engine-harness.ts';
import { threadHarness } from './thread-harness.ts';

const NOTE = { action: 'admin_action', actor: 'chief', details: {}, privacy_compliance: {} };

type Stage = { scene: Scene; run(...calls: [OperationName, unknown][]): Group; limitPages(more: number | null): void };

/** An engine with its connection in our hands, so that its disk can be made full. */
function stage(t: TestContext, rules = DEFAULT_RULES): Stage {
  const { path, remove } = temporaryDatabase();
  const connections = new Set<DatabaseSync>();
  const exec = DatabaseSync.prototype.exec;
  const spy = t.mock.method(DatabaseSync.prototype, 'exec', function (this: DatabaseSync, sql: string) {
    if (/page_size/.test(sql)) connections.add(this);
    return exec.call(this, sql);
  });
  const engine = new Engine(engineOptions(path, START, rules));
  spy.mock.restore();
  const [connection] = connections;
  assert.ok(connection !== undefined);
  t.after(() => {
    engine.close();
    remove();
  });
  const scene = new Scene({} as Scene['harness'], rules);
  scene.store = { ...storeOver(engine, () => undefined), close: () => Promise.resolve() };
  return {
    scene,
    run: (...calls) => engine.run(calls.map(([op, input], id): Call => ({ id, op, input }))),
    limitPages(more) {
      const { page_count: used } = connection.prepare('PRAGMA page_count').get() as { page_count: number };
      connection.prepare(`PRAGMA max_page_count = ${more === null ? 2 ** 30 : used + more}`).get();
    },
  };
}

const accept = (scene: Scene, jobId: string, rows: readonly Row[]): [OperationName, unknown] => ['acceptBatch', { head: scene.head(jobId), contacts: rows.map(incoming), metrics: METRICS }];

test('a call that fails takes its own changes back, audit entries included, and no others', async (t) => {
  const { scene, run } = stage(t, { ...DEFAULT_RULES, queueMaxContacts: 2 });
  const group = run(
    accept(scene, 'first', [person(1)]),
    ['appendAudit', { drafts: [NOTE, { ...NOTE, details: { bad: '\ud800' } }], now: START }],
    accept(scene, 'too many', people(5, 10)),
    accept(scene, 'second', [person(2)]),
    accept(scene, 'first', [person(3)]),
    ['appendAudit', { drafts: [NOTE], now: START }],
  );
  assert.equal(group.fatal, false);
  assert.deepEqual(group.replies.map((reply) => ('failure' in reply ? reply.failure.code : 'done')), ['done', 'internal', 'queue_full', 'done', group.replies[4] !== undefined && 'failure' in group.replies[4] ? group.replies[4].failure.code : '', 'done']);
  assert.ok('failure' in group.replies[4]!, 'a job is there once');
  assert.deepEqual(group.entries.map(({ action, job_id }) => [action, job_id]), [['batch_submitted', 'first'], ['batch_submitted', 'second'], ['admin_action', undefined]]);
  assert.deepEqual(await scene.audit(), group.entries);
  assert.deepEqual((await scene.store.listJobs({ limit: 10 })).map(({ jobId }) => jobId), ['second', 'first']);
  assert.equal((await scene.store.stats()).waiting, 2);
  assert.deepEqual((await scene.mustClaim()).contacts.map(({ email }) => email), ['person1@example.com', 'person2@example.com']);
});

test('calls that come together are committed together and answered each for itself', async (t) => {
  const scene = await Scene.open(t, threadHarness, { queueMaxContacts: 60 });
  const answers = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => scene.batch([person(n)])));
  const accepted = answers.filter(({ status }) => status === 'fulfilled').length;
  assert.equal(accepted, 60);
  assert.ok(answers.every((answer) => answer.status === 'fulfilled' || (answer.reason as { code?: string }).code === 'queue_full'));
  assert.equal((await scene.store.stats()).waiting, accepted);
  assert.equal((await scene.audit({ action: 'batch_submitted' })).length, accepted);
  assert.deepEqual(scene.harness.committed(), await scene.audit());
});

test('a full disk refuses what needs room, loses nothing, and is over when there is room', async (t) => {
  const { scene, run, limitPages } = stage(t);
  await scene.batch([person(1)]);
  const before = { tree: await scene.store.auditTree(), stats: await scene.store.stats() };
  limitPages(0);
  let refused: Group | undefined;
  for (let n = 0; refused === undefined && n < 200; n += 1) {
    const group = run(['stats', {}], accept(scene, `filler-${n}`, people(20, 100 + n * 20)));
    if ('failure' in group.replies[1]!) refused = group;
    else {
      before.tree = await scene.store.auditTree();
      before.stats = await scene.store.stats();
    }
  }
  assert.ok(refused !== undefined, 'the disk was full');
  assert.deepEqual(refused.replies.map((reply) => ('failure' in reply ? reply.failure.code : 'done')), ['done', 'storage_full'], 'what only reads passes beside what finds no room');
  assert.deepEqual([refused.entries, refused.fatal], [[], false]);
  await assert.rejects(scene.batch(people(2000, 10_000)), { code: 'storage_full' });
  assert.deepEqual({ tree: await scene.store.auditTree(), stats: await scene.store.stats() }, before, 'reading goes on, and shows what was acknowledged');
  limitPages(null);
  const jobId = await scene.batch(people(5, 50_000));
  assert.equal((await scene.job(jobId)).accepted, 5);
  const entries = await scene.audit();
  assert.deepEqual(entries.map(({ sequence }) => sequence), entries.map((_, i) => i));
  assert.deepEqual(entries.slice(before.tree.size).map(({ action }) => action), ['consent_recorded', 'batch_submitted']);
});

test('a change of the key beside a call that fails half done is recorded, once', (t) => {
  const { run } = stage(t);
  const next = Buffer.alloc(32, 77).toString('base64');
  const keys = [next, KEY];
  const group = run(
    ['useKeys', { keys, actor: 'chief', now: START }],
    ['appendAudit', { drafts: [NOTE, { ...NOTE, details: { bad: '\ud800' } }], now: START }],
  );
  assert.deepEqual(group.replies.map((reply) => 'failure' in reply), [false, true]);
  assert.equal(group.entries.filter(({ action, details }) => action === 'key_rotated' && details['state'] === 'started').length, 1);
});
