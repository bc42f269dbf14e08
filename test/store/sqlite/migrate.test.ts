import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Database } from '../../../src/store/sqlite/database.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import { Pseudonyms } from '../../../src/store/sqlite/pseudonyms.ts';
import { Vault } from '../../../src/store/sqlite/vault.ts';
import { START } from '../scene.ts';
import { KEY, engineOptions, storeOver, temporaryDatabase } from './engine-harness.ts';
import { bytesIn } from './erasing.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'src', 'store', 'sqlite', 'migrations');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A file as a program of before left it: only the first migrations were applied. */
function fileOfVersion(path: string, version: number): Database {
  const db = openDatabase(path);
  db.exec('CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT');
  for (const name of readdirSync(FOLDER).sort()) {
    if (Number(name.slice(0, 4)) > version) break;
    db.exec(readFileSync(join(FOLDER, name), 'utf8'));
    db.run('INSERT INTO migrations (version, name, applied_at) VALUES (?, ?, 0)', Number(name.slice(0, 4)), name);
  }
  return db;
}

test('hashes that anybody could try out are put under the key: answers are still found, and no byte of the old hashes stays', async (t) => {
  const { path, folder, remove } = temporaryDatabase();
  t.after(remove);
  const body = sha256('{"contacts":[{"email":"jan@example.net"}]}');
  const { key, wrapped } = new Vault([Buffer.from(KEY, 'base64')]).newPersonKey();
  const old = fileOfVersion(path, 4);
  old.run(`INSERT INTO secrets (name, wrapped) VALUES ('pseudonyms', ?)`, wrapped);
  old.run(
    `INSERT INTO idempotency (caller, key_hash, body_hash, status, body, expires_at) VALUES ('importer', ?, ?, 202, '{"warnings":[{"field":"janexample.net"}]}', ?)`,
    new Pseudonyms(key.key).of('idempotency', 'import-1'),
    body,
    START + 1000,
  );
  const event = `sha256:${sha256('a webhook')}`;
  old.run(
    `INSERT INTO webhook_events (event_id, body_hash, type, request_id, received_at, confirms, applied) VALUES (?, ?, 'contact.merged', 'request-of-jan', ?, 1, 1)`,
    event,
    sha256('a webhook'),
    START,
  );
  old.close();
  assert.ok(bytesIn(folder).includes(body), 'the search finds what is there');

  const engine = new Engine(engineOptions(path, START));
  const store = storeOver(engine, () => undefined);
  t.after(() => engine.close());
  const answer = (bodyHash: string) => store.findAnswer({ caller: 'importer', key: 'import-1', bodyHash, now: START });
  assert.deepEqual(await answer(body), { isSameBody: true, status: 202, body: '{"warnings":[{"field":"janexample.net"}]}' });
  assert.equal((await answer(sha256('another body')))?.isSameBody, false);
  assert.equal((await store.recordWebhook({ eventId: event, type: 'contact.merged', confirms: true, receivedAt: START })).duplicate, true);
  for (const word of [body, sha256('a webhook'), 'request-of-jan', 'janexample.net']) assert.ok(!bytesIn(folder).includes(word), 'an old hash is still in a file');
});

test('batches that a program of before left in the journal are seen, filed and counted once', async (t) => {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  const vault = new Vault([Buffer.from(KEY, 'base64')]);
  const { key, wrapped } = vault.newPersonKey();
  const old = fileOfVersion(path, 4);
  old.run('INSERT INTO journal_key (only_row, wrapped) VALUES (1, ?)', wrapped);
  for (const [jobNo, n] of [[1, 7], [2, 3]] as const) {
    const contact = { email: `person${n}@example.com`, first_name: `First${n}`, country: 'US' };
    const kept = [{ incoming: { index: 0, contact, raw: {}, errors: [], warnings: [], country: 'US' }, outcome: { index: 0, outcome: 'accepted', errors: [], warnings: [] }, overridden: false }];
    old.run(`INSERT INTO jobs (job_id, kind, caller, sealed, created_at, received, accepted, waiting) VALUES (?, 'merge', 'crm', 1, ?, 1, 1, 1)`, `job-${jobNo}`, START);
    old.run('INSERT INTO journal (job_no, contacts, received_at, sealed) VALUES (?, 1, ?, ?)', jobNo, START, vault.seal(JSON.stringify(kept), key));
  }
  old.close();

  const engine = new Engine(engineOptions(path, START));
  const store = storeOver(engine, () => undefined);
  t.after(() => engine.close());
  assert.deepEqual([engine.backlog, (await store.stats()).waiting], [2, 2]);
  const pending = await store.getJob({ jobId: 'job-2', after: -1, limit: 10 });
  assert.deepEqual(pending?.contacts.map(({ index, status }) => [index, status]), [[0, 'waiting']]);
  engine.fileSome(10);
  assert.deepEqual([engine.backlog, (await store.stats()).waiting], [0, 2]);
  const people = await store.accessSubject({ subject: { email: 'person7@example.com' }, actor: 'officer', now: START });
  assert.deepEqual(people.map(({ jobs }) => jobs.map(({ job_id }) => job_id)), [['job-1']]);
});
