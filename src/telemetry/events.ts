import type { AuditEntry } from '../domain/audit/entry.ts';
import type { BreakerChange } from '../domain/delivery/breaker.ts';
import type { SignedHead } from '../domain/ports/checkpoints.ts';
import { CodedError } from '../domain/errors.ts';
import type { Api, CallResult } from '../domain/ports/cxone.ts';
import type { Logs } from './logger.ts';
import type { Metrics } from './metrics.ts';

/**
 * What happens, said once: one method an event writes the log line and moves the counters. What is in the
 * audit trail is counted from the committed entry itself, so that the three cannot drift apart.
 */
export class Events {
  readonly #logs: Logs;
  readonly #metrics: Metrics;
  readonly #watchers: ((treeSize: number) => void)[] = [];

  constructor(logs: Logs, metrics: Metrics) {
    this.#logs = logs;
    this.#metrics = metrics;
  }

  /** Entries are on disk: each becomes one structured line, and counts. */
  committed(entries: readonly AuditEntry[]): void {
    this.#logs.entries(entries);
    for (const entry of entries) {
      this.#metrics.auditEntries.inc({ action: entry.action });
      this.#count(entry);
    }
    const newest = entries.at(-1);
    if (newest !== undefined) for (const watcher of this.#watchers) watcher(newest.sequence + 1);
  }

  /** Tells a watcher of the size of the audit tree whenever it has grown. */
  watchTrail(watcher: (treeSize: number) => void): void {
    this.#watchers.push(watcher);
  }

  /** The note goes to the log as well: whoever keeps the logs elsewhere keeps checkpoints there. */
  checkpointSigned({ size, note }: SignedHead): void {
    this.#metrics.checkpointSize.set(size);
    this.#logs.audit.info({ checkpoint: note, size }, 'checkpoint signed');
  }

  checkpointFileMissing(size: number): void {
    this.#logs.app.warn({ signed_size: size }, 'the checkpoint file beside the database is gone; only places outside can tell now whether the database was put back');
  }

  checkpointAnchored(place: string, size: number): void {
    this.#metrics.anchoredSize.set({ place }, size);
    this.#logs.app.debug({ place, size }, 'checkpoint anchored');
  }

  anchorFailed(place: string, reason: string): void {
    this.#logs.app.warn({ place, reason }, 'a checkpoint could not be anchored; trying again');
  }

  /** Said once: from here on nothing is signed until the trail is looked into. */
  integrityLost(fault: { reason: string; signed?: number; size?: number; sequence?: number }): void {
    const { reason, signed, size, sequence } = fault;
    this.#metrics.auditIntegrity.set(0);
    this.#logs.app.error({ audit_integrity: false, reason, signed_size: signed, size, sequence }, 'the audit trail is not what was signed before: no checkpoint is signed, nothing is repaired, work goes on');
  }

  called(result: CallResult): void {
    // A token that had expired cost a request of its own.
    if (result.requests === 2) this.#metrics.requests.inc({ api: result.api, status: '401' });
    if (result.requests > 0) this.#metrics.countCall(result.api, result.status, result.latencyMs / 1000);
    const { outcome } = result;
    const line = { api: result.api, operation: result.operation, status: result.status, outcome: outcome.kind, latency_ms: Math.round(result.latencyMs) };
    if ('reason' in outcome) this.#logs.app.warn({ ...line, reason: outcome.reason }, 'CXone call failed');
    else this.#logs.app.debug(line, 'CXone call');
  }

  /** One line when an API is left alone and one when it works again, not one a retry. */
  breakerChanged(api: Api, change: BreakerChange): void {
    this.#metrics.breakerOpen.set({ api }, change.to === 'open' ? 1 : 0);
    if (change.to === 'open') this.#logs.app.error({ api, reason: change.reason, failures: change.failures }, 'CXone is left alone; probing');
    else this.#logs.app.info({ api, open_for_ms: Math.round(change.openForMs) }, 'CXone works again');
  }

  /** One line when the storage fails and one when it works again. */
  storageChanged(change: 'failed' | 'recovered', reason: string): void {
    if (change === 'failed') this.#logs.app.error({ reason }, 'the storage failed; opening it anew');
    else this.#logs.app.info({ reason }, 'the storage works again');
  }

  webhookRegistered(api: Api, existed: boolean): void {
    this.#logs.app.info({ api, existed }, 'webhook registered');
  }

  webhookReceived(outcome: 'confirmed' | 'stored' | 'duplicate' | 'ignored' | 'refused', reason?: string): void {
    this.#metrics.webhooks.inc({ outcome });
    if (outcome === 'refused') this.#logs.app.debug({ reason }, 'webhook refused');
  }

  /** A caller without a key that counts; only the number is kept, so that guessing floods nothing. */
  callerRefused(code: 'unauthorized' | 'forbidden'): void {
    this.#metrics.refusedCallers.inc({ code });
  }

  exportFailed(reason: string, retryAt: number | undefined): void {
    this.#logs.app.warn({ reason, ...(retryAt === undefined ? {} : { retry_at: new Date(retryAt).toISOString() }) }, 'export failed');
  }

  failed(error: unknown, where: string): void {
    // That the storage is full or failing is known; it is no error of ours, and the work comes again.
    if (error instanceof CodedError && error.status === 503) {
      this.#logs.app.warn({ where, code: error.code }, 'put off');
      return;
    }
    const { name, message, stack } = error instanceof Error ? error : new Error('unknown');
    this.#logs.app.error({ where, error: name, message, stack }, 'unexpected error');
  }

  #count(entry: AuditEntry): void {
    const number = (name: string): number => (typeof entry.details[name] === 'number' ? entry.details[name] : 0);
    switch (entry.action) {
      case 'batch_submitted':
        this.#metrics.countContacts('accepted', number('accepted'));
        this.#metrics.countContacts('duplicate', number('duplicates'));
        this.#metrics.countContacts('rejected', number('rejected'));
        break;
      case 'batch_delivered':
        this.#metrics.countContacts('submitted', number('contacts'));
        break;
      case 'merge_confirmed':
        this.#metrics.countContacts('confirmed', number('contacts'));
        this.#metrics.mergeSeconds.observe(number('latency_ms') / 1000);
        break;
      case 'merge_unconfirmed':
        this.#metrics.countContacts('unconfirmed', number('contacts'));
        break;
      case 'contact_unchanged':
        this.#metrics.countContacts('unchanged', number('contacts'));
        break;
      case 'dead_lettered':
        if (entry.details['recipient'] === 'marketing') this.#metrics.countExports('failed', number('contacts'));
        else this.#metrics.countContacts('set_aside', 1);
        break;
      case 'export_delivered':
        this.#metrics.countExports('delivered', number('contacts'));
        break;
      case 'export_cancelled':
        this.#metrics.countExports('cancelled', 1);
        break;
      case 'PROFILE_ENRICHMENT':
        this.#metrics.countEnrichment(entry.details['result'] === 'SUCCESS');
        break;
      default:
    }
  }
}
