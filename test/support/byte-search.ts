import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Something with bytes in it, and what to call it where it holds what it should not. */
export type Place = readonly [name: string, bytes: Buffer];

const AROUND = 60;
const START_BYTES = 3;
const START_MASK = 0xffffff;
/** Each byte as a small letter, where it is one. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));

/** Every file under a folder, as it lies on the disk now. One that goes while it is looked at is passed over. */
export function filesUnder(folder: string): Place[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.flatMap((entry): Place[] => {
    const path = join(entry.parentPath, entry.name);
    try {
      return [[path, readFileSync(path)]];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** What processes wrote to standard output and standard error. */
export function wordsOf(lives: readonly { out: string; err: string }[]): Place[] {
  return lives.flatMap(({ out, err }, i): Place[] => [[`output of life ${i}`, Buffer.from(out)], [`errors of life ${i}`, Buffer.from(err)]]);
}

/**
 * The first place that holds one of the words, in any case: as UTF-8 or UTF-16, in base64 at any alignment, in hex,
 * percent-encoded or with JSON's escapes.
 */
export function findWord(places: readonly Place[], words: readonly string[]): string | undefined {
  const { starts, isStart } = indexOf(words);
  for (const [name, bytes] of places) {
    let last = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      last = ((last << 8) | LOWER[bytes[at]!]!) & START_MASK;
      if (isStart[last] === 0) continue;
      const begin = at - START_BYTES + 1;
      const found = starts.get(last)?.find(({ form }) => holdsAt(bytes, begin, form));
      if (found !== undefined) return `${name} holds "${found.word}": …${bytes.toString('latin1', Math.max(0, begin - AROUND), begin + AROUND)}…`;
    }
  }
  return undefined;
}

/** Every form of every word by its first bytes: hundreds of forms are looked for in one pass over the bytes. */
function indexOf(words: readonly string[]): { starts: Map<number, { word: string; form: Buffer }[]>; isStart: Uint8Array } {
  const starts = new Map<number, { word: string; form: Buffer }[]>();
  const isStart = new Uint8Array(START_MASK + 1);
  for (const word of words) {
    for (const text of formsOf(word)) {
      const form = Buffer.from(text, 'latin1');
      const start = form.readUIntBE(0, START_BYTES);
      isStart[start] = 1;
      starts.set(start, [...(starts.get(start) ?? []), { word, form }]);
    }
  }
  return { starts, isStart };
}

function holdsAt(bytes: Buffer, begin: number, form: Buffer): boolean {
  for (let i = 0; i < form.length; i += 1) if (LOWER[bytes[begin + i] ?? 0] !== form[i]) return false;
  return begin + form.length <= bytes.length;
}

/** The first place that holds one of these bytes. */
export function findBytes(places: readonly Place[], wanted: readonly Uint8Array[]): string | undefined {
  for (const [name, bytes] of places) {
    const at = wanted.findIndex((one) => bytes.includes(one));
    if (at !== -1) return `${name} holds bytes ${at}`;
  }
  return undefined;
}

/** Spellings of a word as lower-case latin1. */
function formsOf(word: string): Set<string> {
  const utf8 = Buffer.from(word, 'utf8');
  const utf16 = Buffer.from(word, 'utf16le');
  const forms = [
    utf8.toString('latin1'),
    utf16.toString('latin1'),
    Buffer.from(utf16).swap16().toString('latin1'),
    utf8.toString('hex'),
    encodeURIComponent(word),
    [...utf8].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    [...word].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
    ...[0, 1, 2].flatMap((shift) => [base64At(utf8, shift, 'base64'), base64At(utf8, shift, 'base64url')]),
  ];
  return new Set(forms.map((form) => form.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())));
}

/** What the word looks like in base64 behind so many bytes: without the characters that its neighbours have a part in. */
function base64At(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString(encoding).replace(/=+$/, '');
  const isWhole = (shift + bytes.length) % 3 === 0;
  return text.slice(shift === 0 ? 0 : shift + 1, isWhole ? undefined : -1);
}
