import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddress } from '../../src/domain/contact/address.ts';
import { US_STATES } from '../../src/domain/contact/address/us-places.ts';
import type { Contact } from '../../src/domain/contact/types.ts';
import { contactOf } from './topic.ts';
import type { Score, Topic } from './topic.ts';

/*
 * Every component that the source labelled must be right: compared without case, punctuation and doubled blanks, states by
 * their code, ZIPs with the leading zeros that a spreadsheet took put back, postal codes without their country's prefix.
 * Rows whose labels leave the unit inside the street are compared as street and unit together.
 */

type Expected = {
  street?: string; house_number?: string; road?: string; unit?: string; po_box?: string; level?: string;
  city?: string; city_district?: string; region?: string; postal_code?: string; country?: string;
};
type Row = { raw: string; country: string; level: string; expected: Expected; label_quality?: string };

type Place = Pick<Contact, 'address1' | 'address2' | 'city' | 'state' | 'postal_code' | 'country'>;
/** What is made of a line, with the country given beside it or not. */
type Read = (raw: string, country: string | undefined) => Place | undefined;

const readInContact: Read = (address, country) => contactOf({ address, country });

const plain = (text: string | undefined): string =>
  (text ?? '').normalize('NFKC').toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ').trim();
const squeezed = (text: string | undefined): string => plain(text).replaceAll(' ', '');
const bag = (text: string): string => text.split(' ').filter(Boolean).sort().join(' ');

const stateOf = (text: string): string => US_STATES.get(squeezed(text)) ?? text;
const zipOf = (text: string): string => {
  const digits = text.replace(/\D/g, '');
  return digits.length === 4 || digits.length === 8 ? `0${digits}` : digits;
};

function sameZip(actual: string | undefined, expected: string): boolean {
  return squeezed(actual) === squeezed(expected) || zipOf(actual ?? '') === zipOf(expected);
}

/** The names of the components of a United States row that are wrong. */
export function wrongUsParts(row: Row, parsed: Place | undefined): string[] {
  const { expected } = row;
  const wrong: string[] = [];
  const check = (name: string, right: boolean): void => void (right || wrong.push(name));
  const street = expected.street ?? [expected.house_number, expected.road].filter(Boolean).join(' ');
  const rest = [expected.unit, expected.po_box].filter(Boolean).join(' ');
  if (row.label_quality === undefined) {
    check('street', squeezed(parsed?.address1) === squeezed(street === '' ? expected.po_box : street));
    check('unit', bag(plain(parsed?.address2)) === bag(plain(street === '' ? expected.unit : rest)) || squeezed(parsed?.address2) === squeezed(street === '' ? expected.unit : rest));
  } else check('street', squeezed(`${parsed?.address1 ?? ''} ${parsed?.address2 ?? ''}`) === squeezed(`${street} ${rest}`));
  check('city', squeezed(parsed?.city) === squeezed(expected.city ?? expected.city_district));
  if (expected.region !== undefined) check('state', parsed?.state === stateOf(expected.region));
  if (expected.postal_code !== undefined) check('zip', sameZip(parsed?.postal_code, expected.postal_code));
  check('country', parsed?.country === 'US');
  return wrong;
}

const codeOf = (text: string): string => text.toUpperCase().replace(/^\W*(?:CEP|CP)(?=\W*\d)/, '').replace(/[^\p{L}\p{N}]/gu, '');

function samePostalCode(actual: string | undefined, expected: string, country: string): boolean {
  const [left, right] = [codeOf(actual ?? ''), codeOf(expected)];
  return left === right || left === country + right || right === country + left;
}

/** The names of the components among city, postal code and country that are wrong. */
export function wrongElsewhereParts(row: Row, parsed: Place | undefined, countries: readonly string[]): string[] {
  const wrong: string[] = [];
  if (squeezed(parsed?.city) !== squeezed(row.expected.city)) wrong.push('city');
  if (!samePostalCode(parsed?.postal_code, row.expected.postal_code ?? '', row.country)) wrong.push('postal_code');
  if (!countries.includes(parsed?.country ?? '')) wrong.push('country');
  return wrong;
}

function rowsOf(dataDir: string, file: string): Row[] {
  const path = join(dataDir, 'addresses', file);
  if (!existsSync(path)) return [];
  const rows = readFileSync(path, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as Row);
  return rows.filter((row) => row.level === 'full');
}

function runUs(dataDir: string, given: boolean, read: Read): Score {
  const rows = rowsOf(dataDir, 'public.us.jsonl');
  const wrong: string[] = [];
  for (const row of rows) {
    const parsed = read(row.raw, given ? 'US' : undefined);
    const parts = wrongUsParts(row, parsed);
    if (parts.length > 0) wrong.push(`${parts.join(',')}: ${row.raw} → ${JSON.stringify(parsed)} expected ${JSON.stringify(row.expected)}`);
  }
  return { right: rows.length - wrong.length, total: rows.length, wrong };
}

/** A line that occurs under two countries (`… 97300 Cayenne, France`) may be read as either when none is given. */
function countriesByLine(rows: readonly Row[]): Map<string, string[]> {
  const countries = new Map<string, string[]>();
  for (const row of rows) countries.set(row.raw, [...(countries.get(row.raw) ?? []), row.country]);
  return countries;
}

function runElsewhere(dataDir: string, given: boolean, read: Read): Score {
  const rows = rowsOf(dataDir, 'public.intl.jsonl').filter((row) => given || row.expected.country !== undefined);
  const countries = countriesByLine(rows);
  const wrong: string[] = [];
  for (const row of rows) {
    const parsed = read(row.raw, given ? row.country : undefined);
    const parts = wrongElsewhereParts(row, parsed, given ? [row.country] : (countries.get(row.raw) ?? []));
    if (parts.length > 0) wrong.push(`${parts.join(',')}: ${row.country} ${row.raw} → ${JSON.stringify(parsed)} expected ${JSON.stringify(row.expected)}`);
  }
  return { right: rows.length - wrong.length, total: rows.length, wrong };
}

function topic(name: string, target: number, run: (dataDir: string, given: boolean, read: Read) => Score, given: boolean): Topic {
  return { name, target, rule: (dataDir) => run(dataDir, given, parseAddress), whole: (dataDir) => run(dataDir, given, readInContact) };
}

export const topics: Topic[] = [
  topic('addresses, US, country given', 0.95, runUs, true),
  topic('addresses, US, country not given', 0.93, runUs, false),
  topic('addresses elsewhere, country given', 0.85, runElsewhere, true),
  topic('addresses elsewhere, country in the line only', 0.85, runElsewhere, false),
];
