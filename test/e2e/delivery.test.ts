import assert from 'node:assert/strict';
import test from 'node:test';
import { contactOf, crowd, post } from '../support/crowd.ts';
import { fileIsWhole, judge } from '../support/oracle.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';

const PROFILE = '7d1f3f0e-6a62-4b0a-9b3e-2f6f0a3c5d11';

test('a batch is merged, confirmed, exported, audited and counted; a profile is patched', async () => {
  await withWorkplace({}, async (place) => {
    await place.start();
    const batches = [await post(() => place.service, crowd({ size: 120 })), await post(() => place.service, crowd({ size: 7 }))];
    const patched = await place.service.call('POST', `/profiles/${PROFILE}/enrich`, { attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' });
    assert.equal(patched.status, 200, patched.text);
    const { enrichmentResult } = patched.json as { enrichmentResult: Record<string, unknown> };
    assert.equal(enrichmentResult['mergeResult'], 'SUCCESS');
    assert.equal(place.sandbox.ledger().profiles.get(PROFILE)?.applied, 1);

    const { lines, entries } = await judge(place, { batches, oneLife: true });
    const statuses = [...lines.values()].flat().map((line) => line.status);
    assert.deepEqual([...new Set(statuses)].sort(), ['confirmed', 'duplicate', 'rejected'], 'every kind was there');
    for (const action of ['batch_submitted', 'batch_delivered', 'merge_confirmed', 'export_delivered', 'PROFILE_ENRICHMENT', 'contact_rejected']) {
      assert.ok(entries.some((entry) => entry.action === action), `an entry of ${action}`);
    }
    const stats = place.sandbox.stats();
    assert.equal(stats.appliedAgain, 0);
    const end = await place.service.stop();
    assert.equal(end.code, 0);
    fileIsWhole(place.databasePath);
  });
});

test('ids of an answer go to the people they were given for, also where older people come later in the queue', async () => {
  await withWorkplace({ settings: { MERGE_LINGER_MS: '0' } }, async (place) => {
    await place.start();
    const old = crowd({ size: 3, roles: ['clean'] });
    const first = await post(() => place.service, old);
    await judge(place, { batches: [first] });
    await place.service.call('POST', '/admin/pause');
    // The people known from before come last in this batch, with news; who is new comes first.
    const mixed = [...crowd({ size: 4, roles: ['clean'] }), ...old];
    const second = await post(() => place.service, mixed, { city: 'Austin', state: 'TX', updated_at: new Date().toISOString() });
    await place.service.call('POST', '/admin/resume');
    await judge(place, { batches: [first, second], oneLife: true });
  });
});

test('batches are taken while CXone is down, and delivered when it comes up', async () => {
  await withWorkplace({}, async (place) => {
    // Whoever gets no token gets nothing else.
    const fault = place.fault({ kind: 'reset', endpoint: 'token' });
    await place.start();
    const batches = [await post(() => place.service, crowd()), await post(() => place.service, crowd())];
    const patch = await place.service.call('POST', `/profiles/${PROFILE}/enrich`, { attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' });
    assert.equal(patch.status, 202, patch.text);
    await until(() => place.fired('token/reset') > 2, 20_000, 'CXone being asked for a token');
    assert.equal((await place.service.call('GET', '/health/ready')).status, 200, 'work is taken all the same');
    assert.equal(place.sandbox.stats().contactsApplied, 0);
    fault.clear();
    await judge(place, { batches, oneLife: true });
    assert.equal(place.sandbox.ledger().profiles.get(PROFILE)?.applied, 1);
  });
});

test('a person’s consent, once withdrawn, is neither sent nor exported, whatever comes later with older evidence', async () => {
  await withWorkplace({}, async (place) => {
    await place.start();
    const people = crowd({ size: 6, roles: ['covered'] });
    await place.service.call('POST', '/admin/pause');
    const waiting = await post(() => place.service, people);
    const withdrawn = new Map<string, number>();
    for (const { email } of people.slice(0, 3)) {
      const answer = await place.service.call('POST', '/consents/withdraw', { email: email.toUpperCase(), reason: 'asked by phone' });
      assert.equal(answer.status, 200, answer.text);
      withdrawn.set(email, Date.now());
    }
    await place.service.call('POST', '/admin/resume');
    const again = await place.service.call('POST', '/enrich-batch', { contacts: people.slice(0, 3).map((person) => contactOf(person, { consent_date: '2025-01-05T10:00:00Z' })) });
    assert.equal(again.status, 422, again.text);
    const { lines } = await judge(place, { batches: [waiting], withdrawn, oneLife: false });
    assert.deepEqual(lines.get(waiting.jobId)?.map((line) => line.status), [...Array<string>(3).fill('cancelled'), ...Array<string>(3).fill('confirmed')]);
    for (const [email] of withdrawn) assert.equal(place.sandbox.ledger().emails.get(email), undefined);
  });
});
