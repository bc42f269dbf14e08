import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { LEASE_MS, people, person } from '../scene.ts';
import type { Scene } from '../scene.ts';
import { bytesIn, keysIn, open } from './erasing.ts';

const DAY_MS = 86_400_000;
const KEPT_DAYS = 100;
const RETENTION = { contactsMs: 1000 * DAY_MS, deadLettersMs: 1000 * DAY_MS, webhooksMs: 7 * DAY_MS, peopleMs: KEPT_DAYS * DAY_MS };

const sweep = (scene: Scene, limit = 100): Promise<{ more: boolean }> => scene.store.sweep({ now: scene.now, limit, confirmationTimeoutMs: 2000 * DAY_MS, retention: RETENTION });
const sweepAll = async (scene: Scene, limit?: number): Promise<void> => {
  for (let more = true; more; ) ({ more } = await sweep(scene, limit));
};
const swept = async (scene: Scene): Promise<unknown[]> => (await scene.audit({ action: 'retention_swept' })).map(({ details }) => details['swept']);
const isKnown = async (scene: Scene, n: number): Promise<boolean> => (await scene.store.accessSubject({ subject: { email: `person${n}@example.com` }, actor: 'officer', now: scene.now })).length > 0;
const later = (scene: Scene, days = KEPT_DAYS): void => void (scene.now += days * DAY_MS);

describe('a person of whom nothing came for long', () => {
  test('is forgotten, the key and what it sealed with it; that a contact was delivered stays', async (t) => {
    const scene = await open(t);
    const jobId = await scene.batch([person(1, { phone: '+4930123456', external_crm_id: 'crm-1', consent_source: 'form' })]);
    await scene.deliver();
    await scene.store.claimExport({ now: scene.now, limit: 1, leaseMs: LEASE_MS }).then(({ lease }) => scene.store.settleExport({ messageId: lease!.messageId, fence: lease!.fence, now: scene.now, latencyMs: 1, settlement: { kind: 'delivered' } }));
    later(scene, KEPT_DAYS - 1);
    await sweepAll(scene);
    assert.ok(await isKnown(scene, 1), 'not before its time');
    const [[id, key]] = [...keysIn(scene.files.path)] as [[number, Buffer]];
    later(scene, 1);
    await sweepAll(scene);
    assert.ok(!(await isKnown(scene, 1)));
    assert.deepEqual(await swept(scene), [{ people: 1, refusals_kept: 0 }]);
    assert.deepEqual(await scene.statuses(jobId), ['confirmed']);
    assert.ok(keysIn(scene.files.path).get(id)?.every((byte) => byte === 0));
    await scene.store.wipe();
    assert.ok(!bytesIn(scene.files.folder).includes(key.subarray(5, 33).toString('latin1')));
    const db = openDatabase(scene.files.path);
    for (const table of ['persons', 'identifiers', 'consent_events', 'exports']) assert.equal(db.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)?.n, 0, table);
    db.close();
    assert.equal((await scene.audit({ subject: { email: 'person1@example.com' } })).some(({ action }) => action === 'merge_confirmed'), true, 'the trail is what it was');
  });

  test('comes again as somebody new', async (t) => {
    const scene = await open(t, { exportOn: false });
    await scene.batch([person(1)]);
    await scene.deliver();
    later(scene);
    await sweepAll(scene);
    const jobId = await scene.batch([person(1)]);
    assert.equal((await scene.deliver()).length, 1, 'what was the same is not known to be');
    assert.deepEqual(await scene.statuses(jobId), ['confirmed']);
  });

  test('is kept as long as anything comes', async (t) => {
    const scene = await open(t, { exportOn: false });
    await scene.batch(people(3));
    await scene.deliver();
    later(scene, KEPT_DAYS - 1);
    await scene.batch([person(1, { city: 'Bonn' })]);
    await scene.deliver();
    await scene.batch([person(2)]);
    later(scene, 1);
    await sweepAll(scene);
    assert.deepEqual([await isKnown(scene, 0), await isKnown(scene, 1), await isKnown(scene, 2)], [false, true, true]);
  });

  for (const [what, leave] of [
    ['a contact that waits', async () => undefined],
    ['a contact in the air', async (scene: Scene) => void (await scene.mustClaim())],
    ['a dead letter', async (scene: Scene) => void (await scene.reject(await scene.mustClaim()))],
    ['an export that waits', async (scene: Scene) => void (await scene.deliver())],
  ] as [string, (scene: Scene) => Promise<void>][]) {
    test(`is kept while there is ${what}`, async (t) => {
      const scene = await open(t, { exportOn: true });
      await scene.batch([person(1)]);
      await leave(scene);
      later(scene);
      await sweepAll(scene);
      assert.ok(await isKnown(scene, 1));
      assert.deepEqual(await swept(scene), []);
    });
  }

  test('leaves what was refused, which an older grant does not lift', async (t) => {
    const scene = await open(t, { exportOn: false });
    await scene.batch([person(1, { phone: '+4930123456' }), person(2)]);
    await scene.deliver();
    scene.now += 1000;
    await scene.store.withdrawConsent({ subject: { email: 'person1@example.com' }, channels: ['email', 'sms', 'phone'], reason: 'asked', actor: 'desk', now: scene.now });
    later(scene);
    await sweepAll(scene);
    assert.deepEqual(await swept(scene), [{ people: 1, refusals_kept: 1 }]);
    const [held] = await scene.store.accessSubject({ subject: { email: 'person1@example.com' }, actor: 'officer', now: scene.now });
    assert.deepEqual([held?.current, held?.contacts.map(({ normalized }) => normalized)], [null, [null]]);
    assert.deepEqual(held?.consents.state, { email: 'refused', sms: 'refused', phone: 'refused' });
    const { body } = await scene.answer([person(1), person(2)]);
    assert.deepEqual([body['accepted'], body['rejected']], [1, 1]);
    later(scene);
    await sweepAll(scene);
    assert.equal((await swept(scene)).length, 1, 'it is forgotten once');
  });
});

test('a profile that was only ever patched is a person as well', async (t) => {
  const scene = await open(t);
  const patch = { profileId: 'p-1', attributes: { hobby: 'x' }, mergeStrategy: 'OVERWRITE' as const, sourceSystem: 'crm', tags: [] };
  const { lease } = await scene.store.acceptPatch({ jobId: 'j', requestId: 'r', caller: 'desk', patch, facts: { dataHash: '', classification: {}, masked: [], policyVersion: '1' }, now: scene.now, leaseMs: LEASE_MS });
  const settle = () => scene.store.settlePatch({ requestId: lease!.requestId, fence: lease!.fence, now: scene.now, latencyMs: 1, status: 200, settlement: { kind: 'done', updatedAttributes: 1, mergeResult: 'UPDATED', deduplicationTrigger: false } });
  later(scene);
  await sweepAll(scene);
  assert.deepEqual(await swept(scene), [], 'not while it is in the air');
  await settle();
  later(scene, 1);
  await sweepAll(scene);
  assert.deepEqual(await swept(scene), [{ people: 1, refusals_kept: 0 }]);
  const db = openDatabase(scene.files.path);
  assert.deepEqual(db.all('SELECT state, payload FROM patches WHERE profile_id <> ?', 'p-1').map((row) => ({ ...row })), [{ state: 'confirmed', payload: null }]);
  db.close();
});

test('people are gone through in small steps, over a restart as well, and then it rests', async (t) => {
  const scene = await open(t, { exportOn: false });
  await scene.batch(people(25));
  await scene.deliver();
  later(scene);
  assert.deepEqual(await sweep(scene, 10), { more: true });
  await scene.reopen();
  await sweepAll(scene, 10);
  assert.deepEqual((await swept(scene)).map((counts) => (counts as { people: number }).people), [10, 10, 5]);
  await scene.batch([person(30)]);
  await scene.deliver();
  const trail = await scene.store.auditTree();
  await sweepAll(scene, 10);
  assert.deepEqual(await scene.store.auditTree(), trail);
});
