import type { CallGate, Entry } from '../domain/delivery/call-gate.ts';
import { settleMergeOutcome } from '../domain/delivery/settlement.ts';
import type { RetryPolicy } from '../domain/delivery/retry-policy.ts';
import type { Clock, Random } from '../domain/ports/clock.ts';
import type { CxonePort } from '../domain/ports/cxone.ts';
import type { MergeChunk, MergeStore } from '../domain/ports/delivery-store.ts';
import { untilStored } from './until-stored.ts';

/** Merge calls in the air at once; at 100 a minute and 15 s a call more would only wait at CXone. */
const IN_FLIGHT_MAX = 32;
/** A lease outlives the call it is for. */
const LEASE_MARGIN_MS = 30_000;

export type DeliveryOptions = {
  store: MergeStore;
  cxone: CxonePort;
  gate: CallGate;
  clock: Clock;
  random: Random;
  retry: RetryPolicy;
  settings: { chunkSize: number; lingerMs: number; confirmation: 'webhook' | 'response'; callTimeoutMs: number };
  /** Asks for another run at a time, epoch ms. */
  schedule(dueAt: number): void;
  onError(error: unknown, where: string): void;
};

/**
 * Sends chunks to the merge API: as many as the budget allows now, each under its stored request id, and writes
 * what each answer meant. The store holds the queue; nothing is kept here but the calls in the air.
 */
export class DeliveryService {
  readonly #options: DeliveryOptions;
  readonly #calls = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  /** Starts every call that may go now, and schedules the next look. Runs never overlap: the queue sees to it. */
  async run(): Promise<void> {
    const { gate, clock } = this.#options;
    while (!this.#stopped && this.#calls.size < IN_FLIGHT_MAX) {
      const waitMs = gate.waitMs('contacts', 'bulk', clock.monotonic());
      if (waitMs > 0) {
        if (await this.#hasWork()) this.#options.schedule(clock.now() + waitMs);
        return;
      }
      const chunk = await this.#claim();
      if (chunk === null) return;
      const entry = gate.enter('contacts', 'bulk', clock.monotonic());
      if ('waitMs' in entry) {
        // A profile patch took the slot meanwhile: the chunk goes back, and as it is when its time comes.
        await this.#options.store.releaseMerge({ requestId: chunk.requestId, fence: chunk.fence, now: clock.now() });
        this.#options.schedule(clock.now() + entry.waitMs);
        return;
      }
      this.#track(this.#send(chunk, entry));
    }
  }

  /** No new calls; resolves when those in the air are settled. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#calls);
  }

  async #claim(): Promise<MergeChunk | null> {
    const { store, clock, settings, schedule } = this.#options;
    const now = clock.now();
    const { chunk, nextDueAt, lingering } = await store.claimMerge({
      now,
      limit: settings.chunkSize,
      leaseMs: settings.callTimeoutMs + LEASE_MARGIN_MS,
      lingerBefore: now - settings.lingerMs,
    });
    if (chunk === null) {
      if (lingering) schedule(now + Math.max(1, settings.lingerMs));
      if (nextDueAt !== null) schedule(nextDueAt);
    }
    return chunk;
  }

  async #hasWork(): Promise<boolean> {
    return (await this.#options.store.mergeWork({ now: this.#options.clock.now() })) !== null;
  }

  async #send(chunk: MergeChunk, entry: Entry): Promise<void> {
    const { store, cxone, gate, clock, settings, retry, random } = this.#options;
    const result = await cxone.merge(chunk.contacts, chunk.requestId);
    gate.leave(entry, result, clock.monotonic());
    const now = clock.now();
    const apiFreeAt = now + gate.waitMs('contacts', 'bulk', clock.monotonic());
    const settlement = settleMergeOutcome(result.outcome, chunk, { retry, random, apiFreeAt, now }, settings.confirmation === 'response');
    await untilStored(() => store.settleMerge({ requestId: chunk.requestId, fence: chunk.fence, now, latencyMs: result.latencyMs, status: result.status, settlement }));
    this.#options.schedule(settlement.kind === 'retry' ? settlement.dueAt : now);
  }

  #track(call: Promise<void>): void {
    const tracked = call
      .catch((error: unknown) => this.#options.onError(error, 'delivery'))
      .finally(() => this.#calls.delete(tracked));
    this.#calls.add(tracked);
  }
}
