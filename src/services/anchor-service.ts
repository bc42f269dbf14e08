import { backoffMs } from '../domain/delivery/retry-policy.ts';
import type { AnchorPort, CheckpointStore, SignedHead } from '../domain/ports/checkpoints.ts';
import type { Clock, Random } from '../domain/ports/clock.ts';

const RETRY = { baseMs: 2000, maxMs: 300_000 } as const;

export type AnchorOptions = {
  store: Pick<CheckpointStore, 'checkpointState' | 'recordAnchor'>;
  anchors: readonly AnchorPort[];
  clock: Clock;
  random: Random;
  events: {
    checkpointAnchored(place: string, size: number): void;
    /** Told when a place begins to fail, not at each retry. */
    anchorFailed(place: string, reason: string): void;
  };
  onError(error: unknown, where: string): void;
  /** Asks for a run at a time, epoch ms. */
  schedule(at: number): void;
};

type Place = { port: AnchorPort; size: number; failures: number; dueAt: number; busy: Promise<void> | undefined };

/**
 * Takes checkpoints to places outside the data folder. Each place has its own pace: one that is down holds up nothing.
 * A newer checkpoint stands for those before it, since it is consistent with them, so a place that was away gets the
 * newest only.
 */
export class AnchorService {
  readonly #options: AnchorOptions;
  readonly #places: Place[];
  #newest: SignedHead | null = null;
  #stopped = false;

  constructor(options: AnchorOptions) {
    this.#options = options;
    this.#places = options.anchors.map((port) => ({ port, size: -1, failures: 0, dueAt: 0, busy: undefined }));
  }

  /** Picks up what a place had not taken yet when the process before this one ended. */
  async open(): Promise<void> {
    const { last, anchored } = await this.#options.store.checkpointState();
    for (const place of this.#places) place.size = anchored.find((known) => known.place === place.port.place)?.size ?? -1;
    if (last !== null) this.offer(last);
  }

  /** There is a new checkpoint. */
  offer(head: SignedHead): void {
    if (this.#newest !== null && head.size < this.#newest.size) return;
    this.#newest = head;
    if (this.#places.length > 0) this.#options.schedule(this.#options.clock.now());
  }

  /** Starts what is due and does not wait for it. */
  run(): Promise<void> {
    const now = this.#options.clock.now();
    for (const place of this.#places) {
      if (this.#stopped || place.busy !== undefined || this.#newest === null || place.size >= this.#newest.size) continue;
      if (place.dueAt > now) this.#options.schedule(place.dueAt);
      else this.#start(place, this.#newest);
    }
    return Promise.resolve();
  }

  /** Offers what is new a last time, gives it `graceMs` to arrive, and closes all places. */
  async stop(graceMs: number): Promise<void> {
    await this.run();
    this.#stopped = true;
    const close = (): Promise<unknown> => Promise.all(this.#places.map(({ port }) => port.close()));
    const cutOff = setTimeout(() => void close(), graceMs);
    await Promise.all(this.#places.map(({ busy }) => busy));
    clearTimeout(cutOff);
    await close();
  }

  #start(place: Place, head: SignedHead): void {
    place.busy = this.#put(place, head)
      .catch((error: unknown) => this.#options.onError(error, 'anchors'))
      .finally(() => {
        place.busy = undefined;
        if (!this.#stopped && this.#newest !== null && place.size < this.#newest.size) this.#options.schedule(Math.max(place.dueAt, this.#options.clock.now()));
      });
  }

  async #put(place: Place, head: SignedHead): Promise<void> {
    const { store, clock, random, events } = this.#options;
    try {
      await place.port.put(head.note);
    } catch (error) {
      place.failures += 1;
      place.dueAt = clock.now() + Math.ceil(backoffMs(place.failures, RETRY, random));
      if (place.failures === 1) events.anchorFailed(place.port.place, error instanceof Error ? error.message : 'unknown');
      return;
    }
    place.failures = 0;
    place.dueAt = 0;
    place.size = head.size;
    events.checkpointAnchored(place.port.place, head.size);
    await store.recordAnchor({ place: place.port.place, size: head.size, now: clock.now() });
  }
}
