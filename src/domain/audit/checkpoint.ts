import { createPublicKey, hash as digest, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { HASH_BYTES, isTreeSize } from './merkle.ts';

/**
 * Signed tree heads: C2SP tlog-checkpoint inside C2SP signed-note, with Ed25519 (RFC 8032).
 *
 *   origin                 who keeps the log
 *   size                   leaves, decimal
 *   root                   base64
 *                          an empty line ends the text that is signed
 *   — name base64(key id ‖ signature)
 */

const ED25519_TYPE = 0x01;
const KEY_ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** The note format asks verifiers to take 16 at least, and to have a limit. */
const MAX_SIGNATURES = 32;
const MAX_NOTE_CHARACTERS = 64 * 1024;

export type CheckpointCode =
  | 'note_malformed'
  | 'note_bad_key'
  | 'note_bad_key_name'
  | 'checkpoint_malformed';

/** Something that is not a note, a checkpoint or a key of the accepted form. */
export class CheckpointError extends Error {
  readonly code: CheckpointCode;

  constructor(code: CheckpointCode, message: string) {
    super(message);
    this.name = 'CheckpointError';
    this.code = code;
  }
}

/** A tree head. `extensions` are opaque further lines, which this service never writes. */
export type Checkpoint = { origin: string; size: number; root: Uint8Array; extensions: string[] };
/** Whom a verifier trusts: name and id pick the signature line, the key checks it. */
export type VerifierKey = { name: string; id: Uint8Array; publicKey: KeyObject };
export type NoteSignature = { name: string; id: Uint8Array; signature: Uint8Array };
/** A note taken apart; nothing in it may be believed before `verifyNote`. */
export type Note = { text: string; signatures: NoteSignature[] };
export type NoteVerdict =
  | { ok: true; text: string; signers: VerifierKey[] }
  | { ok: false; code: 'note_malformed' | 'note_unknown_key' | 'note_bad_signature' };

function isKeyName(name: string): boolean {
  return /^[^\p{White_Space}\p{Cc}+]+$/u.test(name) && name.isWellFormed();
}

function requireKeyName(name: string): void {
  if (!isKeyName(name)) throw new CheckpointError('note_bad_key_name', 'a key name has no spaces and no plus sign');
}

/** Strict base64 (RFC 4648, section 4): the one spelling of those bytes, or nothing. */
function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** The 32 bytes of an Ed25519 public key, also taken from its private key. @throws CheckpointError `note_bad_key` */
function publicBytes(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType !== 'ed25519') throw new CheckpointError('note_bad_key', 'the key is not an Ed25519 key');
  const { x } = key.export({ format: 'jwk' });
  return Buffer.from(x ?? '', 'base64url');
}

function keyId(name: string, publicKey: Uint8Array): Uint8Array {
  const subject = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519_TYPE), publicKey]);
  return digest('sha256', subject, 'buffer').subarray(0, KEY_ID_BYTES);
}

/** The verifier key of a key, `name+id+base64`: the text that people hand to verifiers. Takes the public or the private key. */
export function formatVerifierKey(name: string, key: KeyObject): string {
  requireKeyName(name);
  const bytes = publicBytes(key);
  const id = Buffer.from(keyId(name, bytes)).toString('hex');
  return `${name}+${id}+${toBase64(Buffer.concat([Buffer.of(ED25519_TYPE), bytes]))}`;
}

/** Reads a verifier key. @throws CheckpointError `note_bad_key` when any part of it does not fit the others */
export function parseVerifierKey(text: string): VerifierKey {
  const bad = (why: string) => new CheckpointError('note_bad_key', `not a verifier key: ${why}`);
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  if (name === undefined || id === undefined || encoded === undefined) throw bad('it has the form name+id+base64');
  if (!isKeyName(name)) throw bad('its name has spaces');
  const bytes = fromBase64(encoded);
  if (bytes === undefined || bytes.length !== 1 + PUBLIC_KEY_BYTES) throw bad('its key part has another length');
  if (bytes[0] !== ED25519_TYPE) throw bad('its type is not Ed25519');
  const raw = bytes.subarray(1);
  const expected = keyId(name, raw);
  if (Buffer.from(expected).toString('hex') !== id) throw bad('its id is not that of its name and key');
  const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') } });
  return { name, id: expected, publicKey };
}

/**
 * The text of a checkpoint; `root` has 32 bytes. The origin is held to the rules of a key name, since the log signs
 * under its origin.
 *
 * @throws CheckpointError `note_bad_key_name`, `checkpoint_malformed`
 */
export function formatCheckpoint(origin: string, size: number, root: Uint8Array): string {
  requireKeyName(origin);
  if (!isTreeSize(size)) throw new CheckpointError('checkpoint_malformed', 'a tree size is a whole number from 0');
  if (root.length !== HASH_BYTES) throw new CheckpointError('checkpoint_malformed', 'a root hash has 32 bytes');
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** Reads the text of a checkpoint (of a note that has been verified). @throws CheckpointError `checkpoint_malformed` */
export function parseCheckpoint(text: string): Checkpoint {
  const bad = (why: string) => new CheckpointError('checkpoint_malformed', `not a checkpoint: ${why}`);
  const lines = text.split('\n');
  if (lines.pop() !== '') throw bad('it does not end in a newline');
  const [origin = '', size = '', encoded = '', ...extensions] = lines;
  if (origin === '' || extensions.includes('')) throw bad('it has an empty line');
  if (!/^(?:0|[1-9][0-9]{0,15})$/u.test(size) || !isTreeSize(Number(size))) throw bad('its size is not a decimal number');
  const root = fromBase64(encoded);
  if (root === undefined || root.length !== HASH_BYTES) throw bad('its root is not 32 bytes of base64');
  return { origin, size: Number(size), root, extensions };
}

/**
 * The text that hands the log over from one key to another: sign it with the old key and add the signature of the new
 * one. A verifier that trusts the old key then trusts the new one too. It cannot be taken for a checkpoint, whose
 * second line is a number.
 *
 * @throws CheckpointError `note_bad_key_name`, `note_bad_key`
 */
export function formatKeyRotation(origin: string, oldKey: string, newKey: string): string {
  requireKeyName(origin);
  for (const key of [oldKey, newKey]) parseVerifierKey(key);
  return `${origin}\nkey rotation\n${oldKey}\n${newKey}\n`;
}

/**
 * The text by which a key takes over from one that is lost or stolen and so cannot sign it: sign it with the new key
 * alone. It proves nothing to who trusts the old key only; it says from which size of the tree on the old one speaks
 * no more. `size` is the sequence of the entry that carries it. It cannot be taken for a checkpoint or a rotation.
 *
 * @throws CheckpointError `note_bad_key_name`, `note_bad_key`
 */
export function formatKeyReplacement(origin: string, oldKey: string, newKey: string, size: number): string {
  requireKeyName(origin);
  for (const key of [oldKey, newKey]) parseVerifierKey(key);
  return `${origin}\nkey replacement\n${oldKey}\n${newKey}\n${size}\n`;
}

function signatureLine(text: string, keyName: string, privateKey: KeyObject): string {
  requireKeyName(keyName);
  const id = keyId(keyName, publicBytes(privateKey));
  const signature = sign(null, Buffer.from(text), privateKey);
  return `\u2014 ${keyName} ${toBase64(Buffer.concat([id, signature]))}\n`;
}

/**
 * The signed note of a text, which ends in a newline and holds no other control characters.
 *
 * @throws CheckpointError `note_malformed`, `note_bad_key_name`, `note_bad_key`
 */
export function signNote(text: string, keyName: string, privateKey: KeyObject): string {
  if (!isNoteText(text)) throw new CheckpointError('note_malformed', 'the text of a note ends in a newline and is plain text');
  return `${text}\n${signatureLine(text, keyName, privateKey)}`;
}

/** Adds the signature of one more key to a note, as a rotation of keys needs. @throws CheckpointError as `signNote` */
export function addSignature(note: string, keyName: string, privateKey: KeyObject): string {
  const { text, signatures } = parseNote(note);
  if (signatures.length >= MAX_SIGNATURES) throw new CheckpointError('note_malformed', 'the note has no room for a signature');
  return note + signatureLine(text, keyName, privateKey);
}

/** Well-formed, ends in a newline, and no other character below U+0020. */
function isNoteText(text: string): boolean {
  if (!text.endsWith('\n') || !text.isWellFormed()) return false;
  for (let at = 0; at < text.length; at += 1) {
    if (text.charCodeAt(at) < 0x20 && text[at] !== '\n') return false;
  }
  return true;
}

/** Takes a note apart without believing it. @throws CheckpointError `note_malformed` */
export function parseNote(note: string): Note {
  const bad = (why: string) => new CheckpointError('note_malformed', `not a signed note: ${why}`);
  if (note.length > MAX_NOTE_CHARACTERS) throw bad('it is too long');
  if (!isNoteText(note)) throw bad('it is not plain text that ends in a newline');
  // The text may have empty lines of its own: the last one is the separator.
  const separator = note.lastIndexOf('\n\n');
  if (separator < 0) throw bad('it has no signatures');
  const text = note.slice(0, separator + 1);
  const lines = note.slice(separator + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw bad('it has too many signatures');
  return { text, signatures: lines.map((line) => parseSignature(line, bad)) };
}

function parseSignature(line: string, bad: (why: string) => CheckpointError): NoteSignature {
  const [dash, name, encoded, ...rest] = line.split(' ');
  if (dash !== '\u2014' || name === undefined || encoded === undefined || rest.length > 0) throw bad('a signature line has another form');
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) throw bad('a signature line has another form');
  return { name, id: bytes.subarray(0, KEY_ID_BYTES), signature: bytes.subarray(KEY_ID_BYTES) };
}

/**
 * Checks a note against trusted keys. Signatures of keys that are not known are ignored, as the format demands; one of
 * a known key that fails sinks the note; without a good one of a known key nothing is believed.
 */
export function verifyNote(note: string, keys: readonly VerifierKey[]): NoteVerdict {
  let parsed: Note;
  try {
    parsed = parseNote(note);
  } catch (error) {
    if (error instanceof CheckpointError) return { ok: false, code: 'note_malformed' };
    throw error;
  }
  const text = Buffer.from(parsed.text);
  const signers = new Set<VerifierKey>();
  for (const { name, id, signature } of parsed.signatures) {
    const key = keys.find((candidate) => candidate.name === name && Buffer.compare(candidate.id, id) === 0);
    if (key === undefined) continue;
    const good = signature.length === SIGNATURE_BYTES && verify(null, text, key.publicKey, signature);
    if (!good) return { ok: false, code: 'note_bad_signature' };
    signers.add(key);
  }
  if (signers.size === 0) return { ok: false, code: 'note_unknown_key' };
  return { ok: true, text: parsed.text, signers: [...signers] };
}
