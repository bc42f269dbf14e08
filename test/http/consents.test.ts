import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertProblem, contact, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';

type Consents = { state: Record<'email' | 'sms' | 'phone', string>; events: { channel: string; event: string; captured_at: string | null; recorded_at: string; source: string | null; job_id: string | null }[] };

describe('consents', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness();
    const taken = await harness.batch([contact(1, { external_crm_id: 'crm-1', phone: '+15125550101', consent_date: '2026-01-02T03:04:05Z', consent_source: 'web_form' }), contact(2, { external_crm_id: 'crm-2' })]);
    assert.equal(taken.status, 202);
  });
  after(() => harness.close());

  const of = async (query: string, headers: Record<string, string> = {}): Promise<Consents> => {
    const answer = await harness.send('GET', `/consents${query}`, { key: 'read', headers });
    assert.equal(answer.status, 200, answer.text);
    return answer.json<Consents>();
  };

  test('are found by any identifier of a person, with their evidence', async () => {
    const found = await of('?external_crm_id=crm-1');
    assert.deepEqual(found.state, { email: 'granted', sms: 'granted', phone: 'granted' });
    for (const { event, captured_at: captured, source, job_id: job, recorded_at: recorded } of found.events) {
      assert.deepEqual([event, captured, source], ['granted', '2026-01-02T03:04:05.000Z', 'web_form']);
      assert.ok(job !== null && Date.parse(recorded) > Date.parse('2026-01-02T03:04:05Z'));
    }
    assert.deepEqual(await of('', { 'x-subject': 'PERSON1@example.com' }), found);
    assert.deepEqual(await of('', { 'x-subject': '+1 512 555 0101' }), found);
  });

  test('are withdrawn at once, by channel, and what waits is stopped', async () => {
    const answer = await harness.send('POST', '/consents/withdraw', { key: 'ingest', body: { email: 'person1@example.com', channels: ['sms'], reason: 'replied STOP' } });
    assert.equal(answer.status, 200);
    assert.deepEqual([answer.json()['people'], answer.json()['channels']], [1, ['sms']]);
    assert.deepEqual((await of('?external_crm_id=crm-1')).state, { email: 'granted', sms: 'refused', phone: 'granted' });
    const all = await harness.send('POST', '/consents/withdraw', { body: { external_crm_id: 'crm-2', reason: 'asked to' } });
    assert.deepEqual(all.json()['channels'], ['email', 'sms', 'phone']);
    assert.deepEqual((await of('?external_crm_id=crm-2')).state, { email: 'refused', sms: 'refused', phone: 'refused' });
  });

  test('older evidence does not bring a withdrawn consent back', async () => {
    await harness.batch([contact(1, { external_crm_id: 'crm-1', consent_date: '2026-02-02T03:04:05Z' })]);
    assert.equal((await of('?external_crm_id=crm-1')).state.sms, 'refused');
  });

  const BAD: readonly [name: string, body: unknown][] = [
    ['nobody', { reason: 'x' }],
    ['no reason', { email: 'a@example.com' }],
    ['an empty reason', { email: 'a@example.com', reason: '' }],
    ['no address', { email: 'nobody', reason: 'x' }],
    ['no number', { phone: '12', reason: 'x' }],
    ['a channel that is none', { email: 'a@example.com', channels: ['fax'], reason: 'x' }],
    ['a field that nobody knows', { email: 'a@example.com', reason: 'x', chanels: ['sms'] }],
    ['a list', []],
  ];
  for (const [name, body] of BAD) {
    test(`${name} is not understood, and the answer repeats nothing`, async () => {
      const answer = await harness.send('POST', '/consents/withdraw', { body });
      assertProblem(answer, 'invalid_request');
      assert.ok(!answer.text.includes('a@example.com'));
    });
  }

  test('of a stranger are not found; a question for nobody is not understood', async () => {
    assertProblem(await harness.send('GET', '/consents?external_crm_id=stranger'), 'not_found');
    assertProblem(await harness.send('GET', '/consents'), 'invalid_request');
    assertProblem(await harness.send('GET', '/consents', { headers: { 'x-subject': 'neither' } }), 'invalid_request');
  });

  test('an override counts only where it is allowed, with a reason, from an admin, and says who and why', async () => {
    const rows = (email: string): unknown[] => [contact(1, { email, country: 'DE', consent_to_sms: false, gdpr_consent_override: { reason: 'contract, art. 6(1)(b)' } })];
    const refused = await harness.batch(rows('over1@example.com'));
    assertProblem(refused, 'all_contacts_rejected');
    const other = await startHarness({ CONSENT_OVERRIDE: 'allow' });
    try {
      assertProblem(await other.batch(rows('over2@example.com'), { key: 'ingest' }), 'all_contacts_rejected');
      assertProblem(await other.batch([contact(1, { email: 'over3@example.com', country: 'DE', consent_to_sms: false, gdpr_consent_override: true })]), 'all_contacts_rejected');
      assert.equal((await other.batch(rows('over4@example.com'))).status, 202);
      const entry = other.auditLines().find(({ action }) => action === 'consent_overridden');
      assert.ok(JSON.stringify(entry).includes('art. 6(1)(b)'), JSON.stringify(entry));
      assert.equal(entry?.['actor'], 'all');
    } finally {
      await other.close();
    }
  });
});
