import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openSqliteStore } from '../../../src/store/sqlite/client.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import { SealBrokenError, Vault } from '../../../src/store/sqlite/vault.ts';
import { DEFAULT_RULES } from '../harness.ts';
import { START, Scene, person } from '../scene.ts';
import { KEY, engineOptions, storeOver, temporaryDatabase } from './engine-harness.ts';

const OTHER = Buffer.alloc(32, 8).toString('base64');
const THIRD = Buffer.alloc(32, 9).toString('base64');
const KEY_ID = { from: 1, to: 5 };

type Using = (encryptionKeys: string[], work: (scene: Scene) => Promise<unknown>) => Promise<void>;

/** A database, and a way to do something with its store, opened with these keys. */
function keyedDatabase(t: TestContext): { path: string; using: Using } {
  const { path, remove } = temporaryDatabase();
  t.after(remove);
  const scene = new Scene({} as Scene['harness'], DEFAULT_RULES);
  return { path, using: (keys, work) => withKeys(path, keys, scene, work) };
}

async function withKeys(path: string, encryptionKeys: string[], scene: Scene, work: (scene: Scene) => Promise<unknown>): Promise<void> {
  const engine = new Engine({ ...engineOptions(path, START), encryptionKeys });
  try {
    scene.store = { ...storeOver(engine, () => undefined), close: () => Promise.resolve() };
    await work(scene);
  } finally {
    engine.close();
  }
}

const keyIds = (path: string): Set<string> => {
  const db = openDatabase(path);
  try {
    const wrapped = db.all<{ wrapped: Uint8Array }>('SELECT wrapped FROM person_keys UNION ALL SELECT wrapped FROM secrets');
    return new Set(wrapped.map((row) => Buffer.from(row.wrapped.subarray(KEY_ID.from, KEY_ID.to)).toString('hex')));
  } finally {
    db.close();
  }
};

test('another ENCRYPTION_KEY is refused at the start, in one clear line', async (t) => {
  const { path, using } = keyedDatabase(t);
  await using([KEY], (scene) => scene.batch([person(1)]));
  const opening = openSqliteStore({ ...engineOptions(path, START), encryptionKeys: [OTHER], onCommitted: () => undefined, onFatal: () => undefined });
  await assert.rejects(opening, (error: Error) => /master key|ENCRYPTION_KEY/.test(error.message) && !error.message.includes('\n'));
  await using([KEY], async (scene) => assert.equal((await scene.mustClaim()).originals, 1));
});

test('a new key first, the old one behind it: what was sealed before opens, what is sealed now has the new one', async (t) => {
  const { path, using } = keyedDatabase(t);
  await using([KEY], async (scene) => {
    await scene.batch([person(1)]);
    await scene.store.keepSecret({ name: 'webhook', candidate: 'first' });
  });
  const [old, ...others] = keyIds(path);
  assert.deepEqual(others, []);
  await using([OTHER, KEY], async (scene) => {
    await scene.batch([person(2)]);
    const chunk = await scene.mustClaim();
    assert.deepEqual(chunk.contacts.map(({ email }) => email), ['person1@example.com', 'person2@example.com']);
    await scene.accept(chunk, true);
    assert.equal(await scene.store.keepSecret({ name: 'webhook', candidate: 'second' }), 'first');
    assert.equal((await scene.audit({ subject: { email: 'person1@example.com' } })).length, 3, 'pseudonyms outlive the key');
  });
  const both = keyIds(path);
  assert.equal(both.size, 2);
  assert.ok(both.has(old!));
  await using([THIRD, KEY, OTHER], async (scene) => {
    await scene.batch([person(1, { first_name: 'Ada' }), person(2, { first_name: 'Eve' })]);
    assert.equal((await scene.mustClaim()).originals, 2);
  });
});

test('a key that is needed and not given is named as such', () => {
  const wrapped = new Vault([Buffer.alloc(32, 1)]).newPersonKey().wrapped;
  assert.throws(() => new Vault([Buffer.alloc(32, 2)]).unwrap(wrapped), (error) => error instanceof SealBrokenError && /master key that is not configured/.test(error.message));
  assert.throws(() => new Vault([]), TypeError);
});

test('a sealed value opens under its own key and as it was written only', () => {
  const vault = new Vault([Buffer.alloc(32, 1)]);
  const [mine, yours] = [vault.newPersonKey().key, vault.newPersonKey().key];
  const sealed = vault.seal('Ada Roe', mine);
  assert.equal(vault.open(sealed, mine), 'Ada Roe');
  assert.throws(() => vault.open(sealed, yours), SealBrokenError);
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at]! ^= 1;
    assert.throws(() => vault.open(changed, mine), SealBrokenError, `byte ${at}`);
  }
  for (let length = 0; length < sealed.length; length += 1) assert.throws(() => vault.open(sealed.subarray(0, length), mine), SealBrokenError, `${length} bytes`);
  assert.ok(!vault.seal('Ada Roe', mine).equals(sealed), 'the same sealed twice differs');
});

test('a key is wrapped anew only where it is under another master key', () => {
  const [old, current] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const { key, wrapped } = new Vault([old]).newPersonKey();
  const vault = new Vault([current, old]);
  const rewrapped = vault.rewrap(wrapped);
  assert.ok(rewrapped !== undefined);
  assert.deepEqual(new Vault([current]).unwrap(rewrapped), { id: Buffer.from(key.id), key: Buffer.from(key.key) });
  assert.equal(vault.rewrap(rewrapped), undefined);
});
