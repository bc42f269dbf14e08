import { normalizePostalCode, postalShape } from '../postal-code.ts';
import { hasDigit, isBox, isStreetLike, slice, type Group } from './groups.ts';
import { territoriesOf } from './line-country.ts';

/** A postal code in a line and what stands around it in its group. */
export type LineCode = {
  /** Canonical, or as written where it has not the country's shape. */
  code: string;
  certain: boolean;
  /** Index of the group. */
  at: number;
  /** The words of the group before and behind the code; at most one of them has any, but for a code in the middle. */
  before: Group;
  behind: Group;
};

const SURE_RULES: ReadonlySet<string> = new Set(['postal.as_given', 'postal.canonical', 'postal.country_mark', 'postal.country_letters', 'postal.partial']);
/** The most words that a postal code is written in (`SW1A 1AA`, `PC 2052 6703`). */
const CODE_WORDS_MAX = 3;
const shapes = new Map<string, RegExp | undefined>();

function shapeOf(country: string): RegExp | undefined {
  if (!shapes.has(country)) shapes.set(country, postalShape(country));
  return shapes.get(country);
}

/** Canonical form of a text that is a postal code of the country, or of a territory that the country's name covers. */
function codeIn(raw: string, country: string, whole: boolean): string | undefined {
  const bare = raw.replace(/^〒\s*|[.:]+$/gu, '');
  const text = country === 'SV' ? bare : bare.replace(/^(?:CEP|CP|C\.P\.|PC|P\.C\.)[\s:]+/i, '');
  if (!/\d/.test(text) || /[^\p{L}\p{N}\s\-–—.]/u.test(text)) return undefined;
  for (const one of [country, ...territoriesOf(country)]) {
    const found = normalizePostalCode(text, one);
    if (!found.ok || !SURE_RULES.has(found.rule)) continue;
    if (!whole && found.rule === 'postal.country_letters') continue;
    if (!whole && found.rule === 'postal.partial' && text.length < 3) continue;
    return found.postalCode;
  }
  return undefined;
}

/** A code that begins or ends a group, the one with more words first. */
function codeAtEdge(group: Group, country: string): Omit<LineCode, 'at'> | undefined {
  const most = Math.min(CODE_WORDS_MAX, group.words.length);
  for (let count = most; count > 0; count -= 1) {
    const whole = count === group.words.length;
    const first = codeIn(slice(group, 0, count).text, country, whole);
    if (first !== undefined && (whole || isClean(slice(group, 0, count).text, country))) return { code: first, certain: true, before: slice(group, 0, 0), behind: slice(group, count) };
    const last = whole ? undefined : codeIn(slice(group, -count).text, country, false);
    if (last !== undefined && isClean(slice(group, -count).text, country)) return { code: last, certain: true, before: slice(group, 0, -count), behind: slice(group, 0, 0) };
  }
  return undefined;
}

/** Marks that may precede a code besides the country's own letters. */
const MARKS: ReadonlySet<string> = new Set(['CEP', 'CP', 'PC', 'FIN', 'FI', 'SE']);

/** Whether a text is a code and nothing else: a mark may precede it, a word of the city or of the street may not. */
function isClean(text: string, country: string): boolean {
  const upper = text.toUpperCase().normalize('NFKC');
  const found = shapeOf(country)?.exec(upper);
  if (!found) return !/\s/.test(upper) || /^\p{Lu}{1,3}[- ]?\d/u.test(upper);
  const rest = (upper.slice(0, found.index) + upper.slice(found.index + found[0].length)).replace(/[^\p{L}\p{N}]/gu, '');
  return rest.length < 2 || rest === country || MARKS.has(rest);
}

/** The shortest code that may stand between a house number and a city without a comma. */
const MIDDLE_LENGTH_MIN = 4;

/** `Linienstraße 40 10119 Berlin`: the last code inside a group that has words on both sides. */
function codeInMiddle(group: Group, country: string): Omit<LineCode, 'at'> | undefined {
  for (let from = group.words.length - 2; from > 0; from -= 1) {
    for (let count = Math.min(2, group.words.length - 1 - from); count > 0; count -= 1) {
      const text = slice(group, from, from + count).text;
      if (text.length < MIDDLE_LENGTH_MIN || !isClean(text, country)) continue;
      const code = codeIn(text, country, false);
      if (code !== undefined) return { code, certain: true, before: slice(group, 0, from), behind: slice(group, from + count) };
    }
  }
  return undefined;
}

/** `01004-Guatemala City`: a hyphen or a slash holds code and city together. */
function unglued(group: Group): Group {
  const match = /^([A-Z]{0,3}[\d-]*\d)[-–/]\s*(\p{L}.*)$/u.exec(group.text);
  if (!match) return group;
  const [, code = '', rest = ''] = match;
  const words = [code, ...rest.split(' ')];
  return { text: words.join(' '), words, keys: words.map((word) => word.toLowerCase()) };
}

const UNSHAPED_DIGITS_MIN = 3;
/** In a country that has no codes a short number is one of a house. */
const UNSHAPED_DIGITS_MIN_WITHOUT_CODES = 5;

/** A number that stands where a code would stand, though it has not the country's shape. */
function unshaped(groups: readonly Group[], digitsMin: number): LineCode | undefined {
  const isNumber = (text: string): boolean => /^\d{3,7}$/.test(text) && text.length >= digitsMin;
  for (let at = groups.length - 1; at > 0; at -= 1) {
    const group = groups[at];
    if (!group || isBox(group)) continue;
    const none = slice(group, 0, 0);
    if (/^\d[\d -]{1,8}$/.test(group.text) && group.text.length >= digitsMin) return { code: group.text, certain: false, at, before: none, behind: none };
    const [first = ''] = group.words;
    const last = group.words.at(-1) ?? '';
    const rest = slice(group, 1);
    if (group.words.length > 1 && isNumber(first) && !isStreetLike(rest)) return { code: first, certain: false, at, before: none, behind: rest };
    const front = slice(group, 0, -1);
    if (group.words.length > 1 && isNumber(last) && !isStreetLike(front)) return { code: last, certain: false, at, before: front, behind: none };
  }
  return undefined;
}

/** The longest number that houses have; a first group that is a number of this length is one of a house. */
const HOUSE_NUMBER_LENGTH_MAX = 5;

/** `1234 Smith Street` and `Storgatan 1234` hold a house number, not a code, when they begin a line of several groups. */
function isHouseNumber(found: Omit<LineCode, 'at'>, at: number, count: number): boolean {
  if (at > 0 || count < 2 || found.code.length > HOUSE_NUMBER_LENGTH_MAX || !/^\d+$/.test(found.code)) return false;
  if (found.before.words.length > 0 && found.behind.words.length > 0) return false;
  const beside = found.behind.words.length > 0 ? found.behind : found.before;
  return beside.words.length > 0 ? isStreetLike(beside) : count > 2 && found.code.length < HOUSE_NUMBER_LENGTH_MAX;
}

/** The postal code of a line, from its end: at the edge of a group first, then within one. */
export function findCode(groups: readonly Group[], country: string): LineCode | undefined {
  if (shapeOf(country) === undefined) return unshaped(groups, UNSHAPED_DIGITS_MIN_WITHOUT_CODES);
  for (let at = groups.length - 1; at >= 0; at -= 1) {
    const group = groups[at];
    if (!group || isBox(group) || !hasDigit(group.text)) continue;
    const found = codeAtEdge(unglued(group), country) ?? codeInMiddle(group, country);
    if (found && !isHouseNumber(found, at, groups.length)) return { ...found, at };
  }
  return unshaped(groups, UNSHAPED_DIGITS_MIN);
}
