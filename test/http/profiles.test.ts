import assert from 'node:assert/strict';
import { hash, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { canonicalJson } from '../../src/domain/audit/canonical-json.ts';
import { withFault } from '../../src/sandbox/sandbox.ts';
import { assertProblem } from './harness.ts';
import type { Answer } from './harness.ts';
import { askUntil, startWithTenant } from './tenant.ts';
import type { TenantHarness } from './tenant.ts';

const DAY_MS = 86_400_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

type Enriched = {
  enrichmentResult: { status: number; profileId: string; latencyMs: number; piiClassification: Record<string, string>; dataHash: string; timestamp: string; updatedAttributes: number; mergeResult: string; deduplicationTrigger: boolean };
  auditEntry: { audit_id: string; action: string; profile_id: string; details: Record<string, unknown> };
  accuracyRate: number;
};

describe('POST /profiles/:id/enrich', () => {
  let harness: TenantHarness;
  before(async () => {
    harness = await startWithTenant({ PII_POLICY: 'US_SSN=block,CREDIT_CARD=block,IBAN=mask' });
  });
  after(() => harness.close());

  const send = (body: unknown, { id = randomUUID() as string, query = '' } = {}): Promise<Answer> => harness.send('POST', `/profiles/${id}/enrich${query}`, { body });
  const patch = (attributes: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> => ({ attributes, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', ...more });

  test('answers what CXone did, with the hash of what was sent', async () => {
    const id = randomUUID();
    const answer = await send(patch({ email: 'ann@example.com', tier: 'gold', visits: 3 }), { id });
    assert.equal(answer.status, 200, answer.text);
    const { enrichmentResult: result, auditEntry, accuracyRate } = answer.json<Enriched>();
    assert.deepEqual(
      { status: result.status, id: result.profileId, updated: result.updatedAttributes, merge: result.mergeResult, trigger: result.deduplicationTrigger },
      { status: 200, id, updated: 3, merge: 'SUCCESS', trigger: false },
    );
    assert.deepEqual(result.piiClassification, { email: 'EMAIL', tier: 'NON_PII', visits: 'NON_PII' });
    const sent = { profileId: id, attributes: { email: 'ann@example.com', tier: 'gold', visits: 3 }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: ['enriched_via_rest', 'digital_engagement'] };
    assert.equal(result.dataHash, hash('sha256', canonicalJson(sent), 'hex'));
    assert.equal(auditEntry.action, 'PROFILE_ENRICHMENT');
    assert.equal(auditEntry.profile_id, id);
    assert.equal(accuracyRate, 100);
    assert.ok(!JSON.stringify(auditEntry).includes('ann@example.com'));
    assert.deepEqual(harness.sandbox.ledger().profiles.get(id)?.attributes, sent.attributes);
  });

  test('is about the same profile in capitals', async () => {
    const id = randomUUID();
    const answer = await send(patch({ tier: 'gold' }), { id: id.toUpperCase() });
    assert.equal(answer.json<Enriched>().enrichmentResult.profileId, id);
    assert.deepEqual(harness.sandbox.ledger().profiles.get(id)?.attributes, { tier: 'gold' });
  });

  test('takes JSON alone', async () => {
    assertProblem(await harness.send('POST', `/profiles/${randomUUID()}/enrich`, { body: 'a\n1\n', type: 'text/csv' }), 'unsupported_media_type');
  });

  test('a query that is not known is not passed over: it may have meant a dry run', async () => {
    const id = randomUUID();
    assertProblem(await send(patch({ tier: 'gold' }), { id, query: '?dryrun=true' }), 'invalid_request');
    assert.equal(harness.sandbox.ledger().profiles.get(id), undefined);
  });

  test('a dry run classifies, hashes and judges, and sends nothing', async () => {
    const id = randomUUID();
    const body = patch({ card: '4111 1111 1111 1111', last_seen: daysAgo(40), note: 'call +1 512 555 0123 or a@example.com' });
    const answer = await send(body, { id, query: '?dry_run=true' });
    assert.equal(answer.status, 200);
    const preview = answer.json<{ accepted: boolean; piiClassification: Record<string, string>; freshness: { attribute: string; verdict: string }[]; errors: { code: string; field: string }[]; dataHash: string }>();
    assert.equal(preview.accepted, false);
    assert.equal(preview.piiClassification['card'], 'CREDIT_CARD');
    assert.deepEqual(preview.piiClassification['note']?.split(',').sort(), ['EMAIL', 'PHONE']);
    assert.deepEqual(preview.freshness.find(({ attribute }) => attribute === 'last_seen')?.verdict, 'stale_data');
    assert.deepEqual(preview.errors.map(({ code }) => code).sort(), ['pii_blocked', 'stale_data']);
    assert.match(preview.dataHash, /^[0-9a-f]{64}$/);
    assert.equal(harness.sandbox.ledger().profiles.get(id), undefined);
  });

  const REFUSED: readonly [name: string, attributes: Record<string, unknown>, code: 'stale_data' | 'invalid_timestamp' | 'future_timestamp' | 'pii_blocked'][] = [
    ['an old observation', { last_seen: daysAgo(31) }, 'stale_data'],
    ['no date', { updated_at: 'yesterday' }, 'invalid_timestamp'],
    ['a date that does not exist', { updated_at: '2026-02-30' }, 'invalid_timestamp'],
    ['an observation to come', { last_login: daysAgo(-2) }, 'future_timestamp'],
    ['a card number', { note: 'card 4111111111111111' }, 'pii_blocked'],
    ['a social security number, deep down', { a: [{ b: { ssn: '536-22-8726' } }] }, 'pii_blocked'],
  ];
  for (const [name, attributes, code] of REFUSED) {
    test(`${name}: ${code}, and nothing is sent`, async () => {
      const id = randomUUID();
      const answer = await send(patch(attributes), { id });
      const { errors } = assertProblem(answer, code);
      assert.equal(errors?.[0]?.code, code);
      for (const value of Object.values(attributes)) if (typeof value === 'string') assert.ok(!answer.text.includes(value));
      assert.equal(harness.sandbox.ledger().profiles.get(id), undefined);
    });
  }

  test('what the policy masks is masked before it leaves', async () => {
    const id = randomUUID();
    assert.equal((await send(patch({ account: 'GB29 NWBK 6016 1331 9268 19' }), { id })).status, 200);
    assert.ok(!JSON.stringify(harness.sandbox.ledger().profiles.get(id)).includes('NWBK'));
    const { entries } = (await harness.send('GET', `/audit-trail?profile_id=${id}&action=pii_masked`)).json<{ entries: { job_id: string; request_id: string; details: unknown }[] }>();
    assert.deepEqual(entries.map(({ details }) => details), [{ fields: [{ field: 'account', classes: ['IBAN'], found: 1 }], found: 1 }]);
    assert.ok(entries.every(({ job_id, request_id }) => job_id !== '' && request_id !== ''));
  });

  test('what the policy blocks is told by field and class, under the request that was refused', async () => {
    const id = randomUUID();
    const answer = await send(patch({ note: 'card 4111111111111111', seen_at: daysAgo(31), 'eve@example.org': '536-22-8726' }), { id });
    const { entries } = (await harness.send('GET', `/audit-trail?profile_id=${id}`)).json<{ entries: { action: string; actor: string; request_id: string; details: { fields: { field: string }[] } }[] }>();
    assert.deepEqual(entries.map(({ action, request_id: request }) => [action, request]), [['pii_blocked', answer.headers['x-request-id']]]);
    assert.deepEqual(entries[0]?.details.fields, [{ field: 'note', classes: ['CREDIT_CARD'], found: 1 }, { field: '[other]', classes: ['US_SSN'], found: 1 }]);
  });

  const fifty = (count: number): Record<string, unknown> => Object.fromEntries(Array.from({ length: count }, (_, n) => [`a${n}`, n]));
  const SHAPES: readonly [name: string, body: unknown, field?: RegExp][] = [
    ['no body', {}],
    ['attributes that are a list', patch([] as never), /attributes/],
    ['no attributes', patch({}), /attributes/],
    ['51 attributes', patch(fifty(51)), /attributes/],
    ['a strategy that is none', patch({ a: 1 }, { mergeStrategy: 'REPLACE' }), /mergeStrategy/],
    ['a strategy in small letters', patch({ a: 1 }, { mergeStrategy: 'append' }), /mergeStrategy/],
    ['no source', { attributes: { a: 1 }, mergeStrategy: 'APPEND' }, /sourceSystem/],
    ['a source of 65 characters', patch({ a: 1 }, { sourceSystem: 'x'.repeat(65) }), /sourceSystem/],
    ['11 tags', patch({ a: 1 }, { tags: fifty(11) }), /tags/],
    ['tags that are no texts', patch({ a: 1 }, { tags: [1] }), /tags/],
    ['a field that nobody knows', patch({ a: 1 }, { merge_strategy: 'x' })],
    ['a list', []],
    ['null', null],
  ];
  for (const [name, body, field] of SHAPES) {
    test(`${name} does not fit the schema`, async () => {
      const { errors } = assertProblem(await send(body), 'invalid_request');
      assert.ok((errors?.length ?? 0) > 0);
      if (field !== undefined) assert.ok(errors?.some((error) => field.test(error.field)), JSON.stringify(errors));
    });
  }
  test('an id that is no UUID does not fit', async () => {
    assertProblem(await harness.send('POST', '/profiles/12345/enrich', { body: patch({ a: 1 }) }), 'invalid_request');
  });
  test('50 attributes and 10 tags fit', async () => {
    assert.equal((await send(patch(fifty(50), { tags: Array.from({ length: 10 }, (_, n) => `t${n}`) }))).status, 200);
  });

  test('what CXone refuses is said, and set aside with its reason', async () => {
    await withFault(harness.sandbox, { kind: '422', endpoint: 'patch', count: 1 }, async (fault) => {
      assertProblem(await send(patch({ a: 1 })), 'cxone_rejected');
      assert.equal(fault.fired, 1);
    });
    const { dead_letters: letters } = (await harness.send('GET', '/dead-letters')).json<{ dead_letters: { api: string; reason: string }[] }>();
    assert.ok(letters.some(({ api, reason }) => api === 'profiles' && reason !== ''));
  });

  test('a profile that is gone is 404', async () => {
    await withFault(harness.sandbox, { kind: '404', endpoint: 'patch', count: 1 }, async () => {
      assertProblem(await send(patch({ a: 1 })), 'profile_gone');
    });
  });

  test('an APPEND with an outcome that nobody knows is held, and said', async () => {
    await withFault(harness.sandbox, { kind: 'reset-after', endpoint: 'patch', count: 1 }, async (fault) => {
      assertProblem(await send(patch({ a: 1 }, { mergeStrategy: 'APPEND' })), 'unknown_outcome');
      assert.equal(fault.fired, 1);
    });
  });

  test('while CXone cannot take it, it waits as a job, and goes later', async () => {
    const id = randomUUID();
    const jobId = await withFault(harness.sandbox, { kind: '503', endpoint: 'patch', count: 1 }, async (fault) => {
      const answer = await send(patch({ later: true }), { id });
      assert.equal(answer.status, 202, answer.text);
      const body = answer.json<{ job_id: string; status: string }>();
      assert.deepEqual(Object.keys(body).sort(), ['job_id', 'status']);
      assert.equal(body.status, 'queued_for_retry');
      assert.equal(fault.fired, 1);
      return body.job_id;
    });
    const job = await askUntil(async () => (await harness.send('GET', `/jobs/${jobId}`)).json<{ status: string; kind: string }>(), ({ status }) => status === 'completed');
    assert.equal(job.kind, 'profile');
    assert.deepEqual(harness.sandbox.ledger().profiles.get(id)?.attributes, { later: true });
  });

  test('the accuracy rate is what came of all that were finished', async () => {
    const { accuracyRate } = (await send(patch({ a: 1 }))).json<Enriched>();
    assert.ok(accuracyRate < 100 && accuracyRate > 0, String(accuracyRate));
    assert.equal(Math.round(accuracyRate * 100) / 100, accuracyRate);
    const metrics = (await harness.send('GET', '/metrics', { headers: { accept: 'application/json' } })).json<{ accuracy_rate: number }>();
    assert.equal(metrics.accuracy_rate, accuracyRate);
  });
});

describe('the limit on updates of one profile', () => {
  let harness: TenantHarness;
  before(async () => {
    harness = await startWithTenant({ CXONE_OBJECT_BURST: '2', CXONE_OBJECT_PER_MINUTE: '30' });
  });
  after(() => harness.close());

  test('keeps what is over it, spends no attempt on it, and holds up no other profile', async () => {
    const id = randomUUID();
    const send = (profile: string, score: number): Promise<Answer> =>
      harness.send('POST', `/profiles/${profile}/enrich`, { body: { attributes: { score }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' } });
    const statuses = [];
    for (const score of [1, 2, 3]) statuses.push((await send(id, score)).status);
    assert.deepEqual(statuses, [200, 200, 202]);
    assert.equal((await send(randomUUID(), 1)).status, 200);
    await askUntil(() => harness.send('GET', '/admin/queue'), (answer) => answer.json<{ patches_waiting: number }>().patches_waiting === 0);
    assert.deepEqual(harness.sandbox.ledger().profiles.get(id)?.attributes, { score: 3 });
    assert.equal(harness.sandbox.stats().calls['patch']?.['200'], 4);
  });
});
