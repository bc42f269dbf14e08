import { findSubdivision } from '../subdivision.ts';
import { groupOf, hasDigit, isBox, isHouseNumber, isSaint, isStreetLike, isUnit, slice, type Group } from './groups.ts';
import type { LineCode } from './line-code.ts';
import { isStreetWord } from './street-words.ts';

/** The city of a line, and the groups that it and its region take. */
export type LineCity = {
  city?: string;
  state?: string;
  /** Indices of groups that are used up. */
  used: number[];
  /** What a group that holds street and city leaves for the street. */
  rest?: { at: number; text: string };
  certain: boolean;
};

/** Countries that write a region behind the city, whose regions are not named like their cities. */
const WITH_REGION: ReadonlySet<string> = new Set(['US', 'CA', 'AU', 'IN', 'BR', 'MX', 'MY', 'ZA', 'GB', 'IE', 'JP', 'AR', 'IT', 'NG', 'ES', 'KR', 'TH', 'CN', 'PH', 'ID', 'VE', 'CO', 'CL']);
/** Countries whose regions carry the names of their large cities: two such groups in a row are city and region. */
const NAMESAKES: ReadonlySet<string> = new Set(['ES', 'TH', 'KR', 'CN', 'IT', 'AR', 'CL', 'CO', 'NG', 'MX', 'BR', 'JP', 'PH', 'ID', 'VE']);
const BRITISH_REGIONS: ReadonlySet<string> = new Set(
  'england|scotland|wales|northern ireland|greater london|greater manchester|merseyside|west midlands|tyne and wear|west yorkshire|south yorkshire|north yorkshire|east yorkshire|middlesex|surrey|kent|essex|sussex|east sussex|west sussex|norfolk|suffolk|cornwall|devon|dorset|somerset|cumbria|durham|county durham|northumberland|rutland|avon|cleveland|humberside|isle of wight|cheshire east|co durham'.split('|'),
);

const REGION_WORD = /\s(?:province|oblast|region|governorate|prefecture|wilaya)$/i;

function regionOf(text: string, country: string): string | undefined {
  const plain = text.toLowerCase();
  if (text.toUpperCase() === country) return country;
  // London, Bristol and others are regions of ISO 3166-2 as well, and cities in every address.
  if (country === 'GB') return BRITISH_REGIONS.has(plain) || plain.endsWith('shire') ? text : undefined;
  if (country === 'IE' && /^(?:co\.?|county) /.test(plain)) return text.replace(/^(?:co\.?|county) /i, '');
  if (REGION_WORD.test(text)) return findSubdivision(text, country)?.code ?? text;
  return findSubdivision(text, country)?.code;
}

const CITY_AND_CODE = /^(\S.*?)(?:\s+|\s*[-–/(]\s*)([A-Z]{2,3})\)?$/u;

/** A region's code behind the city (`Oderzo TV`, `São Paulo - SP`, `Roma (RM)`), or its name twice (`Roma Roma`). */
function withoutRegion(group: Group, country: string): { city: string; state?: string } {
  const coded = WITH_REGION.has(country) ? CITY_AND_CODE.exec(group.text) : null;
  if (coded !== null) {
    const [, city = '', code = ''] = coded;
    const match = findSubdivision(code, country);
    if (match) return { city, state: match.code };
  }
  const words = group.words.filter((word) => /[\p{L}\p{N}]/u.test(word));
  const last = words.at(-1) ?? '';
  const key = last.toLowerCase();
  if (words.length > 1 && words.slice(0, -1).some((word) => word.toLowerCase() === key)) {
    const state = findSubdivision(last, country)?.code;
    return { city: words.slice(0, -1).join(' '), ...(state === undefined ? {} : { state }) };
  }
  return { city: group.text.replace(/^[\s\-–/,.]+(?=\S)|[\s\-–/,]+$/gu, '') };
}

/** The words behind the last number or street word of a group that holds street and city. */
function cityBehindStreet(group: Group): { street: string; city: Group } | undefined {
  let start = 0;
  for (let at = 0; at < group.words.length - 1; at += 1) {
    const word = group.words[at] ?? '';
    if (hasDigit(word) || /^(?:s\/n|b\.?b\.?|t\.?v\.?|t\.?h\.?)$/i.test(word)) start = at + 1;
    else if (at > 0 && isStreetWord(group.keys[at] ?? '') && /^[a-z.]+$/i.test(word)) start = at + 1;
  }
  while (start > 0 && start < group.words.length - 1 && /^(?:[nesw]{1,2}|st)$/.test(group.keys[start] ?? '') && group.keys[start] !== 'st') start += 1;
  return start === 0 ? undefined : { street: slice(group, 0, start).text, city: slice(group, start) };
}

const isPlace = (group: Group | undefined): group is Group =>
  group !== undefined && (isSaint(group) || !isStreetLike(group)) && !isUnit(group) && !isBox(group) && !isHouseNumber(group);

const isDistrict = (group: Group): boolean => /\b(?:district|ward|quarter|area|zone|county)$/i.test(group.text) || /^(?:barrio|colonia|quartier|kelurahan|kec)\b/i.test(group.text);

/** Whether a group that ends with the city begins with the street, a unit or a house number. */
const holdsStreet = (group: Group): boolean =>
  (isStreetLike(group) && !isSaint(group)) || /^(?:s\/n|b\.?b\.?)\s/i.test(group.text) || group.words.slice(0, -1).some(hasDigit);

/** Reads the city from the group at `at`, going over regions to its left. */
function cityFrom(groups: readonly Group[], at: number, country: string): LineCity {
  const used: number[] = [];
  let state: string | undefined;
  let next = at;
  while (next > 0) {
    const group = groups[next];
    const before = groups[next - 1];
    const region = group && (WITH_REGION.has(country) || group.text === country || REGION_WORD.test(group.text)) ? regionOf(group.text, country) : undefined;
    if (region === undefined || !before || isHouseNumber(before) || isUnit(before) || isBox(before)) break;
    const same = before.text.toLowerCase() === group?.text.toLowerCase();
    const splits = /^[A-Z]{2,3}$/.test(group?.text ?? '') || country === 'GB' ? cityBehindStreet(before) : undefined;
    if (!same && !isPlace(before) && !splits) break;
    if (!same && NAMESAKES.has(country) && (isDistrict(before) || (next < 3 && country !== 'MX' && country !== 'BR'))) break;
    state ??= region;
    used.push(next);
    next -= 1;
  }
  const group = groups[next];
  if (!group) return { used, certain: false, ...(state === undefined ? {} : { state }) };
  const split = holdsStreet(group) ? cityBehindStreet(group) : undefined;
  const found = withoutRegion(split?.city ?? group, country);
  state = found.state ?? state;
  const result: LineCity = { city: found.city, used: [...used, next], certain: split === undefined };
  if (state !== undefined) result.state = state;
  if (split) result.rest = { at: next, text: split.street };
  return result;
}

/** The city behind a code: up to a street word (`1075 Budapest kazinczy utca, 14`). */
function cityBehindCode(group: Group, country: string): { city: string; state?: string } {
  const street = group.keys.findIndex((key, at) => at > 0 && isStreetWord(key) && key !== 'st');
  return withoutRegion(street > 1 ? slice(group, 0, 1) : group, country);
}

/** Cities that are their own country and often written once for both. */
const CITY_STATES: ReadonlySet<string> = new Set(['SG', 'GI', 'MC', 'VA', 'HK', 'MO', 'DJ', 'SM', 'KW', 'LU', 'PA', 'GT']);

/**
 * The city of a line whose postal code was found at `code`: behind the code, before it, or in the group beside it.
 * @param written the country's name as the line has it
 */
export function cityBesideCode(groups: readonly Group[], code: LineCode, country: string, written: string | undefined): LineCity {
  const { at, before, behind } = code;
  if (behind.words.length > 0 && hasLetters(behind)) {
    const found = cityBehindCode(behind, country);
    const next = groups[at + 1];
    const state = found.state ?? (next && WITH_REGION.has(country) ? regionOf(next.text, country) : undefined);
    const used = state !== undefined && found.state === undefined ? [at, at + 1] : [at];
    return { city: found.city, used, certain: true, ...(state === undefined ? {} : { state }), ...(before.words.length > 0 ? { rest: { at, text: before.text } } : {}) };
  }
  if (before.words.length > 0 && hasLetters(before)) {
    const replaced = groups.map((group, index) => (index === at ? groupOf(before.text) : group));
    const found = cityFrom(replaced, at, country);
    const next = groups[at + 1];
    const state = found.state ?? (next && WITH_REGION.has(country) ? regionOf(next.text, country) : undefined);
    if (state !== undefined && found.state === undefined) return { ...found, state, used: [...found.used, at + 1] };
    return found;
  }
  return cityBesideGroup(groups, at, country, written);
}

const hasLetters = (group: Group): boolean => /\p{L}/u.test(group.text);

/** The code has a group of its own: the city is the group behind it, else the one before. */
function cityBesideGroup(groups: readonly Group[], at: number, country: string, written: string | undefined): LineCity {
  const next = groups[at + 1];
  const previous = groups[at - 1];
  const nextIsRegion = next !== undefined && WITH_REGION.has(country) && regionOf(next.text, country) !== undefined && isPlace(previous);
  if (next && isPlace(next) && !nextIsRegion) {
    const [first = ''] = next.words;
    const leading = at === 0 && next.words.length > 1 ? findSubdivision(first, country) : undefined;
    if (leading) return { city: slice(next, 1).text, state: leading.code, used: [at, at + 1], certain: true };
    const found = withoutRegion(next, country);
    return { city: found.city, used: [at, at + 1], certain: true, ...(found.state === undefined ? {} : { state: found.state }) };
  }
  if (!previous) return { used: [at], certain: false };
  if (CITY_STATES.has(country) && written !== undefined && !isPlace(previous)) return { city: written, used: [at], certain: false };
  const found = cityFrom(groups, at - 1, country);
  return { ...found, used: [...found.used, at] };
}

/** The city of a line without a postal code: the last group that is a place, regions left out. */
export function cityWithoutCode(groups: readonly Group[], country: string, written: string | undefined): LineCity {
  const last = groups.length - 1;
  const group = groups[last];
  if (!group) return { used: [], certain: false };
  if (CITY_STATES.has(country) && written !== undefined && !isPlace(group)) return { city: written, used: [], certain: false };
  if (last === 0 && !isPlace(group)) {
    const split = cityBehindStreet(group);
    return split ? { ...withoutRegion(split.city, country), used: [0], rest: { at: 0, text: split.street }, certain: false } : { used: [], certain: false };
  }
  if (!isPlace(group) && !cityBehindStreet(group)) return { used: [], certain: false };
  return { ...cityFrom(groups, last, country), certain: false };
}
