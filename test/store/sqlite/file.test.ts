import assert from 'node:assert/strict';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Database, UnsafeDatabaseError, openDatabase } from '../../../src/store/sqlite/database.ts';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import { migrate } from '../../../src/store/sqlite/migrate.ts';
import { DEFAULT_RULES } from '../harness.ts';
import { START, Scene, person } from '../scene.ts';
import { engineHarness, engineOptions, temporaryDatabase } from './engine-harness.ts';

/** A database with one batch in it that was delivered, and one consent taken back. */
async function usedDatabase(t: TestContext): Promise<{ path: string; db: Database }> {
  const harness = engineHarness();
  const scene = new Scene(harness, DEFAULT_RULES);
  scene.store = await harness.open({ rules: scene.rules, now: scene.now });
  await scene.batch([person(1)]);
  await scene.deliver();
  await scene.store.withdrawConsent({ subject: { email: 'person1@example.com' }, channels: ['sms'], reason: 'asked', actor: 'desk', now: scene.now });
  const db = openDatabase(harness.path);
  t.after(async () => {
    db.close();
    await harness.close();
  });
  return { path: harness.path, db };
}

test('every commit is synced: WAL and synchronous=FULL are in effect', (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  const db = openDatabase(path);
  assert.equal(db.get<{ synchronous: number }>('PRAGMA synchronous')?.synchronous, 2);
  assert.equal(db.get<{ journal_mode: string }>('PRAGMA journal_mode')?.journal_mode, 'wal');
  assert.equal(db.get<{ secure_delete: number }>('PRAGMA secure_delete')?.secure_delete, 1);
  db.close();
});

for (const [pragma, instead, message] of [
  [/synchronous/, 'PRAGMA synchronous = NORMAL', /synchronous=FULL did not take effect/],
  [/journal_mode/, 'PRAGMA journal_mode = DELETE', /does not allow WAL/],
] as const) {
  test(`a connection on which "${instead}" is what took effect is refused`, (t) => {
    const { path, remove } = temporaryDatabase();
    t.after(remove);
    const exec = DatabaseSync.prototype.exec;
    const { mock } = t.mock.method(DatabaseSync.prototype, 'exec', function (this: DatabaseSync, sql: string) {
      return exec.call(this, pragma.test(sql) ? instead : sql);
    });
    assert.throws(() => openDatabase(path), (error) => error instanceof UnsafeDatabaseError && message.test(error.message));
    assert.ok(mock.calls.some(({ arguments: [sql] }) => pragma.test(sql)), 'the setting was asked for');
  });
}

test('the file and its folder are for their owner alone', (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  const inner = path.replace('enricher.db', 'data/enricher.db');
  const engine = new Engine(engineOptions(inner, START));
  assert.equal(statSync(inner).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(inner)).mode & 0o777, 0o700);
  engine.close();
});

for (const [what, prepare] of [
  ['from the first byte on, in a folder that others may read', () => undefined],
  ['where they were not', (path: string) => ['', '-wal', '-shm', '.lock'].forEach((end) => writeFileSync(path + end, '', { mode: 0o644 }))],
] as const) {
  test(`all files of the store are for their owner alone, ${what}`, (t) => {
    const { folder, path, remove } = temporaryDatabase();
    const before = process.umask(0o000);
    t.after(() => void process.umask(before));
    t.after(remove);
    chmodSync(folder, 0o755);
    prepare(path);
    const engine = new Engine(engineOptions(path, START));
    const modes = Object.fromEntries(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]));
    assert.ok(Object.keys(modes).length >= 4, Object.keys(modes).join());
    for (const [name, mode] of Object.entries(modes)) assert.equal(mode, 0o600, name);
    engine.close();
  });
}

test('what SQLite sorts or keeps for a moment is kept in memory', (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  const db = openDatabase(path);
  assert.equal(db.get<{ temp_store: number }>('PRAGMA temp_store')?.temp_store, 2);
  db.close();
});

test('every table of ours is STRICT', async (t) => {
  const { db } = await usedDatabase(t);
  const tables = db.all<{ name: string; strict: number }>(`SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'`);
  assert.ok(tables.length > 15);
  assert.deepEqual(tables.filter(({ strict }) => strict !== 1), []);
});

for (const [sql, message] of [
  [`UPDATE audit_entries SET actor = 'nobody'`, /append-only/],
  ['DELETE FROM audit_entries', /append-only/],
  [`UPDATE audit_nodes SET hashes = x'00'`, /append-only/],
  ['DELETE FROM audit_nodes', /append-only/],
  ['UPDATE consent_events SET email = 1', /append-only/],
  ['DELETE FROM person_keys', /overwritten in place/],
  [`UPDATE jobs SET accepted = 'many'`, /cannot store TEXT value in INTEGER column/],
] as const) {
  test(`refused by the database itself: ${sql}`, async (t) => {
    const { db } = await usedDatabase(t);
    assert.throws(() => db.run(sql), message);
  });
}

test('migrations run once, in their order, and again change nothing', (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  const db = openDatabase(path);
  const schema = () => db.all('SELECT type, name, sql FROM sqlite_schema ORDER BY name');
  const applied = () => db.all<{ version: number; applied_at: number }>('SELECT version, applied_at FROM migrations ORDER BY version');
  migrate(db, START);
  const [before, versions] = [schema(), applied()];
  assert.deepEqual(versions.map(({ version }) => version), versions.map((_, i) => i + 1));
  migrate(db, START + 1000);
  assert.deepEqual([schema(), applied()], [before, versions]);
  db.close();
});

test('a schema newer than the program is refused, and left as it is', (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  new Engine(engineOptions(path, START)).close();
  const db = openDatabase(path);
  db.run(`INSERT INTO migrations (version, name, applied_at) VALUES (9000, '9000_future.sql', 0)`);
  db.close();
  assert.throws(() => new Engine(engineOptions(path, START)), (error) => error instanceof UnsafeDatabaseError && /schema 9000/.test(error.message));
});

test('a statement is bound in full or not at all', (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  const db = openDatabase(path);
  assert.throws(() => db.get('SELECT ? AS a, ? AS b', 1), TypeError);
  assert.throws(() => db.get('SELECT ? AS a', 1, 2), TypeError);
  assert.throws(() => db.get('SELECT ? AS a', undefined as unknown as number), TypeError);
  db.close();
});
