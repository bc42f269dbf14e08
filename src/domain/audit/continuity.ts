import { CheckpointError, parseCheckpoint, verifyNote } from './checkpoint.ts';
import type { Checkpoint, VerifierKey } from './checkpoint.ts';
import { verifyConsistency } from './merkle.ts';

/** Why a tree cannot be what was signed before. */
export type Discontinuity =
  /** It has fewer entries than were signed: an older state was put back. */
  | 'shrunk'
  /** It has enough entries, but does not begin with those that were signed. */
  | 'forked'
  /** Nobody who is trusted signed what claims to be the checkpoint. */
  | 'not_signed';

/** The checkpoint in a note, if a trusted key signed it. */
export function readTrusted(note: string, keys: readonly VerifierKey[]): Checkpoint | undefined {
  const verdict = verifyNote(note, keys);
  if (!verdict.ok) return undefined;
  try {
    return parseCheckpoint(verdict.text);
  } catch (error) {
    if (error instanceof CheckpointError) return undefined;
    throw error;
  }
}

/**
 * Whether a tree goes on from a checkpoint: undefined when it does. `proof` is the consistency proof between the two
 * sizes (RFC 9162, section 2.1.4), null when the store cannot give one. A checkpoint of the empty tree binds nothing.
 */
export function discontinuity(
  before: { size: number; root: Uint8Array },
  tree: { size: number; root: Uint8Array },
  proof: readonly Uint8Array[] | null,
): Discontinuity | undefined {
  if (before.size === 0) return undefined;
  if (tree.size < before.size) return 'shrunk';
  if (proof === null) return 'forked';
  const follows = verifyConsistency({ from: before.size, to: tree.size, fromRoot: before.root, toRoot: tree.root, proof });
  return follows ? undefined : 'forked';
}
