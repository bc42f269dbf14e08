import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PatchFacts, PatchLease, PatchSettlement, ProfilePatch } from '../../../src/domain/ports/delivery-store.ts';
import type { Harness } from '../harness.ts';
import { LEASE_MS, START, Scene } from '../scene.ts';

const FACTS: PatchFacts = { dataHash: 'ab'.repeat(32), classification: { mail: 'EMAIL', size: 'NON_PII' }, masked: [{ field: 'mail', classes: ['EMAIL'], found: 1 }], policyVersion: 'policy-1' };
const DONE: PatchSettlement = { kind: 'done', updatedAttributes: 1, mergeResult: 'MERGED', deduplicationTrigger: false };

/** Profile patches: in their order for each profile, one in the air at a time. */
export function patchTests(newHarness: () => Harness): void {
  const accept = async (scene: Scene, profileId: string, n: number): Promise<{ requestId: string; jobId: string; lease: PatchLease | null }> => {
    const [jobId, requestId] = [scene.id('job'), scene.id('patch')];
    const patch: ProfilePatch = { profileId, attributes: { n }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: [] };
    const { lease } = await scene.store.acceptPatch({ jobId, requestId, caller: 'desk', patch, facts: FACTS, now: scene.now, leaseMs: LEASE_MS });
    return { requestId, jobId, lease };
  };
  const claim = async (scene: Scene, requestId?: string): Promise<PatchLease | null> =>
    (await scene.store.claimPatch({ now: scene.now, leaseMs: LEASE_MS, ...(requestId === undefined ? {} : { requestId }) })).lease;
  const settle = (scene: Scene, lease: PatchLease | null, settlement: PatchSettlement) =>
    scene.store.settlePatch({ requestId: lease?.requestId ?? '', fence: lease?.fence ?? -1, now: scene.now, latencyMs: 7.4, status: 200, settlement });
  const retryAt = (dueAt: number, more: Partial<Extract<PatchSettlement, { kind: 'retry' }>> = {}): PatchSettlement => ({ kind: 'retry', dueAt, countAttempt: true, unknown: false, reason: 'CXone answered 503', ...more });

  test('a patch goes at once, as it was given, and its end is told with its facts', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { lease, jobId, requestId } = await accept(scene, 'profile-1', 1);
    assert.partialDeepStrictEqual(lease, { requestId, jobIds: [jobId], attempts: 0, firstAttemptAt: START, unknown: false, appends: false, patch: { profileId: 'profile-1', attributes: { n: 1 } } });
    assert.equal(await claim(scene), null);
    assert.partialDeepStrictEqual(await scene.job(jobId), { kind: 'profile', status: 'submitting', received: 1, accepted: 1, pending: 1 });
    assert.equal((await scene.store.stats()).patchesWaiting, 1);
    const entry = await settle(scene, lease, DONE);
    assert.partialDeepStrictEqual(entry, { action: 'PROFILE_ENRICHMENT', actor: 'desk', profile_id: 'profile-1', job_id: jobId, request_id: requestId });
    assert.partialDeepStrictEqual(entry?.details, { result: 'MERGED', updated_attributes: 1, latency_ms: 7, attempts: 1, dataIntegrityHash: FACTS.dataHash, pii_classes: ['EMAIL', 'NON_PII'] });
    assert.deepEqual(await scene.audit({ profileId: 'profile-1', action: 'PROFILE_ENRICHMENT' }), [entry]);
    assert.partialDeepStrictEqual(await scene.jobPage(jobId), { job: { status: 'completed', confirmed: 1, completedAt: START, attempts: 1 }, contacts: [{ index: 0, status: 'confirmed', contactId: 'profile-1' }] });
    assert.equal(await settle(scene, lease, DONE), null, 'it ends once');
    assert.equal((await scene.store.stats()).patchesWaiting, 0);
    assert.equal(await scene.store.patchWork(), null);
    assert.deepEqual(await scene.store.recentCalls({ since: 0 }), [START], 'patches and merges share the budget');
  });

  test('the patches of one profile go in their order, those of others beside them', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const first = await accept(scene, 'a', 1);
    const second = await accept(scene, 'a', 2);
    const other = await accept(scene, 'b', 3);
    assert.notEqual(first.lease, null);
    assert.equal(second.lease, null);
    assert.notEqual(other.lease, null);
    assert.equal(await claim(scene, second.requestId), null, 'not even when it is asked for by its id');
    await settle(scene, first.lease, retryAt(START + 5000));
    assert.equal(await claim(scene), null, 'nor while the first waits for its retry');
    assert.equal(await scene.store.patchWork(), START + 5000);
    assert.partialDeepStrictEqual(await scene.job(first.jobId), { attempts: 1, nextAttemptAt: START + 5000 });
    scene.now += 5000;
    const again = await claim(scene);
    assert.partialDeepStrictEqual(again, { requestId: first.requestId, attempts: 1 });
    await settle(scene, again, DONE);
    assert.equal((await claim(scene))?.requestId, second.requestId);
  });

  test('an uncounted retry spends nothing, an unknown outcome stays unknown', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { lease, jobId } = await accept(scene, 'a', 1);
    await settle(scene, lease, retryAt(START, { countAttempt: false, unknown: true }));
    const again = await claim(scene);
    assert.partialDeepStrictEqual(again, { attempts: 0, unknown: true });
    assert.equal((await scene.job(jobId)).attempts, 0);
    await settle(scene, again, retryAt(START));
    const third = await claim(scene);
    assert.partialDeepStrictEqual(third, { attempts: 1, unknown: true });
    assert.equal((await settle(scene, third, DONE))?.details['maybe_duplicate'], true);
  });

  test('a lease that ran out is taken again, as unknown, and its old holder changes nothing', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { lease: lost, jobId } = await accept(scene, 'a', 1);
    assert.equal(await scene.store.patchWork(), START + LEASE_MS);
    scene.now += LEASE_MS;
    const again = await claim(scene);
    assert.partialDeepStrictEqual(again, { requestId: lost?.requestId, unknown: true });
    for (const settlement of [DONE, retryAt(0), { kind: 'set_aside', reason: 'x' } as const]) assert.equal(await settle(scene, lost, settlement), null);
    await scene.store.releasePatch({ requestId: lost?.requestId ?? '', fence: lost?.fence ?? -1, now: scene.now, dueAt: scene.now });
    assert.equal(await claim(scene), null);
    assert.equal((await scene.job(jobId)).pending, 1);
  });

  test('what is given back unsent goes again and is not unknown; a stop makes it so', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { lease, requestId } = await accept(scene, 'a', 1);
    await scene.store.releasePatch({ requestId, fence: lease?.fence ?? -1, now: scene.now, dueAt: scene.now });
    assert.deepEqual(await scene.store.recentCalls({ since: 0 }), [], 'what was not sent takes nothing from the budget');
    assert.partialDeepStrictEqual(await claim(scene), { requestId, attempts: 0, unknown: false });
    await scene.reopen();
    assert.partialDeepStrictEqual(await claim(scene), { requestId, unknown: true, patch: { attributes: { n: 1 } } });
  });

  test('what is set aside is a dead letter; put back it goes behind what has come since', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const first = await accept(scene, 'a', 1);
    await settle(scene, first.lease, { kind: 'set_aside', reason: 'no such attribute' });
    assert.partialDeepStrictEqual(await scene.jobPage(first.jobId), { job: { status: 'failed', failed: 1, pending: 0 }, contacts: [{ status: 'set_aside', reason: 'no such attribute' }] });
    const [letter] = await scene.store.listDeadLetters({ limit: 10 });
    assert.partialDeepStrictEqual(letter, { jobId: first.jobId, index: 0, api: 'profiles', reason: 'no such attribute', attempts: 1, createdAt: START });
    const second = await accept(scene, 'a', 2);
    assert.notEqual(second.lease, null);
    assert.equal(await scene.store.retryDeadLetters({ id: letter?.id ?? '', limit: 1, actor: 'chief', now: scene.now }), 1);
    assert.partialDeepStrictEqual(await scene.job(first.jobId), { status: 'accepted', failed: 0, pending: 1, completedAt: null });
    assert.equal(await claim(scene), null, 'one in the air a profile');
    const third = await accept(scene, 'a', 3);
    await settle(scene, second.lease, DONE);
    const back = await claim(scene);
    assert.partialDeepStrictEqual(back, { jobIds: [first.jobId], attempts: 0, unknown: false, patch: { attributes: { n: 1 } } });
    assert.notEqual(back?.requestId, first.requestId, 'under a new id');
    assert.equal(await claim(scene), null);
    await settle(scene, back, DONE);
    assert.equal((await claim(scene))?.requestId, third.requestId);
    assert.equal((await scene.job(first.jobId)).status, 'completed');
  });

  test('what was masked is told with the patch that carries it, by field and class', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { jobId } = await accept(scene, 'profile-1', 1);
    const patch: ProfilePatch = { profileId: 'profile-2', attributes: { n: 1 }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: [] };
    await scene.store.acceptPatch({ jobId: 'plain', requestId: 'plain', caller: 'desk', patch, facts: { ...FACTS, masked: [] }, now: scene.now, leaseMs: LEASE_MS });
    const masked = await scene.audit({ action: 'pii_masked' });
    assert.deepEqual(masked.map(({ job_id, profile_id, actor, details }) => ({ job_id, profile_id, actor, details })), [{ job_id: jobId, profile_id: 'profile-1', actor: 'desk', details: { fields: FACTS.masked, found: 1 } }]);
    assert.partialDeepStrictEqual(masked[0]?.privacy_compliance, { stored: 'masked', encrypted: true });
  });

  test('an enrichment that was refused leaves its entry and nothing else', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const input = { profileId: 'a', caller: 'desk', facts: { classes: ['US_SSN'] }, now: scene.now };
    const blocked = await scene.store.rejectPatch({ ...input, code: 'pii_blocked' });
    const stale = await scene.store.rejectPatch({ ...input, code: 'stale_data' });
    assert.deepEqual([blocked.action, stale.action], ['pii_blocked', 'profile_rejected']);
    const both = await scene.store.rejectPatch({ ...input, profileId: 'b', askedIn: 'request-7', code: 'stale_data', blocked: [{ field: 'ssn', classes: ['US_SSN'], found: 2 }] });
    assert.partialDeepStrictEqual(both, { action: 'pii_blocked', request_id: 'request-7', details: { code: 'stale_data', found: 2 } });
    assert.deepEqual(await scene.audit({ profileId: 'a' }), [blocked, stale]);
    assert.deepEqual(await scene.store.listJobs({ limit: 10 }), []);
  });
}
