import { parseAddress } from './address.ts';
import type { ParsedAddress } from './address/parsed-address.ts';
import { findCountry } from './country.ts';
import { explainChange, explainGuess, warn } from './draft.ts';
import type { Draft } from './draft.ts';
import { normalizePostalCode, subdivisionOfPostalCode } from './postal-code.ts';
import type { TextFields } from './read-fields.ts';
import { findSubdivision, subdivisionsContradict } from './subdivision.ts';
import { areOfOneState } from './territories.ts';
import { deriveTimezone, findTimezone, isZoneOf } from './timezone.ts';

/** Below this a reading is a guess. */
export const GUESS_BELOW = 0.8;

/** Where a contact is, as far as its own fields say so. */
export type Place = {
  /** ISO 3166-1 alpha-2. */
  country?: string;
  confidence: number;
  rule: string;
  /** The source named a country, whether or not we understood it. */
  named: boolean;
  line?: ParsedAddress;
};

/**
 * Finds the country from the fields that speak of a place: the one that the source named, else the one that the
 * address line shows, else the one in which the state has this postal code. A named country that is not understood
 * is not replaced by another (`country_unknown`).
 */
export function findPlace(draft: Draft, fields: TextFields, countryWasGiven: boolean): Place {
  if (countryWasGiven) {
    const match = fields.country === undefined ? undefined : findCountry(fields.country);
    if (match === undefined) warn(draft, 'country', 'country_unknown');
    const line = readLine(draft, fields, match?.alpha2);
    return { country: match?.alpha2, confidence: match?.confidence ?? 0, rule: match?.rule ?? '', named: true, line };
  }
  const line = readLine(draft, fields, undefined);
  if (line?.country !== undefined) {
    return { country: line.country, confidence: line.confidence, rule: line.rule, named: false, line };
  }
  const country = countryOfStateAndCode(fields);
  const rule = country === undefined ? '' : 'country.state-and-postal-code';
  return { country, confidence: country === undefined ? 0 : 0.85, rule, named: false, line };
}

function readLine(draft: Draft, fields: TextFields, country: string | undefined): ParsedAddress | undefined {
  if (fields.address === undefined) return undefined;
  const line = parseAddress(fields.address, country);
  if (country !== undefined) reportOtherCountry(draft, fields.address, country);
  return line;
}

/** The last part of a line often names the country: another one than the contact's is a contradiction. */
function reportOtherCountry(draft: Draft, line: string, country: string): void {
  const last = line.slice(line.lastIndexOf(',') + 1).trim();
  // Short codes at the end of a line are states and directions as often as countries (CA, DE, N.E.).
  if (last.replace(/\P{L}/gu, '').length < 4) return;
  const named = findCountry(last);
  if (named === undefined || named.confidence < GUESS_BELOW || areOfOneState(named.alpha2, country)) return;
  if (findSubdivision(last, country) === undefined) warn(draft, 'address', 'address_country_mismatch');
}

/** Two countries whose postal codes tell the state: a code and a state that agree name the country with them. */
function countryOfStateAndCode(fields: TextFields): string | undefined {
  const { state, postal_code: code } = fields;
  if (state === undefined || code === undefined) return undefined;
  for (const country of ['US', 'CA']) {
    const check = normalizePostalCode(code, country);
    if (!check.ok) continue;
    const expected = subdivisionOfPostalCode(check.postalCode, country);
    if (expected !== undefined && findSubdivision(state, country)?.code === expected) return country;
  }
  return undefined;
}

/**
 * Writes street, unit, city, state and postal code. A field that the source gave wins over what the line says; where
 * the two differ it is reported (`address_mismatch`).
 *
 * @param country the country by which given values are judged: one that is merely guessed judges nothing
 */
export function writeAddress(draft: Draft, fields: TextFields, line: ParsedAddress | undefined, country: string | undefined): void {
  const { contact } = draft;
  if (fields.address1 !== undefined) contact.address1 = fields.address1;
  if (fields.address2 !== undefined) contact.address2 = fields.address2;
  if (fields.city !== undefined) contact.city = fields.city;
  if (fields.state !== undefined) writeState(draft, fields.state, country);
  if (fields.postal_code !== undefined) writePostalCode(draft, fields.postal_code, country);
  if (fields.address !== undefined) {
    if (line === undefined) writeUnparsedLine(draft, fields.address);
    else writeLine(draft, fields, line);
  }
  reportStateOfCode(draft, country);
}

const LINE_FIELDS = ['address1', 'address2', 'city', 'state', 'postal_code'] as const;

function writeLine(draft: Draft, fields: TextFields, line: ParsedAddress): void {
  const { contact } = draft;
  // A street that was given has its own unit: the unit of the line would be put behind another street.
  const ownStreet = fields.address1 !== undefined;
  for (const field of LINE_FIELDS) {
    const value = line[field];
    if (value === undefined) continue;
    if (fields[field] === undefined) {
      if (field === 'address2' && ownStreet) continue;
      contact[field] = value;
      explainChange(draft, field, fields.address, value, line.rule, line.confidence);
    } else if (contact[field] !== undefined && contact[field].toLowerCase() !== value.toLowerCase()) {
      warn(draft, field, 'address_mismatch');
    }
  }
}

function writeUnparsedLine(draft: Draft, address: string): void {
  warn(draft, 'address', 'address_unparsed');
  if (draft.contact.address1 !== undefined) return;
  draft.contact.address1 = address;
  explainChange(draft, 'address1', null, address, 'address.unparsed', 0.3);
}

function writeState(draft: Draft, state: string, country: string | undefined): void {
  const match = country === undefined ? undefined : findSubdivision(state, country);
  if (match === undefined || match.confidence < GUESS_BELOW) {
    draft.contact.state = state;
    return;
  }
  draft.contact.state = match.code;
  explainChange(draft, 'state', state, match.code, match.rule, match.confidence);
}

function writePostalCode(draft: Draft, code: string, country: string | undefined): void {
  if (country === undefined) {
    draft.contact.postal_code = code;
    return;
  }
  const zip = country === 'US' ? withLostZeros(code, draft.contact.state) : undefined;
  const check = normalizePostalCode(zip ?? code, country);
  if (zip !== undefined && check.ok) {
    draft.contact.postal_code = zip;
    explainChange(draft, 'postal_code', code, zip, 'postal.zeros-by-state', 0.9);
    return;
  }
  if (check.ok && check.confidence < GUESS_BELOW) {
    warn(draft, 'postal_code', 'postal_code_guessed');
    explainGuess(draft, 'postal_code', code, { ...check, suggestion: check.postalCode });
    return;
  }
  if (check.ok) {
    draft.contact.postal_code = check.postalCode;
    explainChange(draft, 'postal_code', code, check.postalCode, check.rule, check.confidence);
    return;
  }
  warn(draft, 'postal_code', check.reason === 'other_country' ? 'postal_code_country_mismatch' : 'postal_code_invalid');
  explainChange(draft, 'postal_code', code, null, 'postal_code.invalid', 1);
}

/** Spreadsheets take the zeros off a ZIP (2138). They are put back where the ZIP then lies in the state that was given. */
function withLostZeros(code: string, state: string | undefined): string | undefined {
  if (state === undefined || !/^\d{3,4}$/.test(code)) return undefined;
  const zip = code.padStart(5, '0');
  return subdivisionOfPostalCode(zip, 'US') === state ? zip : undefined;
}

function reportStateOfCode(draft: Draft, country: string | undefined): void {
  const { state, postal_code: code } = draft.contact;
  if (country === undefined || state === undefined || code === undefined) return;
  const expected = subdivisionOfPostalCode(code, country);
  if (expected === undefined || !subdivisionsContradict(country, state, expected)) return;
  warn(draft, 'postal_code', 'postal_code_state_mismatch');
}

/**
 * Writes the IANA zone: the one given (`timezone_unknown` where it is none, `timezone_guessed` where it may mean
 * several, `timezone_country_mismatch` where the country has no such clock), else the one that the place leaves no
 * choice about, else none.
 *
 * @param country as for {@link writeAddress}
 */
export function writeTimezone(draft: Draft, timezone: string | undefined, country: string | undefined): void {
  if (timezone === undefined) writeDerivedTimezone(draft, country);
  else writeGivenTimezone(draft, timezone, country);
}

function writeGivenTimezone(draft: Draft, timezone: string, country: string | undefined): void {
  const match = findTimezone(timezone, country);
  if (match === undefined) {
    warn(draft, 'timezone', 'timezone_unknown');
    explainChange(draft, 'timezone', timezone, null, 'timezone.unknown', 1);
    return;
  }
  if (match.confidence < GUESS_BELOW) {
    warn(draft, 'timezone', 'timezone_guessed');
    explainGuess(draft, 'timezone', timezone, { ...match, suggestion: match.zone });
    return;
  }
  draft.contact.timezone = match.zone;
  explainChange(draft, 'timezone', timezone, match.zone, match.rule, match.confidence);
  if (country !== undefined && !isZoneOf(match.zone, country)) warn(draft, 'timezone', 'timezone_country_mismatch');
}

function writeDerivedTimezone(draft: Draft, country: string | undefined): void {
  const { contact } = draft;
  const derived = deriveTimezone({
    country,
    state: contact.state,
    postalCode: contact.postal_code,
    phone: contact.phone,
  });
  if (derived === undefined) return;
  contact.timezone = derived.zone;
  explainChange(draft, 'timezone', null, derived.zone, derived.rule, derived.confidence);
}
