import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { patchHash } from '../../../src/domain/delivery/combine-patches.ts';
import type { PatchLease, PatchSettlement } from '../../../src/domain/ports/delivery-store.ts';
import { LEASE_MS, person } from '../scene.ts';
import type { Scene } from '../scene.ts';
import { erase, open } from './erasing.ts';

const DONE: PatchSettlement = { kind: 'done', updatedAttributes: 1, mergeResult: 'SUCCESS', deduplicationTrigger: false };
const PERSON = { email: 'person1@example.com' };

async function claim(scene: Scene): Promise<PatchLease | null> {
  return (await scene.store.claimPatch({ now: scene.now, leaseMs: LEASE_MS })).lease;
}

async function settle(scene: Scene, lease: PatchLease, settlement: PatchSettlement): Promise<void> {
  await scene.store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, latencyMs: 1, status: null, settlement });
}

/** Patches of one profile in the air as one call: `patch-1`, `patch-2`, … */
async function shared(scene: Scene, ...attributes: Record<string, unknown>[]): Promise<PatchLease> {
  let first: PatchLease | null = null;
  for (const [i, one] of attributes.entries()) {
    const patch = { profileId: 'profile-1', attributes: one, mergeStrategy: 'OVERWRITE' as const, sourceSystem: 'crm', tags: [] };
    const facts = { dataHash: patchHash(patch), classification: {}, masked: [], policyVersion: '1' };
    const { lease } = await scene.store.acceptPatch({ jobId: `patch-${i + 1}`, requestId: `r-${i + 1}`, caller: 'desk', patch, facts, now: scene.now, leaseMs: LEASE_MS });
    first ??= lease;
  }
  await scene.store.releasePatch({ requestId: 'r-1', fence: first!.fence, now: scene.now, dueAt: scene.now });
  const lease = await claim(scene);
  assert.equal(lease?.jobIds.length, attributes.length);
  return lease;
}

const stateOf = async (scene: Scene, n: number): Promise<string | undefined> => (await scene.statuses(`patch-${n}`))[0];

describe('a call that several patches share', () => {
  test('ends them all where its profile is erased', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1)]);
    await scene.settle(await scene.mustClaim(), { kind: 'accepted', contactIds: ['profile-1'], confirmed: true });
    const lease = await shared(scene, { n: 1 }, { n: 2 }, { n: 3 });
    await erase(scene, PERSON);
    await settle(scene, lease, DONE);
    for (const n of [1, 2, 3]) assert.equal(await stateOf(scene, n), 'cancelled');
    assert.equal(await scene.store.patchWork(), null);
  });

  test('is done for the others where one of them was erased meanwhile', async (t) => {
    const scene = await open(t);
    const lease = await shared(scene, { n: 1 }, { mail: PERSON.email }, { m: 3 });
    await erase(scene, PERSON);
    await settle(scene, lease, DONE);
    assert.deepEqual([await stateOf(scene, 1), await stateOf(scene, 2), await stateOf(scene, 3)], ['confirmed', 'cancelled', 'confirmed']);
    const [entry] = await scene.audit({ jobId: 'patch-3', action: 'PROFILE_ENRICHMENT' });
    assert.partialDeepStrictEqual(entry?.details, { combined_patches: 3, dataIntegrityHash: patchHash(lease.patch) });
    assert.equal(await claim(scene), null);
  });

  for (const when of ['in the air', 'waiting for its retry', 'lost'] as const) {
    test(`is never sent again with less under its id, erased while ${when}`, async (t) => {
      const scene = await open(t);
      const lease = await shared(scene, { n: 1 }, { mail: PERSON.email }, { m: 3 });
      const retry: PatchSettlement = { kind: 'retry', dueAt: scene.now, countAttempt: true, unknown: true, reason: 'timeout' };
      if (when === 'waiting for its retry') await settle(scene, lease, retry);
      await erase(scene, PERSON);
      if (when === 'in the air') await settle(scene, lease, retry);
      if (when === 'lost') scene.now += LEASE_MS;
      const rest: PatchLease[] = [];
      for (let next = await claim(scene); next !== null; next = await claim(scene)) {
        rest.push(next);
        await settle(scene, next, DONE);
      }
      assert.deepEqual(rest.map(({ requestId, jobIds, unknown, patch }) => [requestId, jobIds, unknown, patch.attributes]), [['r-1', ['patch-1'], true, { n: 1 }], ['r-3', ['patch-3'], true, { m: 3 }]]);
      assert.equal(await stateOf(scene, 2), 'cancelled');
      const [entry] = await scene.audit({ jobId: 'patch-3', action: 'PROFILE_ENRICHMENT' });
      assert.equal(entry?.details['maybe_duplicate'], true);
    });
  }
});
