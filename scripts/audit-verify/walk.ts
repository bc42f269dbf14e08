import { checkEntry, isSequence, LineProblem, readLine, readPruned } from './entries.ts';
import type { CheckedEntry } from './entries.ts';
import { linesOf } from './lines.ts';
import { growTree } from './tree.ts';

/** Something wrong. `first` is the first bad sequence; with `last`, it lies somewhere from `first` to `last`. */
export type Finding = { what: string; first?: number; last?: number };

export type Walk = {
  /** The first sequence that the export holds: above 0 when a prefix was pruned. */
  start: number;
  /** One more than the last sequence that was found to be in order. */
  end: number;
  /** The recomputed root at each size that was asked for and reached. */
  roots: Map<number, Buffer>;
  /** What stopped the walk before the end of the file. */
  finding?: Finding;
};

/**
 * Reads an export once, from its first line: every entry must follow the one before it, and its leaf must be the one
 * recomputed from its fields. Stops at the first that does not. `sizes` are those at which the root is wanted;
 * `visit` sees each entry that is in order. Entries from `until` on are not read.
 */
export function walk(path: string, sizes: ReadonlySet<number>, visit: (entry: CheckedEntry) => void, until = Infinity): Walk {
  const largest = Math.max(0, ...sizes);
  const roots = new Map<number, Buffer>();
  let tree = growTree();
  let start = 0;
  let next = 0;
  const note = (): void => {
    if (tree.size === next && sizes.has(next)) roots.set(next, tree.root());
  };
  let isFirstLine = true;
  for (const line of linesOf(path)) {
    try {
      const fields = readLine(line);
      if (isFirstLine && fields.pruned !== undefined) {
        const pruned = readPruned(fields);
        tree = growTree(pruned.size, pruned.subtrees);
        start = pruned.size;
        next = start;
        note();
        isFirstLine = false;
        continue;
      }
      if (isFirstLine) note();
      isFirstLine = false;
      if (next >= until) return { start, end: next, roots };
      const { sequence } = fields;
      if (!isSequence(sequence)) throw new LineProblem('the entry has no sequence number');
      if (sequence !== next) return { start, end: next, roots, finding: explainOrder(path, next, sequence) };
      const entry = checkEntry(fields, sequence);
      if (next < largest) tree.add(entry.leaf);
      next += 1;
      note();
      visit(entry);
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error;
      return { start, end: next, roots, finding: { first: next, what: error.message } };
    }
  }
  if (isFirstLine) note();
  return { start, end: next, roots };
}

/** Why `found` stands where `expected` should. */
function explainOrder(path: string, expected: number, found: number): Finding {
  if (found < expected) return { first: found, what: `inserted or repeated: sequence ${found} comes a second time, where ${expected} should be` };
  const isLater = holds(path, expected);
  const what = isLater ? `out of order: sequence ${found} comes before ${expected}` : `deleted: sequence ${found} follows where ${expected} should be`;
  return { first: expected, what };
}

/** Whether any line of the export claims this sequence; it has only been missed so far, so it can only come later. */
function holds(path: string, sequence: number): boolean {
  for (const line of linesOf(path)) {
    try {
      if (readLine(line).sequence === sequence) return true;
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error;
    }
  }
  return false;
}
