import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Something with bytes in it, and what to call it where it holds what it should not. */
export type Place = readonly [name: string, bytes: Buffer];

const AROUND = 60;

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
  const forms = words.map((word) => [word, formsOf(word)] as const);
  for (const [name, bytes] of places) {
    const text = bytes.toString('latin1').toLowerCase();
    for (const [word, [...spellings]] of forms) {
      const form = spellings.find((spelling) => text.includes(spelling));
      if (form === undefined) continue;
      const at = text.indexOf(form);
      return `${name} holds "${word}": …${text.slice(Math.max(0, at - AROUND), at + AROUND)}…`;
    }
  }
  return undefined;
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
  return new Set(forms.map((form) => form.toLowerCase()));
}

/** What the word looks like in base64 behind so many bytes: without the characters that its neighbours have a part in. */
function base64At(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString(encoding).replace(/=+$/, '');
  const isWhole = (shift + bytes.length) % 3 === 0;
  return text.slice(shift === 0 ? 0 : shift + 1, isWhole ? undefined : -1);
}
