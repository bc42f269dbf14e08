import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { AnswerMetrics } from '../domain/ports/intake-store.ts';
import type { StoreStats } from '../domain/ports/store.ts';

const CALL_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15];
const MERGE_BUCKETS_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

/**
 * What a label can say, where that is known: each is counted from 0. A sample that comes to be with its first event
 * shows no increase, and an alarm on it stays silent.
 */
const KNOWN = {
  contacts: ['accepted', 'duplicate', 'rejected', 'submitted', 'confirmed', 'unconfirmed', 'unchanged', 'set_aside'],
  exports: ['delivered', 'failed', 'cancelled'],
  webhooks: ['confirmed', 'stored', 'duplicate', 'ignored', 'refused'],
  refusals: ['unauthorized', 'forbidden'],
  apis: ['contacts', 'profiles'],
} as const;

/** What `GET /metrics` says as JSON. */
export type MetricsSummary = AnswerMetrics & {
  accuracy_rate: number;
  queue_depth: number;
  in_flight: number;
  submitted: number;
  unconfirmed: number;
  dead_letters: number;
  exports_waiting: number;
};

/** Every number this service shows, under names that dashboards rely on. Labels hold words, never data. */
export class Metrics {
  readonly registry = new Registry();
  readonly #totals = { processed: 0, duplicates: 0, failedExports: 0, calls: 0, callMs: 0, enriched: 0, enrichmentsFinished: 0 };

  readonly contacts = this.#counter('enricher_contacts_total', 'Contacts by what became of them.', ['outcome'], KNOWN.contacts);
  readonly requests = this.#counter('enricher_cxone_requests_total', 'Calls to CXone by answer; status none: no answer came.', ['api', 'status']);
  readonly exports = this.#counter('enricher_exports_total', 'Contacts exported to marketing, by outcome.', ['outcome'], KNOWN.exports);
  readonly webhooks = this.#counter('enricher_webhooks_total', 'Webhooks received, by outcome.', ['outcome'], KNOWN.webhooks);
  readonly refusedCallers = this.#counter('enricher_callers_refused_total', 'Requests refused for want of an API key or of its scope.', ['code'], KNOWN.refusals);
  readonly auditEntries = this.#counter('enricher_audit_entries_total', 'Entries committed to the audit trail.', ['action']);
  readonly callSeconds = new Histogram({
    name: 'enricher_cxone_request_duration_seconds',
    help: 'Time from sending a request to CXone to the end of its answer.',
    labelNames: ['api'],
    buckets: CALL_BUCKETS_SECONDS,
    registers: [this.registry],
  });
  readonly mergeSeconds = new Histogram({
    name: 'enricher_merge_latency_seconds',
    help: 'Time from accepting a contact to its confirmation by CXone.',
    buckets: MERGE_BUCKETS_SECONDS,
    registers: [this.registry],
  });
  readonly queueDepth = this.#gauge('enricher_queue_depth', 'Contacts that wait or are being sent.');
  readonly queueOldest = this.#gauge('enricher_queue_oldest_seconds', 'Age of the oldest contact that waits.');
  readonly budgetTokens = this.#gauge('enricher_rate_budget_tokens', 'Requests for which the current window still has room.');
  readonly deadLetters = this.#gauge('enricher_dead_letters', 'Contacts and patches that are set aside.');
  readonly unconfirmed = this.#gauge('enricher_unconfirmed', 'Contacts submitted without a confirmation in time.');
  readonly auditIntegrity = this.#gauge('enricher_audit_integrity', '0 once the audit trail is found not to be what was signed before.', 1);
  readonly checkpointSize = this.#gauge('enricher_audit_checkpoint_size', 'Entries that the newest signed checkpoint covers.');
  readonly anchoredSize = new Gauge({ name: 'enricher_audit_anchored_size', help: 'Entries covered by the newest checkpoint that a place outside has.', labelNames: ['place'], registers: [this.registry] });
  readonly breakerOpen = new Gauge({ name: 'enricher_breaker_open', help: '1 while an API is left alone.', labelNames: ['api'], registers: [this.registry] });

  constructor() {
    for (const api of KNOWN.apis) this.breakerOpen.set({ api }, 0);
  }

  countCall(api: string, status: number | null, seconds: number): void {
    this.requests.inc({ api, status: status === null ? 'none' : String(status) });
    this.callSeconds.observe({ api }, seconds);
    this.#totals.calls += 1;
    this.#totals.callMs += seconds * 1000;
  }

  countContacts(outcome: string, count: number): void {
    if (count > 0) this.contacts.inc({ outcome }, count);
    if (outcome === 'accepted' || outcome === 'duplicate') this.#totals.processed += count;
    if (outcome === 'duplicate') this.#totals.duplicates += count;
  }

  countExports(outcome: 'delivered' | 'failed' | 'cancelled', count: number): void {
    this.exports.inc({ outcome }, count);
    if (outcome === 'failed') this.#totals.failedExports += count;
  }

  countEnrichment(succeeded: boolean): void {
    this.#totals.enrichmentsFinished += 1;
    if (succeeded) this.#totals.enriched += 1;
  }

  /** Confirmed successes by finished enrichments, per cent, two decimals; 100 before the first has finished. */
  get accuracyRate(): number {
    const { enriched, enrichmentsFinished } = this.#totals;
    return enrichmentsFinished === 0 ? 100 : Math.round((enriched / enrichmentsFinished) * 10_000) / 100;
  }

  answerMetrics(): AnswerMetrics {
    const { processed, duplicates, failedExports, calls, callMs } = this.#totals;
    return {
      total_processed: processed,
      total_duplicates: duplicates,
      avg_latency_ms: calls === 0 ? 0 : Math.round((callMs / calls) * 100) / 100,
      failed_exports: failedExports,
    };
  }

  /** Brings the gauges up to date; to be called before they are read. */
  observe(stats: StoreStats, budgetTokens: number, now: number): void {
    this.queueDepth.set(stats.waiting + stats.inFlight);
    this.queueOldest.set(stats.oldestWaitingSince === null ? 0 : Math.max(0, (now - stats.oldestWaitingSince) / 1000));
    this.budgetTokens.set(budgetTokens);
    this.deadLetters.set(stats.deadLetters);
    this.unconfirmed.set(stats.unconfirmed);
  }

  summary(stats: StoreStats): MetricsSummary {
    return {
      ...this.answerMetrics(),
      accuracy_rate: this.accuracyRate,
      queue_depth: stats.waiting + stats.inFlight,
      in_flight: stats.inFlight,
      submitted: stats.submitted,
      unconfirmed: stats.unconfirmed,
      dead_letters: stats.deadLetters,
      exports_waiting: stats.exportsWaiting,
    };
  }

  #counter<T extends string>(name: string, help: string, labelNames: [T, ...T[]], known: readonly string[] = []): Counter<T> {
    const counter = new Counter({ name, help, labelNames, registers: [this.registry] });
    for (const word of known) counter.labels(word).inc(0);
    return counter;
  }

  #gauge(name: string, help: string, value = 0): Gauge {
    const gauge = new Gauge({ name, help, registers: [this.registry] });
    gauge.set(value);
    return gauge;
  }
}
