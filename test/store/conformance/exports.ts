import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ExportLease, ExportSettlement } from '../../../src/domain/ports/delivery-store.ts';
import type { Harness } from '../harness.ts';
import { LEASE_MS, START, Scene, byPhone, people, person } from '../scene.ts';
import type { Row } from '../scene.ts';

/** Confirmed contacts on their way to marketing. */
export function exportTests(newHarness: () => Harness): void {
  async function confirmed(t: TestContext, rows: readonly Row[], rules = {}): Promise<Scene> {
    const scene = await Scene.open(t, newHarness, rules);
    await scene.batch(rows);
    await scene.deliver();
    return scene;
  }
  const claim = async (scene: Scene, limit = 50): Promise<ExportLease | null> =>
    (await scene.store.claimExport({ now: scene.now, limit, leaseMs: LEASE_MS })).lease;
  const settle = (scene: Scene, lease: ExportLease | null, settlement: ExportSettlement): Promise<boolean> =>
    scene.store.settleExport({ messageId: lease?.messageId ?? '', fence: lease?.fence ?? -1, now: scene.now, latencyMs: 5, settlement });

  test('the four fields of who is confirmed and consents to e-mail, and nothing else', async (t) => {
    const rows = [
      person(1, { external_crm_id: 'crm-1', first_name: 'Ada', phone: '+4930123456' }),
      person(2),
      byPhone(3, '+12025550123', { country: 'US' }),
      person(4, { country: 'US', consent_to_email: false }),
    ];
    const scene = await confirmed(t, rows);
    const lease = await claim(scene);
    const merged_at = new Date(START).toISOString();
    assert.deepEqual(lease?.contacts, [
      { external_id: 'crm-1', email: 'person1@example.com', consent_status: 'granted', merged_at },
      { external_id: 'cx:person2@example.com', email: 'person2@example.com', consent_status: 'granted', merged_at },
    ]);
    assert.equal((await scene.store.stats()).exportsWaiting, 2);
    assert.equal(await settle(scene, lease, { kind: 'delivered' }), true);
    assert.equal((await scene.store.stats()).exportsWaiting, 0);
    assert.equal(await claim(scene), null);
    const [entry] = await scene.audit({ action: 'export_delivered' });
    assert.equal(entry?.request_id, lease?.messageId);
    assert.partialDeepStrictEqual(entry?.details, { recipient: 'marketing', contacts: 2, attempts: 1 });
    assert.equal((await scene.audit({ action: 'export_delivered', subject: { email: 'person2@example.com' } })).length, 1);
  });

  test('nothing is exported before it is confirmed, nor where the step is off', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch(people(1));
    await scene.accept(await scene.mustClaim());
    assert.equal(await claim(scene), null);
    const off = await confirmed(t, people(1), { exportOn: false });
    assert.equal(await claim(off), null);
  });

  test('consent is asked again at the moment of sending, also of what is sent again', async (t) => {
    const scene = await confirmed(t, people(3));
    const withdraw = (n: number) =>
      scene.store.withdrawConsent({ subject: { email: `person${n}@example.com` }, channels: ['email'], reason: 'asked', actor: 'desk', now: scene.now });
    await withdraw(0);
    const lease = await claim(scene);
    assert.deepEqual(lease?.contacts.map(({ email }) => email), ['person1@example.com', 'person2@example.com']);
    await settle(scene, lease, { kind: 'retry', dueAt: scene.now, reason: 'down' });
    await withdraw(2);
    assert.deepEqual((await claim(scene))?.contacts.map(({ email }) => email), ['person1@example.com']);
    assert.equal((await scene.audit({ action: 'export_cancelled' })).length, 2);
  });

  test('where all of a message took consent back, those behind them come at once', async (t) => {
    const scene = await confirmed(t, people(3));
    for (const n of [0, 1]) await scene.store.withdrawConsent({ subject: { email: `person${n}@example.com` }, channels: ['email'], reason: 'asked', actor: 'desk', now: scene.now });
    assert.deepEqual(await scene.store.claimExport({ now: scene.now, limit: 2, leaseMs: LEASE_MS }), { lease: null, nextDueAt: scene.now });
    assert.deepEqual((await claim(scene, 2))?.contacts.map(({ email }) => email), ['person2@example.com']);
    assert.deepEqual(await scene.store.claimExport({ now: scene.now, limit: 2, leaseMs: LEASE_MS }), { lease: null, nextDueAt: scene.now + LEASE_MS });
  });

  test('a retry waits for its time, under its id, while others go', async (t) => {
    const scene = await confirmed(t, people(3));
    const first = await claim(scene, 2);
    assert.equal(first?.contacts.length, 2);
    await settle(scene, first, { kind: 'retry', dueAt: START + 5000, reason: 'down' });
    const other = await scene.store.claimExport({ now: scene.now, limit: 2, leaseMs: LEASE_MS });
    assert.deepEqual(other.lease?.contacts.map(({ email }) => email), ['person2@example.com']);
    assert.equal(other.nextDueAt, START + 5000);
    scene.now += 5000;
    const again = await claim(scene);
    assert.deepEqual([again?.messageId, again?.attempts, again?.firstAttemptAt, again?.contacts], [first?.messageId, 1, START, first?.contacts]);
  });

  test('a lease that ran out is taken again and its old holder changes nothing', async (t) => {
    const scene = await confirmed(t, people(1));
    const lost = await claim(scene);
    assert.equal(await claim(scene), null);
    scene.now += LEASE_MS;
    const again = await claim(scene);
    assert.equal(again?.messageId, lost?.messageId);
    for (const settlement of [{ kind: 'delivered' }, { kind: 'set_aside', reason: 'x' }, { kind: 'retry', dueAt: 0, reason: 'x' }] as const) {
      assert.equal(await settle(scene, lost, settlement), false);
    }
    assert.equal((await scene.audit({ action: 'export_delivered' })).length, 0);
    assert.equal(await settle(scene, again, { kind: 'delivered' }), true);
    assert.equal(await settle(scene, again, { kind: 'delivered' }), false);
  });

  test('a stop frees what was on its way', async (t) => {
    const scene = await confirmed(t, people(1));
    const lost = await claim(scene);
    await scene.reopen();
    assert.equal((await claim(scene))?.messageId, lost?.messageId);
  });

  test('what marketing refuses is set aside and told', async (t) => {
    const scene = await confirmed(t, people(2));
    await settle(scene, await claim(scene), { kind: 'set_aside', reason: 'answered 410' });
    assert.equal(await claim(scene), null);
    assert.equal((await scene.store.stats()).exportsWaiting, 0);
    assert.deepEqual((await scene.audit({ action: 'dead_lettered' })).map(({ details }) => [details['recipient'], details['reason']]), [['marketing', 'answered 410']]);
  });
}
