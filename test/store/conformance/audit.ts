import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafOf } from '../../../src/domain/audit/entry.ts';
import { append, emptyRange, leafHash, rootOf, verifyConsistency, verifyInclusion } from '../../../src/domain/audit/merkle.ts';
import type { AuditDraft } from '../../../src/domain/ports/record-store.ts';
import type { AuditEntry } from '../../../src/domain/audit/entry.ts';
import type { Harness } from '../harness.ts';
import { METRICS, START, Scene, people, person } from '../scene.ts';

const NOTE: AuditDraft = { action: 'admin_action', actor: 'chief', details: { what: 'pause' }, privacy_compliance: {} };

/** The trail: complete, in order, and such that nothing in it can change unseen. */
export function auditTests(newHarness: () => Harness): void {
  /** A trail with entries of several actors, jobs, profiles and people, a second between the steps. */
  async function withTrail(scene: Scene): Promise<{ jobs: string[] }> {
    const jobs = [await scene.batch([...people(3), person(0, { first_name: 'Ada' })])];
    scene.now += 1000;
    await scene.deliver();
    scene.now += 1000;
    jobs.push(await scene.batch([person(1, { first_name: 'Eve', phone: '+4930123456' })], { caller: 'other' }));
    await scene.deliver();
    scene.now += 1000;
    await scene.store.rejectPatch({ profileId: 'profile-1', caller: 'desk', code: 'stale_data', facts: {}, now: scene.now });
    await scene.store.withdrawConsent({ subject: { phone: '+4930123456' }, channels: ['sms'], reason: 'asked', actor: 'desk', now: scene.now });
    return { jobs };
  }

  test('entries are numbered without a gap, told of after their commit, and hash to the root', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await withTrail(scene);
    await assert.rejects(scene.store.sealBatch({ head: scene.head('no such upload'), errors: [], warnings: [], metrics: METRICS }));
    const { entries, more, tree } = await scene.store.auditPage({ after: -1, limit: 100_000 });
    assert.equal(more, false);
    assert.equal(tree.size, entries.length);
    assert.deepEqual(entries.map(({ sequence }) => sequence), entries.map((_, i) => i));
    assert.deepEqual(scene.harness.committed(), entries);
    assert.equal(new Set(entries.map(({ audit_id }) => audit_id)).size, entries.length);
    assert.deepEqual(entries.map(({ created_at }) => created_at), entries.map(({ created_at }) => created_at).toSorted());
    const range = emptyRange();
    for (const entry of entries) append(range, leafHash(leafOf(entry)));
    assert.deepEqual(Buffer.from(tree.root), Buffer.from(rootOf(range)));
    assert.deepEqual(await scene.store.auditTree(), tree);
    await scene.reopen();
    assert.deepEqual(await scene.store.auditTree(), tree);
    const [next] = await scene.store.appendAudit({ drafts: [NOTE], now: scene.now });
    assert.equal(next?.sequence, tree.size);
    append(range, leafHash(leafOf(next!)));
    assert.deepEqual(Buffer.from((await scene.store.auditTree()).root), Buffer.from(rootOf(range)));
  });

  test('time never runs backwards in the trail', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.store.appendAudit({ drafts: [NOTE], now: START + 5000 });
    const entries = await scene.store.appendAudit({ drafts: [NOTE, NOTE], now: START });
    assert.deepEqual(entries.map(({ created_at }) => Date.parse(created_at)), [START + 5000, START + 5000]);
    await scene.reopen();
    const [later] = await scene.store.appendAudit({ drafts: [NOTE], now: START });
    assert.equal(Date.parse(later!.created_at), START + 5000);
  });

  test('every filter selects what a look at each entry would select, alone and together', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { jobs } = await withTrail(scene);
    const all = await scene.audit();
    const jobsIn = ({ job_id, details }: AuditEntry): unknown[] => [job_id, ...((details['job_ids'] as string[] | undefined) ?? [])];
    const later = START + 1000;
    const cases: [Parameters<Scene['audit']>[0], (entry: AuditEntry) => boolean][] = [
      [{ action: 'merge_confirmed' }, (entry) => entry.action === 'merge_confirmed'],
      [{ actor: 'other' }, (entry) => entry.actor === 'other'],
      [{ jobId: jobs[0]! }, (entry) => jobsIn(entry).includes(jobs[0])],
      [{ profileId: 'profile-1' }, (entry) => entry.profile_id === 'profile-1'],
      [{ from: later }, (entry) => Date.parse(entry.created_at) >= later],
      [{ to: later }, (entry) => Date.parse(entry.created_at) < later],
      [{ from: later, to: START + 2001 }, (entry) => Date.parse(entry.created_at) >= later && Date.parse(entry.created_at) <= START + 2000],
      [{ jobId: jobs[0]!, action: 'merge_confirmed', from: later, actor: 'cxone' }, (entry) => jobsIn(entry).includes(jobs[0]) && entry.action === 'merge_confirmed'],
      [{ action: 'batch_submitted', actor: 'other' }, (entry) => entry.action === 'batch_submitted' && entry.actor === 'other'],
      [{ action: 'no such action' }, () => false],
      [{ from: START + 60_000 }, () => false],
    ];
    for (const [filter, wanted] of cases) {
      const selected = all.filter((entry) => wanted(entry));
      assert.deepEqual(await scene.audit(filter), selected, JSON.stringify(filter));
    }
    assert.ok(cases.slice(0, 9).every(([, wanted]) => all.some((entry) => wanted(entry)) && !all.every((entry) => wanted(entry))), 'each case tells entries apart');
  });

  test('the entries of a person are found by each of its identifiers, and those of nobody else', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await withTrail(scene);
    const byPhone = await scene.actions({ subject: { phone: '+4930123456' } });
    assert.deepEqual(byPhone, ['consent_recorded', 'batch_delivered', 'merge_confirmed', 'consent_withdrawn']);
    const byEmail = await scene.actions({ subject: { email: 'person1@example.com' } });
    assert.deepEqual(byEmail, ['consent_recorded', 'batch_delivered', 'merge_confirmed', ...byPhone]);
    assert.deepEqual(await scene.actions({ subject: { email: 'person1@example.com', phone: '+4930123456' } }), byPhone);
    assert.deepEqual(await scene.actions({ subject: { email: 'person1@example.com' }, action: 'consent_withdrawn' }), ['consent_withdrawn']);
    assert.deepEqual(await scene.actions({ subject: { email: 'nobody@example.com' } }), []);
    const text = JSON.stringify(await scene.audit());
    for (const canary of ['person1@', '4930123456']) assert.ok(!text.includes(canary), canary);
  });

  test('pages follow each other by sequence, under any filter', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { jobs } = await withTrail(scene);
    for (const filter of [{}, { jobId: jobs[0]! }, { action: 'merge_confirmed' }, { subject: { email: 'person1@example.com' } }]) {
      const whole = await scene.audit(filter);
      const paged: AuditEntry[] = [];
      for (let more = true; more; ) {
        const page = await scene.store.auditPage({ ...filter, after: paged.at(-1)?.sequence ?? -1, limit: 2 });
        more = page.more;
        assert.ok(page.entries.length <= 2 && (!more || page.entries.length === 2));
        paged.push(...page.entries);
      }
      assert.deepEqual(paged, whole, JSON.stringify(filter));
      assert.ok(whole.length > 2);
    }
  });

  test('proofs of inclusion and consistency verify against the root, and none is given of what is not there', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.store.appendAudit({ drafts: Array.from({ length: 11 }, () => NOTE), now: START });
    const old = await scene.store.auditTree();
    await scene.store.appendAudit({ drafts: Array.from({ length: 6 }, () => NOTE), now: START });
    const { size, root } = await scene.store.auditTree();
    for (const entry of await scene.audit()) {
      const proof = await scene.store.auditProof({ kind: 'inclusion', sequence: entry.sequence, size });
      const claim = { leafHash: leafHash(leafOf(entry)), index: entry.sequence, size, root, proof: proof?.hashes ?? [] };
      assert.ok(verifyInclusion(claim), `entry ${entry.sequence}`);
      assert.ok(!verifyInclusion({ ...claim, leafHash: leafHash(`${leafOf(entry)} `) }));
    }
    const proof = await scene.store.auditProof({ kind: 'consistency', from: old.size, to: size });
    assert.ok(verifyConsistency({ from: old.size, to: size, fromRoot: old.root, toRoot: root, proof: proof?.hashes ?? [] }));
    assert.equal(await scene.store.auditProof({ kind: 'inclusion', sequence: size, size }), null);
    assert.equal(await scene.store.auditProof({ kind: 'inclusion', sequence: 0, size: size + 1 }), null);
    assert.equal(await scene.store.auditProof({ kind: 'consistency', from: 0, to: size }), null);
    assert.equal(await scene.store.auditProof({ kind: 'consistency', from: 1, to: size + 1 }), null);
  });
}
