import type { CheckedEntry } from './entries.ts';
import { checkSignatures, readKey, readNote, readTreeHead } from './note.ts';
import type { SignedNote, TreeHead, TrustedKey } from './note.ts';

/** What entries of the trail itself say about its keys and checkpoints. Nothing of it counts before its signatures. */
export type Clues = { rotations: SignedNote[]; replacements: Replacement[]; heads: TreeHead[] };

/** A key that says it took over from one that could not sign that: from the entry of this sequence on. */
export type Replacement = { note: SignedNote; from: string; to: string; sequence: number };

export function noClues(): Clues {
  return { rotations: [], replacements: [], heads: [] };
}

/**
 * Collects from an entry: `checkpoint_signed`, `key_rotated` and `signing_key_replaced` carry their signed note in
 * `details.note`.
 * A note that cannot be read is passed over: it can only fail to help.
 */
export function collectClues(clues: Clues, { fields, sequence }: CheckedEntry): void {
  if (fields.action !== 'checkpoint_signed' && fields.action !== 'key_rotated' && fields.action !== 'signing_key_replaced') return;
  const { note } = (fields.details ?? {}) as Record<string, unknown>;
  if (typeof note !== 'string') return;
  try {
    if (fields.action === 'key_rotated') clues.rotations.push(readNote(note));
    else if (fields.action === 'signing_key_replaced') clues.replacements.push(readReplacement(note, sequence));
    else clues.heads.push(readTreeHead(note));
  } catch {
    // As said above.
  }
}

/** Reads `origin, "key replacement", old key, new key, sequence`, a line each. Throws an Error where it is something else. */
function readReplacement(text: string, sequence: number): Replacement {
  const note = readNote(text);
  const [, from, to, stated] = /^[^\n]+\nkey replacement\n([^\n]+)\n([^\n]+)\n(\d{1,16})\n$/u.exec(note.text) ?? [];
  if (from === undefined || to === undefined || Number(stated) !== sequence) throw new Error('it is not a replacement by this entry');
  return { note, from: readKey(from).text, to: readKey(to).text, sequence };
}

/**
 * The replacements that a trusted new key signed. Its own word is all there is: it makes no key trusted, and takes
 * trust from the old one for all that comes after it.
 */
export function believedReplacements(keys: readonly TrustedKey[], { replacements }: Clues): Replacement[] {
  return replacements.filter(({ note, to }) => {
    const signed = checkSignatures(note, keys);
    return signed.state === 'good' && signed.by.some((key) => key.text === to);
  });
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
