import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { leafHash, verifyInclusion } from '../../src/domain/audit/merkle.ts';
import { parseCheckpoint, parseVerifierKey, verifyNote } from '../../src/domain/audit/checkpoint.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { assertProblem } from './harness.ts';
import { askUntil, startWithTenant } from './tenant.ts';
import type { TenantHarness } from './tenant.ts';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const PERSON = {
  email: 'Zilpzalp.Canary@Example.com',
  phone: '+4930901820',
  first_name: 'Zilpzalpine',
  last_name: 'Kanarienfels',
  address1: 'Zeisigweg 17',
  country: 'DE',
  external_crm_id: 'crm-zilpzalp',
  consent_to_email: true,
  consent_to_sms: true,
  consent_to_phone: true,
  consent_date: '2026-01-10T09:00:00Z',
};
const CANARIES = ['zilpzalp', 'kanarienfels', 'zeisigweg', '4930901820'];
const OTHER = { ...PERSON, email: 'other@example.com', phone: '+4930901821', first_name: 'Ada', last_name: 'Lovelace', address1: 'Hauptstr. 1', external_crm_id: 'crm-other' };

type Leg = { system: string; status: string };
type ErasureBody = { erasure_id: string; status: string; legs: Leg[]; reason: string; certificate: Certificate };
type Certificate = { note: string; entry: { action: string }; leaf: string; inclusion: { sequence: number; size: number; hashes: string[] }; checkpoint: string };
type AccessBody = {
  held: boolean;
  people: { contacts: { job_id: string; normalized: Record<string, string> }[]; exports: { status: string }[] }[];
  recipients: unknown[];
  purposes: unknown[];
  sources: string[];
  retention: Record<string, string>;
};

describe('a person that asks to be forgotten', () => {
  let tenant: TenantHarness;
  let jobId = '';
  const post = <T = Record<string, unknown>>(url: string, body: object) => postTo<T>(tenant, url, body);
  const erasure = async (id: string): Promise<ErasureBody> => (await tenant.send('GET', `/privacy/erasure/${id}`)).json();

  before(async () => {
    tenant = await startWithTenant({ MARKETING_API_SECRET: SECRET }, { marketingSecret: SECRET });
    jobId = (await post<{ job_id: string }>('/enrich-batch', { contacts: [PERSON, OTHER] })).json.job_id;
    await tenant.sandbox.waitFor((ledger) => exportedIn(ledger.marketing).length === 2, 20_000, 'two exports');
  });
  after(() => tenant.close());

  test('is shown first what is held: everything, from whom, to whom and for how long', async () => {
    const { status, json } = await post<AccessBody>('/privacy/access', { phone: '030 901820', country: 'de' });
    assert.equal(status, 200);
    const [held] = json.people;
    assert.equal(held?.contacts[0]?.job_id, jobId);
    assert.equal(held?.contacts[0]?.normalized['address1'], 'Zeisigweg 17');
    const { recipients, purposes, sources, retention } = json;
    assert.equal(recipients.length, 2);
    assert.equal(purposes.length, 2);
    assert.equal(sources.length, 1);
    assert.equal(retention['contacts'], '90 days after delivery');
    const nobody = await post<AccessBody>('/privacy/access', { email: 'nobody@example.com' });
    assert.deepEqual([nobody.json.held, nobody.json.people], [false, []]);
  });

  test('is gone from everywhere here, marketing is told, and the certificate proves it', async () => {
    const answer = await post<ErasureBody>('/privacy/erasure', { email: ' zilpzalp.canary@EXAMPLE.com ', reason: 'art17' });
    assert.equal(answer.status, 202);
    const id = answer.json.erasure_id;
    await tenant.sandbox.waitFor((ledger) => ledger.marketing.some(({ body }) => (body as { type?: string }).type === 'contact.erased'), 20_000, 'the word to marketing');
    const done = await askUntil(() => erasure(id), (found) => found.status === 'completed');
    assert.deepEqual(
      done.legs.map(({ system, status }) => [system, status]),
      [['store', 'completed'], ['queue', 'completed'], ['marketing', 'completed'], ['cxone', 'manual']],
    );
    const [told, ...again] = tenant.sandbox.ledger().marketing.filter(({ body }) => (body as { type?: string }).type === 'contact.erased');
    assert.deepEqual(again, []);
    assert.equal(told?.signature, 'valid');
    const { erased_at: at, ...body } = told!.body as Record<string, string>;
    assert.deepEqual(body, { platform: 'cxone_enrichment', type: 'contact.erased', external_id: 'crm-zilpzalp' });
    assert.ok(Number.isFinite(Date.parse(at ?? '')));
    await certified(tenant, done);
  });

  test('is not taken in again', async () => {
    const again = await post<{ errors: { code: string }[] }>('/enrich-batch', { contacts: [{ ...PERSON, updated_at: '2026-02-01T00:00:00Z' }] });
    assert.equal(again.status, 422);
    assert.equal(again.json.errors[0]?.code, 'erased_subject');
    const dry = await post<{ rejected: number }>('/enrich-batch?dry_run=true', { contacts: [{ ...OTHER, phone: '+4930901822', email: 'new@example.com', external_crm_id: 'crm-zilpzalp' }] });
    assert.equal(dry.json.rejected, 1);
    assert.equal((await post<AccessBody>('/privacy/access', { external_crm_id: 'crm-zilpzalp' })).json.held, false);
    assert.equal((await post<AccessBody>('/privacy/access', { external_crm_id: 'crm-other' })).json.held, true);
  });

  test('stands in no file, answer or log line any more', async () => {
    const folder = tenant.folder;
    const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1').toLowerCase()).join('\n');
    const trail = (await tenant.send('GET', '/audit-trail', { headers: { accept: 'application/x-ndjson' } })).text.toLowerCase();
    const job = (await tenant.send('GET', `/jobs/${jobId}`)).text.toLowerCase();
    for (const canary of CANARIES) assert.ok(![bytes, trail, job].some((text) => text.includes(canary)), canary);
    assert.match(trail, /erasure_completed/);
  });

  test('has the job still tell the truth', async () => {
    const { contacts } = (await tenant.send('GET', `/jobs/${jobId}`)).json<{ contacts: { status: string }[] }>();
    assert.deepEqual(contacts.map(({ status }) => status), ['confirmed', 'confirmed']);
  });
});

describe('requests that cannot be carried out', () => {
  let tenant: TenantHarness;
  before(async () => {
    tenant = await startWithTenant();
    await tenant.batch([{ ...PERSON, external_crm_id: 'crm-shared' }, { ...OTHER, phone: PERSON.phone }]);
  });
  after(() => tenant.close());

  const cases: [string, string, object, number, ErrorCode][] = [
    ['nobody named', '/privacy/erasure', { reason: 'art17' }, 400, 'invalid_request'],
    ['no e-mail', '/privacy/erasure', { email: 'nobody' }, 400, 'invalid_request'],
    ['a phone without a country', '/privacy/erasure', { phone: '030 901820' }, 400, 'invalid_request'],
    ['an unknown field', '/privacy/erasure', { email: 'a@example.com', name: 'x' }, 400, 'invalid_request'],
    ['a phone of two people', '/privacy/erasure', { phone: PERSON.phone }, 409, 'subject_ambiguous'],
    ['access to nobody', '/privacy/access', {}, 400, 'invalid_request'],
    ['foreign keys', '/admin/keys', { encryption_keys: [Buffer.alloc(32, 1).toString('base64')] }, 422, 'keys_refused'],
  ];
  for (const [name, url, payload, status, code] of cases) {
    test(`${name}: ${status} ${code}`, async () => {
      const answer = await tenant.send('POST', url, { body: payload });
      assertProblem(answer, code);
      assert.equal(answer.status, status);
      for (const canary of CANARIES) assert.ok(!answer.text.toLowerCase().includes(canary));
    });
  }

  test('an erasure that is none: 404', async () => {
    assertProblem(await tenant.send('GET', '/privacy/erasure/0190b0c4-0000-7000-8000-000000000000'), 'not_found');
  });

  test('words in place of a reason are not kept', async () => {
    const { json } = await postTo<ErasureBody>(tenant, '/privacy/erasure', { email: 'a@example.com', reason: 'Zilpzalpine rang' });
    assert.equal((await tenant.send('GET', `/privacy/erasure/${json.erasure_id}`)).json<ErasureBody>().reason, 'other');
  });
});

function exportedIn(deliveries: readonly { body: unknown }[]): unknown[] {
  return deliveries.flatMap(({ body }) => (body as { contacts?: unknown[] }).contacts ?? []);
}

/** The entry is the leaf, the leaf is in the tree, the tree is signed; and the facts are signed by the same key. */
async function certified(tenant: TenantHarness, done: ErasureBody): Promise<void> {
  const { certificate } = done;
  const keys = (await tenant.send('GET', '/audit-trail/key')).text.trim().split('\n').map((line) => parseVerifierKey(line));
  const facts = verifyNote(certificate.note, keys);
  const tree = verifyNote(certificate.checkpoint, keys);
  assert.ok(facts.ok && tree.ok);
  assert.ok(!verifyNote(certificate.note.replace('"people":1', '"people":2'), keys).ok);
  const head = parseCheckpoint(tree.text);
  const { sequence, size, hashes } = certificate.inclusion;
  assert.equal(head.size, size);
  const leaf = Buffer.from(certificate.leaf, 'base64');
  const proof = hashes.map((text) => Buffer.from(text, 'base64'));
  assert.ok(verifyInclusion({ leafHash: leafHash(leaf.toString('utf8')), index: sequence, size, root: head.root, proof }));
  assert.deepEqual(JSON.parse(leaf.toString('utf8')), certificate.entry);
  assert.equal(certificate.entry.action, 'erasure_completed');
  for (const canary of CANARIES) assert.ok(!JSON.stringify(done).toLowerCase().includes(canary));
}

async function postTo<T>(tenant: TenantHarness, url: string, body: object): Promise<{ status: number; json: T }> {
  const answer = await tenant.send('POST', url, { body });
  return { status: answer.status, json: answer.json<T>() };
}
