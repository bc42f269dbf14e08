import type { RefSeed, RefSum } from '../audit/ref-sum.ts';
import type { AuditTree } from './record-store.ts';

/** A signed checkpoint: the size it covers, and the note (C2SP tlog-checkpoint) as it was signed. */
export type SignedHead = { size: number; note: string };

/**
 * The entries at the beginning that are no longer kept: how many, the roots of their complete subtrees, largest first,
 * and whether an entry that is kept says that they were let go.
 */
export type PrunedTrail = { size: number; hashes: Uint8Array[]; isStated: boolean };

/** A signing key that took over from one that could not sign it: from this size of the tree on. */
export type KeyReplacement = { key: string; from: string; size: number };

export type CheckpointState = {
  tree: AuditTree;
  /** The newest checkpoint that was signed. */
  last: SignedHead | null;
  /** Size of the tree right after its newest checkpoint entry: while it has no more, there is nothing new to sign. */
  quietAt: number;
  /** Verifier keys in the order of their first use: the last one is in use. */
  keys: string[];
  replacements: KeyReplacement[];
  /** The size of the newest checkpoint that a place outside has taken. */
  anchored: { place: string; size: number }[];
};

export type EntryCheck = {
  /**
   * For each entry, up to the first bad one: its leaf hash, recomputed, and the stored roots of the subtrees that end
   * with it, lowest first. 32 bytes each, one after the other.
   */
  nodes: Uint8Array;
  /** Sum over all that the entries are to be found by. */
  refs: RefSum;
  /** Signed notes that entries of the slice carry. */
  notes: string[];
  /** The first entry that is missing, or is not what the tree or the index says. */
  bad?: { sequence: number; why: string };
};

/** The last row seen of the index of references; the hash in hex. */
export type RefCursor = { run: number; ref: string; sequence: number };

export interface CheckpointStore {
  checkpointState(): Promise<CheckpointState>;
  /** Keeps a checkpoint as the newest; with `inTrail` the trail itself says so too, by an entry `checkpoint_signed`. */
  recordCheckpoint(input: { head: SignedHead; rootHash: string; inTrail: boolean; now: number }): Promise<void>;
  /**
   * Takes a verifier key into use. The trail says so where there was one before it: by a note that both signed, or,
   * where that one is gone, by one that this key signed alone, over a tree of `size` entries.
   */
  recordSigningKey(input: { key: string; rotation?: { from: string; note: string }; replacement?: { from: string; note: string; size: number }; now: number }): Promise<void>;
  recordAnchor(input: { place: string; size: number; now: number }): Promise<void>;
  /**
   * Recomputes the leaves of the entries [from, to) and holds them against what is stored beside them; with
   * `eachRef`, also against the index of references, one look for each.
   */
  checkEntries(input: { from: number; to: number; seed: RefSeed; eachRef?: boolean }): Promise<EntryCheck>;
  /** Sum over the next rows of the index of references, as far as they are of the entries [from, to), and where to go on. */
  checkRefs(input: { from: number; to: number; seed: RefSeed; after: RefCursor | null; limit: number }): Promise<{ refs: RefSum; next: RefCursor | null }>;
  /**
   * Lets go of up to `limit` entries from before a time, as far as a checkpoint covers them, and leaves an entry that
   * says so. Their nodes in the tree stay: proofs of what is kept, and of what was, go on to verify.
   */
  pruneTrail(input: { before: number; limit: number; now: number }): Promise<{ more: boolean }>;
  prunedTrail(): Promise<PrunedTrail>;
}

/** Keeps the newest checkpoint apart from the database, so that a database put back to an older state is found out. */
export interface CheckpointFile {
  read(): Promise<string | null>;
  /** Durable when its promise resolves; what was there before is replaced at once or not at all. */
  write(note: string): Promise<void>;
}

/** A place outside the data folder that takes checkpoints. */
export interface AnchorPort {
  /** A word for logs and metrics, and the name under which the store knows how far the place has come. */
  readonly place: string;
  /** Rejects when it is not certain that the place has taken it; the same or a newer checkpoint goes later. */
  put(note: string): Promise<void>;
  close(): Promise<void>;
}
