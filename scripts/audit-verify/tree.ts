import { hash } from 'node:crypto';

/** The Merkle tree of RFC 9162 for a reader: leaves go in one by one, the root can be asked for at any time. */
export type Tree = {
  readonly size: number;
  add(leaf: string): void;
  root(): Buffer;
};

type Subtree = { width: number; hash: Buffer };

// The prefix 0x01 and two hashes; filled anew for each node.
const node = Buffer.alloc(65, 1);

function join(left: Buffer, right: Buffer): Buffer {
  // Hashes of another length can only come from a proof, and would move the second one.
  if (left.length !== 32 || right.length !== 32) throw new RangeError('a hash has 32 bytes');
  left.copy(node, 1);
  right.copy(node, 33);
  return hash('sha256', node, 'buffer');
}

/** A tree that begins with `size` leaves whose complete subtrees, largest first, have these roots. */
export function growTree(size = 0, subtrees: readonly Buffer[] = []): Tree {
  // The widths of the subtrees are the powers of two that `size` is the sum of; 1 is the last.
  const peaks: Subtree[] = [];
  let rest = size;
  for (const subtree of subtrees) {
    const width = powerOfTwoUpTo(rest);
    peaks.push({ width, hash: subtree });
    rest -= width;
  }
  return {
    get size() {
      return size;
    },
    add(leaf) {
      size += 1;
      let peak: Subtree = { width: 1, hash: hash('sha256', `\0${leaf}`, 'buffer') };
      while (peaks.at(-1)?.width === peak.width) {
        const left = peaks.pop();
        if (left !== undefined) peak = { width: peak.width * 2, hash: join(left.hash, peak.hash) };
      }
      peaks.push(peak);
    },
    root() {
      const last = peaks.at(-1);
      if (last === undefined) return hash('sha256', '', 'buffer');
      return peaks.slice(0, -1).reduceRight((right, left) => join(left.hash, right), last.hash);
    },
  };
}

/** The largest power of two that is not above `value`; exact also where a logarithm would round. */
function powerOfTwoUpTo(value: number): number {
  return 2 ** (value.toString(2).length - 1);
}

/** How many complete subtrees a tree of this size has: the ones in its binary form. */
export function subtreeCount(size: number): number {
  return [...size.toString(2)].filter((digit) => digit === '1').length;
}

/**
 * Whether a consistency proof leads from one tree head to another. It walks the proof the way RFC 9162 (section
 * 2.1.4.1) defines its making: by halves from the top, both roots rebuilt on the way back.
 */
export function isConsistent(from: number, fromRoot: Buffer, to: number, toRoot: Buffer, proof: readonly Buffer[]): boolean {
  if (from < 1 || from > to) return false;
  const rest = [...proof];
  const take = (): Buffer => {
    const next = rest.pop();
    if (next === undefined) throw new RangeError('the proof is too short');
    return next;
  };
  // Gives the old and the new root of the part of the tree that has `size` leaves, `old` of them old ones.
  const rebuild = (old: number, size: number, isWholeOldTree: boolean): [Buffer, Buffer] => {
    if (old === size) {
      const root = isWholeOldTree ? fromRoot : take();
      return [root, root];
    }
    const half = powerOfTwoUpTo(size - 1);
    const other = take();
    if (old <= half) {
      const [oldRoot, newRoot] = rebuild(old, half, isWholeOldTree);
      return [oldRoot, join(newRoot, other)];
    }
    const [oldRoot, newRoot] = rebuild(old - half, size - half, false);
    return [join(other, oldRoot), join(other, newRoot)];
  };
  try {
    const [oldRoot, newRoot] = rebuild(from, to, true);
    return rest.length === 0 && oldRoot.equals(fromRoot) && newRoot.equals(toRoot);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
