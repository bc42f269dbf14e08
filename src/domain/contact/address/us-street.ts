import { ROLE, WORD, type Token } from './tokens.ts';
import { CITY_WORDS_MAX, expandCityWord, isCityName } from './us-places.ts';

/*
 * Tells the street from the city. With a comma before the city that is easy; without one the street ends with its
 * suffix, a direction or a number, and the city begins where a name of a place fits.
 */

const has = (token: Token | undefined, bits: number): boolean => token !== undefined && (token.flags & bits) !== 0;

/** Start of the longest known name of a city that ends at `end`, or -1. */
export function knownCityStart(tokens: readonly Token[], from: number, end: number): number {
  let words = '';
  let found = -1;
  for (let at = end - 1; at >= from && at >= end - CITY_WORDS_MAX; at -= 1) {
    const token = tokens[at];
    if (!token || token.role !== ROLE.none || (at < end - 1 && token.comma)) break;
    const word = expandCityWord(token.key);
    words = words ? `${word} ${words}` : word;
    if (at < end - 1 && isCityName(words)) found = at;
  }
  return found;
}

/** A house number: `12`, `12-14`, `12B`, `N79W5406`, `One` before a word; ordinals name streets. */
export function isHouseNumber(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at];
  if (!token || token.role !== ROLE.none) return false;
  if (has(token, WORD.digit)) return !has(token, WORD.ordinal) && !has(tokens[at - 1], WORD.highway | WORD.numberMark) && /^(?:\d|[a-z]\d)/.test(token.key);
  return has(token, WORD.numberWord) && !has(tokens[at + 1], WORD.strongSuffix);
}

/** `W206N W16282`, `12 1/2`: the number's second part. */
function houseNumberEnd(tokens: readonly Token[], at: number): number {
  const next = tokens[at + 1];
  if (tokens[at]?.comma || !next || next.role !== ROLE.none) return at + 1;
  return next.text === '1/2' || next.text === '½' || /^[nsew]\d+$/.test(next.key) ? at + 2 : at + 1;
}

/** The number of a highway, its letters and what qualifies it: `157`, `No 202`, `ZZ`, `17 Business`, `139 A`. */
function highwayEnd(tokens: readonly Token[], at: number, end: number, lettered: boolean): number {
  let next = at + 1;
  if (has(tokens[next], WORD.highway) && has(tokens[next + 1], WORD.digit)) next += 1;
  if (has(tokens[next], WORD.numberMark | WORD.hash)) next += 1;
  const value = tokens[next];
  if (next >= end || !value || value.role !== ROLE.none) return -1;
  const letters = lettered && value.key.length <= 3 && /^[A-Z]+$/i.test(value.key) && (value.key.length < 3 || value.text === value.text.toUpperCase());
  if (!has(value, WORD.digit) && !(letters && !has(value, WORD.strongSuffix | WORD.unit))) return -1;
  next += 1;
  while (next < end && tokens[next - 1]?.comma !== true && has(tokens[next], WORD.highwayTail)) next += 1;
  if (next < end && has(tokens[next], WORD.letter) && !has(tokens[next], WORD.direction) && tokens[next - 1]?.comma !== true) next += 1;
  return next;
}

/** End of a street's numbered or lettered name at `at`, or -1: `County Road 43`, `FM 998`, `Ave K`, `rd 32`. */
function numberedEnd(tokens: readonly Token[], at: number, nameStart: number, end: number): number {
  const token = tokens[at];
  const qualified = has(tokens[at - 1], WORD.roadQualifier);
  if (has(token, WORD.highway)) return highwayEnd(tokens, at, end, qualified);
  if (!has(token, WORD.strongSuffix)) return -1;
  if (qualified && (token?.key === 'road' || token?.key === 'rd')) return highwayEnd(tokens, at, end, true);
  if (at !== nameStart) return -1;
  const next = tokens[at + 1];
  return at + 1 < end && !token?.comma && next?.role === ROLE.none && (has(next, WORD.letter) || has(next, WORD.digit)) ? at + 2 : -1;
}

/** `St` after a complete street is Saint; `St` behind a plain word is Street. */
function isSaint(tokens: readonly Token[], at: number, end: number, streetEnd: number): boolean {
  const token = tokens[at];
  if (token?.key !== 'st' || at + 1 >= end || token.comma) return false;
  if (has(tokens[at + 1], WORD.direction | WORD.unit | WORD.digit | WORD.hash | WORD.strongSuffix)) return false;
  if (streetEnd < 0 || has(tokens[at - 1], WORD.ordinal)) return false;
  for (let before = streetEnd; before < at; before += 1) if (!has(tokens[before], WORD.direction)) return false;
  return true;
}

export type StreetEnd = {
  /** Exclusive index of the last token of the street, directions included. */
  end: number;
  /** What told: a suffix or a number, a word that can be a suffix, or nothing. */
  by: 'suffix' | 'weak' | 'none';
};

/** Words that end the name of a place of many buildings: they may follow another word for a street. */
const COMPLEXES: ReadonlySet<string> = new Set(['mall', 'center', 'centre', 'ctr', 'plaza', 'square', 'village', 'station', 'common', 'commons']);

/** Where a street whose name begins at `nameStart` ends, at most at `limit`. Directions behind it are not yet included. */
function streetNameEnd(tokens: readonly Token[], nameStart: number, limit: number): StreetEnd {
  let strong = -1;
  let weak = -1;
  for (let at = nameStart; at < limit; at += 1) {
    const token = tokens[at];
    if (!token || token.role !== ROLE.none) break;
    const numbered = numberedEnd(tokens, at, nameStart, limit);
    if (numbered >= 0) {
      strong = numbered;
      at = numbered - 1;
    } else if (has(token, WORD.strongSuffix)) {
      if ((at > nameStart || token.key === 'broadway') && !isSaint(tokens, at, limit, strong)) strong = at + 1;
    } else if (has(token, WORD.digit) && strong < 0 && at > 0 && has(tokens[at - 1], WORD.direction)) strong = at + 1;
    else if (at > nameStart && has(token, WORD.weakSuffix) && (weak < 0 || (weak === at && COMPLEXES.has(token.key)))) weak = at + 1;
    if (tokens[Math.max(at, nameStart)]?.comma) break;
  }
  if (strong >= 0) return { end: strong, by: 'suffix' };
  return weak >= 0 ? { end: weak, by: 'weak' } : { end: -1, by: 'none' };
}

/** Directions before the name: `N`, `East`; a direction that is the name itself (`North St`) is left. */
function nameStartAfter(tokens: readonly Token[], at: number, end: number): number {
  const token = tokens[at];
  const next = tokens[at + 1];
  if (!has(token, WORD.direction) || at + 1 >= end || token?.comma) return at;
  const lettered = at + 2 < end && tokens[at + 2]?.role === ROLE.none && has(tokens[at + 2], WORD.letter | WORD.digit);
  return has(next, WORD.strongSuffix) && !lettered ? at : at + 1;
}

/** Takes the directions behind a street into it, unless the city begins with them. */
function withDirections(tokens: readonly Token[], street: number, end: number, known: number, preDirected: boolean, numbered: 'no' | 'ordinal' | 'grid'): number {
  let next = street;
  while (next < end && has(tokens[next], WORD.direction) && tokens[next]?.role === ROLE.none) {
    if (next === end - 1 || next === known) break;
    const token = tokens[next];
    const certain = has(token, WORD.diagonal) || token?.comma === true || (known > next && allDirections(tokens, next, known));
    if (!certain) {
      if (preDirected && numbered !== 'grid') break;
      if (!has(token, WORD.letter) && (token?.key.length ?? 0) > 2 && numbered === 'no') break;
    }
    next += 1;
  }
  return next;
}

function allDirections(tokens: readonly Token[], from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) if (!has(tokens[at], WORD.direction)) return false;
  return true;
}

/** Where the city begins when nothing but its own words can tell: `San X`, `X Beach`, else the last word. */
function guessedCityStart(tokens: readonly Token[], from: number, end: number): number {
  let start = end - 1;
  if (has(tokens[start], WORD.cityTail) && start - 1 > from) start -= 1;
  while (start - 1 > from && has(tokens[start - 1], WORD.cityLead) && tokens[start - 1]?.role === ROLE.none && !tokens[start - 1]?.comma) start -= 1;
  return start;
}

/** The index at which the city begins in a run of words that holds the street as well, and how sure that is. */
export function splitStreetFromCity(tokens: readonly Token[], from: number, end: number): { cityStart: number; confidence: number } {
  const number = isHouseNumber(tokens, from) ? houseNumberEnd(tokens, from) : from;
  const nameStart = nameStartAfter(tokens, number, end);
  const preDirected = nameStart > number;
  const known = knownCityStart(tokens, number + 1, end);
  const street = streetNameEnd(tokens, nameStart, end - 1);
  const spansKnown = known >= 0 && street.end > known;
  if (street.by === 'suffix' && !spansKnown) {
    const numbered = has(tokens[street.end - 1], WORD.digit) ? 'grid' : has(tokens[street.end - 2], WORD.ordinal | WORD.highway) ? 'ordinal' : 'no';
    const cityStart = withDirections(tokens, street.end, end, known, preDirected, numbered);
    return { cityStart: afterBareUnit(tokens, cityStart, end), confidence: cityStart === known || street.end === end - 1 ? 0.95 : 0.85 };
  }
  if (known >= 0) return { cityStart: known, confidence: 0.85 };
  const diagonal = lastDiagonal(tokens, nameStart, end);
  if (diagonal > 0) return { cityStart: diagonal + 1, confidence: 0.75 };
  if (street.by === 'weak') return { cityStart: street.end, confidence: 0.7 };
  return { cityStart: Math.max(guessedCityStart(tokens, nameStart, end), 0), confidence: 0.6 };
}

function lastDiagonal(tokens: readonly Token[], from: number, end: number): number {
  for (let at = end - 2; at > from; at -= 1) if (has(tokens[at], WORD.diagonal)) return at;
  return -1;
}

/** A number between street and city is a unit that says no more: `Drive W 707 West Palm Beach`. */
function afterBareUnit(tokens: readonly Token[], at: number, end: number): number {
  let last = -1;
  for (let next = at; next < end - 1 && next < at + 4; next += 1) if (has(tokens[next], WORD.digit)) last = next;
  if (last < 0) return at;
  for (let next = at; next <= last; next += 1) {
    const token = tokens[next];
    if (token) token.role = ROLE.unit;
  }
  return last + 1;
}

/**
 * Gives roles to a run of words that is street without city: recipient or building, house number and street, bare units.
 */
export function markStreet(tokens: readonly Token[], from: number, end: number): void {
  const nameStart = nameStartAfter(tokens, isHouseNumber(tokens, from) ? houseNumberEnd(tokens, from) : from, end);
  const street = streetNameEnd(tokens, nameStart, end);
  let streetEnd = street.by === 'suffix' ? street.end : end;
  while (streetEnd < end && has(tokens[streetEnd], WORD.direction)) streetEnd += 1;
  const rest = streetEnd < end ? (hasDigit(tokens, streetEnd, end) ? ROLE.unit : ROLE.recipient) : ROLE.street;
  for (let at = from; at < end; at += 1) {
    const token = tokens[at];
    if (token?.role === ROLE.none) token.role = at < streetEnd ? ROLE.street : rest;
  }
}

/** Whether a token that has no role yet holds a digit. */
function hasDigit(tokens: readonly Token[], from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) if (tokens[at]?.role === ROLE.none && has(tokens[at], WORD.digit)) return true;
  return false;
}
