import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { signStandard } from '../../src/domain/delivery/standard-webhooks.ts';
import { filesUnder, findWord, wordsOf } from '../support/byte-search.ts';
import type { Place } from '../support/byte-search.ts';
import { drained } from '../support/oracle.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';
import type { Workplace } from '../support/workplace.ts';

/** Somebody of whom every field is a word that may be nowhere but in what is sent to CXone and to the sink. */
const person = (name: string, digits: string, more: object = {}) => ({
  email: `${name}@canary-mail.example`,
  phone: `+1202555${digits}`,
  first_name: `First${name}`,
  last_name: `Last${name}`,
  address1: `4711 ${name} Parade`,
  address2: `Suite ${name}`,
  city: `${name} City`,
  state: 'TX',
  postal_code: '78701',
  country: 'US',
  timezone: `Zone/${name}`,
  external_crm_id: `crm-${name}-90210`,
  consent_source: `form of ${name}`,
  consent_date: '2026-10-01T10:00:00Z',
  interaction_history: [{ type: 'call', note: `${name} asked` }],
  communication_preferences: { preferred_channel: name, frequency: name, [`${name}-preference`]: name },
  nickname: `Nick${name}`,
  [`${name}-field`]: `value ${name}`,
  consent_to_email: true,
  consent_to_sms: true,
  consent_to_phone: true,
  ...more,
});

const ZYXENIA = person('quillfeather', '0187');
const WOBBLETON = person('wobblekrazniak', '0188');
/** CXone refuses this one, in words that repeat what was sent. */
const REFUSED = person('plumdingerich', '0189');
const WITHOUT_CONSENT = person('marzipanello', '0190', { country: 'DE', consent_to_email: 'perhaps-marzipanello' });
const OVERRIDDEN = person('overlindquist', '0191', { country: 'DE', consent_to_email: false, consent_to_sms: false, consent_to_phone: false, gdpr_consent_override: { reason: 'Lastoverlindquist of overlindquist@canary-mail.example rang' } });
const PEOPLE = [ZYXENIA, WOBBLETON, REFUSED, WITHOUT_CONSENT, OVERRIDDEN];
const PROFILE = '0d9b8c0e-3f43-4a43-9d27-0d5c1c6c9b01';

/** Words by where they are put in: what is found says which way it came. */
const WORDS = [
  'quillfeather', 'wobblekrazniak', 'plumdingerich', 'marzipanello', 'overlindquist', '2025550187', '2025550188', '2025550189', '2025550190', '2025550191',
  'attributekiebitz', 'nestedkiebitz', 'appendkiebitz', 'cardkiebitz', '4111 1111', '411111111111', 'maskedkiebitz', '078-05-1120',
  'keyidempotent', 'querykakadu', 'pathkakadu', 'headerkakadu', 'cursorkakadu', 'fieldkakadu', 'subjectkakadu',
  'csvfirstling', 'csvsecondling', 'ndjsonling', 'brokenjsonling', 'brokencsvling', 'deepjsonling', 'mediatypling',
  'hookcontact', 'hookrequest', 'hookevent', 'hookextra', 'hookunsigned', 'hooktype',
  'withdrawnunknown', 'erasurereason', 'erasurefield', 'unknownerased',
] as const;

type Run = { place: Workplace; call: Workplace['service']['call']; everywhere(when: string): void };

test('no byte of the data folder, log, metric, error, temporary file or export holds a person’s data or a secret, at any time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-canaries-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'tmp'));
  const settings = { LOG_LEVEL: 'trace', TMPDIR: join(folder, 'tmp'), CONSENT_OVERRIDE: 'allow', PII_POLICY: 'CREDIT_CARD=block,US_SSN=mask', AUDIT_ANCHOR_FILE: join(folder, 'anchors.txt') };
  await withWorkplace({ folder, settings }, async (place) => {
    await place.start();
    const run = watched(t, place);
    await batches(run);
    await patches(run);
    await hostile(run);
    await webhooks(run);
    await place.service.kill9();
    run.everywhere('killed');
    await place.start();
    await drained(place);
    await reading(run);
    await privacy(run);
    assert.ok(place.sandbox.ledger().emails.has(ZYXENIA.email), 'it did go where it should');
    assert.ok(place.sandbox.ledger().marketing.length > 0);
    assert.equal((await place.service.stop()).code, 0);
    run.everywhere('stopped');
  });
});

test('the search finds a word in every form that it is to find it in', () => {
  const word = 'quillfeather';
  assert.notEqual(findWord([['a place', Buffer.from('vor dem Zaunkönig')]], ['zaunkönig']), undefined);
  const forms = [word, word.toUpperCase(), Buffer.from(word, 'utf16le'), Buffer.from(word, 'utf16le').swap16(), Buffer.from(word).toString('hex'), `%71${encodeURIComponent('uillfeather')}`.replace('uillfeather', [...'uillfeather'].map((c) => `%${c.charCodeAt(0).toString(16)}`).join(''))];
  for (const before of ['', 'x', 'xy']) forms.push(Buffer.from(`${before}${word} and more`).toString('base64'), Buffer.from(`${before}${word}?>~`).toString('base64url'));
  for (const form of forms) assert.notEqual(findWord([['a place', Buffer.concat([Buffer.of(0, 255), Buffer.from(form), Buffer.of(1)])]], [word]), undefined, String(form));
  assert.equal(findWord([['a place', Buffer.from('quill feather cXVpbGwgZmVhdGhlcg==')]], [word]), undefined);
});

/** Calls whose answers are kept and searched with everything else; those that are meant to show data are not made by it. */
function watched(t: TestContext, place: Workplace): Run {
  const answers: Place[] = [];
  const secrets = ['API_KEYS', 'ENCRYPTION_KEY', 'CXONE_CLIENT_SECRET', 'WEBHOOK_SECRETS', 'MARKETING_API_SECRET'].map((name) => (place.settings[name] ?? '').split(':').at(-1) ?? '');
  assert.ok(secrets.every((secret) => secret.length >= 8));
  const seen = new Map<string, number>();
  let looks = 0;
  let bytes = 0;
  const everywhere = (when: string): void => {
    // Of what only grows, the new end is looked at, with room for a word that was cut.
    const words = wordsOf(place.lives).map(([name, all]): Place => [name, all.subarray(Math.max(0, (seen.get(name) ?? 0) - 1000), seen.set(name, all.length) && all.length)]);
    const places = [...filesUnder(place.folder), ...words, ...answers.splice(0)];
    assert.ok(places.length > 5);
    looks += 1;
    bytes += places.reduce((sum, [, held]) => sum + held.length, 0);
    assert.equal(findWord(places, [...WORDS, ...secrets]), undefined, when);
  };
  t.after(() => t.diagnostic(`${looks} looks at ${bytes} bytes`));
  const call: Run['call'] = async (...args) => {
    const answer = await place.service.call(...args);
    answers.push([`answer to ${args[0]} ${args[1]}`, Buffer.from(`${JSON.stringify(answer.headers)}\n${answer.text}`)]);
    return answer;
  };
  return { place, call, everywhere };
}

/** Contacts in every form; one is refused by the tenant in words that repeat the data, one call is answered by an error. */
async function batches({ place, call, everywhere }: Run): Promise<void> {
  const poison = place.fault({ kind: 'poison', pattern: 'plumdingerich', endpoint: 'merge' });
  const failing = place.fault({ kind: 'fail-after', endpoint: 'merge', count: 1 });
  const key = { 'idempotency-key': 'keyidempotent of quillfeather' };
  // The answer names fields that are not known, as it is to; what is kept of it is sealed.
  const named = place.service.call.bind(place.service);
  for (let again = 0; again < 2; again += 1) assert.match((await named('POST', '/enrich-batch', { contacts: [...PEOPLE, ZYXENIA] }, key)).text, /^\{"success":true.*quillfeather-field/);
  everywhere('accepted');
  assert.equal((await call('POST', '/enrich-batch', { contacts: [WOBBLETON] }, key)).status, 422, 'another body under the key');
  const { 'marzipanello-field': _, communication_preferences: __, ...plain } = WITHOUT_CONSENT as Record<string, unknown>;
  assert.equal((await call('POST', '/enrich-batch', { contacts: [plain] })).status, 422);
  const csv = `email,first_name,country,csvsecondling\ncsvfirstling@canary-mail.example,csvfirstling,US,csvsecondling\n`;
  assert.equal((await named('POST', '/enrich-batch', csv, { 'content-type': 'text/csv', 'idempotency-key': 'keyidempotent 2' })).status, 202);
  const rows = [{ email: 'ndjsonling@canary-mail.example', country: 'US', ndjsonling: 'ndjsonling' }, REFUSED].map((row) => JSON.stringify(row)).join('\n');
  assert.equal((await named('POST', '/enrich-batch', rows, { 'content-type': 'application/x-ndjson' })).status, 202);
  everywhere('uploaded');
  await until(() => poison.fired > 0 && failing.fired > 0, 10_000, 'both faults');
  everywhere('refused');
}

async function patches({ place, call, everywhere }: Run): Promise<void> {
  const patch = (attributes: object, mergeStrategy = 'OVERWRITE') => call('POST', `/profiles/${PROFILE}/enrich`, { attributes, mergeStrategy, sourceSystem: 'crm', tags: ['attributekiebitz'] });
  const failing = place.fault({ kind: '503', endpoint: 'patch', count: 1 });
  // Names of attributes are named in the answer; their values are not.
  await patch({ note: 'attributekiebitz', mail: ZYXENIA.email, nested: { phones: [{ own: '+1 202 555 0187', who: 'nestedkiebitz' }] } });
  await patch({ note: 'appendkiebitz' }, 'APPEND');
  everywhere('patched');
  await patch({ card: '4111 1111 1111 1111', note: 'cardkiebitz' });
  await patch({ ssn: '078-05-1120', note: 'maskedkiebitz' });
  await until(() => failing.fired > 0, 10_000, 'a patch failing');
  everywhere('patches refused and masked');
}

/** What cannot be read, from people who type data into every place there is. */
async function hostile({ call, everywhere }: Run): Promise<void> {
  const json = { 'content-type': 'application/json' };
  await call('POST', '/enrich-batch', `{"contacts":[{"email":"brokenjsonling@canary-mail.example",}]}`, json);
  await call('POST', '/enrich-batch', `{"contacts":[{"email":"a@b.example"}],"brokenjsonling":1,"brokenjsonling":2}`, json);
  await call('POST', '/enrich-batch', `{"contacts":[${'{"deepjsonling":'.repeat(200)}1${'}'.repeat(200)}]}`, json);
  await call('POST', '/enrich-batch', `email;phone\nbrokencsvling@canary-mail.example;"brokencsvling`, { 'content-type': 'text/csv' });
  await call('POST', '/enrich-batch', `email\n"brokencsvling@canary-mail.example" x\n`, { 'content-type': 'text/csv' });
  await call('POST', '/enrich-batch', 'mediatypling', { 'content-type': 'text/mediatypling' });
  await call('POST', '/enrich-batch', { contacts: ['mediatypling'], fieldkakadu: 'fieldkakadu' });
  await call('POST', '/privacy/access', { 'fieldkakadu@canary-mail.example': 'fieldkakadu' });
  await call('POST', '/privacy/erasure', { email: 'erasurefield', erasurefield: 'erasurefield' });
  await call('POST', '/consents/withdraw', { email: 'fieldkakadu', channels: ['fieldkakadu'], reason: 'fieldkakadu' });
  await call('POST', `/profiles/pathkakadu/enrich`, { attributes: {}, mergeStrategy: 'fieldkakadu', sourceSystem: 'crm' });
  for (const path of ['/jobs/pathkakadu', '/nowhere/pathkakadu', '/jobs?cursor=cursorkakadu', '/jobs?status=querykakadu', '/jobs?limit=querykakadu', '/audit-trail?action=querykakadu', '/audit-trail?from=querykakadu', '/audit-trail?job_id=querykakadu', '/audit-trail?cursor=cursorkakadu', '/dead-letters?reason=querykakadu', '/consents?external_crm_id=querykakadu', '/privacy/erasure/pathkakadu', '/%zz-pathkakadu']) {
    await call('GET', path);
  }
  await call('GET', '/jobs', undefined, { 'user-agent': 'headerkakadu', 'x-request-id': 'headerkakadu', referer: 'https://headerkakadu.example/', cookie: 'a=headerkakadu' });
  await call('GET', '/jobs', undefined, { authorization: 'Bearer headerkakadu-is-no-key' });
  await call('GET', '/audit-trail', undefined, { 'x-subject': 'subjectkakadu' });
  await call('GET', '/audit-trail', undefined, { 'x-subject': ZYXENIA.email });
  everywhere('hostile');
}

async function webhooks({ place, call, everywhere }: Run): Promise<void> {
  const body = (type: string) => JSON.stringify({ type, contact_id: 'hookcontact@canary-mail.example', request_id: 'hookrequest@canary-mail.example', id: 'hookevent', data: { email: 'hookextra@canary-mail.example' } });
  const send = (text: string, id: string) => call('POST', '/webhooks/cxone-merge', text, signStandard(id, Math.floor(Date.now() / 1000), text, place.settings['WEBHOOK_SECRETS']!));
  for (let again = 0; again < 2; again += 1) assert.equal((await send(body('contact.merged'), 'msg_hookevent')).status, 200);
  assert.equal((await send(body('contact.hookunknown'), 'msg_2')).status, 200);
  await send('{"type":"contact.merged","contact_id":"hookcontact",}', 'msg_3');
  await call('POST', '/webhooks/cxone-merge', body('hookunsigned'));
  await call('POST', '/webhooks/cxone-merge', body('hooktype'), { 'webhook-id': 'hookunsigned', 'webhook-timestamp': '1', 'webhook-signature': 'v1,hookunsigned' });
  everywhere('called back');
}

async function reading({ call, everywhere }: Run): Promise<void> {
  for (const path of ['/metrics', '/dead-letters', '/jobs', '/admin/queue', '/health/ready', '/health/live', '/openapi.json', '/audit-trail/verify', '/audit-trail/checkpoint', '/audit-trail/key']) assert.equal((await call('GET', path)).status, 200);
  const { json } = await call('GET', '/jobs');
  for (const { job_id: id } of json['jobs'] as { job_id: string }[]) await call('GET', `/jobs/${id}`);
  for (const accept of ['application/json', 'application/x-ndjson', 'text/csv']) await call('GET', '/audit-trail', undefined, { accept });
  await call('GET', '/metrics', undefined, { accept: 'application/json' });
  everywhere('read');
}

async function privacy({ place, call, everywhere }: Run): Promise<void> {
  await call('POST', '/consents/withdraw', { email: WOBBLETON.email, channels: ['sms'], reason: 'Lastwobblekrazniak of wobblekrazniak@canary-mail.example rang +1 202 555 0188' });
  await call('POST', '/consents/withdraw', { phone: '+1 202 555 0197', reason: 'withdrawnunknown@canary-mail.example, +12025550187' });
  // These show what is held, as they are to: only what they leave behind is searched.
  assert.match((await place.service.call('POST', '/privacy/access', { email: ZYXENIA.email, reason: 'erasurereason' })).text, /quillfeather/);
  assert.match((await place.service.call('GET', '/consents', undefined, { 'x-subject': ZYXENIA.email })).text, /quillfeather/);
  assert.match((await place.service.call('POST', '/enrich-batch?dry_run=true', { contacts: [ZYXENIA] })).text, /quillfeather/);
  everywhere('accessed');
  for (const subject of [{ email: ZYXENIA.email }, { external_crm_id: REFUSED.external_crm_id }, { email: 'unknownerased@canary-mail.example' }]) {
    const { json } = await call('POST', '/privacy/erasure', { ...subject, reason: 'erasurereason of Lastquillfeather' });
    const id = String(json['erasure_id']);
    await until(async () => (await call('GET', `/privacy/erasure/${id}`)).json['status'] === 'completed', 10_000, 'the erasure being completed');
    everywhere('erased');
  }
  assert.equal((await call('POST', '/enrich-batch', { contacts: [{ email: ZYXENIA.email, country: 'US' }] })).status, 422);
  await call('GET', '/audit-trail', undefined, { accept: 'application/x-ndjson' });
}
