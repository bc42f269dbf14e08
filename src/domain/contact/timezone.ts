import { remember } from './name-key.ts';
import { subdivisionOfPostalCode } from './postal-code.ts';
import { subdivisionsContradict } from './subdivision.ts';
import { CALLING_CODES } from './tables/calling-codes.ts';
import { onlyZoneOf, sameClock, zoneNamed, zonesOf, type Zone } from './zone-index.ts';
import { areOfOneState } from './territories.ts';
import { zoneAbbreviated, zoneAbbreviatedIn, zonesNamed, type NamedZone } from './zone-names.ts';
import { parseOffset, zoneWithOffset } from './zone-offset.ts';
import { zoneOfNumber, zoneOfPostalCode, zoneOfState } from './zone-places.ts';

/** A zone of the IANA database. Below a confidence of 0.8 it is a guess. */
export type ZoneMatch = { zone: string; rule: string; confidence: number };

/** Country and state as codes, phone in E.164; all may be absent. */
export type Place = { country?: string; state?: string; postalCode?: string; phone?: string };

const CACHE_LIMIT = 10_000;
const MAX_LENGTH = 120;
const found = new Map<string, ZoneMatch | undefined>();
let callingCodes: Map<string, string[]> | undefined;

/**
 * The zone that a spelling means: IANA names and their old names, Windows names, CLDR names, places of display lists,
 * "(GMT+05:30) Chennai, Mumbai", offsets. An offset becomes a zone that keeps it all year, or nothing.
 * @param country ISO 3166-1 alpha-2; settles names that mean another zone there
 */
export function findTimezone(raw: string, country?: string): ZoneMatch | undefined {
  if (raw.length > MAX_LENGTH) return undefined;
  const key = `${country ?? ''} ${raw}`;
  const known = found.get(key);
  if (known !== undefined || found.has(key)) return known;
  return remember(found, CACHE_LIMIT, key, look(raw, country));
}

/**
 * The zone of a place, only where all of its clocks agree: by country, else by state, postal code, or phone prefix.
 * Never a default. A phone of another country says nothing about where its owner lives.
 */
export function deriveTimezone(place: Place): ZoneMatch | undefined {
  const { country, state, postalCode, phone } = place;
  const only = country === undefined ? undefined : onlyZoneOf(country);
  if (only !== undefined) return match(only.name, 'timezone.from_country', 0.9);
  if (country !== undefined && contradicts(country, state, postalCode)) return undefined;
  const byCode = country === undefined || postalCode === undefined ? undefined : zoneOfPostalCode(country, postalCode);
  const byState = country === undefined || state === undefined ? undefined : zoneOfState(country, state);
  if (byCode !== undefined && byState !== undefined) return agreed(byCode, byState);
  if (byCode !== undefined) return match(byCode, 'timezone.from_postal_code', 0.75);
  if (byState !== undefined) return match(byState, 'timezone.from_state', 0.75);
  // A state or code that is known to span two zones is not settled by a phone number, which moves with its owner.
  return phone === undefined || state !== undefined || postalCode !== undefined ? undefined : fromPhone(phone, country);
}

/**
 * Whether somebody in a country (alpha-2) can live by a zone: it is the country's own, or shows the time of one that is.
 * Zones that belong to no country (`Etc/UTC`) and countries without zones of their own contradict nothing.
 */
export function isZoneOf(name: string, country: string): boolean {
  const zone = zoneNamed(name);
  const own = zonesOf(country);
  if (zone === undefined || zone.country === '-' || own.length === 0 || areOfOneState(zone.country, country)) return true;
  return own.some((one) => sameClock(one, zone));
}

/** A code of another state than the one given: neither is believed. */
function contradicts(country: string, state: string | undefined, postalCode: string | undefined): boolean {
  if (state === undefined || postalCode === undefined) return false;
  const expected = subdivisionOfPostalCode(postalCode, country);
  return expected !== undefined && subdivisionsContradict(country, expected, state);
}

function agreed(byCode: string, byState: string): ZoneMatch | undefined {
  const [one, other] = [zoneNamed(byCode), zoneNamed(byState)];
  if (one === undefined || other === undefined || !sameClock(one, other)) return undefined;
  return match(byState, 'timezone.from_state', 0.75);
}

function fromPhone(phone: string, country: string | undefined): ZoneMatch | undefined {
  callingCodes ??= new Map(CALLING_CODES.split('|').map((line) => [line.slice(0, line.indexOf(' ')), line.split(' ').slice(1)]));
  const digits = phone.replace(/\D/g, '');
  const code = [3, 2, 1].map((length) => digits.slice(0, length)).find((prefix) => callingCodes?.has(prefix));
  const countries = code === undefined ? [] : (callingCodes.get(code) ?? []);
  if (code === undefined || (country !== undefined && !countries.includes(country))) return undefined;
  const local = zoneOfNumber(digits);
  if (local !== undefined) return match(local, 'timezone.from_phone_area', 0.6);
  const zones = countries.map(onlyZoneOf);
  const first = zones[0];
  const certain = first !== undefined && zones.every((zone) => zone !== undefined && sameClock(zone, first));
  return certain ? match(first.name, 'timezone.from_calling_code', 0.6) : undefined;
}

function look(raw: string, country: string | undefined): ZoneMatch | undefined {
  const text = raw.normalize('NFKC').trim().replace(/\s+/g, ' ');
  if (text === '') return undefined;
  const abbreviated = byAbbreviation(text, country);
  if (abbreviated !== undefined) return abbreviated;
  if (/^(?:UTC|GMT|UT|Z|zulu)$/i.test(text)) return match('Etc/UTC', 'timezone.utc', 1);
  return byZone(text) ?? byOffset(text, country) ?? byDisplayName(text, country) ?? byName(text, country);
}

function byZone(text: string): ZoneMatch | undefined {
  const zone = zoneNamed(text.replace(/^posix\//i, ''));
  return zone && match(zone.name, zone.name === text ? 'timezone.iana' : 'timezone.iana_link', 1);
}

/** An abbreviation that many countries share says no zone until the country is known, and little against a country of another clock. */
function byAbbreviation(text: string, country: string | undefined): ZoneMatch | undefined {
  if (!/^[A-Za-z]{2,5}$/.test(text)) return undefined;
  const abbreviation = text.toUpperCase();
  const named = zoneAbbreviated(abbreviation);
  if (country === undefined) return named === undefined || named.shared ? undefined : match(named.zone, named.rule, 0.8);
  if (named !== undefined && (named.territories.has(country) || zoneNamed(named.zone)?.country === country)) return match(inCountry(named, country), named.rule, 0.85);
  const local = zoneAbbreviatedIn(abbreviation, country) ?? (named?.shared === true ? onlyZoneOf(country)?.name : undefined);
  if (local !== undefined) return match(local, 'timezone.abbreviation', 0.85);
  return named && match(named.zone, named.rule, 0.5);
}

function byOffset(text: string, country: string | undefined): ZoneMatch | undefined {
  const minutes = parseOffset(text);
  const zone = minutes === undefined ? undefined : zoneWithOffset(minutes, country);
  return zone && match(zone.zone, 'timezone.offset', zone.certain ? 0.9 : 0.7);
}

/** "(GMT+05:30) Chennai, Mumbai", "GMT+0800 (CST)": the first name whose clock agrees with the offset, else the offset. */
function byDisplayName(text: string, country: string | undefined): ZoneMatch | undefined {
  const parts = /^\((?:UTC|GMT)\s?([+\-−–]?[\d:]*)\)\s*(.*)$/i.exec(text) ?? /^((?:UTC|GMT)?[+\-−–]\d[\d:]*)\s*\((.+)\)$/i.exec(text);
  if (parts === null) return undefined;
  const [offset, names] = [parts[1] ?? '', parts[2] ?? ''];
  const minutes = offset === '' ? 0 : parseOffset(offset);
  if (minutes === undefined) return undefined;
  for (const name of [names, ...names.split(/[,;/]/)]) {
    const hit = byZone(name.trim()) ?? byName(name, country) ?? byAbbreviation(name.trim(), country);
    const zone = hit && zoneNamed(hit.zone);
    if (zone !== undefined && keeps(zone, minutes)) return match(zone.name, 'timezone.display_name', 0.95);
  }
  return byOffset(offset === '' ? '+0' : offset, country);
}

/** A list's offset may be out of date by an hour of law; a name of its own is believed within that hour. */
function keeps(zone: Zone, minutes: number): boolean {
  return Math.min(Math.abs(zone.winter - minutes), Math.abs(zone.summer - minutes)) <= 60;
}

function byName(name: string, country: string | undefined): ZoneMatch | undefined {
  const named = zonesNamed(name);
  const local = country === undefined ? undefined : named.find((one) => one.territories.has(country) || zoneNamed(one.zone)?.country === country);
  const best = local ?? named[0];
  if (best !== undefined) return match(inCountry(best, country), best.rule, 0.95);
  const city = /^(.+?) (?:(?:Standard|Daylight|Summer) )?Time$/i.exec(name.trim())?.[1];
  const place = city === undefined ? undefined : zonesNamed(city).find((one) => one.rule === 'timezone.place');
  return place && match(place.zone, place.rule, 0.85);
}

function inCountry(named: NamedZone, country: string | undefined): string {
  return (country === undefined ? undefined : named.territories.get(country)) ?? named.zone;
}

/** Always the name that the IANA database prefers today. */
function match(zone: string, rule: string, confidence: number): ZoneMatch {
  return { zone: zoneNamed(zone)?.name ?? zone, rule, confidence };
}
