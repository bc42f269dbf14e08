import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertProblem, contact, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { askUntil, startWithTenant } from './tenant.ts';
import type { TenantHarness } from './tenant.ts';

/** Names that dashboards rely on, with a label that each must have. */
const PROMISED: Readonly<Record<string, string | undefined>> = {
  enricher_contacts_total: 'outcome',
  enricher_cxone_requests_total: 'api',
  enricher_cxone_request_duration_seconds_bucket: 'le',
  enricher_merge_latency_seconds_bucket: 'le',
  enricher_queue_depth: undefined,
  enricher_queue_oldest_seconds: undefined,
  enricher_rate_budget_tokens: undefined,
  enricher_dead_letters: undefined,
  enricher_exports_total: 'outcome',
  enricher_webhooks_total: 'outcome',
  enricher_audit_entries_total: 'action',
};

describe('GET /metrics', () => {
  let harness: TenantHarness;
  before(async () => {
    harness = await startWithTenant();
    const answer = await harness.batch([contact(1), contact(1), contact(2), {}]);
    const { job_id: id } = answer.json<{ job_id: string }>();
    await askUntil(async () => (await harness.send('GET', `/jobs/${id}`)).json<{ status: string }>(), ({ status }) => status === 'completed');
    await askUntil(async () => (await harness.send('GET', '/metrics')).text, (text) => text.includes('enricher_exports_total{outcome="delivered"} 2\n'));
  });
  after(() => harness.close());

  const samples = async (): Promise<Map<string, number>> => {
    const { text } = await harness.send('GET', '/metrics');
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  };

  test('is Prometheus text unless JSON is asked for', async () => {
    for (const accept of [undefined, '*/*', 'text/plain', 'text/html', 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5']) {
      const answer = await harness.send('GET', '/metrics', { headers: accept === undefined ? {} : { accept } });
      assert.match(answer.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
      assert.match(answer.text, /^# HELP /m);
    }
  });

  test('has every name that was promised, described and labelled', async () => {
    const { text } = await harness.send('GET', '/metrics');
    const found = await samples();
    for (const [name, label] of Object.entries(PROMISED)) {
      const family = name.replace(/_bucket$/, '');
      assert.match(text, new RegExp(`^# HELP ${family} \\S`, 'm'), name);
      assert.match(text, new RegExp(`^# TYPE ${family} (?:counter|gauge|histogram)$`, 'm'), name);
      const keys = [...found.keys()].filter((key) => key === name || key.startsWith(`${name}{`));
      assert.ok(keys.length > 0, name);
      if (label !== undefined) for (const key of keys) assert.ok(key.includes(`${label}="`), key);
    }
    for (const [key, value] of found) {
      assert.ok(key.startsWith('enricher_') && Number.isFinite(value), `${key} ${value}`);
      assert.doesNotMatch(key, /@|example|person/);
    }
  });

  test('counts what happened', async () => {
    const found = await samples();
    assert.deepEqual(
      ['accepted', 'duplicate', 'rejected', 'submitted', 'confirmed'].map((outcome) => found.get(`enricher_contacts_total{outcome="${outcome}"}`)),
      [2, 1, 1, 2, 2],
    );
    assert.equal(found.get('enricher_exports_total{outcome="delivered"}'), 2);
    assert.equal(found.get('enricher_queue_depth'), 0);
    assert.ok((found.get('enricher_cxone_requests_total{api="contacts",status="200"}') ?? 0) >= 1);
  });

  test('says the same as JSON', async () => {
    const answer = await harness.send('GET', '/metrics', { headers: { accept: 'application/json' } });
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
    const body = answer.json<Record<string, number>>();
    const { total_processed: processed, total_duplicates: duplicates, failed_exports: failed, accuracy_rate: accuracy, queue_depth: depth, dead_letters: dead } = body;
    assert.deepEqual({ processed, duplicates, failed, accuracy, depth, dead }, { processed: 3, duplicates: 1, failed: 0, accuracy: 100, depth: 0, dead: 0 });
    assert.ok((body['avg_latency_ms'] ?? 0) > 0);
  });

  test('is text for whoever likes text better', async () => {
    const answer = await harness.send('GET', '/metrics', { headers: { accept: 'text/plain, application/json;q=0.5' } });
    assert.match(answer.headers['content-type'] ?? '', /^text\/plain/);
  });
});

describe('health', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness();
  });
  after(() => harness.close());

  test('is live and ready while CXone is down', async () => {
    assert.deepEqual((await harness.send('GET', '/health/live', { key: null })).json(), { status: 'live' });
    const ready = await harness.send('GET', '/health/ready', { key: null });
    assert.equal(ready.status, 200);
    const body = ready.json<{ status: string; store: boolean; cxone: Record<string, { breaker: string; paused: boolean }> }>();
    assert.deepEqual([body.status, body.store], ['ready', true]);
    assert.deepEqual(Object.keys(body.cxone), ['contacts', 'profiles']);
  });

  test('the documentation is there to be read', async () => {
    const page = await harness.send('GET', '/docs/', { key: null });
    assert.equal(page.status, 200);
    assert.match(page.headers['content-type'] ?? '', /^text\/html/);
    assert.match(page.headers['content-security-policy'] ?? '', /default-src 'self'/);
  });
});

describe('pausing', () => {
  let harness: TenantHarness;
  before(async () => {
    harness = await startWithTenant();
  });
  after(() => harness.close());

  test('stops sending until it is resumed, is seen, and is audited', async () => {
    assert.deepEqual((await harness.send('POST', '/admin/pause?api=contacts', { key: 'admin' })).json(), { paused: ['contacts'] });
    const answer = await harness.batch([contact(1), contact(2)]);
    assert.equal(answer.status, 202);
    const { job_id: id } = answer.json<{ job_id: string }>();
    const queue = (await harness.send('GET', '/admin/queue', { key: 'admin' })).json<{ waiting: number; cxone: { contacts: { paused: boolean }; profiles: { paused: boolean } }; budget: { limit: number } }>();
    assert.equal(queue.waiting, 2);
    assert.deepEqual([queue.cxone.contacts.paused, queue.cxone.profiles.paused], [true, false]);
    assert.equal(queue.budget.limit, 60_000);
    assert.equal((await harness.send('GET', '/health/ready', { key: null })).json<{ cxone: { contacts: { paused: boolean } } }>().cxone.contacts.paused, true);
    assert.equal(harness.sandbox.stats().mergeCalls, 0);

    assert.deepEqual((await harness.send('POST', '/admin/resume', { key: 'admin' })).json(), { paused: [] });
    await askUntil(async () => (await harness.send('GET', `/jobs/${id}`)).json<{ status: string }>(), ({ status }) => status === 'completed');
    const actions = harness.auditLines().filter(({ action }) => action === 'admin_action');
    assert.deepEqual(actions.map(({ actor, details }) => [actor, (details as { what: string }).what]), [['admin', 'pause'], ['admin', 'resume']]);
  });

  test('an API that is none is not understood', async () => {
    assertProblem(await harness.send('POST', '/admin/pause?api=everything', { key: 'admin' }), 'invalid_request');
    assertProblem(await harness.send('POST', '/admin/pause?apis=profiles', { key: 'admin' }), 'invalid_request');
    assert.deepEqual((await harness.send('POST', '/admin/resume', { key: 'admin' })).json(), { paused: [] });
  });
});

test('callers who are refused are counted, and nothing else is kept of them', async () => {
  const harness = await startHarness();
  try {
    await harness.send('GET', '/jobs', { key: null });
    await harness.send('GET', '/jobs', { key: 'ingest' });
    const { text } = await harness.send('GET', '/metrics');
    assert.match(text, /^enricher_callers_refused_total\{code="unauthorized"\} 1$/m);
    assert.match(text, /^enricher_callers_refused_total\{code="forbidden"\} 1$/m);
  } finally {
    await harness.close();
  }
});
