import { randomBytes } from 'node:crypto';
import type { Checkpoint, VerifierKey } from '../domain/audit/checkpoint.ts';
import { readTrusted } from '../domain/audit/continuity.ts';
import { EMPTY_ROOT, HASH_BYTES, append, rootOf } from '../domain/audit/merkle.ts';
import type { Range } from '../domain/audit/merkle.ts';
import { addSum, emptySum, isSameSum } from '../domain/audit/ref-sum.ts';
import type { RefSeed, RefSum } from '../domain/audit/ref-sum.ts';
import { CodedError } from '../domain/errors.ts';
import type { CheckpointStore, EntryCheck, RefCursor, SignedHead } from '../domain/ports/checkpoints.ts';

/** Entries recomputed at a stretch, a millisecond or so: nobody waits longer than that for the store. */
const SLICE = 128;
/** Rows of the index of references added up at a stretch. */
const REFS_SLICE = 2000;
const INDEX_DIFFERS = 'the index by which jobs, profiles and people find entries names entries that do not name them';

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
  store: Pick<CheckpointStore, 'checkpointState' | 'checkEntries' | 'checkRefs' | 'prunedTrail'>;
  trusted: readonly VerifierKey[];
  /** The newest checkpoint that was signed. */
  last(): SignedHead | null;
  onBad(report: TrailReport): void;
};

/** `refs`: sum over what the entries from `start` on are to be found by. */
type Walk = { roots: Map<number, Uint8Array>; notes: string[]; root: Uint8Array; start: number; checked: number; refs: RefSum; bad?: NonNullable<EntryCheck['bad']> };

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
    const seed = seedOf(randomBytes(8));
    const walk = await this.#walk(tree.size, new Set(head === undefined ? [] : [head.size]), seed);
    const report: TrailReport = { ok: true, size: tree.size, root: tree.root, checked: walk.checked };
    if (head !== undefined) report.checkpoint = { size: head.size, agrees: head.size === 0 || isAt(walk, head) };
    if (walk.bad !== undefined) Object.assign(report, { ok: false, firstBad: walk.bad.sequence, reason: walk.bad.why });
    else if (report.checkpoint?.agrees === false) Object.assign(report, { ok: false, ...(await this.#locate(walk, head!, tree.size)) });
    else if (!isEqual(walk.root, tree.root)) Object.assign(report, { ok: false, reason: 'the entries do not lead to the root of the tree' });
    else Object.assign(report, await this.#checkIndex(walk, tree.size, seed));
    if (!report.ok) this.#options.onBad(report);
    return report;
  }

  async #walk(size: number, sizes: ReadonlySet<number>, seed: RefSeed, eachRef = false): Promise<Walk> {
    const pruned = await this.#options.store.prunedTrail();
    if (!pruned.isStated) return unstated(pruned.size);
    const range: Range = { size: pruned.size, hashes: pruned.hashes };
    const start = range.size;
    const walk: Walk = { roots: new Map(), notes: [], root: rootOf(range), start, checked: 0, refs: emptySum() };
    if (sizes.has(start)) walk.roots.set(start, rootOf(range));
    for (let from = start; from < size; from = range.size) {
      if (this.#stopped) throw new CodedError('stopping', 'The service is stopping.');
      const { nodes, notes, refs, bad } = await this.#options.store.checkEntries({ from, to: Math.min(from + SLICE, size), seed, ...(eachRef ? { eachRef } : {}) });
      const wrong = grow(range, nodes, () => {
        if (sizes.has(range.size)) walk.roots.set(range.size, rootOf(range));
      });
      walk.notes.push(...notes);
      addSum(walk.refs, refs);
      const first = wrong ?? bad;
      if (first !== undefined && (await this.#options.store.prunedTrail()).size > start) return this.#walk(size, sizes, seed, eachRef); // Retention came between.
      if (first !== undefined) return { ...walk, checked: first.sequence - start, bad: first };
    }
    return { ...walk, root: rootOf(range), checked: range.size - start };
  }

  /**
   * Holds the index of references, which no leaf speaks of, against the entries: whoever takes a row out of it hides an
   * entry from its person. Sums are compared first, in two passes; only where they differ is each row looked for.
   */
  async #checkIndex({ start, refs }: Walk, size: number, seed: RefSeed): Promise<Pick<TrailReport, 'ok' | 'firstBad' | 'reason'>> {
    const found = emptySum();
    let after: RefCursor | null = null;
    do {
      if (this.#stopped) throw new CodedError('stopping', 'The service is stopping.');
      const slice: { refs: RefSum; next: RefCursor | null } = await this.#options.store.checkRefs({ from: start, to: size, seed, after, limit: REFS_SLICE });
      addSum(found, slice.refs);
      after = slice.next;
    } while (after !== null);
    if (isSameSum(found, refs)) return { ok: true };
    const walk = await this.#walk(size, new Set(), seed, true);
    if (walk.bad !== undefined) return { ok: false, firstBad: walk.bad.sequence, reason: walk.bad.why };
    // Retention came between, and took entries and their rows away.
    if (walk.start > start) return this.#checkIndex(walk, size, seed);
    return { ok: false, reason: INDEX_DIFFERS };
  }

  /** The checkpoints that the trail itself carries, as far as they are signed, narrow down where it was rewritten. */
  async #locate({ notes }: Walk, head: Checkpoint, size: number): Promise<Pick<TrailReport, 'firstBad' | 'lastBad' | 'reason'>> {
    if (head.size > size) return { firstBad: size, reason: `the trail ends before the ${head.size} entries that were signed` };
    const heads = notes.map((note) => readTrusted(note, this.#options.trusted)).filter((found) => found !== undefined && found.size <= head.size);
    const { size: start } = await this.#options.store.prunedTrail();
    const evidence = [...(heads as Checkpoint[]), head].filter((found) => found.size >= start).sort((left, right) => left.size - right.size);
    const walk = await this.#walk(head.size, new Set(evidence.map((found) => found.size)), [0, 0]);
    const bad = evidence.find((found) => found.size > 0 && !isAt(walk, found)) ?? head;
    const firstBad = evidence.filter((found) => found.size < bad.size).at(-1)?.size ?? start;
    return { firstBad, lastBad: bad.size - 1, reason: `rewritten, with a leaf to match: the entries do not lead to the root that was signed at ${bad.size}` };
  }
}

/** Entries went of which the trail does not say that they were let go. */
function unstated(size: number): Walk {
  return { roots: new Map(), notes: [], root: EMPTY_ROOT, start: size, checked: 0, refs: emptySum(), bad: { sequence: 0, why: `the first ${size} entries are gone, and no entry says that they were let go` } };
}

function seedOf(bytes: Buffer): RefSeed {
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
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
