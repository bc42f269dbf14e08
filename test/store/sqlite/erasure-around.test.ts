import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { CodedError } from '../../../src/domain/errors.ts';
import type { ErasureView } from '../../../src/domain/ports/privacy.ts';
import { Vault } from '../../../src/store/sqlite/vault.ts';
import { LEASE_MS, people, person } from '../scene.ts';
import type { Scene } from '../scene.ts';
import { KEY } from './engine-harness.ts';
import { bytesIn, erase, finish, keysIn, open } from './erasing.ts';

describe('marketing', () => {
  const claim = (scene: Scene) => scene.store.claimNotice({ now: scene.now, leaseMs: LEASE_MS });
  const legOf = (view: ErasureView) => view.legs.find(({ system }) => system === 'marketing')?.status;

  async function exported(t: TestContext): Promise<Scene> {
    const scene = await open(t);
    await scene.batch([person(1, { external_crm_id: 'crm-1' })]);
    await scene.deliver();
    const { lease } = await scene.store.claimExport({ now: scene.now, limit: 10, leaseMs: LEASE_MS });
    await scene.store.settleExport({ messageId: lease!.messageId, fence: lease!.fence, now: scene.now, latencyMs: 1, settlement: { kind: 'delivered' } });
    return scene;
  }

  test('is told by the id it knows, until it has heard', async (t) => {
    const scene = await exported(t);
    const view = await erase(scene, { email: 'person1@example.com' });
    assert.deepEqual([view.status, legOf(view)], ['in_progress', 'in_progress']);
    const { notice } = await claim(scene);
    assert.equal(notice?.externalId, 'crm-1');
    assert.equal((await claim(scene)).notice, null, 'it is leased');
    await scene.store.settleNotice({ messageId: notice!.messageId, fence: notice!.fence, settlement: { kind: 'retry', dueAt: scene.now + 10 }, now: scene.now });
    scene.now += 10;
    const again = (await claim(scene)).notice!;
    assert.deepEqual([again.messageId, again.attempts], [notice!.messageId, 1]);
    assert.equal(await scene.store.settleNotice({ messageId: again.messageId, fence: notice!.fence, settlement: { kind: 'delivered' }, now: scene.now }), false, 'a stale fence');
    await scene.store.settleNotice({ messageId: again.messageId, fence: again.fence, settlement: { kind: 'delivered' }, now: scene.now });
    await finish(scene, view.erasureId);
    const done = (await scene.store.erasureOf({ erasureId: view.erasureId }))!;
    assert.deepEqual([done.status, legOf(done)], ['completed', 'completed']);
  });

  test('is not told of somebody it never heard of', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1)]);
    assert.equal(legOf(await erase(scene, { email: 'person1@example.com' })), 'not_needed');
  });

  test('hears of it after an export that is in the air, which does not go again', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1, { external_crm_id: 'crm-1' })]);
    await scene.deliver();
    const { lease } = await scene.store.claimExport({ now: scene.now, limit: 10, leaseMs: LEASE_MS });
    await erase(scene, { email: 'person1@example.com' });
    assert.equal((await claim(scene)).notice, null);
    await scene.store.settleExport({ messageId: lease!.messageId, fence: lease!.fence, now: scene.now, latencyMs: 1, settlement: { kind: 'retry', dueAt: scene.now, reason: '' } });
    assert.equal((await scene.store.claimExport({ now: scene.now, limit: 10, leaseMs: LEASE_MS })).lease, null);
    assert.equal((await claim(scene)).notice?.externalId, 'crm-1');
  });

  test('that is switched off or refuses is left to people, and says so', async (t) => {
    const off = await exported(t);
    assert.equal(legOf(await erase(off, { email: 'person1@example.com' }, { marketing: false })), 'manual');
    const refusing = await exported(t);
    const view = await erase(refusing, { email: 'person1@example.com' });
    const { notice } = await claim(refusing);
    await refusing.store.settleNotice({ messageId: notice!.messageId, fence: notice!.fence, settlement: { kind: 'failed', reason: 'answered 410' }, now: refusing.now });
    await finish(refusing, view.erasureId);
    const leg = (await refusing.store.erasureOf({ erasureId: view.erasureId }))!.legs.find(({ system }) => system === 'marketing');
    assert.deepEqual(leg, { system: 'marketing', status: 'failed', detail: 'answered 410' });
  });
});

test('access shows everything, opened, and is audited', async (t) => {
  const scene = await open(t);
  await scene.batch([person(1, { external_crm_id: 'crm-1', city: 'Bonn', consent_source: 'web form' })]);
  await scene.deliver();
  const [held, ...others] = await scene.store.accessSubject({ subject: { external_crm_id: 'crm-1' }, actor: 'officer', now: scene.now });
  assert.deepEqual(others, []);
  assert.equal((held!.contacts[0]!.normalized as { city: string }).city, 'Bonn');
  assert.equal((held!.current!.contact as { email: string }).email, 'person1@example.com');
  assert.deepEqual(held!.consents.state, { email: 'granted', sms: 'granted', phone: 'granted' });
  assert.deepEqual((held!.consents.events[0] as { evidence: unknown }).evidence, { source: 'web form' });
  assert.equal(held!.exports[0]!.status, 'waiting');
  assert.equal((await scene.audit({ subject: { email: 'person1@example.com' } })).at(-1)?.action, 'subject_accessed');
  assert.deepEqual(await scene.store.accessSubject({ subject: { email: 'nobody@example.com' }, actor: 'officer', now: scene.now }), []);
});

describe('a change of the encryption key while the store runs', () => {
  const NEW = Buffer.alloc(32, 9).toString('base64');

  test('wraps every key anew in place, and the old one opens nothing any more', async (t) => {
    const scene = await open(t);
    await scene.batch(people(1200));
    await erase(scene, { email: 'person5@example.com' });
    const old = keysIn(scene.files.path);
    let state = await scene.store.useKeys({ keys: [NEW, KEY], actor: 'officer', now: scene.now });
    assert.equal(state.done, false);
    await scene.batch(people(10, 5000));
    while (!state.done) state = await scene.store.rewrapKeys({ limit: 500, now: scene.now });
    assert.equal(state.rewrapped, 1199);
    await scene.store.wipe();
    const onlyNew = new Vault([Buffer.from(NEW, 'base64')]);
    for (const wrapped of keysIn(scene.files.path).values()) if (wrapped.some((byte) => byte !== 0)) assert.ok(onlyNew.unwrap(wrapped));
    const bytes = bytesIn(scene.files.folder);
    for (const wrapped of old.values()) if (wrapped.some((byte) => byte !== 0)) assert.ok(!bytes.includes(wrapped.subarray(5, 33).toString('latin1')));
    assert.deepEqual((await scene.audit({ action: 'key_rotated' })).map(({ details }) => details['state']), ['started', 'completed']);
    assert.equal((await scene.mustClaim(2)).contacts.length, 2);
  });

  test('is refused to who does not know the key in use', async (t) => {
    const scene = await open(t);
    for (const keys of [[NEW], [NEW, 'short'], [KEY, 'short']]) {
      await assert.rejects(scene.store.useKeys({ keys, actor: 'mallory', now: scene.now }), (error: CodedError) => error.code === 'keys_refused');
    }
  });
});
