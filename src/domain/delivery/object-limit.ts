/** So many objects are watched at once; beyond it the one that was touched longest ago is let go. */
const MAX_OBJECTS = 100_000;

/**
 * A second limit, on the updates of one object: `burst` at once, refilled at `perMinute`.
 * One number an object is kept: when its allowance will be full again (the generic cell rate algorithm, ITU-T I.371).
 */
export class ObjectLimit {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  readonly #maxObjects: number;
  readonly #fullAt = new Map<string, number>();

  /** @throws RangeError for a burst below 1 or a rate that is not positive. */
  constructor(options: { burst: number; perMinute: number; maxObjects?: number }) {
    const { burst, perMinute, maxObjects = MAX_OBJECTS } = options;
    if (!Number.isFinite(burst) || burst < 1) throw new RangeError('burst must be at least 1');
    if (!Number.isFinite(perMinute) || perMinute <= 0) throw new RangeError('perMinute must be positive');
    this.#intervalMs = 60_000 / perMinute;
    this.#burstMs = burst * this.#intervalMs;
    this.#maxObjects = maxObjects;
  }

  /** Takes one update of the object, or says in how many whole ms there is one. `now` is monotonic ms. */
  tryAcquire(key: string, now: number): { ok: true } | { ok: false; waitMs: number } {
    const fullAt = Math.max(this.#fullAt.get(key) ?? now, now) + this.#intervalMs;
    const over = fullAt - now - this.#burstMs;
    // The sum of many intervals may miss the burst by a rounding error.
    if (over > 1e-6) return { ok: false, waitMs: Math.ceil(over) };
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt);
    if (this.#fullAt.size > this.#maxObjects) this.#letGo(now);
    return { ok: true };
  }

  get size(): number {
    return this.#fullAt.size;
  }

  #letGo(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key);
    for (const key of this.#fullAt.keys()) {
      if (this.#fullAt.size <= this.#maxObjects) return;
      this.#fullAt.delete(key);
    }
  }
}
