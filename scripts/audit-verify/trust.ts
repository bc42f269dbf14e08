import type { CheckedEntry } from './entries.ts';
import { checkSignatures, readKey, readNote, readTreeHead } from './note.ts';
import type { SignedNote, TreeHead, TrustedKey } from './note.ts';

/** What entries of the trail itself say about its keys and checkpoints. Nothing of it counts before its signatures. */
export type Clues = { rotations: SignedNote[]; heads: TreeHead[] };

export function noClues(): Clues {
  return { rotations: [], heads: [] };
}

/**
 * Collects from an entry: `checkpoint_signed` and `key_rotated` carry their signed note in `details.note`.
 * A note that cannot be read is passed over: it can only fail to help.
 */
export function collectClues(clues: Clues, { fields }: CheckedEntry): void {
  if (fields.action !== 'checkpoint_signed' && fields.action !== 'key_rotated') return;
  const { note } = (fields.details ?? {}) as Record<string, unknown>;
  if (typeof note !== 'string') return;
  try {
    if (fields.action === 'key_rotated') clues.rotations.push(readNote(note));
    else clues.heads.push(readTreeHead(note));
  } catch {
    // As said above.
  }
}

/**
 * The trusted keys, with those that they have handed over to. A rotation is the text
 * `origin, "key rotation", old key, new key`, a line each, signed by both keys; it counts only when the old one is
 * trusted already.
 */
export function withRotations(keys: readonly TrustedKey[], rotations: readonly SignedNote[]): TrustedKey[] {
  const trusted = [...keys];
  for (const note of rotations) {
    const [, oldText, newText] = /^[^\n]+\nkey rotation\n([^\n]+)\n([^\n]+)\n$/u.exec(note.text) ?? [];
    const old = trusted.find((key) => key.text === oldText);
    if (old === undefined || newText === undefined || trusted.some((key) => key.text === newText)) continue;
    let next: TrustedKey;
    try {
      next = readKey(newText);
    } catch {
      continue;
    }
    const signed = checkSignatures(note, [old, next]);
    if (signed.state === 'good' && signed.by.includes(old) && signed.by.includes(next)) trusted.push(next);
  }
  return trusted;
}
