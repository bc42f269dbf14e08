import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { openSqliteStore } from '../../../src/store/sqlite/client.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import type { Call } from '../../../src/store/sqlite/engine.ts';
import type { FromWorker } from '../../../src/store/sqlite/worker.ts';
import { DEFAULT_RULES } from '../harness.ts';
import { METRICS, START, Scene, incoming, person } from '../scene.ts';
import { engineOptions, temporaryDatabase } from './engine-harness.ts';

const PATIENCE_MS = 20_000;
/** What the thread waits after a try to file that came to nothing. */
const IDLE_MS = 100;

function openStore(path: string): ReturnType<typeof openSqliteStore> {
  return openSqliteStore({ ...engineOptions(path, START), onCommitted: () => undefined, onFatal: () => undefined });
}

/** Times at which the storage thread told of a transaction. */
function spyOnGroups(t: TestContext): { told: number[]; next(count: number): Promise<void> } {
  const told: number[] = [];
  const waiting: { count: number; resolve(): void }[] = [];
  const { on } = Worker.prototype;
  t.mock.method(Worker.prototype, 'on', function (this: Worker, name: 'message', listener: (message: FromWorker) => void) {
    return on.call(this, name, name !== 'message' ? listener : (message: FromWorker) => {
      listener(message);
      if (message.kind === 'group') told.push(performance.now());
      for (const { count, resolve } of waiting) if (told.length >= count) resolve();
    });
  });
  const next = (count: number): Promise<void> => new Promise((resolve) => void waiting.push({ count, resolve }));
  return { told, next };
}

test('what cannot be filed is not tried again at once', { timeout: PATIENCE_MS }, async (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  const engine = new Engine(engineOptions(path, START));
  const scene = new Scene({} as Scene['harness'], DEFAULT_RULES);
  engine.run([1, 2].map((id): Call => ({ id, op: 'acceptBatch', input: { head: scene.head(`job-${id}`), contacts: [incoming(person(id), 0)], metrics: METRICS } })));
  assert.equal(engine.backlog, 2);
  engine.close();
  const db = openDatabase(path);
  db.run(`UPDATE journal SET sealed = x'00'`);
  db.close();
  const { told, next } = spyOnGroups(t);
  const tried = next(4);
  const store = await openStore(path);
  await tried;
  await store.close();
  // A timer never fires early but for the millisecond that it rounds.
  assert.ok(told[3]! - told[0]! >= 3 * (IDLE_MS - 2), `after ${told[3]! - told[0]!} ms`);
});
