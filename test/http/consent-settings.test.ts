import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CONSENTED, startHarness } from './harness.ts';
import type { Harness, KeyName } from './harness.ts';

type Line = {
  index: number;
  outcome: string;
  covered?: boolean;
  channels?: Record<string, boolean>;
  contact: Record<string, unknown>;
  changes: { field: string; from: string | null; to: string | null; rule: string; confidence: number }[];
  errors: { field: string; code: string }[];
  warnings: { field: string; code: string }[];
};

const DAY_MS = 86_400_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
const ADA = { email: 'ada@example.com' };

/** Runs tests against a service with these settings. */
function withSettings(name: string, settings: Record<string, string>, tests: (harness: () => Harness) => void): void {
  describe(name, () => {
    let harness: Harness;
    before(async () => {
      harness = await startHarness(settings);
    });
    after(() => harness.close());
    tests(() => harness);
  });
}

async function dryRun(harness: Harness, contacts: Record<string, unknown>[], key: KeyName = 'all'): Promise<Line[]> {
  const answer = await harness.batch(contacts, { query: '?dry_run=true', key });
  assert.equal(answer.status, 200, answer.text);
  return answer.json<{ results: Line[] }>().results;
}

/** What becomes of one contact: the code that it is rejected for, or `accepted`. */
async function fate(harness: Harness, contact: Record<string, unknown>, key?: KeyName): Promise<string> {
  const [line] = await dryRun(harness, [{ ...ADA, ...contact }], key);
  return line!.errors[0]?.code ?? line!.outcome;
}

withSettings('CONSENT_POLICY=all, and the rest as it comes', {}, (harness) => {
  for (const [name, contact, expected] of [
    ['all three flags', { country: 'DE', ...CONSENTED }, 'accepted'],
    ['one flag missing', { country: 'DE', ...CONSENTED, consent_to_sms: undefined }, 'consent_missing'],
    ['one flag refused', { country: 'DE', ...CONSENTED, consent_to_sms: false }, 'consent_refused'],
    ['a flag that is none', { country: 'DE', ...CONSENTED, consent_to_sms: 'yes' }, 'consent_missing'],
    ['a country that asks for none', { country: 'US' }, 'accepted'],
    ['no country, no consent', {}, 'consent_missing'],
    ['no country, all consent', CONSENTED, 'accepted'],
    ['a country that is not understood', { country: 'Atlantis' }, 'consent_missing'],
    ['a country guessed from a phone', { phone: '+1 202 555 0123' }, 'consent_missing'],
    ['a country read from an address', { address: '1 Main St, Austin, TX 78701' }, 'accepted'],
    ['an explicit country over that of an address', { country: 'Deutschland', address: '1 Main St, Austin, TX 78701' }, 'consent_missing'],
    ['an old grant, with no limit set', { country: 'DE', ...CONSENTED, consent_date: '2001-01-01' }, 'accepted'],
    ['an overseas part of a covered country', { country: 'Guadeloupe' }, 'consent_missing'],
  ] as const) {
    test(name, async () => assert.equal(await fate(harness(), contact), expected));
  }

  test('what was guessed of the country is shown, and that it lifts no protection', async () => {
    const [line] = await dryRun(harness(), [{ phone: '+1 202 555 0123', ...CONSENTED }]);
    assert.deepEqual([line?.contact['country'], line?.covered], ['US', true]);
    assert.ok(line!.changes.some(({ field, confidence }) => field === 'country' && confidence < 0.8));
  });

  for (const key of ['admin', 'ingest', 'all'] as const) {
    test(`an override is refused by default, whoever asks (${key})`, async () => {
      if (key === 'admin') return assert.equal((await harness().batch([ADA], { key })).status, 403);
      const [line] = await dryRun(harness(), [{ ...ADA, country: 'DE', gdpr_consent_override: { reason: 'contract' } }], key);
      assert.deepEqual([line?.outcome, line?.errors.map(({ code }) => code)], ['rejected', ['consent_override_refused', 'consent_missing']]);
    });
  }
});

withSettings('CONSENT_POLICY=per-channel', { CONSENT_POLICY: 'per-channel' }, (harness) => {
  test('one consented channel is enough, and the only one used', async () => {
    const [line] = await dryRun(harness(), [{ ...ADA, country: 'DE', consent_to_email: true, consent_to_sms: false, communication_preferences: { preferred_channel: 'sms' } }]);
    assert.deepEqual([line?.outcome, line?.covered, line?.channels], ['accepted', true, { email: true, sms: false, phone: false }]);
    assert.deepEqual(line?.contact['communication_preferences'], { preferred_channel: 'email' });
    assert.partialDeepStrictEqual(line?.changes.at(-1), { field: 'communication_preferences.preferred_channel', from: 'sms', to: 'email', rule: 'consent.preferred-channel' });
    assert.ok(line!.warnings.some(({ code }) => code === 'preferred_channel_moved'));
  });

  for (const [name, flags, expected] of [
    ['none', {}, 'consent_missing'],
    ['one refused, the others silent', { consent_to_phone: false }, 'consent_refused'],
    ['one of three', { consent_to_phone: true, consent_to_email: false }, 'accepted'],
  ] as const) {
    test(`${name}: ${expected}`, async () => assert.equal(await fate(harness(), { country: 'FR', ...flags }), expected));
  }
});

withSettings('CONSENT_MAX_AGE_DAYS=30', { CONSENT_MAX_AGE_DAYS: '30' }, (harness) => {
  for (const [name, more, expected] of [
    ['a grant of last week', { consent_date: daysAgo(7) }, 'accepted'],
    ['a grant of last quarter', { consent_date: daysAgo(91) }, 'consent_expired'],
    ['a grant without a date', {}, 'consent_expired'],
    ['a grant dated in the future', { consent_date: daysAgo(-7) }, 'consent_expired'],
  ] as const) {
    test(`${name}: ${expected}`, async () => assert.equal(await fate(harness(), { country: 'DE', ...CONSENTED, ...more }), expected));
  }
});

withSettings('CONSENT_EXTRA_COUNTRIES=US,BR and DEFAULT_COUNTRY=CA', { CONSENT_EXTRA_COUNTRIES: 'US,BR', DEFAULT_COUNTRY: 'CA' }, (harness) => {
  for (const [name, contact, expected] of [
    ['a country that was added', { country: 'Brasil' }, 'consent_missing'],
    ['another that was added', { country: 'USA' }, 'consent_missing'],
    ['no country: that of the operator', {}, 'accepted'],
    ['a country guessed from a phone is not that of the operator', { phone: '+49 30 123456' }, 'consent_missing'],
    ['a country that is not understood is not replaced', { country: 'Atlantis' }, 'consent_missing'],
    ['what is covered anyway', { country: 'DE' }, 'consent_missing'],
  ] as const) {
    test(`${name}: ${expected}`, async () => assert.equal(await fate(harness(), contact), expected));
  }
});

withSettings('CONSENT_OVERRIDE=allow', { CONSENT_OVERRIDE: 'allow' }, (harness) => {
  const asked = { ...ADA, country: 'DE', gdpr_consent_override: { reason: 'contract 4711 with ada@example.com' } };

  test('counts only with a reason and from an admin', async () => {
    assert.equal(await fate(harness(), asked), 'accepted');
    assert.equal(await fate(harness(), asked, 'ingest'), 'consent_override_refused');
    for (const bare of [true, 'true', '', {}, { reason: ' ' }]) assert.notEqual(await fate(harness(), { ...asked, gdpr_consent_override: bare }), 'accepted', JSON.stringify(bare));
  });

  test('leaves an entry of who, why and for whom, without the address in the clear', async () => {
    const answer = await harness().batch([asked], { key: 'all' });
    assert.equal(answer.status, 202, answer.text);
    const found = await harness().send('GET', '/audit-trail?action=consent_overridden', { key: 'audit', headers: { 'x-subject': 'ADA@example.com' } });
    const { entries } = found.json<{ entries: { actor: string; subject: string; details: Record<string, unknown> }[] }>();
    assert.equal(entries.length, 1);
    assert.equal(entries[0]?.actor, 'all');
    assert.match(String(entries[0]?.details['reason']), /^contract 4711 with /);
    assert.ok(!found.text.includes('ada@example.com') && entries[0]!.subject.length > 0);
  });

  test('does not outlive a withdrawal', async () => {
    assert.equal((await harness().send('POST', '/consents/withdraw', { body: { ...ADA, reason: 'asked' } })).status, 200);
    const { jobs } = (await harness().send('GET', '/jobs', { key: 'read' })).json<{ jobs: { job_id: string }[] }>();
    const job = (await harness().send('GET', `/jobs/${jobs[0]?.job_id}`, { key: 'read' })).json<{ contacts: { status: string }[] }>();
    assert.deepEqual(job.contacts.map(({ status }) => status), ['cancelled']);
  });
});
