import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CONSENTED, contact, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';

let harness: Harness;
before(async () => {
  harness = await startHarness();
});
after(() => harness.close());

const PHONE = '+49 30 123456';
const DE = { country: 'DE', ...CONSENTED };

type Body = { requests_needed: number; results: Record<string, unknown>[] };

async function dryRun(contacts: unknown[]): Promise<Body> {
  const answer = await harness.batch(contacts, { query: '?dry_run=true' });
  assert.equal(answer.status, 200, answer.text);
  return answer.json<Body>();
}

test('a dry run tells of each person what becomes of it, from which records, and who it may be', async () => {
  const { results, requests_needed } = await dryRun([
    { email: 'ada@example.com', phone: PHONE, first_name: 'Ada', ...DE, updated_at: '2026-01-01' },
    { email: 'ADA@example.com ', first_name: 'Adele', ...DE, updated_at: '2026-02-01' },
    { email: 'bob@example.com', phone: PHONE, first_name: 'Bob', ...DE },
  ]);
  assert.equal(requests_needed, 1);
  assert.partialDeepStrictEqual(results, [
    {
      outcome: 'accepted',
      effect: 'new',
      covered: true,
      channels: { email: true, sms: true, phone: true },
      survivorship: { first_name: { from: 'batch', index: 1, why: 'newest' }, phone: { from: 'batch', index: 0, why: 'only' } },
      pii: { email: 'EMAIL', phone: 'PHONE' },
    },
    { outcome: 'duplicate', duplicate_of: 0, effect: 'new' },
    { outcome: 'accepted', effect: 'new', possible_duplicates: [{ from: 'batch', index: 0 }], warnings: [{ field: 'phone', code: 'possible_duplicate' }] },
  ]);
});

test('who is known is updated or unchanged; who waits already costs no request of its own', async () => {
  const known = contact(1, { updated_at: '2026-01-01' });
  assert.equal((await harness.batch([known])).status, 202);
  const { results, requests_needed } = await dryRun([known, contact(1, { city: 'Austin' })]);
  assert.equal(requests_needed, 0);
  assert.partialDeepStrictEqual(results, [{ outcome: 'accepted', effect: 'update', survivorship: { city: { from: 'batch', index: 1 } } }, { outcome: 'duplicate' }]);
  assert.partialDeepStrictEqual((await dryRun([known])).results, [{ outcome: 'accepted', effect: 'unchanged' }]);
  assert.equal((await dryRun(Array.from({ length: 51 }, (_, i) => contact(100 + i)))).requests_needed, 2);
});

test('what is known of a person is never shown to who only asks', async () => {
  await harness.batch([contact(2, { address1: '99 Secret Lane', city: 'Austin' })]);
  const answer = await harness.batch([contact(2)], { query: '?dry_run=true', key: 'ingest' });
  assert.match(answer.text, /"city":\{"from":"stored"/);
  assert.doesNotMatch(answer.text, /Secret|Austin/);
});

test('a guess is shown beside what was given and not put in its place', async () => {
  const { results } = await dryRun([contact(3, { postal_code: '7B7o1', timezone: 'IST', country: 'US' })]);
  const { contact: shown, changes, warnings } = results[0] as { contact: Record<string, unknown>; changes: { field: string; suggestion?: string }[]; warnings: { code: string }[] };
  assert.equal(shown['postal_code'], undefined);
  assert.equal(changes.find(({ field }) => field === 'postal_code')?.suggestion, '78701');
  assert.ok(warnings.some(({ code }) => code === 'postal_code_guessed'));
});

test('a profile’s attributes are classified by value and by name', async () => {
  const attributes = {
    note: 'call 212-555-0134 or write to ana@example.com',
    email: 'not an address',
    contact_email: 'jane@example.com (work)',
    nested: { list: [{ card: '4111 1111 1111 1111' }] },
    loyalty: 'gold',
  };
  const answer = await harness.send('POST', '/profiles/7d1f3f0e-6a62-4b0a-9b3e-2f6f0a3c5d11/enrich?dry_run=true', { body: { attributes, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' } });
  assert.equal(answer.status, 200, answer.text);
  const { piiClassification, pii } = answer.json<{ piiClassification: Record<string, string>; pii: { class: string; pointer: string }[] }>();
  assert.deepEqual(piiClassification, { note: 'EMAIL,PHONE', email: 'NON_PII', contact_email: 'EMAIL', nested: 'CREDIT_CARD', loyalty: 'NON_PII' });
  assert.ok(pii.some(({ class: found, pointer }) => found === 'CREDIT_CARD' && pointer === '/nested/list/0/card'));
});
