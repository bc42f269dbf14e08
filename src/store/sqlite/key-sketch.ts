const PLACES = 2 ** 23;
const PROBES = 4;

/**
 * Tells what a key surely does not have from what it may have: a Bloom filter whose places hold a set of marks, bits of
 * one byte, instead of one (8 MB, touched as they are needed). Of 300,000 keys it takes one in a thousand others for
 * members. Keys are hashes as latin1 strings of 16 characters: three bytes of every four of them are a place.
 */
export class KeySketch {
  readonly #marks = new Uint8Array(PLACES);
  #isEmpty = true;

  add(key: string, marks: number): void {
    this.#isEmpty = false;
    for (let probe = 0; probe < PROBES; probe += 1) this.#marks[placeOf(key, probe)]! |= marks;
  }

  /** Those of the marks that the key may have. */
  marksOf(key: string, marks: number): number {
    let left = marks;
    for (let probe = 0; probe < PROBES && left !== 0; probe += 1) left &= this.#marks[placeOf(key, probe)]!;
    return left;
  }

  clear(): void {
    if (!this.#isEmpty) this.#marks.fill(0);
    this.#isEmpty = true;
  }
}

function placeOf(key: string, probe: number): number {
  const at = probe * 4;
  return (key.charCodeAt(at) | (key.charCodeAt(at + 1) << 8) | (key.charCodeAt(at + 2) << 16)) & (PLACES - 1);
}
