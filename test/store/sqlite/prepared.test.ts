import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import { Vault } from '../../../src/store/sqlite/vault.ts';
import { DEFAULT_RULES } from '../harness.ts';
import { START, Scene, people, person } from '../scene.ts';
import { engineOptions, storeOver, temporaryDatabase } from './engine-harness.ts';

type Stage = { scene: Scene; engine: Engine; opened(work: () => Promise<unknown>): Promise<number> };

/** An engine whose preparing is in our hands, and a count of the keys that it opens. */
function stage(t: TestContext): Stage {
  const { path, remove } = temporaryDatabase();
  const engine = new Engine(engineOptions(path, START, DEFAULT_RULES));
  t.after(() => {
    engine.close();
    remove();
  });
  const scene = new Scene({} as Scene['harness'], DEFAULT_RULES);
  scene.store = { ...storeOver(engine, () => undefined), close: () => Promise.resolve() };
  const unwrap = t.mock.method(Vault.prototype, 'unwrap');
  return {
    scene,
    engine,
    opened: async (work) => {
      const before = unwrap.mock.callCount();
      await work();
      return unwrap.mock.callCount() - before;
    },
  };
}

/** Four people wait, two were claimed, and the two that follow are prepared. */
async function prepared(t: TestContext): Promise<Stage> {
  const on = stage(t);
  await on.scene.batch(people(4));
  await on.scene.mustClaim(2);
  assert.equal(await on.opened(() => Promise.resolve(on.engine.rest())), 2);
  return on;
}

test('a claim of prepared people opens nothing, nor does its answer', async (t) => {
  const { scene, opened } = await prepared(t);
  const used = await opened(async () => {
    const chunk = await scene.mustClaim(2);
    assert.deepEqual(chunk.contacts.map(({ email }) => email), ['person2@example.com', 'person3@example.com']);
    await scene.accept(chunk);
  });
  assert.equal(used, 0);
});

test('whoever takes consent back after being prepared is not claimed', async (t) => {
  const { scene } = await prepared(t);
  await scene.store.withdrawConsent({ subject: { email: 'person2@example.com' }, channels: ['email', 'sms', 'phone'], reason: 'asked', actor: 'chief', now: scene.now });
  assert.deepEqual((await scene.mustClaim(2)).contacts.map(({ email }) => email), ['person3@example.com']);
});

test('what comes after a person was prepared goes with it', async (t) => {
  const { scene } = await prepared(t);
  await scene.batch([person(2, { last_name: 'Newer', updated_at: '2026-03-01T11:00:00Z' })]);
  const chunk = await scene.mustClaim(2);
  assert.equal(chunk.originals, 3);
  assert.equal(chunk.contacts[0]?.last_name, 'Newer');
});

test('nobody is claimed as prepared a while ago', async (t) => {
  const { scene, opened } = await prepared(t);
  scene.now += 2001;
  assert.equal(await opened(() => scene.mustClaim(2)), 2);
});

test('a call that fails leaves nobody prepared', async (t) => {
  const { scene, opened } = await prepared(t);
  await assert.rejects(scene.store.appendAudit({ drafts: [{ action: 'admin_action', actor: 'chief', details: { bad: '\ud800' }, privacy_compliance: {} }], now: scene.now }));
  assert.equal(await opened(() => scene.mustClaim(2)), 2);
});
