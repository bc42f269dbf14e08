import { WORD, type Token } from './tokens.ts';
import { STATE_LAST_WORDS, STATE_WORDS_MAX, US_STATES } from './us-places.ts';

/** What stands behind the city. `end` is where the rest of the line ends (exclusive index of a token). */
export type UsTail = {
  end: number;
  state?: string;
  /** How the state was found: written before the ZIP, before the city, as two wrong letters, or not at all. */
  stateFrom: 'written' | 'displaced' | 'mistyped' | 'zip' | 'none';
  /** As written, without blanks. */
  zip?: string;
  /** The state that the ZIP belongs to, where its first three digits say so. */
  zipState?: string;
  /** The line names the country itself. */
  countryWritten: boolean;
};

/** Tells the state (`TX`) that a ZIP belongs to. */
export type StateOfZip = (zip: string) => string | undefined;

const COUNTRY_TAILS: readonly (readonly string[])[] = [
  ['united', 'states', 'of', 'america'], ['united', 'states'], ['usa'], ['us'], ['u', 's', 'a'], ['u', 's'], ['estados', 'unidos'],
];
const COUNTRY_LAST_WORDS: ReadonlySet<string> = new Set(COUNTRY_TAILS.map((words) => words.at(-1) ?? ''));

function endsWith(tokens: readonly Token[], end: number, words: readonly string[]): boolean {
  if (words.length >= end) return false;
  for (let at = 0; at < words.length; at += 1) if (tokens[end - words.length + at]?.key !== words[at]) return false;
  return true;
}

/** Index at which the names of the country that end the line begin; `tokens.length` where there is none. */
export function withoutUsCountry(tokens: readonly Token[]): number {
  let end = tokens.length;
  while (COUNTRY_LAST_WORDS.has(tokens[end - 1]?.key ?? '')) {
    const found = COUNTRY_TAILS.find((words) => endsWith(tokens, end, words));
    if (!found) break;
    end -= found.length;
  }
  return end;
}

/** State whose name or code ends at `end`, the longest reading; a comma inside (`NEW, YORK`) does not matter. */
export function stateEndingAt(tokens: readonly Token[], end: number): { start: number; code: string } | undefined {
  const last = tokens[end - 1]?.key ?? '';
  if (!STATE_LAST_WORDS.has(last)) return undefined;
  if (last.length === 2) return { start: end - 1, code: US_STATES.get(last) ?? '' };
  let key = '';
  let found: { start: number; code: string } | undefined;
  for (let start = end - 1; start >= 0 && start >= end - STATE_WORDS_MAX; start -= 1) {
    const token = tokens[start];
    if (!token || (token.flags & (WORD.digit | WORD.hash)) !== 0) break;
    key = token.key + key;
    const code = US_STATES.get(key);
    if (code) found = { start, code };
  }
  return found;
}

function isFiveDigits(text: string): boolean {
  if (text.length !== 5) return false;
  for (let at = 0; at < 5; at += 1) if (text.charCodeAt(at) < 48 || text.charCodeAt(at) > 57) return false;
  return true;
}

const ZIP_LIKE = /^\d{4,10}$|^\d{4,5}[-‐‑–—]\d{4}$/u;

/** A ZIP at `end`, lost leading zeros and a +4 behind a blank included. */
function zipEndingAt(tokens: readonly Token[], end: number): { start: number; zip: string } | undefined {
  const last = tokens[end - 1];
  if (!last || (last.flags & WORD.digit) === 0 || end < 2) return undefined;
  if (isFiveDigits(last.text)) return { start: end - 1, zip: last.text };
  const text = last.text.replace(/\.$/, '');
  if (!ZIP_LIKE.test(text)) return undefined;
  const before = tokens[end - 2];
  if (last.key.length === 4 && before && before.key.length === 5 && /^\d{5}-?$/.test(before.text) && stateEndingAt(tokens, end - 2)) {
    return { start: end - 2, zip: `${before.key}-${last.key}` };
  }
  return { start: end - 1, zip: text };
}

/** A ZIP in its canonical form: 5 digits or 5-4; a leading zero that a spreadsheet took is put back where `zeros` allows. */
export function canonicalZip(raw: string, zeros: boolean): string | undefined {
  if (isFiveDigits(raw)) return raw;
  const dashed = /^(\d{4,5})\D(\d{4})$/u.exec(raw);
  if (dashed) {
    const [, head = '', plus = ''] = dashed;
    return head.length === 5 ? `${head}-${plus}` : zeros ? `0${head}-${plus}` : undefined;
  }
  if (/^\d{9}$/.test(raw)) return `${raw.slice(0, 5)}-${raw.slice(5)}`;
  if (/^\d{4}$/.test(raw)) return zeros ? `0${raw}` : undefined;
  return undefined;
}

/** Whether a text is a ZIP in its canonical form. */
export const isZip = (text: string): boolean => isFiveDigits(text) || /^\d{5}-\d{4}$/.test(text);

/** The states and territories whose ZIPs begin with a zero. */
const ZERO_STATES: ReadonlySet<string> = new Set(['CT', 'MA', 'ME', 'NH', 'NJ', 'PR', 'RI', 'VI', 'VT']);
/** How many words a city can have between a displaced state and the ZIP (`ca garden valley 95633`). */
const DISPLACED_WORDS_MAX = 4;

function displacedState(tokens: Token[], end: number, zipState: string | undefined): string | undefined {
  if (!zipState) return undefined;
  for (let at = end - 2; at > 0 && at >= end - 1 - DISPLACED_WORDS_MAX; at -= 1) {
    const token = tokens[at];
    if (!token || (token.flags & WORD.digit) !== 0) return undefined;
    if (token.key.length === 2 && US_STATES.get(token.key) === zipState) {
      tokens.splice(at, 1);
      return zipState;
    }
  }
  return undefined;
}

/** `10 Main St, New York 10010` and `1600 Pennsylvania Ave, Washington 20500` name the city alone. */
function isCityOnly(tokens: readonly Token[], name: { start: number; code: string }, zipState: string | undefined): boolean {
  if (name.code === 'WA') return zipState === 'DC';
  const before = tokens[name.start - 1];
  return name.code === 'NY' && (tokens[name.start]?.key.length ?? 0) > 2 && before !== undefined && (before.flags & WORD.strongSuffix) !== 0;
}

function dropRepeatedState(tokens: readonly Token[], start: number, code: string): number {
  const again = stateEndingAt(tokens, start);
  if (!again || again.code !== code || again.start === 0) return start;
  const before = tokens[again.start - 1];
  if (code === 'NY' && start - again.start === 2) return start;
  const named = (tokens[again.start]?.key.length ?? 0) > 2;
  return named && before?.comma !== true ? start : again.start;
}

function findState(tokens: Token[], end: number, zipState: string | undefined): Pick<UsTail, 'end' | 'state' | 'stateFrom'> {
  const written = stateEndingAt(tokens, end);
  if (written && written.start > 0) {
    if (zipState && isCityOnly(tokens, written, zipState)) return { end, state: zipState, stateFrom: 'zip' };
    return { end: dropRepeatedState(tokens, written.start, written.code), state: written.code, stateFrom: 'written' };
  }
  const moved = displacedState(tokens, end, zipState);
  if (moved) return { end: end - 1, state: moved, stateFrom: 'displaced' };
  const last = tokens[end - 1];
  if (!zipState || !last) return { end, stateFrom: 'none' };
  const mistyped = last.key.length === 2 && last.flags === 0 && tokens[end - 2]?.comma === true;
  return mistyped ? { end: end - 1, state: zipState, stateFrom: 'mistyped' } : { end, state: zipState, stateFrom: 'zip' };
}

/**
 * Reads country, ZIP and state from the end of a line. May take a displaced state token out of `tokens`.
 * @param end where the country, if any, begins
 */
export function readUsTail(tokens: Token[], end: number, stateOfZip: StateOfZip): UsTail {
  const countryWritten = end < tokens.length;
  const zip = zipEndingAt(tokens, end);
  const canonical = zip && canonicalZip(zip.zip, true);
  const zipState = canonical ? stateOfZip(canonical) : undefined;
  const state = findState(tokens, zip ? zip.start : end, zipState);
  const tail: UsTail = { ...state, countryWritten };
  if (zip) tail.zip = canonicalZip(zip.zip, state.state !== undefined && ZERO_STATES.has(state.state)) ?? zip.zip;
  if (zipState) tail.zipState = zipState;
  return tail;
}
