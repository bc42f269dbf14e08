import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel } from '../../../src/domain/contact/types.ts';
import type { SubjectQuery } from '../../../src/domain/ports/record-store.ts';
import type { Harness } from '../harness.ts';
import { START, Scene, byPhone, person } from '../scene.ts';

const ALL: Channel[] = ['email', 'sms', 'phone'];
const NOW = new Date(START).toISOString();

/** The consent ledger: what was said, and what it amounts to. */
export function consentTests(newHarness: () => Harness): void {
  const withdraw = (scene: Scene, subject: SubjectQuery, channels = ALL, reason = 'asked by mail') =>
    scene.store.withdrawConsent({ subject, channels, reason, actor: 'desk', now: scene.now });
  /** What is not filed yet is not found, and cancelled the moment its turn comes. */
  const atOnce = (scene: Scene): boolean => scene.harness.filesLater !== true;
  const codes = (body: Record<string, unknown>): string[] => (body['errors'] as { code: string }[]).map(({ code }) => code);

  test('what sources said is kept with its time and source, and nothing is invented', async (t) => {
    const scene = await Scene.open(t, newHarness);
    assert.equal(await scene.store.consentsOf({ email: 'person1@example.com' }), null);
    const jobId = await scene.batch([person(1, { consent_source: 'web form' }), { email: 'us@example.com', country: 'US', consent_to_sms: false }]);
    await scene.deliver();
    const captured = '2026-01-10T09:00:00.000Z';
    const granted = { event: 'granted', captured_at: captured, recorded_at: NOW, source: 'web form', job_id: jobId };
    assert.deepEqual(await scene.store.consentsOf({ email: 'person1@example.com' }), {
      state: { email: 'granted', sms: 'granted', phone: 'granted' },
      events: ALL.map((channel) => ({ channel, ...granted })),
    });
    assert.deepEqual(await scene.store.consentsOf({ email: 'us@example.com' }), {
      state: { email: 'none', sms: 'refused', phone: 'none' },
      events: [{ channel: 'sms', event: 'refused', captured_at: null, recorded_at: NOW, source: null, job_id: jobId }],
    });
  });

  test('a withdrawal cancels what waits, at once, and says for how many', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1), person(1, { first_name: 'Ada' }), person(2)]);
    const later = await scene.batch([person(1, { last_name: 'Roe' })]);
    const found = await withdraw(scene, { email: 'person1@example.com' }, ['sms']);
    if (atOnce(scene)) {
      assert.deepEqual(found, { people: 1, cancelled: 3 });
      assert.deepEqual([await scene.statuses(jobId), await scene.statuses(later)], [['cancelled', 'duplicate', 'waiting'], ['cancelled']]);
    }
    assert.deepEqual((await scene.mustClaim()).contacts.map(({ email }) => email), ['person2@example.com']);
    assert.deepEqual([await scene.statuses(jobId), await scene.statuses(later)], [['cancelled', 'duplicate', 'in_flight'], ['cancelled']]);
    assert.partialDeepStrictEqual(await scene.job(later), { status: 'failed', failed: 1, pending: 0, completedAt: START });
    const ledger = await scene.store.consentsOf({ email: 'person1@example.com' });
    assert.deepEqual(ledger?.state, { email: 'granted', sms: 'refused', phone: 'granted' });
    assert.deepEqual(ledger?.events.find(({ event }) => event === 'withdrawn'), { channel: 'sms', event: 'withdrawn', captured_at: NOW, recorded_at: NOW, source: 'desk', job_id: null });
  });

  test('a withdrawal is audited: who, which channels, why, without the address in the reason', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1)]);
    await scene.deliver();
    await withdraw(scene, { email: 'person1@example.com' }, ['phone'], 'mail of person1@example.com');
    const [entry, ...others] = await scene.audit({ action: 'consent_withdrawn', subject: { email: 'person1@example.com' } });
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(entry, { actor: 'desk', details: { channels: ['phone'] } });
    assert.ok(!JSON.stringify(entry).includes('person1@'));
  });

  test('a withdrawal bars older evidence that comes later, in any batch or upload; newer evidence counts', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1)]);
    await scene.deliver();
    await withdraw(scene, { email: 'person1@example.com' });
    const { status, body } = await scene.answer([person(1, { first_name: 'Ada' })]);
    assert.equal(status, 422);
    assert.deepEqual(codes(body), ['consent_withdrawn']);
    const upload = await scene.upload([[person(1, { first_name: 'Ada' })]]);
    assert.equal((await scene.job(upload)).rejected, 1);
    scene.now += 1000;
    const renewed = new Date(scene.now).toISOString();
    assert.equal((await scene.answer([person(1, { first_name: 'Ada', consent_date: renewed })])).status, 202);
    assert.equal((await scene.deliver()).length, 1);
  });

  for (const [how, subject, later] of [
    ['e-mail', { email: 'person1@example.com' }, person(1)],
    ['phone', { phone: '+4930123456' }, person(1, { phone: '+4930123456' })],
    ['external id', { external_crm_id: 'crm-1' }, person(1, { external_crm_id: 'crm-1' })],
  ] as const) {
    test(`somebody known by ${how} only, and not yet, is remembered`, async (t) => {
      const scene = await Scene.open(t, newHarness);
      assert.deepEqual(await withdraw(scene, subject), { people: 1, cancelled: 0 });
      assert.deepEqual((await scene.store.consentsOf(subject))?.state, { email: 'refused', sms: 'refused', phone: 'refused' });
      const { status, body } = await scene.answer([later]);
      assert.equal(status, 422);
      assert.deepEqual(codes(body), ['consent_withdrawn']);
      assert.equal(await scene.claim(), null);
    });

    test(`somebody known by ${how} is found by it`, async (t) => {
      const scene = await Scene.open(t, newHarness);
      const jobId = await scene.batch([later]);
      const found = await withdraw(scene, subject);
      if (atOnce(scene)) assert.deepEqual([found, await scene.statuses(jobId)], [{ people: 1, cancelled: 1 }, ['cancelled']]);
      assert.equal(await scene.claim(), null);
      assert.deepEqual(await scene.statuses(jobId), ['cancelled']);
      assert.equal((await scene.store.consentsOf(subject))?.events.filter(({ event }) => event === 'withdrawn').length, 3);
    });
  }

  test('a withdrawal by a phone that several share counts for each of them', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const phone = '+4930123456';
    await scene.batch([person(1, { phone }), person(2, { phone })]);
    const found = await withdraw(scene, { phone }, ['phone']);
    if (atOnce(scene)) assert.deepEqual(found, { people: 2, cancelled: 2 });
    assert.equal(await scene.claim(), null);
  });

  test('a withdrawal by a phone that was remembered counts for who is known by e-mail and brings it', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const phone = '+4930123456';
    await scene.batch([person(1)]);
    await scene.deliver();
    await withdraw(scene, { phone });
    const { body } = await scene.answer([person(1, { phone })]);
    assert.deepEqual(codes(body), ['consent_withdrawn']);
  });

  test('where no consent is required a withdrawal closes its channel, and all three bar the person', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([person(1, { country: 'US', communication_preferences: { preferred_channel: 'sms' } }), byPhone(2, '+12025550123', { country: 'US' })]);
    assert.deepEqual(await withdraw(scene, { email: 'person1@example.com' }, ['sms']), { people: 1, cancelled: 0 });
    await withdraw(scene, { phone: '+12025550123' });
    const { contacts } = await scene.mustClaim();
    assert.partialDeepStrictEqual(contacts, [{ email: 'person1@example.com', consent_to_sms: false, consent_to_email: true, communication_preferences: { preferred_channel: 'email' } }]);
    assert.equal(contacts.length, 1);
    assert.deepEqual(await scene.statuses(jobId), ['in_flight', 'cancelled']);
  });

  test('any order of what is said leads to the same state', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const said = [
      { consent_to_email: true, consent_date: '2026-01-01T00:00:00Z' },
      { consent_to_email: false, consent_date: '2026-02-01T00:00:00Z' },
      { consent_to_email: true, consent_to_sms: false, consent_date: '2026-02-01T00:00:00Z' },
    ];
    const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (const [n, order] of orders.entries()) {
      for (const i of order) await scene.batch([{ email: `person${n}@example.com`, country: 'US', ...said[i]! }]);
    }
    await scene.deliver();
    for (const n of orders.keys()) {
      assert.deepEqual((await scene.store.consentsOf({ email: `person${n}@example.com` }))?.state, { email: 'refused', sms: 'refused', phone: 'none' }, `order ${n}`);
    }
  });
}
