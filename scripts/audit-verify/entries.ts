import { isUtf8 } from 'node:buffer';
import { canonicalText } from './canonical.ts';
import { hasDuplicateName } from './names.ts';
import { strictBase64 } from './note.ts';
import { subtreeCount } from './tree.ts';

/** An entry whose leaf has been recomputed from its own fields and is the leaf that the line states. */
export type CheckedEntry = { sequence: number; leaf: string; fields: Record<string, unknown> };
/** The statement that the first `size` entries are no longer kept: the roots of their complete subtrees. */
export type Pruned = { size: number; subtrees: Buffer[] };

/** What is wrong with a line, in words, without repeating any of its values. */
export class LineProblem extends Error {}

/** The JSON object of a line. Throws LineProblem. */
export function readLine(line: Buffer): Record<string, unknown> {
  if (!isUtf8(line)) throw new LineProblem('the line is not UTF-8');
  const text = line.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LineProblem('the line is not JSON (cut off, or edited)');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new LineProblem('the line is not a JSON object');
  // A text that JSON.stringify gives back unchanged cannot have had a name twice, so the slow search is for others.
  if (JSON.stringify(value) !== text && hasDuplicateName(text)) throw new LineProblem('a name occurs twice in one object');
  return value as Record<string, unknown>;
}

/** Whether a sequence number can be one. */
export function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Recomputes the leaf of an entry and compares it with what the line states. Throws LineProblem. */
export function checkEntry(fields: Record<string, unknown>, sequence: number): CheckedEntry {
  let leaf: string;
  try {
    leaf = canonicalText(fields, 'leaf');
  } catch (error) {
    throw new LineProblem(`edited: it has no canonical form (${error instanceof Error ? error.message : String(error)})`);
  }
  if (fields.leaf === undefined) throw new LineProblem('the line has no leaf');
  if (Buffer.from(leaf).toString('base64') !== fields.leaf) throw new LineProblem(`edited: ${differenceOf(fields)}`);
  return { sequence, leaf, fields };
}

/** Which fields of an entry are not what its leaf says. */
function differenceOf(fields: Record<string, unknown>): string {
  const bytes = strictBase64(fields.leaf);
  if (bytes === undefined) return 'its leaf is not base64';
  let stated: unknown;
  try {
    stated = JSON.parse(bytes.toString('utf8'));
  } catch {
    return 'its leaf is not the canonical JSON of an entry';
  }
  if (typeof stated !== 'object' || stated === null) return 'its leaf is not the canonical JSON of an entry';
  const { leaf: _, ...own } = fields;
  const named = stated as Record<string, unknown>;
  const names = [...new Set([...Object.keys(own), ...Object.keys(named)])];
  const different = names.filter((name) => spelling(own[name]) !== spelling(named[name]));
  return different.length === 0 ? 'its leaf is another spelling of its fields' : `${different.slice(0, 5).join(', ')} not as in its leaf`;
}

/** One text for each value, whatever the order of names in it; also for what has no canonical form. */
function spelling(value: unknown): string {
  try {
    return value === undefined ? 'absent' : canonicalText(value);
  } catch {
    return 'not canonical';
  }
}

/** Reads the statement of a pruned prefix: `{"pruned":{"size":n,"hashes":[base64, …]}}`. Throws LineProblem. */
export function readPruned(line: Record<string, unknown>): Pruned {
  const { size, hashes } = (line.pruned ?? {}) as Record<string, unknown>;
  const subtrees = Array.isArray(hashes) ? hashes.map(strictBase64) : [];
  const sound = isSequence(size) && Object.keys(line).length === 1 && subtrees.length === subtreeCount(size);
  if (!sound || !subtrees.every((subtree) => subtree?.length === 32)) {
    throw new LineProblem('the statement of the pruned entries is malformed');
  }
  return { size, subtrees: subtrees as Buffer[] };
}
