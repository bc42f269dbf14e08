import { createPublicKey, hash, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint) as a verifier sees them: nothing but Ed25519. */

export type TrustedKey = { name: string; id: string; key: KeyObject; text: string };
export type SignedNote = { text: string; signatures: { name: string; id: string; signature: Buffer }[] };
export type TreeHead = { origin: string; size: number; root: Buffer; note: SignedNote };
/** Good: by whom. Bad: a trusted key's signature does not fit. Unknown: no trusted key has signed. */
export type SignatureState = { state: 'good'; by: TrustedKey[] } | { state: 'bad'; by: TrustedKey } | { state: 'unknown' };

const MAX_SIGNATURES = 64;

/** Bytes of the only base64 spelling they have, or nothing. */
export function strictBase64(text: unknown): Buffer | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** Reads `name+id+base64`. Throws an Error that says what is wrong. */
export function readKey(text: string): TrustedKey {
  const first = text.indexOf('+');
  const second = text.indexOf('+', first + 1);
  if (first < 1 || second < 0) throw new Error('a key has the form name+id+base64');
  const [name, id] = [text.slice(0, first), text.slice(first + 1, second)];
  const bytes = strictBase64(text.slice(second + 1));
  if (bytes === undefined || bytes.length !== 33 || bytes[0] !== 1) throw new Error('it is not an Ed25519 key');
  const expected = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), bytes]), 'hex').slice(0, 8);
  if (id !== expected) throw new Error(`its id should be ${expected}`);
  const x = bytes.subarray(1).toString('base64url');
  return { name, id, text, key: createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } }) };
}

/** Takes a note apart. Throws an Error that says what is wrong with its form. */
export function readNote(note: string): SignedNote {
  const parts = /^(?<text>(?:[^\n]*\n)*)\n(?<signatures>(?:[^\n]+\n)+)$/u.exec(note)?.groups;
  if (parts?.text === undefined || parts.signatures === undefined || parts.text === '') throw new Error('it is not a text, an empty line and signatures');
  if (/[^\P{Cc}\n]/u.test(note) || !note.isWellFormed()) throw new Error('it has control characters');
  const lines = parts.signatures.slice(0, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw new Error('it has too many signatures');
  const signatures = lines.map((line) => {
    const [, name, encoded] = /^\u2014 ([^\s+]+) ([^\s]+)$/u.exec(line) ?? [];
    const bytes = strictBase64(encoded);
    if (name === undefined || bytes === undefined || bytes.length < 5) throw new Error('a signature line has another form');
    return { name, id: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) };
  });
  return { text: parts.text, signatures };
}

/** Reads a checkpoint: origin, size and root of a tree. Throws an Error that says what is wrong with its form. */
export function readTreeHead(text: string): TreeHead {
  const note = readNote(text);
  const [, origin, digits, encoded] = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([^\n]+)\n(?:[^\n]+\n)*$/u.exec(note.text) ?? [];
  const root = strictBase64(encoded);
  const size = Number(digits);
  if (origin === undefined || root?.length !== 32 || !Number.isSafeInteger(size)) throw new Error('it is not origin, size and root');
  return { origin, size, root, note };
}

/** What the trusted keys say of a note. A signature of any other key neither helps nor harms. */
export function checkSignatures(note: SignedNote, keys: readonly TrustedKey[]): SignatureState {
  const by: TrustedKey[] = [];
  for (const { name, id, signature } of note.signatures) {
    const trusted = keys.find((key) => key.name === name && key.id === id);
    if (trusted === undefined) continue;
    if (!verify(null, Buffer.from(note.text), trusted.key, signature)) return { state: 'bad', by: trusted };
    by.push(trusted);
  }
  return by.length === 0 ? { state: 'unknown' } : { state: 'good', by };
}
