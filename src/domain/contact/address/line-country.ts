import { findCountry } from '../country.ts';
import { normalizePostalCode } from '../postal-code.ts';
import { groupOf, slice, type Group } from './groups.ts';

/*
 * Which country a line is of: the one that the source gave, else the one that its last part names, else one whose postal
 * codes look like no other's.
 */

/** Territories that write the name of another country behind or instead of their own. */
const PARENTS: Readonly<Record<string, string>> = {
  GP: 'FR', MQ: 'FR', GF: 'FR', RE: 'FR', YT: 'FR', PM: 'FR', BL: 'FR', MF: 'FR', NC: 'FR', PF: 'FR', WF: 'FR', TF: 'FR',
  GG: 'GB', JE: 'GB', IM: 'GB', GI: 'GB', FK: 'GB', SH: 'GB', BM: 'GB', KY: 'GB', VG: 'GB', MS: 'GB', TC: 'GB', AI: 'GB', IO: 'GB', GS: 'GB', PN: 'GB', AC: 'GB', TA: 'GB',
  PR: 'US', VI: 'US', GU: 'US', AS: 'US', MP: 'US', UM: 'US', GL: 'DK', FO: 'DK', AX: 'FI', SJ: 'NO', BV: 'NO', AW: 'NL', CW: 'NL', SX: 'NL', BQ: 'NL',
  CX: 'AU', CC: 'AU', NF: 'AU', HM: 'AU', CK: 'NZ', NU: 'NZ', TK: 'NZ', HK: 'CN', MO: 'CN', TW: 'CN',
};

export const isRelated = (one: string, other: string): boolean => one === other || PARENTS[one] === other || PARENTS[other] === one;
/** The territories whose mail may be addressed as the country's own. */
export const territoriesOf = (country: string): readonly string[] => TERRITORIES.get(country) ?? [];

const TERRITORIES: ReadonlyMap<string, string[]> = Map.groupBy(Object.keys(PARENTS), (territory) => PARENTS[territory] ?? '');

export type LineCountry = {
  country: string;
  /** The groups without the country. */
  groups: Group[];
  /** The name as the line has it, for cities that are their own country. */
  written?: string;
  confidence: number;
  rule: string;
};

/** Below this a spelling is not taken for a country's name in the middle of other words. */
const NAME_CONFIDENCE = 0.9;
/** Words before a country's name that make it another place's: New Jersey, Nuevo México. */
const NOT_AFTER: ReadonlySet<string> = new Set(['new', 'nuevo', 'nueva', 'de', 'del', 'of', 'el', 'la', 'port', 'saint', 'st', 'san', 'north', 'south', 'east', 'west', 'rue', 'via', 'calle']);
const COUNTRY_WORDS_MAX = 5;

function countryNamed(text: string): string | undefined {
  const found = findCountry(text);
  return found && found.confidence >= NAME_CONFIDENCE ? found.alpha2 : undefined;
}

const isCode = (text: string): boolean => /^[\p{L}.]{2,4}$/u.test(text) && text.replaceAll('.', '').length <= 3;

/** Country of a whole group; a code of two letters counts only beside a postal code of that country. */
function countryOfGroup(groups: readonly Group[], at: number, given: string | undefined): string | undefined {
  const text = groups[at]?.text ?? '';
  if (/\d/.test(text)) return undefined;
  const named = countryNamed(text);
  if (named === undefined || !isCode(text)) return named;
  if (text !== text.toUpperCase()) return undefined;
  if (named === given) return named;
  const letters = text.replaceAll('.', '');
  return letters.length === 3 || letters === 'UK' || groups.slice(0, at).some((group) => holdsCode(group, named)) ? named : undefined;
}

/** Whether the group begins or ends with a postal code of the country. */
function holdsCode(group: Group, country: string): boolean {
  const candidates = [group.text, group.words[0] ?? '', group.words.at(-1) ?? '', slice(group, 0, 2).text, slice(group, -2).text];
  return candidates.some((text) => /\d/.test(text) && normalizePostalCode(text, country).ok);
}

type Cut = { country: string; written: string; groups: Group[] };

/** The country at the end of the line: a group, two (`Tanzania, United Republic of`), or the last words of one. */
function cutCountry(groups: readonly Group[], given: string | undefined): Cut | undefined {
  const last = groups.length - 1;
  if (last < 1) return cutWords(groups, last, given);
  const pair = groups.slice(-2).map((group) => group.text).join(', ');
  const ofPair = last > 1 && !countryNamed(groups[last]?.text ?? '') ? countryNamed(pair) : undefined;
  if (ofPair) return { country: ofPair, written: pair, groups: groups.slice(0, -2) };
  const whole = countryOfGroup(groups, last, given);
  if (whole) return { country: whole, written: groups[last]?.text ?? '', groups: groups.slice(0, -1) };
  const before = /^[\p{Lu}\d -]+$/u.test(groups[last]?.text ?? '') && /\d/.test(groups[last]?.text ?? '') && last > 1 ? countryOfGroup(groups, last - 1, given) : undefined;
  if (before && holdsCode(groups[last] ?? groupOf(''), before)) {
    return { country: before, written: groups[last - 1]?.text ?? '', groups: groups.filter((_, at) => at !== last - 1) };
  }
  return cutBeforeCode(groups, given) ?? cutWords(groups, last, given) ?? cutFirst(groups, given);
}

/** `Orchard Rd, Singapore 238823`: the country, or a city of its name, and the code in one group. */
function cutBeforeCode(groups: readonly Group[], given: string | undefined): Cut | undefined {
  const last = groups.at(-1);
  if (!last || last.words.length < 2 || !/\d/.test(last.words.at(-1) ?? '') || given !== undefined) return undefined;
  for (let count = 1; count < 3 && count < last.words.length; count += 1) {
    const written = slice(last, 0, -count).text;
    const country = /\d/.test(written) || isCode(written) ? undefined : countryNamed(written);
    const code = slice(last, -count);
    if (country !== undefined && normalizePostalCode(code.text, country).ok) return { country, written, groups: [...groups.slice(0, -1), code] };
  }
  return undefined;
}

/** `112 01 Stockholm Sweden`: the last words of the last group. */
function cutWords(groups: readonly Group[], at: number, given: string | undefined): Cut | undefined {
  const group = groups[at];
  if (!group || group.words.length < 2) return undefined;
  for (let count = Math.min(COUNTRY_WORDS_MAX, group.words.length - 1); count > 0; count -= 1) {
    const rest = slice(group, 0, -count);
    const written = slice(group, -count).text;
    if (isCode(written) && !(written === 'UK' || written === 'USA' || written === given)) continue;
    const country = /\d/.test(written) ? undefined : countryNamed(written);
    if (country === undefined || (given !== undefined && !isRelated(country, given))) continue;
    if (NOT_AFTER.has(rest.keys.at(-1) ?? '') || (country === 'GE' && given === undefined)) continue;
    return { country, written, groups: groups.map((one, index) => (index === at ? rest : one)) };
  }
  return undefined;
}

/** `Japan 〒100-0014, …`: lines that go from the large to the small begin with the country. */
function cutFirst(groups: readonly Group[], given: string | undefined): Cut | undefined {
  const [first, ...others] = groups;
  if (!first) return undefined;
  const written = first.words[0] ?? '';
  const country = isCode(written) ? undefined : countryNamed(written);
  if (country === undefined || (given !== undefined && country !== given)) return undefined;
  if (first.words.length === 1) return { country, written, groups: others };
  return holdsCode(slice(first, 1), country) ? { country, written, groups: [slice(first, 1), ...others] } : undefined;
}

/** Codes that only one country writes like this. */
const DISTINCT_CODES: readonly (readonly [string, RegExp])[] = [
  ['CA', /(?:^|\s)[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d$/],
  ['GB', /(?:^|\s)(?:[A-Z]{1,2}\d[A-Z\d]?) ?\d[ABD-HJLNP-UW-Z]{2}(?:\s|$)/],
  ['NL', /(?:^|\s)[1-9]\d{3} ?(?!N[EW]|S[EWADS]|EL|LA|ST|AV|RD|DR|DE)[A-Z]{2}(?:\s|$)/],
  ['BR', /(?:^|\s)\d{5}-\d{3}(?:\s|$)/],
  ['PT', /(?:^|\s)\d{4}-\d{3}(?:\s|$)/],
  ['PL', /(?:^|\s)\d{2}-\d{3}(?:\s|$)/],
  ['JP', /〒/u],
  ['IE', /(?:^|\s)(?:D6W|[AC-FHKNPRTV-Y]\d\d) ?[0-9AC-FHKNPRTV-Y]{4}$/],
  ['AU', /\b(?:NSW|VIC|QLD|TAS) \d{4}$/],
  ['DE', /(?:^|\s)D-\d{5}(?:\s|$)/], ['CH', /(?:^|\s)CH-\d{4}(?:\s|$)/], ['AT', /(?:^|\s)A-\d{4}(?:\s|$)/], ['FR', /(?:^|\s)F-\d{5}(?:\s|$)/], ['BE', /(?:^|\s)B-\d{4}(?:\s|$)/],
  ['LV', /(?:^|\s)LV-\d{4}(?:\s|$)/], ['LT', /(?:^|\s)LT-\d{5}(?:\s|$)/], ['MD', /(?:^|\s)MD-\d{4}(?:\s|$)/], ['LU', /(?:^|\s)L-\d{4}(?:\s|$)/],
];

function countryOfCodes(groups: readonly Group[]): string | undefined {
  for (let at = groups.length - 1; at >= 0; at -= 1) {
    const text = groups[at]?.text.toUpperCase() ?? '';
    const found = /\d/.test(text) ? DISTINCT_CODES.find(([, shape]) => shape.test(text)) : undefined;
    if (found) return found[0];
  }
  // Six digits beside Cyrillic words: Russia is by far the largest of the countries that write so.
  const cyrillic = groups.some(({ text }) => /\p{Script=Cyrillic}/u.test(text));
  return cyrillic && groups.some(({ words }) => words.some((word) => /^[1-6]\d{5}$/.test(word))) ? 'RU' : undefined;
}

/**
 * The country of a line and the groups without it; undefined where nothing tells.
 * @param given alpha-2 that the source gave; it wins over the one in the line
 */
export function countryOfLine(groups: readonly Group[], given: string | undefined): LineCountry | undefined {
  const cut = cutCountry(groups, given);
  if (given !== undefined) {
    const related = cut !== undefined && isRelated(cut.country, given);
    if (!cut || (!related && cut.groups.length < 2)) return { country: given, groups: [...groups], confidence: 1, rule: 'address.country_given' };
    const again = related ? parentCut(cut, given) : cut;
    return { country: given, groups: again.groups, written: again.written, confidence: related ? 1 : 0.7, rule: 'address.country_given' };
  }
  if (cut) {
    const again = parentCut(cut, undefined);
    return { country: again.country, groups: again.groups, written: again.written, confidence: 0.95, rule: 'address.country_in_line' };
  }
  const country = countryOfCodes(groups);
  return country === undefined ? undefined : { country, groups: [...groups], confidence: 0.7, rule: 'address.country_from_code' };
}

/** `Guadeloupe, France`: the territory before its country is the country. */
function parentCut(cut: Cut, given: string | undefined): Cut {
  const last = cut.groups.length - 1;
  if (last < 1) return cut;
  const inner = countryOfGroup(cut.groups, last, given);
  if (inner === undefined || inner === cut.country || PARENTS[inner] !== cut.country) return cut;
  return { country: inner, written: cut.groups[last]?.text ?? '', groups: cut.groups.slice(0, -1) };
}
