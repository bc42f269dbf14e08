import { randomFillSync, randomInt } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

const RANDOM_BYTES = 16;
const POOL_BYTES = 4096;
/** A count begins at random in the lower half, so that it does not run over within its millisecond. */
const COUNT_START_MAX = 2 ** 30;

/** UUIDv7 (RFC 9562, section 6.2, method 1) for given times, in order also within a millisecond; one system call for many. */
export class TimedIds {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #used = POOL_BYTES;
  #at = -1;
  #count = 0;

  /** @param at epoch ms; must not go backwards. */
  at(at: number): string {
    if (this.#used === POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const random = this.#pool.subarray(this.#used, (this.#used += RANDOM_BYTES));
    this.#count = at === this.#at ? this.#count + 1 : randomInt(COUNT_START_MAX);
    this.#at = at;
    return uuidv7({ random, msecs: at, seq: this.#count });
  }
}
