import { hash as digest } from 'node:crypto';

/**
 * The Merkle tree of RFC 9162, section 2.1, over SHA-256.
 *
 * A node (level, index) is the root of the complete subtree over the leaves [index · 2^level, (index + 1) · 2^level):
 * once complete it never changes, so a store writes it once. Any tree head and any proof folds a few of those nodes.
 * Sizes go up to 2^53 - 1, hence arithmetic in place of bit operators, which stop at 32 bits.
 */

export const HASH_BYTES = 32;

/** The root of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = digest('sha256', '', 'buffer');

/** The state needed for appending: the roots of the complete subtrees that `size` leaves make, largest first. */
export type Range = { size: number; hashes: Uint8Array[] };
/** One complete subtree: its level (0 = leaf), its index in that level, its hash. */
export type TreeNode = readonly [level: number, index: number, hash: Uint8Array];
/** Where a complete subtree is. */
export type NodeAddress = readonly [level: number, index: number];
/** Reads one complete node; level 0 is the leaf hash of that sequence. */
export type GetNode = (level: number, index: number) => Uint8Array;

/** Asked for a proof that cannot exist, or for a range that is none: a mistake of the caller. */
export class MerkleError extends Error {
  readonly code: 'merkle_bad_size' | 'merkle_bad_hash' | 'merkle_node_missing';

  constructor(code: MerkleError['code'], message: string) {
    super(message);
    this.name = 'MerkleError';
    this.code = code;
  }
}

/** SHA-256(0x00 ‖ leaf). A string counts as its UTF-8 bytes, which saves the copy into a buffer. */
export function leafHash(leaf: string | Uint8Array): Uint8Array {
  if (typeof leaf === 'string') return digest('sha256', `\0${leaf}`, 'buffer');
  const bytes = Buffer.allocUnsafe(leaf.length + 1);
  bytes[0] = 0x00;
  bytes.set(leaf, 1);
  return digest('sha256', bytes, 'buffer');
}

// Hashing is synchronous, so one scratch buffer serves every node.
const scratch = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    return digest('sha256', Buffer.concat([Buffer.of(0x01), left, right]), 'buffer');
  }
  scratch.set(left, 1);
  scratch.set(right, 1 + HASH_BYTES);
  return digest('sha256', scratch, 'buffer');
}

/** The range of the tree without leaves. */
export function emptyRange(): Range {
  return { size: 0, hashes: [] };
}

/** A copy to append to, so that a transaction that fails leaves the original as it was. */
export function copyRange(range: Range): Range {
  return { size: range.size, hashes: [...range.hashes] };
}

/**
 * Adds one leaf to the range, in place, and gives the interior nodes that became complete by it, lowest first
 * (one an append on average; the leaf hash itself is not among them). Together they are all a store must keep.
 *
 * @throws MerkleError `merkle_bad_hash` unless the leaf hash has 32 bytes; `merkle_bad_size` beyond 2^53 - 1
 */
export function append(range: Range, leaf: Uint8Array): TreeNode[] {
  if (leaf.length !== HASH_BYTES) throw new MerkleError('merkle_bad_hash', 'a leaf hash has 32 bytes');
  if (range.size >= Number.MAX_SAFE_INTEGER) throw new MerkleError('merkle_bad_size', 'the tree is full');
  const completed: TreeNode[] = [];
  let hash = leaf;
  let level = 0;
  let index = range.size;
  while (index % 2 === 1) {
    const left = range.hashes.pop();
    if (left === undefined) throw new MerkleError('merkle_bad_size', 'the range has fewer hashes than its size says');
    hash = nodeHash(left, hash);
    level += 1;
    index = (index - 1) / 2;
    completed.push([level, index, hash]);
  }
  range.hashes.push(hash);
  range.size += 1;
  return completed;
}

/** The root hash of the tree that the range stands for (MTH of RFC 9162, section 2.1.1). */
export function rootOf(range: Range): Uint8Array {
  return range.hashes.length === 0 ? EMPTY_ROOT : fold(range.hashes);
}

function fold(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** Whether a value can be the size of a tree. */
export function isTreeSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}

/** The complete subtrees that cover the leaves [begin, end), left to right; `begin` must be where such a subtree can start. */
export function coverOf(begin: number, end: number): NodeAddress[] {
  const cover: NodeAddress[] = [];
  let start = begin;
  while (start < end) {
    let level = 0;
    let width = 1;
    while (start % (width * 2) === 0 && start + width * 2 <= end) {
      width *= 2;
      level += 1;
    }
    cover.push([level, start / width]);
    start += width;
  }
  return cover;
}

/** The largest power of two below `size` (k of RFC 9162); `size` is at least 2. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

type Leaves = readonly [begin: number, end: number];

/**
 * The leaf ranges whose roots make the inclusion proof of leaf `index` in the tree of `size`, in the order of the proof
 * (RFC 9162, section 2.1.3.1).
 *
 * @throws MerkleError `merkle_bad_size` unless 0 ≤ index < size
 */
export function inclusionRanges(index: number, size: number): Leaves[] {
  if (!isTreeSize(size) || !isTreeSize(index) || index >= size) {
    throw new MerkleError('merkle_bad_size', 'an inclusion proof needs 0 <= index < size');
  }
  const path: Leaves[] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin);
    if (index < middle) {
      path.push([middle, end]);
      end = middle;
    } else {
      path.push([begin, middle]);
      begin = middle;
    }
  }
  return path.reverse();
}

/**
 * The leaf ranges whose roots make the consistency proof between two sizes, in the order of the proof
 * (RFC 9162, section 2.1.4.1). Equal sizes need no hash.
 *
 * @throws MerkleError `merkle_bad_size` unless 0 < from ≤ to: nothing can be inconsistent with an empty tree
 */
export function consistencyRanges(from: number, to: number): Leaves[] {
  if (!isTreeSize(from) || !isTreeSize(to) || from === 0 || from > to) {
    throw new MerkleError('merkle_bad_size', 'a consistency proof needs 0 < from <= to');
  }
  const path: Leaves[] = [];
  let begin = 0;
  let end = to;
  while (from !== end) {
    const middle = begin + splitOf(end - begin);
    if (from <= middle) {
      path.push([middle, end]);
      end = middle;
    } else {
      path.push([begin, middle]);
      begin = middle;
    }
  }
  // The old tree's own root is known to the verifier; what remains of it on the right is not.
  if (begin > 0) path.push([begin, end]);
  return path.reverse();
}

function rootsOf(ranges: readonly Leaves[], getNode: GetNode): Uint8Array[] {
  return ranges.map(([begin, end]) => fold(coverOf(begin, end).map(([level, index]) => getNode(level, index))));
}

/** The inclusion proof of leaf `index` in the tree of `size`. @throws as `inclusionRanges` */
export function inclusionProof(index: number, size: number, getNode: GetNode): Uint8Array[] {
  return rootsOf(inclusionRanges(index, size), getNode);
}

/** The consistency proof from the tree of size `from` to that of size `to`. @throws as `consistencyRanges` */
export function consistencyProof(from: number, to: number, getNode: GetNode): Uint8Array[] {
  return rootsOf(consistencyRanges(from, to), getNode);
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES);
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

export type InclusionClaim = { leafHash: Uint8Array; index: number; size: number; root: Uint8Array; proof: readonly Uint8Array[] };

/** Whether the proof shows that the leaf is in the tree with that root (RFC 9162, section 2.1.3.2). Each hash has 32 bytes. */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { index, size, root, proof } = claim;
  if (!isTreeSize(size) || !isTreeSize(index) || index >= size) return false;
  if (!areHashes([claim.leafHash, root, ...proof])) return false;
  let node = index;
  let last = size - 1;
  let hash = claim.leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equal(hash, root);
}

export type ConsistencyClaim = { from: number; to: number; fromRoot: Uint8Array; toRoot: Uint8Array; proof: readonly Uint8Array[] };

/**
 * Whether the proof shows that the tree `to` begins with the tree `from` (RFC 9162, section 2.1.4.2).
 * An empty first tree is refused, also against itself: it says nothing about the second, so a caller without an
 * earlier tree head must decide that case itself. Equal sizes take no proof: their roots are compared byte by byte.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { from, to, fromRoot, toRoot, proof } = claim;
  if (!isTreeSize(from) || !isTreeSize(to) || from === 0 || from > to) return false;
  if (from === to) return proof.length === 0 && equal(fromRoot, toRoot);
  if (!areHashes([fromRoot, toRoot, ...proof])) return false;
  let node = from - 1;
  let last = to - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  // A power of two: the old root is itself the first node, and not part of the proof.
  const path = node === 0 ? [fromRoot, ...proof] : proof;
  const first = path[0];
  if (first === undefined) return false;
  let oldHash = first;
  let newHash = first;
  for (const sibling of path.slice(1)) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equal(oldHash, fromRoot) && equal(newHash, toRoot);
}
