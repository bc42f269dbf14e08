import { remember } from './name-key.ts';
import { POSTAL_REGIONS } from './postal-regions.ts';
import { POSTAL_SHAPES, UK_AREAS } from './postal-shapes.ts';
import { longestPrefix, readPrefixTable } from './prefix-table.ts';

/**
 * A postal code held against a country. `shape`: no code of any country we know, or none of this one; `other_country`:
 * it has the shape of another country's codes; `no_postal_codes`: the country has none. Below a confidence of 0.8 the code is a guess.
 */
export type PostalCheck =
  | { ok: true; postalCode: string; rule: string; confidence: number }
  | { ok: false; reason: 'shape' | 'other_country' | 'no_postal_codes' };

type Shape = {
  /** The canonical form; its signs are those of POSTAL_SHAPES, with spaces. */
  form: string;
  /** The same without separators. */
  compact: string;
  /** Where separators may stand, as counts of the characters before them. */
  gaps: readonly number[];
};
type Rules = { country: string; shapes: readonly Shape[]; limit: RegExp | undefined; prefixes: readonly string[] };

const CACHE_LIMIT = 20_000;
const MAX_LENGTH = 60;
const ASCII = /^[\0-\x7f]*$/;
const cache = new Map<string, PostalCheck>();
let rulesByCountry: Map<string, Rules> | undefined;

/**
 * The canonical form of a postal code (spacing, case, full-width letters, country marks), or why it is none of `country`.
 * @param country ISO 3166-1 alpha-2
 */
export function normalizePostalCode(raw: string, country: string): PostalCheck {
  if (raw.length > MAX_LENGTH) return { ok: false, reason: 'shape' };
  const key = `${country} ${raw}`;
  return cache.get(key) ?? remember(cache, CACHE_LIMIT, key, check(raw, country));
}

const patterns = new Map<string, RegExp>();

/** A pattern, not anchored, that finds a code of this country in upper-case text; the longest shape goes first; undefined where there are no codes. */
export function postalShape(country: string): RegExp | undefined {
  const known = patterns.get(country);
  const rules = allRules().get(country);
  if (known !== undefined || rules === undefined) return known;
  const shape = new RegExp(`(?<![A-Z\\dÀ-ɏ])(?:${longestFirst(rules).map(({ form }) => pattern(form)).join('|')})(?![A-Z\\dÀ-ɏ])`);
  patterns.set(country, shape);
  return shape;
}

const regions = new Map<string, ReadonlyMap<string, string>>();
const LONGEST_BEGINNING = 6;

/**
 * The subdivision (ISO 3166-2 without the country) in which a canonical postal code lies, by its beginning; undefined
 * where that is not certain.
 */
export function subdivisionOfPostalCode(postalCode: string, country: string): string | undefined {
  const table = regionsOf(country);
  const code = table === undefined ? undefined : longestPrefix(table, postalCode, LONGEST_BEGINNING);
  // "=": the beginning is the number of the department or province itself.
  return code === '=' ? postalCode.slice(0, 2) : code;
}

function regionsOf(country: string): ReadonlyMap<string, string> | undefined {
  if (regions.size === 0) for (const line of POSTAL_REGIONS.trim().split('\n')) regions.set(line.slice(0, 2), readPrefixTable(line.slice(3)));
  return regions.get(country);
}

function longestFirst({ shapes }: Rules): Shape[] {
  return [...shapes].sort((one, other) => other.compact.length - one.compact.length);
}

function check(raw: string, country: string): PostalCheck {
  const rules = allRules().get(country);
  if (rules === undefined) return { ok: false, reason: 'no_postal_codes' };
  const canonical = asGiven(rules, raw);
  if (canonical !== undefined) return canonical;
  const text = clean(raw);
  if (text === '') return { ok: false, reason: 'shape' };
  const parts = text.split('-');
  const found = direct(rules, raw, parts) ?? withoutMark(rules, parts) ?? lookalikes(rules, parts.join(''));
  if (found !== undefined) return found;
  return { ok: false, reason: isForeign(parts, country) ? 'other_country' : 'shape' };
}

/** The usual case: the code stands in its canonical form already. */
function asGiven(rules: Rules, raw: string): PostalCheck | undefined {
  const shape = rules.shapes.find((one) => fits(one.form, raw));
  if (shape === undefined) return undefined;
  const compact = shape.form === shape.compact ? raw : raw.replace(/[ -]+/g, '');
  return allowed(rules, compact) ? accepted(rules, shape, compact, raw) : undefined;
}

/** Upper case, half-width, each run of separators one hyphen, none at the ends, nothing invisible. */
function clean(raw: string): string {
  const ascii = ASCII.test(raw) ? raw : raw.normalize('NFKC').replace(/\p{Cf}/gu, '').replace(/[\p{P}\p{Z}\p{S}ー]/gu, '-');
  return ascii
    .toUpperCase()
    .replace(/[\0-/:-@[-`{-\x7f]+/g, '-')
    .replace(/^-|-$/g, '');
}

/**
 * A single separator in a place where this country puts none is the mark of another country's code ("010 01" in France),
 * or of no code at all; several are careless typing ("9 1 608").
 */
function direct(rules: Rules, raw: string, parts: readonly string[]): PostalCheck | undefined {
  const compact = parts.join('');
  const shape = rules.shapes.find((one) => fits(one.compact, compact));
  if (shape === undefined || !allowed(rules, compact)) return undefined;
  if (parts.length === 2 && !shape.gaps.includes(parts[0]?.length ?? 0)) return undefined;
  return accepted(rules, shape, compact, raw);
}

function accepted(rules: Rules, shape: Shape, compact: string, raw: string): PostalCheck {
  const postalCode = shape.form === shape.compact ? compact : format(shape, compact);
  if (rules.country === 'IE' && compact.length === 3) return { ok: true, postalCode, rule: 'postal.partial', confidence: 0.9 };
  return { ok: true, postalCode, rule: postalCode === raw ? 'postal.as_given' : 'postal.canonical', confidence: 1 };
}

/** Country marks before or after the code, the code's own letters left out, a word before an all-digit code, and outward codes alone. */
function withoutMark(rules: Rules, parts: readonly string[]): PostalCheck | undefined {
  const compact = parts.join('');
  for (const mark of [rules.country, ...rules.prefixes]) {
    const rest = compact.startsWith(mark) ? compact.slice(mark.length) : compact.endsWith(mark) ? compact.slice(0, -mark.length) : compact;
    const found = rest === compact ? undefined : (plain(rules, rest, 'postal.country_mark') ?? withLetters(rules, rest) ?? lookalikes(rules, rest));
    if (found !== undefined) return found;
  }
  const digits = /^(?!BFPO|LIMA|CALLAO)(?:GPO|[A-Z]{3}[A-Z0-9]*[A-Z])(\d+)$/.exec(compact)?.[1];
  if (digits !== undefined) return plain(rules, digits, 'postal.word_before');
  return (parts.length === 2 ? undefined : withLetters(rules, compact)) ?? (parts.length === 1 ? partial(rules, compact) : undefined) ?? withZeros(rules, compact);
}

/**
 * A wrong number of zeros. "Colombo 2" is how the districts of that city are known, and is 00200; that a main office of
 * Morocco or Sri Lanka, whose codes end in zeros, lost or gained one is a guess.
 */
function withZeros(rules: Rules, compact: string): PostalCheck | undefined {
  const district = rules.country === 'LK' ? /^0{0,2}([1-9]|1[0-5])$/.exec(compact)?.[1] : undefined;
  if (district !== undefined) return { ok: true, postalCode: `0${district.padStart(2, '0')}00`, rule: 'postal.city_district', confidence: 0.9 };
  const office = (rules.country === 'LK' && /^\d{2}00$/.test(compact)) || (rules.country === 'MA' && /^[1-9](000|0{5})$/.test(compact));
  return office ? { ok: true, postalCode: compact.padEnd(5, '0').slice(0, 5), rule: 'postal.zeros', confidence: 0.7 } : undefined;
}

function plain(rules: Rules, compact: string, rule: string): PostalCheck | undefined {
  const shape = rules.shapes.find((one) => fits(one.compact, compact));
  return shape !== undefined && allowed(rules, compact) ? { ok: true, postalCode: format(shape, compact), rule, confidence: 0.95 } : undefined;
}

/** "1120" for "VG1120": the letters that every code of the country begins with. */
function withLetters(rules: Rules, compact: string): PostalCheck | undefined {
  const letters = /^[a-zA-Z]{2,3}/.exec(rules.shapes[0]?.compact ?? '')?.[0].toUpperCase();
  if (letters === undefined || !/^\d+$/.test(compact)) return undefined;
  return isLiteral(letters, rules.country) ? plain(rules, letters + compact, 'postal.country_letters') : undefined;
}

/** Five digits alone in the Cayman Islands or Saint Lucia are the ZIP of a forwarder in Florida rather than a code without its letters. */
function isLiteral(letters: string, country: string): boolean {
  return (letters === country && country !== 'KY' && country !== 'LC') || (letters === 'MSR' && country === 'MS') || (letters === 'CP' && country === 'SV');
}

/** The first half of a code, given alone: it names an area, which is all that some sources keep. */
function partial(rules: Rules, compact: string): PostalCheck | undefined {
  const whole = rules.country === 'CA' ? `${compact}1A1` : rules.country === 'GB' ? `${compact}1AA` : undefined;
  if (whole === undefined || compact.length < 2 || !rules.shapes.some((one) => fits(one.compact, whole)) || !allowed(rules, whole)) return undefined;
  return { ok: true, postalCode: compact, rule: 'postal.partial', confidence: 0.9 };
}

const TO_DIGIT: Readonly<Record<string, string>> = { O: '0', Q: '0', I: '1', L: '1', Z: '2', S: '5', B: '8' };
const TO_LETTER: Readonly<Record<string, string>> = { 0: 'O', 1: 'I', 2: 'Z', 5: 'S', 8: 'B' };

/** Pairs that many typefaces print alike; of the others, which are merely similar, one is a guess. */
const SAME_GLYPH = /^(?:O0|0O|I1|1I|L1)$/;
const SAME_GLYPHS_MAX = 2;

/**
 * Letters and digits that look alike put right, place by place: a reading where few are mended that look the same,
 * else a guess. Letters for an all-digit code need at least two digits beside them.
 */
function lookalikes(rules: Rules, compact: string): PostalCheck | undefined {
  if (!/\d/.test(compact) && rules.shapes.every((one) => !one.compact.includes('A'))) return undefined;
  if (!/[A-Z]/.test(compact)) return undefined;
  for (const shape of rules.shapes) {
    if (shape.compact.length !== compact.length) continue;
    const repaired = [...compact].map((character, index) => mended(rules.country, character, shape.compact[index] ?? '')).join('');
    if (repaired !== compact && fits(shape.compact, repaired) && allowed(rules, repaired)) {
      return { ok: true, postalCode: format(shape, repaired), rule: 'postal.lookalike', confidence: confidenceInMending(compact, repaired) };
    }
  }
  return undefined;
}

function confidenceInMending(compact: string, repaired: string): number {
  const pairs = [...compact].map((character, index) => character + repaired.charAt(index)).filter((pair) => pair[0] !== pair[1]);
  return pairs.length <= SAME_GLYPHS_MAX && pairs.every((pair) => SAME_GLYPH.test(pair)) ? 0.85 : 0.7;
}

function mended(country: string, character: string, place: string): string {
  if (place === '9') return TO_DIGIT[character] ?? character;
  if (place === '#') return country === 'IE' && /[OILSZBQ]/.test(character) ? (TO_DIGIT[character] ?? character) : character;
  if (place === 'A' && country === 'CA' && character === 'U') return 'V'; // U is in no Canadian code
  return place === 'A' || place === TO_LETTER[character] ? (TO_LETTER[character] ?? character) : character;
}

/** Only shapes that say something: with a letter or a separator in them, or of a small territory with a limit of its own. */
function isForeign(parts: readonly string[], country: string): boolean {
  const compact = parts.join('');
  for (const rules of allRules().values()) {
    if (rules.country === country) continue;
    const shape = rules.shapes.find((one) => fits(one.compact, compact));
    if (shape === undefined || !allowed(rules, compact)) continue;
    if (parts.length === 2 && !shape.gaps.includes(parts[0]?.length ?? 0)) continue;
    return true;
  }
  return false;
}

function allowed(rules: Rules, compact: string): boolean {
  if (rules.country === 'GB') return isBritish(compact);
  return rules.limit === undefined || rules.limit.test(compact);
}

const AREAS = new Set(UK_AREAS.split(' '));

/** Area letters that exist, a district without a leading zero, and an inward code without the letters C I K M O V. */
function isBritish(compact: string): boolean {
  if (compact.startsWith('BFPO') || compact === 'GIR0AA') return true;
  const match = /^([A-Z]{1,2})(\d|[1-9]\d|\d[A-HJKMNPR-Y])\d[ABD-HJLNP-UW-Z]{2}$/.exec(compact);
  return match !== null && AREAS.has(match[1] ?? '');
}

function fits(shape: string, compact: string): boolean {
  if (shape.length !== compact.length) return false;
  for (let index = 0; index < shape.length; index += 1) {
    const place = shape.charAt(index);
    const character = compact.charAt(index);
    const digit = character >= '0' && character <= '9';
    const letter = character >= 'A' && character <= 'Z';
    if (place === '9' ? !digit : place === 'A' ? !letter : place === '#' ? !digit && !letter : place.toUpperCase() !== character) return false;
  }
  return true;
}

function format({ form }: Shape, compact: string): string {
  let next = 0;
  return form.replace(/[^ -]/g, () => compact.charAt(next++));
}

function pattern(form: string): string {
  return form
    .replaceAll(/[ -]+/g, '~')
    .replaceAll('A', '[A-Z]')
    .replaceAll('9', '\\d')
    .replaceAll('#', '[A-Z\\d]')
    .replaceAll('a', 'A')
    .replaceAll('~', '[ -]{0,2}');
}

function allRules(): Map<string, Rules> {
  rulesByCountry ??= new Map(
    POSTAL_SHAPES.trim()
      .split('\n')
      .map((line) => [line.slice(0, 2), readRules(line)]),
  );
  return rulesByCountry;
}

function readRules(line: string): Rules {
  const [shapes = '', limit, prefixes] = line.slice(3).split(' ; ');
  return {
    country: line.slice(0, 2),
    shapes: shapes.split('|').map(readShape),
    limit: limit === undefined ? undefined : new RegExp(`^(?:${limit})$`),
    prefixes: prefixes?.split(' ') ?? [],
  };
}

function readShape(text: string): Shape {
  const forms = text.replaceAll('_', ' ').split('/');
  const form = forms[0] ?? '';
  return { form, compact: form.replace(/[ -]/g, ''), gaps: forms.flatMap(gapsOf) };
}

function gapsOf(form: string): number[] {
  return form
    .split(/[ -]+/)
    .slice(0, -1)
    .map((_, index, parts) => parts.slice(0, index + 1).join('').length);
}
