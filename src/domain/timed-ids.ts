const ID_BYTES = 16;
/** Random bytes of an id: those behind the count. */
const RANDOM_BYTES = 6;
const COUNT_BYTES = 4;
const TIME_BYTES = 6;
const POOL_BYTES = 4096;
/** A count begins at random in the lower half, so that it does not run over within its millisecond. */
const COUNT_START_MAX = 2 ** 30;

/**
 * UUIDv7 (RFC 9562, section 6.2, method 1) for given times: in order where the times are, also within a millisecond.
 * Random bytes are fetched for many at once: a system call for each id costs more than all the rest of it.
 */
export class TimedIds {
  readonly #fill: (bytes: Uint8Array) => void;
  readonly #pool = Buffer.alloc(POOL_BYTES);
  readonly #id = Buffer.alloc(ID_BYTES);
  #used = POOL_BYTES;
  #at = -1;
  #count = 0;

  /** @param fill writes random bytes of a cryptographic generator over all that it is given. */
  constructor(fill: (bytes: Uint8Array) => void) {
    this.#fill = fill;
  }

  /** @param at epoch ms. */
  at(at: number): string {
    const id = this.#id;
    const count = this.#nextCount(at);
    const random = this.#take(RANDOM_BYTES);
    id.writeUIntBE(at, 0, TIME_BYTES);
    // Version 7 and 12 bits of the count, the variant and 14 more, the last 6 with the first 2 random bits.
    id[6] = 0x70 | (count >>> 28);
    id[7] = count >>> 20;
    id[8] = 0x80 | ((count >>> 14) & 0x3f);
    id[9] = count >>> 6;
    id[10] = ((count & 0x3f) << 2) | ((this.#pool[random] ?? 0) & 0x03);
    this.#pool.copy(id, 11, random + 1, random + RANDOM_BYTES);
    const hex = id.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  #nextCount(at: number): number {
    this.#count = at === this.#at ? this.#count + 1 : this.#pool.readUInt32BE(this.#take(COUNT_BYTES)) % COUNT_START_MAX;
    this.#at = at;
    return this.#count;
  }

  /** Where so many bytes are that nobody was given before. */
  #take(bytes: number): number {
    if (this.#used + bytes > POOL_BYTES) {
      this.#fill(this.#pool);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += bytes;
    return at;
  }
}
