import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry } from '../../../src/domain/audit/entry.ts';
import type { PatchSettlement } from '../../../src/domain/ports/delivery-store.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import type { Database } from '../../../src/store/sqlite/database.ts';
import { lineOf } from '../../../src/store/sqlite/ops/filing-trail.ts';
import { Pseudonyms } from '../../../src/store/sqlite/pseudonyms.ts';
import { Vault } from '../../../src/store/sqlite/vault.ts';
import { LEASE_MS, Scene, people, person } from '../scene.ts';
import { KEY, engineHarness } from './engine-harness.ts';

const BASE64_KEY = Buffer.from(KEY, 'base64');

/** The store as somebody sees it who holds its master key. */
function holderOf(path: string): { db: Database; pseudonyms: Pseudonyms; vault: Vault } {
  const db = openDatabase(path);
  const vault = new Vault([BASE64_KEY]);
  const { wrapped } = db.get<{ wrapped: Uint8Array }>(`SELECT wrapped FROM secrets WHERE name = 'pseudonyms'`)!;
  return { db, vault, pseudonyms: new Pseudonyms(vault.unwrap(wrapped).key) };
}

type EventRow = { event_no: number; captured_at: number | null; email: number | null; sms: number | null; phone: number | null; evidence: Uint8Array | null; wrapped: Uint8Array };
type Reference = { ledger: { from: number; to: number }; commitment: string };

/** Recomputes from the ledger what an entry committed to. */
function recompute(holder: ReturnType<typeof holderOf>, { ledger }: Reference): string {
  const { db, vault, pseudonyms } = holder;
  const flag = (value: number | null): boolean | null => (value === null ? null : value === 1);
  const rows = db.all<EventRow>('SELECT e.*, k.wrapped FROM consent_events AS e JOIN person_keys AS k USING (person_id) WHERE event_no >= ? AND event_no <= ? ORDER BY event_no', ledger.from, ledger.to);
  const lines = rows.map((row) => {
    const source = row.evidence === null ? null : (JSON.parse(vault.open(row.evidence, vault.unwrap(row.wrapped))) as { source: string }).source;
    return lineOf({ eventNo: row.event_no, capturedAt: row.captured_at, flags: { email: flag(row.email), sms: flag(row.sms), phone: flag(row.phone) }, source });
  });
  return pseudonyms.commit('consent_evidence', lines.join('\n'));
}

const referenceIn = (entry: AuditEntry): Reference => entry.privacy_compliance['consent_evidence'] as Reference;

test('whoever holds the key can show that the ledger is what was recorded, and that it no longer is', async (t) => {
  const harness = engineHarness();
  const scene = await Scene.open(t, () => harness);
  await scene.batch([...people(60), person(1, { consent_to_sms: false, consent_source: 'call centre' })]);
  const entries = await scene.audit({ action: 'consent_recorded' });
  assert.equal(entries.length, 2);
  const holder = holderOf(harness.path);
  try {
    for (const entry of entries) assert.equal(recompute(holder, referenceIn(entry)), referenceIn(entry).commitment);
    holder.db.exec('DROP TRIGGER consent_events_no_update');
    holder.db.run('UPDATE consent_events SET sms = 1 WHERE sms = 0');
    assert.deepEqual(entries.map((entry) => recompute(holder, referenceIn(entry)) === referenceIn(entry).commitment), [true, false]);
  } finally {
    holder.db.close();
  }
});

test('a delivery commits to what CXone held before and holds after, a confirmation to the same', async (t) => {
  const harness = engineHarness();
  const scene = await Scene.open(t, () => harness);
  type Commitments = { before: string | null; after: string };
  const told = async (): Promise<{ delivered: Commitments[]; confirmed: unknown[] }> => ({
    delivered: (await scene.audit({ action: 'batch_delivered' })).map(({ details }) => details['commitments'] as Commitments),
    confirmed: (await scene.audit({ action: 'merge_confirmed' })).map(({ details }) => details['commitment']),
  });
  await scene.batch([person(1)]);
  await scene.deliver();
  scene.now += 1000;
  await scene.batch([person(1, { first_name: 'Ada', updated_at: '2026-03-01T12:00:00Z' })]);
  await scene.deliver();
  const { delivered, confirmed } = await told();
  assert.equal(delivered.length, 2);
  assert.equal(delivered[0]!.before, null);
  assert.equal(delivered[1]!.before, delivered[0]!.after);
  assert.notEqual(delivered[1]!.after, delivered[0]!.after);
  assert.deepEqual(confirmed, delivered.map(({ after }) => after));
  scene.now += 1000;
  await scene.batch([person(1, { first_name: 'Ada', updated_at: '2026-03-01T12:00:00Z' })]);
  await scene.deliver();
  assert.deepEqual((await scene.audit({ action: 'contact_unchanged' })).map(({ details }) => details['commitment']), [delivered[1]!.after]);
});

test('a patch commits to what was last written to its profile, and to what is now, if it was', async (t) => {
  const scene = await Scene.open(t, engineHarness);
  const patch = async (n: number, settlement: PatchSettlement): Promise<{ before: string | null; after: string | null }> => {
    const facts = { dataHash: `hash-${n}`, classification: {}, masked: [], policyVersion: '1' };
    const { lease } = await scene.store.acceptPatch({ jobId: `job-${n}`, requestId: `patch-${n}`, caller: 'desk', patch: { profileId: 'profile-1', attributes: { n }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: [] }, facts, now: scene.now, leaseMs: LEASE_MS });
    const entry = await scene.store.settlePatch({ requestId: lease!.requestId, fence: lease!.fence, now: scene.now, latencyMs: 1, status: 200, settlement });
    return entry!.details['commitments'] as { before: string | null; after: string | null };
  };
  const done: PatchSettlement = { kind: 'done', updatedAttributes: 1, mergeResult: 'SUCCESS', deduplicationTrigger: false };
  const first = await patch(1, done);
  const second = await patch(2, { kind: 'set_aside', reason: 'refused' });
  const third = await patch(3, done);
  assert.equal(first.before, null);
  assert.match(String(first.after), /^[0-9a-f]{64}$/);
  assert.deepEqual([second.before, second.after], [first.after, first.after]);
  assert.equal(third.before, first.after);
  assert.notEqual(third.after, first.after);
});
