import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import type { AuditEntry } from '../../src/domain/audit/entry.ts';
import type { StoreStats } from '../../src/domain/ports/store.ts';
import { Events } from '../../src/telemetry/events.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';

const STATS: StoreStats = { waiting: 3, inFlight: 2, submitted: 5, unconfirmed: 1, deadLetters: 4, patchesWaiting: 0, exportsWaiting: 6, oldestWaitingSince: 1000 } as StoreStats;

async function value(metrics: Metrics, sample: string): Promise<number> {
  const line = (await metrics.registry.metrics()).split('\n').find((one) => one.startsWith(`${sample} `));
  return Number(line?.split(' ').at(-1));
}

describe('metrics', () => {
  test('the accuracy rate is 100 before anything has finished, and has two decimals', () => {
    const metrics = new Metrics();
    assert.equal(metrics.accuracyRate, 100);
    metrics.countEnrichment(true);
    metrics.countEnrichment(true);
    metrics.countEnrichment(false);
    assert.equal(metrics.accuracyRate, 66.67);
  });

  test('the accuracy rate stays within 0 and 100 and is what it says', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1 }), (outcomes) => {
        const metrics = new Metrics();
        for (const succeeded of outcomes) metrics.countEnrichment(succeeded);
        const exact = (outcomes.filter(Boolean).length / outcomes.length) * 100;
        return Math.abs(metrics.accuracyRate - exact) <= 0.005 + 1e-9 && metrics.accuracyRate >= 0 && metrics.accuracyRate <= 100;
      }),
    );
  });

  test('gauges show the store and the budget as they are', async () => {
    const metrics = new Metrics();
    metrics.observe(STATS, 42, 61_000);
    assert.deepEqual(await Promise.all(['enricher_queue_depth', 'enricher_queue_oldest_seconds', 'enricher_rate_budget_tokens', 'enricher_dead_letters', 'enricher_unconfirmed'].map((name) => value(metrics, name))), [5, 60, 42, 4, 1]);
    metrics.observe({ ...STATS, oldestWaitingSince: null }, 42, 61_000);
    assert.equal(await value(metrics, 'enricher_queue_oldest_seconds'), 0);
    metrics.observe({ ...STATS, oldestWaitingSince: 99_000 }, 42, 61_000);
    assert.equal(await value(metrics, 'enricher_queue_oldest_seconds'), 0, 'a clock that went back');
    assert.equal(metrics.summary(STATS).queue_depth, 5);
  });

  test('what an alarm may be set on is there from the start', async () => {
    const metrics = new Metrics();
    const samples = ['contacts_total{outcome="set_aside"}', 'exports_total{outcome="failed"}', 'webhooks_total{outcome="refused"}', 'callers_refused_total{code="unauthorized"}', 'breaker_open{api="profiles"}'];
    assert.deepEqual(await Promise.all(samples.map((sample) => value(metrics, `enricher_${sample}`))), [0, 0, 0, 0, 0]);
  });

  test('calls without an answer are counted as such', async () => {
    const metrics = new Metrics();
    metrics.countCall('contacts', null, 1.5);
    metrics.countCall('contacts', 202, 0.5);
    assert.equal(await value(metrics, 'enricher_cxone_requests_total{api="contacts",status="none"}'), 1);
    assert.equal(metrics.answerMetrics().avg_latency_ms, 1000);
  });
});

describe('what is counted of the audit trail', () => {
  const entry = (action: string, details: Record<string, unknown>): AuditEntry => ({ audit_id: 'a', sequence: 0, action, created_at: '2026-01-01T00:00:00.000Z', actor: 'x', details, privacy_compliance: {} }) as AuditEntry;
  const CASES: readonly [action: string, details: Record<string, unknown>, sample: string, by: number][] = [
    ['batch_submitted', { accepted: 5, duplicates: 2, rejected: 1 }, 'enricher_contacts_total{outcome="accepted"}', 5],
    ['batch_submitted', { accepted: 5, duplicates: 2, rejected: 1 }, 'enricher_contacts_total{outcome="duplicate"}', 2],
    ['batch_submitted', { accepted: 5, duplicates: 2, rejected: 1 }, 'enricher_contacts_total{outcome="rejected"}', 1],
    ['batch_delivered', { contacts: 50 }, 'enricher_contacts_total{outcome="submitted"}', 50],
    ['merge_confirmed', { contacts: 2, latency_ms: 1500 }, 'enricher_contacts_total{outcome="confirmed"}', 2],
    ['merge_confirmed', { contacts: 1, latency_ms: 1500 }, 'enricher_merge_latency_seconds_sum', 1.5],
    ['merge_unconfirmed', { contacts: 3 }, 'enricher_contacts_total{outcome="unconfirmed"}', 3],
    ['contact_unchanged', { contacts: 4 }, 'enricher_contacts_total{outcome="unchanged"}', 4],
    ['dead_lettered', {}, 'enricher_contacts_total{outcome="set_aside"}', 1],
    ['dead_lettered', { recipient: 'marketing', contacts: 7 }, 'enricher_exports_total{outcome="failed"}', 7],
    ['export_delivered', { contacts: 9 }, 'enricher_exports_total{outcome="delivered"}', 9],
    ['export_cancelled', {}, 'enricher_exports_total{outcome="cancelled"}', 1],
    ['config_loaded', {}, 'enricher_audit_entries_total{action="config_loaded"}', 1],
  ];
  for (const [action, details, sample, by] of CASES) {
    test(`${action} ${JSON.stringify(details)} moves ${sample} by ${by}`, async () => {
      const metrics = new Metrics();
      const silent = pino({ level: 'silent' });
      const events = new Events({ app: silent, audit: silent, entries: () => undefined }, metrics);
      events.committed([entry(action, details)]);
      events.committed([entry(action, details)]);
      assert.equal(await value(metrics, sample), by * 2);
    });
  }

  test('numbers that are none count as nothing', async () => {
    const metrics = new Metrics();
    const silent = pino({ level: 'silent' });
    new Events({ app: silent, audit: silent, entries: () => undefined }, metrics).committed([entry('batch_submitted', { accepted: '5', duplicates: null })]);
    assert.deepEqual(metrics.answerMetrics(), { total_processed: 0, total_duplicates: 0, avg_latency_ms: 0, failed_exports: 0 });
  });
});
