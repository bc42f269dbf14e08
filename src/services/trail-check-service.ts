import type { Checkpoint, VerifierKey } from '../domain/audit/checkpoint.ts';
import { readTrusted } from '../domain/audit/continuity.ts';
import { EMPTY_ROOT, HASH_BYTES, append, rootOf } from '../domain/audit/merkle.ts';
import type { Range } from '../domain/audit/merkle.ts';
import { CodedError } from '../domain/errors.ts';
import type { CheckpointStore, EntryCheck, SignedHead } from '../domain/ports/checkpoints.ts';

/** Entries recomputed at a stretch, a millisecond or so: nobody waits longer than that for the store. */
const SLICE = 128;

export type TrailReport = {
  ok: boolean;
  /** Of the tree when the check began. */
  size: number;
  root: Uint8Array;
  checked: number;
  /** The newest checkpoint, if there is one, and whether the entries lead to its root. */
  checkpoint?: { size: number; agrees: boolean };
  /** The first bad entry; with `lastBad` it lies somewhere between the two. */
  firstBad?: number;
  lastBad?: number;
  reason?: string;
};

export type TrailCheckOptions = {
  store: Pick<CheckpointStore, 'checkpointState' | 'checkEntries' | 'prunedTrail'>;
  trusted: readonly VerifierKey[];
  /** The newest checkpoint that was signed. */
  last(): SignedHead | null;
  onBad(report: TrailReport): void;
};

type Walk = { roots: Map<number, Uint8Array>; notes: string[]; root: Uint8Array; checked: number; bad?: NonNullable<EntryCheck['bad']> };

/** Recomputes the whole tree from the stored entries while the service runs, a slice at a time. */
export class TrailCheckService {
  readonly #options: TrailCheckOptions;
  #running: Promise<TrailReport> | undefined;
  #stopped = false;

  constructor(options: TrailCheckOptions) {
    this.#options = options;
  }

  /** Checks every entry up to now. Who asks while a check runs gets the answer of that one. */
  check(): Promise<TrailReport> {
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Ends a check that runs, with `stopping`. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running?.catch(() => undefined);
  }

  async #check(): Promise<TrailReport> {
    // Asked for first, so that it covers no more than the tree that is read after it.
    const last = this.#options.last();
    const { tree } = await this.#options.store.checkpointState();
    const head = last === null ? undefined : readTrusted(last.note, this.#options.trusted);
    const walk = await this.#walk(tree.size, new Set(head === undefined ? [] : [head.size]));
    const report: TrailReport = { ok: true, size: tree.size, root: tree.root, checked: walk.checked };
    if (head !== undefined) report.checkpoint = { size: head.size, agrees: head.size === 0 || isAt(walk, head) };
    if (walk.bad !== undefined) Object.assign(report, { ok: false, firstBad: walk.bad.sequence, reason: walk.bad.why });
    else if (report.checkpoint?.agrees === false) Object.assign(report, { ok: false, ...(await this.#locate(walk, head!, tree.size)) });
    else if (!isEqual(walk.root, tree.root)) Object.assign(report, { ok: false, reason: 'the entries do not lead to the root of the tree' });
    if (!report.ok) this.#options.onBad(report);
    return report;
  }

  async #walk(size: number, sizes: ReadonlySet<number>): Promise<Walk> {
    const pruned = await this.#options.store.prunedTrail();
    if (!pruned.isStated) return unstated(pruned.size);
    const range: Range = { size: pruned.size, hashes: pruned.hashes };
    const walk: Walk = { roots: new Map(), notes: [], root: rootOf(range), checked: 0 };
    const start = range.size;
    if (sizes.has(start)) walk.roots.set(start, rootOf(range));
    for (let from = start; from < size; from = range.size) {
      if (this.#stopped) throw new CodedError('stopping', 'The service is stopping.');
      const { nodes, notes, bad } = await this.#options.store.checkEntries({ from, to: Math.min(from + SLICE, size) });
      const wrong = grow(range, nodes, () => {
        if (sizes.has(range.size)) walk.roots.set(range.size, rootOf(range));
      });
      walk.notes.push(...notes);
      const first = wrong ?? bad;
      if (first !== undefined && (await this.#options.store.prunedTrail()).size > start) return this.#walk(size, sizes); // Retention came between.
      if (first !== undefined) return { ...walk, checked: first.sequence - start, bad: first };
    }
    return { ...walk, root: rootOf(range), checked: range.size - start };
  }

  /** The checkpoints that the trail itself carries, as far as they are signed, narrow down where it was rewritten. */
  async #locate({ notes }: Walk, head: Checkpoint, size: number): Promise<Pick<TrailReport, 'firstBad' | 'lastBad' | 'reason'>> {
    if (head.size > size) return { firstBad: size, reason: `the trail ends before the ${head.size} entries that were signed` };
    const heads = notes.map((note) => readTrusted(note, this.#options.trusted)).filter((found) => found !== undefined && found.size <= head.size);
    const { size: start } = await this.#options.store.prunedTrail();
    const evidence = [...(heads as Checkpoint[]), head].filter((found) => found.size >= start).sort((left, right) => left.size - right.size);
    const walk = await this.#walk(head.size, new Set(evidence.map((found) => found.size)));
    const bad = evidence.find((found) => found.size > 0 && !isAt(walk, found)) ?? head;
    const firstBad = evidence.filter((found) => found.size < bad.size).at(-1)?.size ?? start;
    return { firstBad, lastBad: bad.size - 1, reason: `rewritten, with a leaf to match: the entries do not lead to the root that was signed at ${bad.size}` };
  }
}

/** Entries went of which the trail does not say that they were let go. */
function unstated(size: number): Walk {
  return { roots: new Map(), notes: [], root: EMPTY_ROOT, checked: 0, bad: { sequence: 0, why: `the first ${size} entries are gone, and no entry says that they were let go` } };
}

/** Adds the leaves of a slice, and holds the subtrees that they complete against those that are stored. */
function grow(range: Range, nodes: Uint8Array, onGrown: () => void): Walk['bad'] {
  let at = 0;
  const next = (): Uint8Array => nodes.subarray(at, (at += HASH_BYTES));
  while (at < nodes.length) {
    const sequence = range.size;
    const isStored = append(range, next()).every(([, , hash]) => isEqual(hash, next()));
    if (!isStored) return { sequence, why: 'the tree above the entry is not what its leaves say' };
    onGrown();
  }
  return undefined;
}

function isAt({ roots }: Walk, { size, root }: Checkpoint): boolean {
  const found = roots.get(size);
  return found !== undefined && isEqual(found, root);
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
