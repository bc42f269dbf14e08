import type { ParsedAddress } from './parsed-address.ts';
import { ROLE, WORD, textOf, type Token } from './tokens.ts';
import { markUnitsAndBoxes } from './us-marks.ts';
import { isHouseNumber, knownCityStart, markStreet, splitStreetFromCity } from './us-street.ts';
import { isZip, readUsTail, withoutUsCountry, type StateOfZip, type UsTail } from './us-tail.ts';

/*
 * A United States line is read from its end: country, ZIP, state; then units and boxes by their designators; then the
 * city by the comma before it or by the end of the street; what is left is the street, and in front of its number whom
 * the mail is for. Layout after USPS Publication 28.
 */

const has = (token: Token | undefined, bits: number): boolean => token !== undefined && (token.flags & bits) !== 0;

function lastDigitIn(tokens: readonly Token[], from: number, end: number): number {
  for (let at = end - 1; at >= from; at -= 1) if (has(tokens[at], WORD.digit)) return at;
  return -1;
}

function markAll(tokens: readonly Token[], from: number, end: number, role: Token['role']): void {
  for (let at = from; at < end; at += 1) {
    const token = tokens[at];
    if (token?.role === ROLE.none) token.role = role;
  }
}

/** The house number of a run of words that may begin with a name: the last of the first run of numbers. */
function houseNumberIn(tokens: readonly Token[], from: number, end: number): number {
  for (let at = from; at < end - 1; at += 1) {
    if (!isHouseNumber(tokens, at) || (at > from && has(tokens[at], WORD.numberWord) && tokens[from]?.role !== ROLE.none)) continue;
    let last = at;
    while (last + 1 < end - 1 && tokens[last]?.comma !== true && isHouseNumber(tokens, last + 1) && !isSecondPart(tokens, last)) last += 1;
    return last;
  }
  return -1;
}

/** `W206N W16282` and `12 1/2` are one number of two parts. */
const isSecondPart = (tokens: readonly Token[], at: number): boolean => /^[nsew]\d+/.test(tokens[at + 1]?.key ?? '') || tokens[at + 1]?.text === '1/2';

/** Words in front of the house number: a bare unit right before it, a name before that. */
function markLead(tokens: readonly Token[], from: number, number: number): void {
  let unit = number;
  while (unit > from && has(tokens[unit - 1], WORD.digit) && tokens[unit - 1]?.role === ROLE.none) unit -= 1;
  if (unit < number && unit > from && has(tokens[unit - 1], WORD.letter)) unit -= 1;
  markAll(tokens, unit, number, ROLE.unit);
  markAll(tokens, from, unit, ROLE.recipient);
}

/** Splits a run that holds street and city. */
function splitRun(tokens: readonly Token[], from: number, end: number): { cityStart: number; confidence: number } {
  const number = houseNumberIn(tokens, from, end);
  if (number > from) markLead(tokens, from, number);
  const split = splitStreetFromCity(tokens, Math.max(number, from), end);
  const cityStart = afterBuilding(tokens, split.cityStart, end);
  if (cityStart === split.cityStart) return split;
  markAll(tokens, split.cityStart, cityStart, ROLE.recipient);
  return { cityStart, confidence: Math.min(split.confidence, 0.75) };
}

/** Where the city begins and how sure that is. Marks units and directions that stand between it and the last separator. */
function findCity(tokens: readonly Token[], end: number): { cityStart: number; confidence: number } {
  let start = end;
  while (start > 0 && tokens[start - 1]?.role === ROLE.none && (start === end || tokens[start - 1]?.comma !== true)) start -= 1;
  if (start === end) return { cityStart: end, confidence: 0.5 };
  if (start === 0) return splitRun(tokens, 0, end);
  const before = tokens[start - 1];
  const digit = lastDigitIn(tokens, start, end);
  if (digit >= 0) {
    const addressed = lastDigitIn(tokens, 0, start) >= 0 && before?.role !== ROLE.unit && before?.role !== ROLE.recipient;
    const number = houseNumberIn(tokens, start, end);
    const street = addressed ? number === start && hasStreet(tokens, number, end) : number >= 0 && number < end - 2;
    if (street) return splitRun(tokens, start, end);
    if (digit === end - 1) return { cityStart: end, confidence: 0.5 };
    markAll(tokens, start, digit + 1, ROLE.unit);
    return { cityStart: digit + 1, confidence: 0.8 };
  }
  if (before?.role === ROLE.recipient && !before.comma) {
    const known = knownCityStart(tokens, start, end);
    return { cityStart: known >= 0 ? known : end - 1, confidence: 0.7 };
  }
  if (!hasAddress(tokens, start) && hasStreet(tokens, start, end)) return splitRun(tokens, start, end);
  let city = afterBuilding(tokens, start, end);
  markAll(tokens, start, city, ROLE.recipient);
  while (city < end - 1 && has(tokens[city], WORD.diagonal) && has(before, WORD.strongSuffix)) city += 1;
  markAll(tokens, start, city, ROLE.street);
  return { cityStart: city, confidence: before?.comma ? 1 : 0.95 };
}

const BUILDINGS: ReadonlySet<string> = new Set(['building', 'bldg', 'blg', 'apartments', 'apts', 'towers', 'condominiums', 'condos', 'flats', 'lofts', 'townhomes', 'townhouses', 'commons', 'plaza']);

/** Where the name of a building between a unit and the city ends. */
function afterBuilding(tokens: readonly Token[], from: number, end: number): number {
  for (let at = end - 2; at >= from; at -= 1) if (BUILDINGS.has(tokens[at]?.key ?? '')) return at + 1;
  return from;
}

/** Whether something before `end` says where to deliver. */
function hasAddress(tokens: readonly Token[], end: number): boolean {
  for (let at = 0; at < end; at += 1) if (tokens[at]?.role === ROLE.box || has(tokens[at], WORD.digit | WORD.strongSuffix)) return true;
  return false;
}

/** Whether a street's suffix stands inside the run, with words on both sides. */
function hasStreet(tokens: readonly Token[], from: number, end: number): boolean {
  for (let at = from + 1; at < end - 1; at += 1) if (has(tokens[at], WORD.strongSuffix | WORD.highway)) return true;
  return false;
}

/** Index of the comma-separated group that is the street where no house number says so: the first with a suffix, else the last. */
function streetGroup(tokens: readonly Token[], end: number): number {
  let start = 0;
  let last = 0;
  for (let at = 0; at < end; at += 1) {
    const token = tokens[at];
    if (token?.role === ROLE.none) {
      last = start;
      const highway = has(token, WORD.highway) && has(tokens[at + 1], WORD.digit);
      if (highway || (at > start && has(token, WORD.strongSuffix | WORD.highway))) return start;
    }
    if (token?.comma) start = at + 1;
  }
  return last;
}

/** Gives street, recipient and bare units their roles among the tokens before the city. */
function markBeforeCity(tokens: readonly Token[], end: number): void {
  const boxed = tokens.some((token, at) => at < end && token.role === ROLE.box);
  const number = houseNumberIn(tokens, 0, end);
  if (number < 0 && boxed) return markAll(tokens, 0, end, ROLE.recipient);
  const start = number >= 0 ? number : streetGroup(tokens, end);
  markLead(tokens, 0, start);
  let groupEnd = start;
  while (groupEnd < end && !(tokens[groupEnd]?.comma && tokens[groupEnd]?.role === ROLE.none)) groupEnd += 1;
  groupEnd = Math.min(groupEnd + 1, end);
  if (groupEnd === start + 1 && groupEnd < end && has(tokens[start], WORD.digit)) {
    while (groupEnd < end && !tokens[groupEnd]?.comma) groupEnd += 1;
    groupEnd = Math.min(groupEnd + 1, end);
  }
  markStreet(tokens, start, groupEnd);
  for (let at = groupEnd; at < end; at += 1) {
    const token = tokens[at];
    if (token?.role !== ROLE.none) continue;
    token.role = has(token, WORD.direction) ? ROLE.street : has(token, WORD.digit) ? ROLE.unit : ROLE.recipient;
  }
}

/** Units and boxes in the order of the line. */
function unitsAndBoxes(tokens: readonly Token[]): string | undefined {
  let text = '';
  for (const { role, text: word } of tokens) if (role === ROLE.unit || role === ROLE.box) text = text === '' ? word : `${text} ${word}`;
  return text === '' ? undefined : text;
}

/** The comma-separated parts were certain, the ZIP agrees with the state: sure; each doubt takes its share. */
function confidenceOf(tail: UsTail, city: number): number {
  if (tail.zip && !isZip(tail.zip)) return Math.min(city, 0.6);
  if (!tail.zip || !tail.state) return Math.min(city, 0.7);
  if (tail.stateFrom !== 'written') return Math.min(city, 0.75);
  return tail.zipState && tail.zipState !== tail.state ? Math.min(city, 0.6) : city;
}

/** The end of a line as United States, for telling whether it is one. */
export function usTailOf(tokens: Token[], stateOfZip: StateOfZip): UsTail {
  return readUsTail(tokens, withoutUsCountry(tokens), stateOfZip);
}

/**
 * Reads the tokens of a United States line whose end is `tail`.
 * @returns undefined where the line names neither a place nor a street
 */
export function parseUs(tokens: Token[], tail: UsTail): ParsedAddress | undefined {
  const { end } = tail;
  if (end <= 0) return undefined;
  const body = tokens.slice(0, end);
  markUnitsAndBoxes(body, end);
  const { cityStart, confidence } = findCity(body, end);
  markAll(body, cityStart, end, ROLE.city);
  markBeforeCity(body, cityStart);
  const street = textOf(body, ROLE.street);
  const parsed: ParsedAddress = { rule: 'address.us', confidence: confidenceOf(tail, confidence), country: 'US' };
  const address1 = street ?? textOf(body, ROLE.box);
  const address2 = street === undefined ? textOf(body, ROLE.unit) : unitsAndBoxes(body);
  const city = textOf(body, ROLE.city);
  const recipient = textOf(body, ROLE.recipient);
  if (address1 !== undefined) parsed.address1 = address1;
  if (address2 !== undefined) parsed.address2 = address2;
  if (city !== undefined) parsed.city = city.endsWith('.') ? city.slice(0, -1) : city;
  if (tail.state !== undefined) parsed.state = tail.state;
  if (tail.zip !== undefined) parsed.postal_code = tail.zip;
  if (recipient !== undefined) parsed.recipient = recipient;
  return parsed;
}
