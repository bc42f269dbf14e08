import { createHash } from 'node:crypto';

/** The tree of RFC 9162, section 2.1, by its definitions: slow, and so plain that it can be read beside the text. */
export class MerkleTree {
  readonly #leaves: readonly Buffer[];

  constructor(leaves: readonly Buffer[]) {
    this.#leaves = leaves;
  }

  /** MTH(D[n]). */
  root(leaves: readonly Buffer[] = this.#leaves): Buffer {
    const [only] = leaves;
    if (only === undefined) return sha256();
    if (leaves.length === 1) return sha256(Buffer.from([0]), only);
    const k = split(leaves.length);
    return sha256(Buffer.from([1]), this.root(leaves.slice(0, k)), this.root(leaves.slice(k)));
  }

  /** PATH(m, D[n]). */
  inclusion(m: number, leaves: readonly Buffer[] = this.#leaves): Buffer[] {
    if (leaves.length <= 1) return [];
    const k = split(leaves.length);
    if (m < k) return [...this.inclusion(m, leaves.slice(0, k)), this.root(leaves.slice(k))];
    return [...this.inclusion(m - k, leaves.slice(k)), this.root(leaves.slice(0, k))];
  }
}

/** The largest power of two below n. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

function sha256(...parts: readonly Buffer[]): Buffer {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
}
