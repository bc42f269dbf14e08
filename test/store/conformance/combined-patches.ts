import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchHash } from '../../../src/domain/delivery/combine-patches.ts';
import type { PatchLease, PatchSettlement, ProfilePatch } from '../../../src/domain/ports/delivery-store.ts';
import type { Harness } from '../harness.ts';
import { LEASE_MS, START, Scene } from '../scene.ts';

const DONE: PatchSettlement = { kind: 'done', updatedAttributes: 2, mergeResult: 'SUCCESS', deduplicationTrigger: false };
const UNAVAILABLE: PatchSettlement = { kind: 'retry', dueAt: START, countAttempt: true, unknown: false, reason: 'CXone answered 503' };
const REFUSED: PatchSettlement = { kind: 'rejected', reason: 'not a number' };

type Given = { requestId: string; jobId: string; lease: PatchLease | null };

/** Profile patches that wait together: one call, and an end of its own for each. */
export function combinedPatchTests(newHarness: () => Harness): void {
  const accept = async (scene: Scene, attributes: Record<string, unknown>, more: Partial<ProfilePatch> = {}): Promise<Given> => {
    const [jobId, requestId] = [scene.id('job'), scene.id('patch')];
    const patch: ProfilePatch = { profileId: 'a', attributes, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: ['x'], ...more };
    const facts = { dataHash: patchHash(patch), classification: { [Object.keys(attributes)[0]!]: 'NON_PII' }, masked: [], policyVersion: 'policy-1' };
    const { lease } = await scene.store.acceptPatch({ jobId, requestId, caller: 'desk', patch, facts, now: scene.now, leaseMs: LEASE_MS });
    return { requestId, jobId, lease };
  };
  const claim = async (scene: Scene): Promise<PatchLease | null> => (await scene.store.claimPatch({ now: scene.now, leaseMs: LEASE_MS })).lease;
  const mustClaim = async (scene: Scene): Promise<PatchLease> => {
    const lease = await claim(scene);
    assert.ok(lease !== null, 'there is something to claim');
    return lease;
  };
  const settle = (scene: Scene, lease: PatchLease, settlement: PatchSettlement) =>
    scene.store.settlePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, latencyMs: 7, status: 200, settlement });
  const release = (scene: Scene, lease: PatchLease, dueAt = scene.now) =>
    scene.store.releasePatch({ requestId: lease.requestId, fence: lease.fence, now: scene.now, dueAt });
  const statusOf = async (scene: Scene, { jobId }: Given): Promise<string> => (await scene.job(jobId)).status;
  /** A patch in the air, and what comes meanwhile. */
  const behindOne = async (scene: Scene, ...rest: [Record<string, unknown>, Partial<ProfilePatch>?][]): Promise<{ first: PatchLease; waiting: Given[] }> => {
    const { lease } = await accept(scene, { n: 0 });
    const waiting: Given[] = [];
    for (const [attributes, more] of rest) waiting.push(await accept(scene, attributes, more));
    for (const given of waiting) assert.equal(given.lease, null);
    return { first: lease!, waiting };
  };

  test('patches that wait together are one call, and each has its own end', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { first, waiting } = await behindOne(scene, [{ n: 1, tier: 'gold' }], [{ n: 2 }], [{ seen: 'web' }]);
    await settle(scene, first, DONE);
    const lease = await mustClaim(scene);
    assert.deepEqual(lease.jobIds, waiting.map(({ jobId }) => jobId));
    assert.partialDeepStrictEqual(lease, { patch: { attributes: { n: 2, tier: 'gold', seen: 'web' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: ['x'] }, appends: false, attempts: 0, unknown: false });
    assert.ok(![first.requestId, ...waiting.map(({ requestId }) => requestId)].includes(lease.requestId), 'the call has an id of its own');
    assert.equal(await claim(scene), null);
    await settle(scene, lease, DONE);
    for (const given of waiting) {
      assert.partialDeepStrictEqual(await scene.job(given.jobId), { status: 'completed', confirmed: 1, attempts: 1 });
      const [entry] = await scene.audit({ jobId: given.jobId });
      assert.partialDeepStrictEqual(entry, { action: 'PROFILE_ENRICHMENT', actor: 'desk', request_id: lease.requestId, details: { dataIntegrityHash: patchHash(lease.patch), combined_patches: 3 } });
    }
    const own = (await scene.audit({ jobId: waiting[1]!.jobId }))[0]?.details['own_data_hash'];
    assert.equal(own, patchHash({ profileId: 'a', attributes: { n: 2 }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: ['x'] }));
    assert.equal((await scene.store.recentCalls({ since: 0 })).length, 2, 'four patches, two calls');
    assert.equal(await scene.store.patchWork(), null);
  });

  test('what goes out under an id is the same each time; what comes later waits', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { first, waiting } = await behindOne(scene, [{ n: 1 }], [{ n: 2 }]);
    await settle(scene, first, DONE);
    const sent = await mustClaim(scene);
    await settle(scene, sent, UNAVAILABLE);
    const later = await accept(scene, { n: 3 });
    assert.equal(later.lease, null);
    const again = await mustClaim(scene);
    assert.deepEqual({ requestId: again.requestId, patch: again.patch, jobIds: again.jobIds, attempts: again.attempts }, { requestId: sent.requestId, patch: sent.patch, jobIds: sent.jobIds, attempts: 1 });
    scene.now += LEASE_MS;
    const third = await mustClaim(scene);
    assert.partialDeepStrictEqual(third, { requestId: sent.requestId, patch: sent.patch, unknown: true });
    await scene.reopen();
    const fourth = await mustClaim(scene);
    assert.partialDeepStrictEqual(fourth, { requestId: sent.requestId, patch: sent.patch, unknown: true });
    await release(scene, fourth);
    const fifth = await mustClaim(scene);
    assert.equal(fifth.requestId, sent.requestId, 'also where the last claim of several was given back unsent');
    await settle(scene, fifth, DONE);
    for (const given of waiting) assert.equal((await scene.audit({ jobId: given.jobId }))[0]?.details['maybe_duplicate'], true);
    assert.deepEqual((await mustClaim(scene)).jobIds, [later.jobId]);
  });

  test('what was never sent may go in other company', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const first = await accept(scene, { n: 1 });
    await release(scene, first.lease!, START + 3000);
    const second = await accept(scene, { n: 2 });
    assert.equal(second.lease, null);
    assert.deepEqual([await statusOf(scene, first), await claim(scene), await scene.store.patchWork()], ['accepted', null, START + 3000]);
    scene.now += 3000;
    const both = await mustClaim(scene);
    assert.deepEqual(both.jobIds, [first.jobId, second.jobId]);
    await release(scene, both);
    const third = await accept(scene, { n: 3 });
    const all = await mustClaim(scene);
    assert.deepEqual([all.jobIds, all.patch.attributes], [[first.jobId, second.jobId, third.jobId], { n: 3 }]);
    assert.equal(await settle(scene, both, DONE), null, 'what was given back is over');
    await settle(scene, all, DONE);
    assert.equal(await statusOf(scene, third), 'completed');
  });

  test('where CXone refuses what several say together, each goes by itself and only the one at fault is set aside', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { first, waiting } = await behindOne(scene, [{ a: 1 }], [{ bad: 'x' }], [{ c: 3 }]);
    await settle(scene, first, DONE);
    const together = await mustClaim(scene);
    assert.equal(await settle(scene, together, REFUSED), null);
    assert.equal((await scene.store.listDeadLetters({ limit: 10 })).length, 0);
    const later = await accept(scene, { d: 4 });
    for (const [i, given] of waiting.entries()) {
      const alone = await mustClaim(scene);
      assert.deepEqual([alone.requestId, alone.jobIds, alone.attempts], [given.requestId, [given.jobId], 1]);
      await settle(scene, alone, i === 1 ? REFUSED : DONE);
    }
    const letters = await scene.store.listDeadLetters({ limit: 10 });
    assert.partialDeepStrictEqual(letters, [{ jobId: waiting[1]!.jobId, api: 'profiles', reason: 'not a number', attempts: 2 }]);
    assert.deepEqual(await Promise.all(waiting.map((given) => statusOf(scene, given))), ['completed', 'failed', 'completed']);
    const last = await mustClaim(scene);
    assert.deepEqual(last.jobIds, [later.jobId]);
    const company = await accept(scene, { e: 5 });
    await scene.store.retryDeadLetters({ id: letters[0]!.id, limit: 1, actor: 'chief', now: scene.now });
    await settle(scene, last, DONE);
    assert.deepEqual((await mustClaim(scene)).jobIds, [company.jobId], 'what was put back draws nobody in');
  });

  test('what was gone, or is not known, ends each of them', async (t) => {
    for (const reason of ['gone', 'unknown_outcome']) {
      const scene = await Scene.open(t, newHarness);
      const { first, waiting } = await behindOne(scene, [{ log: 1 }, { mergeStrategy: 'APPEND' }], [{ log: [2, 3] }, { mergeStrategy: 'APPEND' }]);
      await settle(scene, first, DONE);
      const lease = await mustClaim(scene);
      assert.partialDeepStrictEqual(lease, { appends: true, patch: { attributes: { log: [1, 2, 3] }, mergeStrategy: 'APPEND' } });
      await settle(scene, lease, { kind: 'set_aside', reason });
      assert.deepEqual((await scene.store.listDeadLetters({ limit: 10 })).map((letter) => [letter.jobId, letter.reason]), waiting.map(({ jobId }) => [jobId, reason]));
    }
  });

  test('an appended value is known as such, also where it is set with what was overwritten before', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { first } = await behindOne(scene, [{ log: 1 }], [{ log: 2 }, { mergeStrategy: 'APPEND' }], [{ other: 3 }, { mergeStrategy: 'APPEND' }]);
    await settle(scene, first, DONE);
    const lease = await mustClaim(scene);
    assert.partialDeepStrictEqual(lease, { appends: true, patch: { attributes: { log: [1, 2] }, mergeStrategy: 'OVERWRITE' } });
    await settle(scene, lease, DONE);
    assert.partialDeepStrictEqual(await mustClaim(scene), { patch: { attributes: { other: 3 }, mergeStrategy: 'APPEND' } });
  });

  test('a call stays within what the API and memory take', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const wide = (from: number): Record<string, unknown> => Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`a${from + i}`, i]));
    const { first } = await behindOne(scene, [wide(0)], [wide(20)], [wide(40)], [{ big: 'x'.repeat(200_000) }], [{ big: 'y'.repeat(200_000) }]);
    await settle(scene, first, DONE);
    const sizes: number[] = [];
    for (let lease = await claim(scene); lease !== null; lease = await claim(scene)) {
      sizes.push(lease.jobIds.length);
      await settle(scene, lease, DONE);
    }
    assert.deepEqual(sizes, [2, 2, 1]);
  });
}
