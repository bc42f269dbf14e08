/**
 * A sum over references (hash, sequence) that does not depend on their order, so that an index in the order of its
 * hashes can be held against entries in the order of their sequences without sorting either. Each reference is mixed
 * with a seed that is new for each comparison: who changes the index cannot know what would leave the sum as it was.
 */
export type RefSum = { rows: number; low: number; high: number };
/** Two numbers of 32 bits, from dice. */
export type RefSeed = readonly [number, number];

export function emptySum(): RefSum {
  return { rows: 0, low: 0, high: 0 };
}

/** Adds one reference. @param ref at least 16 bytes. */
export function addRef(sum: RefSum, ref: Uint8Array, sequence: number, [low, high]: RefSeed): void {
  sum.rows += 1;
  sum.low = (sum.low + mixed(ref, sequence, low)) >>> 0;
  sum.high = (sum.high + mixed(ref, sequence, high)) >>> 0;
}

export function addSum(sum: RefSum, other: RefSum): void {
  sum.rows += other.rows;
  sum.low = (sum.low + other.low) >>> 0;
  sum.high = (sum.high + other.high) >>> 0;
}

export function isSameSum(left: RefSum, right: RefSum): boolean {
  return left.rows === right.rows && left.low === right.low && left.high === right.high;
}

/** MurmurHash3 (x86, 32 bits) over the words of the hash and the sequence. */
function mixed(ref: Uint8Array, sequence: number, seed: number): number {
  let state = seed;
  for (let at = 0; at < 16; at += 4) state = absorb(state, ref[at]! | (ref[at + 1]! << 8) | (ref[at + 2]! << 16) | (ref[at + 3]! << 24));
  state = absorb(state, sequence | 0);
  state = absorb(state, Math.floor(sequence / 2 ** 32));
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

function absorb(state: number, word: number): number {
  let scrambled = Math.imul(word, 0xcc9e2d51);
  scrambled = Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  const next = state ^ scrambled;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}
