import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { PatchLease, PatchSettlement } from '../../../src/domain/ports/delivery-store.ts';
import type { PrivacySubject } from '../../../src/domain/ports/privacy.ts';
import { LEASE_MS, person } from '../scene.ts';
import type { Scene } from '../scene.ts';
import { erase, finish, open } from './erasing.ts';

const PHONE = '+4930123456';
const REFUSED = { kind: 'set_aside', reason: 'refused' } as const;

/** A patch of a profile of its own; answers its lease where it is to be sent at once. */
async function patch(scene: Scene, n: number, attributes: Record<string, unknown>, profileId = `profile-${n}`): Promise<PatchLease | null> {
  const { lease } = await scene.store.acceptPatch({
    jobId: `patch-${n}`,
    requestId: `r-${n}`,
    caller: 'desk',
    patch: { profileId, attributes, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: [] },
    facts: { dataHash: '', classification: {}, masked: [], policyVersion: '1' },
    now: scene.now,
    leaseMs: LEASE_MS,
  });
  return lease;
}

/** The same, and it waits. */
async function waiting(scene: Scene, n: number, attributes: Record<string, unknown>): Promise<void> {
  const lease = await patch(scene, n, attributes);
  if (lease !== null) await scene.store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, latencyMs: 1, status: 503, settlement: { kind: 'retry', dueAt: scene.now + 1, countAttempt: true, unknown: false, reason: 'x' } });
}

const stateOf = async (scene: Scene, n: number): Promise<string | undefined> => (await scene.statuses(`patch-${n}`))[0];

describe('patches of others that name an erased person', () => {
  const known = person(1, { phone: PHONE, external_crm_id: 'crm-1' });
  const named: [string, Record<string, unknown>][] = [
    ['by e-mail', { household: [{ mail: 'Person1@Example.com' }] }],
    ['by phone, as it is dialled in the country', { note: 'or ring 030 123 456' }],
    ['by external id', { partner: 'crm-1' }],
  ];
  for (const [name, attributes] of named) {
    test(`${name} are cancelled, whichever of them the request names`, async (t) => {
      for (const subject of [{ email: 'person1@example.com' }, { phone: PHONE }, { external_crm_id: 'crm-1' }] as PrivacySubject[]) {
        const scene = await open(t);
        await scene.batch([known, person(2)]);
        await scene.deliver();
        await waiting(scene, 1, attributes);
        await waiting(scene, 2, { partner: 'person2@example.com', number: '030 123 457', id: 'crm-12' });
        const view = await erase(scene, subject);
        assert.equal(view.counts.mentions, 1);
        assert.deepEqual([await stateOf(scene, 1), await stateOf(scene, 2)], ['cancelled', 'in_flight']);
        assert.equal((await scene.job('patch-1')).failed, 1);
        assert.equal((await scene.jobPage('patch-1')).contacts[0]?.reason, 'erased_subject');
      }
    });
  }

  test('are cancelled too where the person was known to nobody', async (t) => {
    const scene = await open(t);
    await waiting(scene, 1, { phone: '030 123456' });
    await waiting(scene, 2, { mail: 'person1@example.com' });
    assert.equal((await erase(scene, { phone: PHONE, email: 'person1@example.com' })).counts.mentions, 2);
  });

  test('are never sent again once they are in the air, and leave nothing in the store', async (t) => {
    const scene = await open(t);
    const lease = (await patch(scene, 1, { mail: 'person1@example.com' }))!;
    assert.equal((await erase(scene, { email: 'person1@example.com' })).counts.mentions, 1);
    const retry = { kind: 'retry', dueAt: scene.now, countAttempt: true, unknown: true, reason: 'x' } as const;
    await scene.store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, latencyMs: 1, status: null, settlement: retry });
    assert.equal(await stateOf(scene, 1), 'cancelled');
    assert.equal((await scene.store.claimPatch({ now: scene.now, leaseMs: LEASE_MS })).lease, null);
  });

  test('leave those that shared their call, which then go each by itself', async (t) => {
    const scene = await open(t);
    const first = (await patch(scene, 0, { a: 1 }, 'profile'))!;
    for (const [n, attributes] of [[1, { b: 1 }], [2, { mail: 'person1@example.com' }], [3, { c: 1 }]] as const) await patch(scene, n, attributes, 'profile');
    const done = { kind: 'done', updatedAttributes: 1, mergeResult: 'UPDATED', deduplicationTrigger: false } as const;
    const settle = (lease: PatchLease, settlement: PatchSettlement) => scene.store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, latencyMs: 1, status: 200, settlement });
    await settle(first, done);
    const shared = (await scene.store.claimPatch({ now: scene.now, leaseMs: LEASE_MS })).lease!;
    assert.deepEqual(shared.patch.attributes, { b: 1, mail: 'person1@example.com', c: 1 });
    await settle(shared, { kind: 'retry', dueAt: scene.now, countAttempt: true, unknown: true, reason: 'x' });
    assert.equal((await erase(scene, { email: 'person1@example.com' })).counts.mentions, 1);
    assert.deepEqual([await stateOf(scene, 1), await stateOf(scene, 2), await stateOf(scene, 3)], ['waiting', 'cancelled', 'waiting']);
    for (const attributes of [{ b: 1 }, { c: 1 }]) {
      const lease = (await scene.store.claimPatch({ now: scene.now, leaseMs: LEASE_MS })).lease!;
      assert.deepEqual([lease.patch.attributes, lease.unknown], [attributes, true]);
      assert.notEqual(lease.requestId, shared.requestId, 'what goes out under an id never changes');
      await settle(lease, done);
    }
  });

  test('leave those that shared a call of which nobody heard the end, which may have been applied', async (t) => {
    const scene = await open(t);
    const first = (await patch(scene, 0, { a: 1 }, 'profile'))!;
    for (const [n, attributes] of [[1, { b: 1 }], [2, { mail: 'person1@example.com' }]] as const) await patch(scene, n, attributes, 'profile');
    await scene.store.settlePatch({ requestId: first.requestId, fence: first.fence, now: scene.now, latencyMs: 1, status: 200, settlement: { kind: 'done', updatedAttributes: 1, mergeResult: 'UPDATED', deduplicationTrigger: false } });
    assert.equal((await scene.store.claimPatch({ now: scene.now, leaseMs: LEASE_MS })).lease?.jobIds.length, 2);
    scene.now += LEASE_MS;
    assert.equal((await erase(scene, { email: 'person1@example.com' })).counts.mentions, 1);
    const { lease } = await scene.store.claimPatch({ now: scene.now, leaseMs: LEASE_MS });
    assert.deepEqual([lease?.patch.attributes, lease?.unknown], [{ b: 1 }, true]);
  });

  test('are no dead letters any more', async (t) => {
    const scene = await open(t);
    const lease = (await patch(scene, 1, { mail: 'person1@example.com' }))!;
    await scene.store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, latencyMs: 1, status: 422, settlement: REFUSED });
    assert.equal((await scene.store.listDeadLetters({ limit: 10 })).length, 1);
    await erase(scene, { email: 'person1@example.com' });
    assert.deepEqual(await scene.store.listDeadLetters({ limit: 10 }), []);
    assert.equal(await stateOf(scene, 1), 'cancelled');
    assert.equal((await scene.job('patch-1')).failed, 1, 'it counts once');
  });

  test('nor are those of the person itself', async (t) => {
    const scene = await open(t);
    const lease = (await patch(scene, 1, { hobby: 'birds' }))!;
    await scene.store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, latencyMs: 1, status: 422, settlement: REFUSED });
    await erase(scene, { profile_id: 'profile-1' });
    assert.deepEqual(await scene.store.listDeadLetters({ limit: 10 }), []);
    assert.equal(await stateOf(scene, 1), 'cancelled');
  });

  test('are said to be cancelled, each in the trail of its profile, without the person', async (t) => {
    const scene = await open(t);
    await waiting(scene, 1, { mail: 'person1@example.com' });
    const view = await erase(scene, { email: 'person1@example.com' });
    const [entry] = await scene.audit({ profileId: 'profile-1', action: 'patch_cancelled' });
    assert.deepEqual(entry?.details, { reason: 'mentions_erased_subject', erasure_id: view.erasureId, in_air: false });
    assert.deepEqual([entry?.job_id, entry?.subject, entry?.subjects], ['patch-1', undefined, undefined]);
  });
});

describe('the search', () => {
  const many = async (t: TestContext): Promise<Scene> => {
    const scene = await open(t);
    for (let n = 0; n < 250; n += 1) await waiting(scene, n, n % 100 === 7 ? { mail: 'person1@example.com' } : { mail: `person${n + 1000}@example.com` });
    return scene;
  };

  test('goes in small steps, before the key of the person is gone', async (t) => {
    const scene = await many(t);
    await scene.batch([person(1)]);
    await scene.store.requestErasure({ erasureId: 'e', subject: { email: 'person1@example.com' }, everyone: false, reason: 'art17', actor: 'officer', now: scene.now });
    const next = async () => (await scene.store.stepErasure({ erasureId: 'e', wiped: false, marketing: true, now: scene.now })).next;
    const mentions = async () => (await scene.store.erasureOf({ erasureId: 'e' }))?.counts.mentions;
    assert.deepEqual([await next(), await mentions()], ['again', 1]);
    await scene.reopen();
    assert.deepEqual([await next(), await mentions()], ['again', 2]);
    assert.deepEqual([await next(), await mentions()], ['wipe', 3]);
    await finish(scene, 'e');
    assert.equal((await scene.store.erasureOf({ erasureId: 'e' }))?.status, 'completed');
  });

  test('opens only patches that still hold something', async (t) => {
    const scene = await open(t);
    for (let n = 0; n < 150; n += 1) {
      const lease = (await patch(scene, n, { mail: 'person1@example.com' }))!;
      await scene.store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, latencyMs: 1, status: 200, settlement: { kind: 'done', updatedAttributes: 1, mergeResult: 'UPDATED', deduplicationTrigger: false } });
    }
    await scene.store.requestErasure({ erasureId: 'e', subject: { email: 'person1@example.com' }, everyone: false, reason: 'art17', actor: 'officer', now: scene.now });
    assert.deepEqual(await scene.store.stepErasure({ erasureId: 'e', wiped: false, marketing: true, now: scene.now }), { next: 'wipe' });
  });
});
