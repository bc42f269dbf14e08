const BITS = 2 ** 24;
const PROBES = 4;

/**
 * Tells keys that surely are not in a set from those that may be (a Bloom filter, 2 MB). Of a million keys it takes two
 * in a thousand others for members. Keys are hashes as latin1 strings of 16 characters: three bytes of every four of
 * them are a place.
 */
export class KeySketch {
  readonly #bits = new Uint8Array(BITS / 8);
  #isEmpty = true;

  add(key: string): void {
    this.#isEmpty = false;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const place = placeOf(key, probe);
      this.#bits[place >>> 3]! |= 1 << (place & 7);
    }
  }

  mayHold(key: string): boolean {
    for (let probe = 0; probe < PROBES; probe += 1) {
      const place = placeOf(key, probe);
      if ((this.#bits[place >>> 3]! & (1 << (place & 7))) === 0) return false;
    }
    return true;
  }

  clear(): void {
    if (!this.#isEmpty) this.#bits.fill(0);
    this.#isEmpty = true;
  }
}

function placeOf(key: string, probe: number): number {
  const at = probe * 4;
  return key.charCodeAt(at) | (key.charCodeAt(at + 1) << 8) | (key.charCodeAt(at + 2) << 16);
}
