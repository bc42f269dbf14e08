import { hasDigit, groupOf, isBox, isHouseNumber, isStreetLike, isUnit, type Group } from './groups.ts';
import { cityBesideCode, cityWithoutCode, type LineCity } from './line-city.ts';
import { findCode } from './line-code.ts';
import type { LineCountry } from './line-country.ts';
import type { ParsedAddress } from './parsed-address.ts';

/*
 * A line outside the United States is read by its separators: the country at its end, the postal code by the country's
 * shape, the city beside the code (before or behind it as the country writes it), and the street among what is left.
 */

type Rest = Pick<ParsedAddress, 'address1' | 'address2' | 'recipient'>;

/** Index of the group that is the street, or -1: one with a word for a street, else one with a number. */
function streetAt(groups: readonly Group[]): number {
  const worded = groups.findIndex((group) => isStreetLike(group) && !isUnit(group) && !isBox(group) && !/^\d+$/.test(group.text));
  if (worded >= 0) return worded;
  return groups.findIndex((group) => hasDigit(group.text) && !isUnit(group) && !isBox(group));
}

/** Street, unit and recipient among the groups that neither country, code nor city took. */
function readRest(groups: readonly Group[]): Rest {
  if (groups.length === 0) return {};
  const street = streetAt(groups);
  const rest: Rest = {};
  const units: string[] = [];
  const names: string[] = [];
  groups.forEach((group, at) => {
    if (at === street) return;
    const numbers = isHouseNumber(group) && (at === street + 1 || at === street - 1) && street >= 0;
    if (numbers && at === street + 1) rest.address1 = `${groups[street]?.text ?? ''} ${group.text}`;
    else if (numbers && !hasDigit(groups[street]?.text ?? '')) rest.address1 = `${group.text} ${groups[street]?.text ?? ''}`;
    else if (street >= 0 && at < street && !isUnit(group) && !isBox(group)) names.push(group.text);
    else units.push(group.text);
  });
  if (street >= 0) rest.address1 ??= groups[street]?.text;
  else {
    const box = groups.find(isBox);
    rest.address1 = box?.text ?? groups[0]?.text;
    units.splice(units.indexOf(rest.address1 ?? ''), 1);
  }
  if (units.length > 0) rest.address2 = units.join(', ');
  if (names.length > 0) rest.recipient = names.join(', ');
  return rest;
}

function left(groups: readonly Group[], city: LineCity): Group[] {
  return groups.flatMap((group, at) => {
    if (city.rest?.at === at) return [groupOf(city.rest.text)];
    return city.used.includes(at) ? [] : [group];
  });
}

/** Reads a line whose country is known. */
export function parseInternational(line: LineCountry): ParsedAddress | undefined {
  const { groups, country } = line;
  if (groups.length === 0) return undefined;
  const code = findCode(groups, country);
  const city = code ? cityBesideCode(groups, code, country, line.written) : cityWithoutCode(groups, country, line.written);
  const doubt = code === undefined ? 0.7 : !code.certain ? 0.6 : city.certain ? 0.9 : 0.75;
  const parsed: ParsedAddress = { rule: code ? 'address.code_and_city' : 'address.last_part', confidence: Math.min(line.confidence, doubt), country };
  const { address1, address2, recipient } = readRest(left(groups, city));
  if (address1 !== undefined) parsed.address1 = address1;
  if (address2 !== undefined) parsed.address2 = address2;
  if (city.city !== undefined && city.city !== '') parsed.city = city.city;
  if (city.state !== undefined) parsed.state = city.state;
  if (code !== undefined) parsed.postal_code = code.code;
  if (recipient !== undefined) parsed.recipient = recipient;
  return parsed;
}
