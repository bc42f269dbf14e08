import { append, consistencyRanges, copyRange, coverOf, inclusionRanges, isTreeSize, MerkleError } from './merkle.ts';
import type { GetNode, NodeAddress, Range, TreeNode } from './merkle.ts';

/**
 * What a store needs in order to keep the tree: which nodes to write, which to read before a proof can be built.
 * A store reads asynchronously and in one query, the tree functions read synchronously; so a store asks here for the
 * addresses, fetches them at once, and hands what it got to `nodeReader`. Each list is O(log size).
 */

/** The nodes to fetch for the range (and so the root) of the tree at `size`. @throws MerkleError `merkle_bad_size` */
export function rangeNodes(size: number): NodeAddress[] {
  if (!isTreeSize(size)) throw new MerkleError('merkle_bad_size', 'a tree size is a whole number from 0');
  return coverOf(0, size);
}

/** The nodes to fetch for `inclusionProof(index, size, …)`. @throws MerkleError `merkle_bad_size` */
export function inclusionNodes(index: number, size: number): NodeAddress[] {
  return inclusionRanges(index, size).flatMap(([begin, end]) => coverOf(begin, end));
}

/** The nodes to fetch for `consistencyProof(from, to, …)`. @throws MerkleError `merkle_bad_size` */
export function consistencyNodes(from: number, to: number): NodeAddress[] {
  return consistencyRanges(from, to).flatMap(([begin, end]) => coverOf(begin, end));
}

/** The range at `size`, from stored nodes: how appending goes on after a start, without a rebuild. */
export function rangeAt(size: number, getNode: GetNode): Range {
  return { size, hashes: rangeNodes(size).map(([level, index]) => getNode(level, index)) };
}

/** Reads from nodes that were fetched. The reader throws MerkleError `merkle_node_missing` for any other. */
export function nodeReader(nodes: Iterable<TreeNode>): GetNode {
  const hashes = new Map<string, Uint8Array>();
  for (const [level, index, hash] of nodes) hashes.set(`${level}/${index}`, hash);
  return (level, index) => {
    const hash = hashes.get(`${level}/${index}`);
    if (hash === undefined) throw new MerkleError('merkle_node_missing', `node ${index} of level ${level} is missing`);
    return hash;
  };
}

/**
 * The range after some more leaves, and every node to write with them (leaves included), in one go for a transaction.
 * The range given stays as it was: adopt the new one when the transaction has been committed.
 *
 * @throws MerkleError as `append`
 */
export function appendAll(range: Range, leafHashes: readonly Uint8Array[]): { range: Range; nodes: TreeNode[] } {
  const grown = copyRange(range);
  const nodes: TreeNode[] = [];
  for (const leaf of leafHashes) {
    nodes.push([0, grown.size, leaf], ...append(grown, leaf));
  }
  return { range: grown, nodes };
}
