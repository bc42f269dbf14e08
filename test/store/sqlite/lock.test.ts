import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Store } from '../../../src/domain/ports/store.ts';
import { StoreRefusedError, openSqliteStore } from '../../../src/store/sqlite/client.ts';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import { StoreLockedError, takeLock } from '../../../src/store/sqlite/lock.ts';
import { START } from '../scene.ts';
import { engineOptions, temporaryDatabase } from './engine-harness.ts';

const HOLDER = join(import.meta.dirname, 'hold-store.ts');

/** A process that opens the store; its first line, and the process, which is gone when the test ends. */
async function holder(t: TestContext, path: string): Promise<{ process: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [said] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { process: child, said };
}

test('a second process is turned away at once, and let in the moment the first is killed', async (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  const first = await holder(t, path);
  assert.equal(first.said, 'open');
  const second = await holder(t, path);
  assert.match(second.said, /^StoreLockedError: another process uses .*enricher\.db: stop it first/);
  if (second.process.exitCode === null) await once(second.process, 'exit');
  assert.equal(second.process.exitCode, 1);
  assert.throws(() => takeLock(path), StoreLockedError);
  const gone = once(first.process, 'exit');
  first.process.kill('SIGKILL');
  await gone;
  new Engine(engineOptions(path, START)).close();
});

test('a process that holds the store turns a second opening of its own away', async (t) => {
  const { path, remove } = temporaryDatabase();
  const options = { ...engineOptions(path, START), onCommitted: () => undefined, onFatal: () => undefined };
  const opened: Store[] = [];
  t.after(async () => {
    await Promise.all(opened.map((store) => store.close()));
    remove();
  });
  const open = async (): Promise<Store> => {
    const store = await openSqliteStore(options);
    opened.push(store);
    return store;
  };
  const store = await open();
  await assert.rejects(open(), (error) => error instanceof StoreRefusedError && error.causeName === 'StoreLockedError');
  assert.equal((await store.stats()).waiting, 0, 'the first goes on');
  await store.close();
  await open();
});

test('an opening that fails gives the lock back', (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  new Engine(engineOptions(path, START)).close();
  const otherKey = Buffer.alloc(32, 8).toString('base64');
  assert.throws(() => new Engine({ ...engineOptions(path, START), encryptionKeys: [otherKey] }));
  new Engine(engineOptions(path, START)).close();
});
