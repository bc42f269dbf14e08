import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { drained } from '../support/oracle.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';

/** Values that must be nowhere but in what is sent to CXone and to the sink. */
const PERSON = {
  email: 'zyxenia.quillfeather@canary-mail.example',
  phone: '+12025550187',
  first_name: 'Zyxenia',
  last_name: 'Quillfeather',
  address1: '4711 Vermilion Ostrich Parade',
  city: 'Austin',
  state: 'TX',
  postal_code: '78701',
  country: 'US',
  external_crm_id: 'crm-zyx-90210-canary',
  consent_to_email: true,
  consent_to_sms: true,
  consent_to_phone: true,
};
const SECOND = { ...PERSON, email: 'wobbleton.krazniak@canary-mail.example', phone: '+12025550188', last_name: 'Krazniak', external_crm_id: 'crm-wob-canary', first_name: 'Wobbleton' };
const REFUSED = { email: 'plumdinger@canary-mail.example', last_name: 'Plumdinger', country: 'DE', consent_to_email: 'perhaps-plumdinger' };
const ATTRIBUTE = 'marzipan-umbrella-8841';
const PROFILE = '0d9b8c0e-3f43-4a43-9d27-0d5c1c6c9b01';

test('no log line, metric, error, URL or byte of the data folder holds a person’s data or a secret', async () => {
  await withWorkplace({ settings: { LOG_LEVEL: 'trace' } }, async (place) => {
    const service = await place.start();
    const seen: string[] = [];
    const call: typeof service.call = async (...args) => {
      const answer = await service.call(...args);
      seen.push(answer.text, JSON.stringify(answer.headers));
      return answer;
    };
    const everywhere = async (): Promise<void> => search([...filesOf(place.folder), ...seen.map((text, i): [string, Buffer] => [`answer ${i}`, Buffer.from(text)]), ...logsOf(place)], canariesOf(place.settings));

    // Refused by the tenant in words that repeat the data, in every way that leaves a trace.
    const poison = place.fault({ kind: 'poison', pattern: 'wobbleton', endpoint: 'merge' });
    const unavailable = place.fault({ kind: 'fail-after', endpoint: 'merge', count: 1 });
    assert.equal((await call('POST', '/enrich-batch', { contacts: [PERSON, SECOND, REFUSED, PERSON] }, { 'idempotency-key': 'canary-key' })).status, 202);
    await everywhere();
    await call('POST', '/enrich-batch', { contacts: [REFUSED] });
    await call('POST', '/enrich-batch', `{"contacts":[{"email":"${PERSON.email}",}]}`);
    await call('POST', '/enrich-batch', `email;phone\n${PERSON.email};${PERSON.phone}`, { 'content-type': 'text/csv' });
    await call('POST', '/enrich-batch', { contacts: [{ email: PERSON.email, nickname: PERSON.last_name }], [PERSON.phone]: true });
    await call('POST', '/enrich-batch', PERSON.email, { 'content-type': `text/${PERSON.last_name}` });
    await call('POST', '/webhooks/cxone-merge', { type: PERSON.email, contact_id: PERSON.phone });
    await call('POST', `/profiles/${PROFILE}/enrich`, { attributes: { note: ATTRIBUTE, mail: PERSON.email }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' });
    await call('POST', `/profiles/${PROFILE}/enrich`, { attributes: { card: '4111 1111 1111 1111', note: ATTRIBUTE }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' });
    await call('POST', '/consents/withdraw', { email: SECOND.email, reason: 'asked' });
    await call('GET', '/audit-trail', undefined, { 'x-subject': PERSON.email });
    await drained(place);
    await until(() => poison.fired > 0 && unavailable.fired > 0, 10_000, 'both faults');
    for (const path of ['/metrics', '/dead-letters', '/jobs', '/admin/queue', '/health/ready', '/openapi.json', `/jobs/${PROFILE}`, `/nowhere/${PROFILE}`]) await call('GET', path);
    await call('GET', '/audit-trail', undefined, { accept: 'application/x-ndjson' });
    await call('GET', '/audit-trail', undefined, { accept: 'text/csv' });
    await everywhere();
    assert.ok(place.sandbox.ledger().emails.has(PERSON.email), 'it did go where it should');
    assert.ok(place.sandbox.ledger().marketing.length > 0);

    const end = await place.service.stop();
    assert.equal(end.code, 0);
    await everywhere();
  });
});

function canariesOf(settings: Readonly<Record<string, string>>): string[] {
  const secrets = ['API_KEYS', 'ENCRYPTION_KEY', 'CXONE_CLIENT_SECRET', 'WEBHOOK_SECRETS', 'MARKETING_API_SECRET'].map((name) => (settings[name] ?? '').split(':').at(-1) ?? '');
  const people = [PERSON, SECOND].flatMap(({ email, phone, last_name, address1, external_crm_id }) => [email, phone.slice(1), last_name, address1, external_crm_id]);
  const canaries = [...people, 'plumdinger', ATTRIBUTE, '4111 1111', '411111111111', 'canary-key', ...secrets];
  assert.ok(canaries.every((canary) => canary.length >= 8), 'too short to mean anything');
  return canaries;
}

function search(places: readonly [string, Buffer][], canaries: readonly string[]): void {
  for (const [name, bytes] of places) {
    const text = bytes.toString('latin1').toLowerCase();
    for (const canary of canaries) {
      for (const form of [canary, encodeURIComponent(canary), Buffer.from(canary).toString('base64').slice(0, -4), Buffer.from(canary).toString('hex')]) {
        const at = text.indexOf(form.toLowerCase());
        assert.equal(at, -1, `${name} holds "${canary}": …${text.slice(Math.max(0, at - 60), at + 60)}…`);
      }
    }
  }
}

function filesOf(folder: string): [string, Buffer][] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(names.length > 0);
  return names.map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name))]);
}

function logsOf(place: { lives: readonly { out: string; err: string }[] }): [string, Buffer][] {
  return place.lives.flatMap((life, i): [string, Buffer][] => [[`output of life ${i}`, Buffer.from(life.out)], [`errors of life ${i}`, Buffer.from(life.err)]]);
}
