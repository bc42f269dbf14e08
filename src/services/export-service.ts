import type { RetryPolicy } from '../domain/delivery/retry-policy.ts';
import { nextAttempt } from '../domain/delivery/retry-policy.ts';
import type { Clock, Random } from '../domain/ports/clock.ts';
import type { ExportOutcome, ExportPort } from '../domain/ports/export.ts';
import type { ExportLease, ExportSettlement, ExportStore } from '../domain/ports/delivery-store.ts';
import { untilStored } from './until-stored.ts';

/** People in one export message. */
const MESSAGE_MAX = 100;
/** A lease outlives the call it is for: until it ends, an erasure takes the message for one in the air. */
const LEASE_MARGIN_MS = 30_000;
/** A receiver may be down over a long weekend. */
const EXPORT_MAX_AGE_MS = 75 * 3_600_000;

export type ExportOptions = {
  store: ExportStore;
  exporter: ExportPort;
  clock: Clock;
  random: Random;
  retry: RetryPolicy;
  /** Limit of a whole call of the exporter. */
  callTimeoutMs: number;
  schedule(dueAt: number): void;
  events: { exportFailed(reason: string, retryAt: number | undefined): void };
  onError(error: unknown, where: string): void;
};

/**
 * Sends confirmed contacts on, from a queue of its own: a receiver that is down slows nothing else. One message
 * at a time, so that a person's newer export never overtakes an older one.
 */
export class ExportService {
  readonly #options: ExportOptions;
  #sending: Promise<void> | undefined;
  #stopped = false;

  constructor(options: ExportOptions) {
    this.#options = options;
  }

  /** Starts the next message unless one is in the air. */
  async run(): Promise<void> {
    const { store, clock, callTimeoutMs, schedule } = this.#options;
    if (this.#sending !== undefined || this.#stopped) return;
    const { lease, nextDueAt } = await store.claimExport({ now: clock.now(), limit: MESSAGE_MAX, leaseMs: callTimeoutMs + LEASE_MARGIN_MS });
    if (lease === null) {
      if (nextDueAt !== null) schedule(nextDueAt);
      return;
    }
    this.#sending = this.#send(lease)
      .catch((error: unknown) => this.#options.onError(error, 'exports'))
      .finally(() => {
        this.#sending = undefined;
        if (!this.#stopped) schedule(clock.now());
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#sending;
  }

  async #send(lease: ExportLease): Promise<void> {
    const { store, exporter, clock } = this.#options;
    const startedAt = clock.monotonic();
    const outcome = await exporter.send(lease.contacts, lease.messageId);
    const settlement = this.#settle(outcome, lease);
    await untilStored(() => store.settleExport({ messageId: lease.messageId, fence: lease.fence, now: clock.now(), latencyMs: clock.monotonic() - startedAt, settlement }));
  }

  #settle(outcome: ExportOutcome, lease: ExportLease): ExportSettlement {
    const { clock, random, retry, events } = this.#options;
    if (outcome.kind === 'delivered') return { kind: 'delivered' };
    if (outcome.kind === 'rejected') {
      events.exportFailed(outcome.reason, undefined);
      return { kind: 'set_aside', reason: outcome.reason };
    }
    const next = nextAttempt(
      {
        attempts: lease.attempts + 1,
        firstAttemptAt: lease.firstAttemptAt,
        now: clock.now(),
        ...(outcome.retryAfterMs === undefined ? {} : { retryAfterMs: outcome.retryAfterMs }),
      },
      { ...retry, maxAgeMs: Math.max(retry.maxAgeMs, EXPORT_MAX_AGE_MS) },
      random,
    );
    events.exportFailed(outcome.reason, next.kind === 'retry' ? next.dueAt : undefined);
    return next.kind === 'retry' ? { kind: 'retry', dueAt: next.dueAt, reason: outcome.reason } : { kind: 'set_aside', reason: outcome.reason };
  }
}
