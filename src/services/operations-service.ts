import type { CallGate, GateView } from '../domain/delivery/call-gate.ts';
import { estimatedSeconds, requestsNeeded } from '../domain/delivery/estimate.ts';
import type { Clock } from '../domain/ports/clock.ts';
import type { Api } from '../domain/ports/cxone.ts';
import type { WorkAhead } from '../domain/ports/delivery-store.ts';
import type { JobView, Requester } from '../domain/ports/record-store.ts';
import type { Store, StoreStats } from '../domain/ports/store.ts';

export type QueueState = { stats: StoreStats; gate: GateView; blockedForMs: number; oldestWaitingSeconds: number; estimatedSeconds: number; nextAttemptAt: number | null };

export type OperationsOptions = {
  store: Pick<Store, 'stats' | 'mergeWork' | 'workAhead' | 'appendAudit'>;
  gate: CallGate;
  clock: Clock;
  chunkSize: number;
  lingerMs: number;
  onResumed(): void;
};

/** What operators ask and do: how it stands, pause, resume. */
export class OperationsService {
  readonly #options: OperationsOptions;

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  gate(): GateView {
    return this.#options.gate.view(this.#options.clock.monotonic());
  }

  stats(): Promise<StoreStats> {
    return this.#options.store.stats();
  }

  now(): number {
    return this.#options.clock.now();
  }

  /** What waits, why, and when it goes. */
  async queue(): Promise<QueueState> {
    const { store, clock } = this.#options;
    const [stats, nextAttemptAt] = [await store.stats(), await store.mergeWork({ now: clock.now() })];
    const gate = this.gate();
    return {
      stats,
      gate,
      blockedForMs: Math.max(0, (gate.budget.blockedUntil ?? 0) - clock.monotonic()),
      oldestWaitingSeconds: stats.oldestWaitingSince === null ? 0 : Math.max(0, (clock.now() - stats.oldestWaitingSince) / 1000),
      estimatedSeconds: this.#estimate(await store.workAhead({ now: clock.now() })),
      nextAttemptAt,
    };
  }

  /** Seconds until `more` people would be sent behind all that waits now, if nothing fails. */
  async estimateFor(more: number): Promise<{ requestsNeeded: number; estimatedSeconds: number }> {
    const ahead = await this.#options.store.workAhead({ now: this.now() });
    return { requestsNeeded: requestsNeeded(more, this.#options.chunkSize), estimatedSeconds: this.#estimate({ ...ahead, people: ahead.people + more }) };
  }

  /** Seconds until the answer to the last call of a job, if nothing fails. */
  async estimateJob({ jobId, kind }: Pick<JobView, 'jobId' | 'kind'>): Promise<number> {
    const ahead = await this.#options.store.workAhead({ jobId, now: this.now() });
    if (kind === 'merge') return this.#estimate(ahead);
    const { budget, interactiveShare } = this.gate();
    const merges = ahead.people + ahead.chunks > 0 ? (1 - interactiveShare) * budget.limit : 0;
    return this.#estimate({ people: 0, chunks: 0, profiles: Math.max(1, ahead.profiles) }, merges);
  }

  /** `otherPerWindow`: calls that go to others meanwhile. Patches go on coming as they do, but get no more than their share. */
  #estimate(ahead: WorkAhead, otherPerWindow?: number): number {
    const { clock, chunkSize, lingerMs } = this.#options;
    const { budget, interactivePerWindow, interactiveShare, latencyMs } = this.gate();
    return estimatedSeconds({
      waitingPeople: ahead.people,
      chunkSize,
      waitingCalls: ahead.chunks + ahead.profiles,
      budget,
      now: clock.monotonic(),
      latencyMs,
      lingerMs,
      otherPerWindow: otherPerWindow ?? Math.min(interactivePerWindow, interactiveShare * budget.limit),
    });
  }

  async pause(apis: readonly Api[], by: Requester): Promise<void> {
    for (const api of apis) this.#options.gate.pause(api);
    await this.#leave('pause', apis, by);
  }

  async resume(apis: readonly Api[], by: Requester): Promise<void> {
    for (const api of apis) this.#options.gate.resume(api);
    await this.#leave('resume', apis, by);
    this.#options.onResumed();
  }

  async #leave(what: 'pause' | 'resume', apis: readonly Api[], by: Requester): Promise<void> {
    const asked = by.requestId === undefined ? {} : { request_id: by.requestId };
    const draft = { action: 'admin_action' as const, actor: by.actor, ...asked, details: { what, apis: [...apis] }, privacy_compliance: {} };
    await this.#options.store.appendAudit({ drafts: [draft], now: this.#options.clock.now() });
  }
}
