import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Scene, people, person } from '../scene.ts';
import { engineHarness } from './engine-harness.ts';

const DAY_MS = 86_400_000;
const RETENTION = { contactsMs: 30 * DAY_MS, deadLettersMs: 60 * DAY_MS, webhooksMs: 7 * DAY_MS };

const open = (t: TestContext): Promise<Scene> => Scene.open(t, engineHarness);
const sweep = (scene: Scene, limit = 100): Promise<{ more: boolean }> => scene.store.sweep({ now: scene.now, limit, confirmationTimeoutMs: DAY_MS, retention: RETENTION });
const swept = async (scene: Scene): Promise<unknown[]> => (await scene.audit({ action: 'retention_swept' })).map(({ details }) => details['swept']);
const heldOf = async (scene: Scene, n: number) => (await scene.store.accessSubject({ subject: { email: `person${n}@example.com` }, actor: 'officer', now: scene.now }))[0]!;

describe('what time deletes', () => {
  test('is nothing before its time', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1)]);
    await scene.deliver();
    scene.now += 30 * DAY_MS - 1;
    await sweep(scene);
    assert.deepEqual(await swept(scene), []);
    assert.notEqual((await heldOf(scene, 1)).contacts[0]!.normalized, null);
  });

  test('is what delivered contacts held, and not that they were delivered', async (t) => {
    const scene = await open(t);
    const delivered = await scene.batch([person(1)]);
    await scene.deliver();
    scene.now += 1;
    const waiting = await scene.batch([person(2)]);
    scene.now += 30 * DAY_MS;
    await sweep(scene);
    const held = await heldOf(scene, 1);
    assert.equal(held.contacts[0]!.normalized, null);
    assert.equal((held.current!.contact as { email: string }).email, 'person1@example.com', 'what CXone holds is known until it is erased');
    assert.notEqual((await heldOf(scene, 2)).contacts[0]!.normalized, null, 'what waits is kept');
    assert.deepEqual([await scene.statuses(delivered), await scene.statuses(waiting)], [['confirmed'], ['waiting']]);
    assert.equal((await scene.deliver()).length, 1);
  });

  test('is a dead letter with what it held; the contact stays set aside', async (t) => {
    const scene = await open(t);
    const jobId = await scene.batch([person(1)]);
    await scene.reject(await scene.mustClaim());
    scene.now += 60 * DAY_MS;
    await sweep(scene);
    assert.deepEqual(await scene.store.listDeadLetters({ limit: 10 }), []);
    assert.deepEqual(await scene.statuses(jobId), ['set_aside']);
    assert.equal((await heldOf(scene, 1)).contacts[0]!.normalized, null);
    assert.deepEqual(await swept(scene), [{ contacts: 0, dead_letters: 1, idempotency_answers: 0, webhook_events: 0 }]);
  });

  test('is a webhook event and an answer under its key', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1)], { idempotency: { key: 'k', bodyHash: 'h', expiresAt: scene.now + DAY_MS } });
    await scene.webhook({ eventId: 'e1', contactId: 'cx' });
    scene.now += 7 * DAY_MS;
    await sweep(scene);
    assert.deepEqual(await swept(scene), [{ contacts: 0, dead_letters: 0, idempotency_answers: 1, webhook_events: 1 }]);
    assert.equal((await scene.webhook({ eventId: 'e1', contactId: 'cx' })).duplicate, false);
  });
});

describe('a sweep', () => {
  test('goes in small steps and says so', async (t) => {
    const scene = await open(t);
    await scene.batch(people(25));
    await scene.deliver();
    scene.now += 31 * DAY_MS;
    assert.deepEqual(await sweep(scene, 10), { more: true });
    assert.deepEqual(await sweep(scene, 10), { more: true });
    assert.deepEqual(await sweep(scene, 10), { more: false });
    assert.deepEqual((await swept(scene)).map((counts) => (counts as { contacts: number }).contacts), [10, 10, 5]);
  });

  test('that found an end rests a while, also over a restart, and after the clock was set back', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1)], { idempotency: { key: 'k', bodyHash: 'h', expiresAt: scene.now + 1000 } });
    await sweep(scene);
    scene.now += 5000;
    await scene.reopen();
    await sweep(scene);
    assert.deepEqual(await swept(scene), []);
    scene.now += 10 * 60_000;
    await sweep(scene);
    assert.equal((await swept(scene)).length, 1);
    await scene.batch([person(2)], { idempotency: { key: 'k2', bodyHash: 'h', expiresAt: scene.now - DAY_MS - 1 } });
    scene.now -= DAY_MS;
    await sweep(scene);
    assert.equal((await swept(scene)).length, 2);
  });
});
