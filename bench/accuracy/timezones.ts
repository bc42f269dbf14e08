import { deriveTimezone, findTimezone } from '../../src/domain/contact/timezone.ts';
import { readCases, score } from './cases.ts';
import type { Topic } from './topic.ts';

type Case = {
  id: string;
  kind: string;
  input: string;
  country?: string;
  expected_iana?: string;
  equivalents?: string[];
  preferred_name?: string;
  expected_any_of?: string[];
  expected_offset_seconds?: number;
};

const NAMES = new Set(['iana_canonical', 'iana_link', 'windows_default', 'windows_territory', 'cldr_name_en_long', 'cldr_name_en_short', 'rails_name', 'display_name', 'unknown']);
const GERMAN = new Set(['cldr_name_de_long', 'cldr_name_de_short']);
const OFFSETS = new Set(['offset', 'offset_in_datetime', 'offset_string', 'offset_invalid_ecma402']);
const PLACES = new Set(['country_default', 'calling_code', 'nanp_area_code']);

function cases(dataDir: string, kinds: ReadonlySet<string>): Case[] {
  return readCases<Case>(`${dataDir}/timezones/public.jsonl`).filter((one) => kinds.has(one.kind));
}

/** Minutes east of UTC in January and July. */
function clock(zone: string): [number, number] {
  return [0, 6].map((month) => {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(Date.UTC(2026, month, 15));
    const text = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
    const match = /([+-])(\d\d):(\d\d)/.exec(text);
    return match === null ? 0 : (Number(match[2]) * 60 + Number(match[3])) * (match[1] === '-' ? -1 : 1);
  }) as [number, number];
}

function canonical(zone: string): string {
  return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone;
}

/** The zones that count as right: those named, their links, and old names of them. A link given may stay as it is. */
function accepted(one: Case): Set<string> {
  const named = [one.expected_iana, one.preferred_name, ...(one.equivalents ?? []), ...(one.expected_any_of ?? []), one.kind === 'iana_link' ? one.input : undefined];
  return new Set(named.filter((zone) => zone !== undefined && zone !== '').flatMap((zone) => [zone as string, canonical(zone as string)]));
}

function isNamed(one: Case): boolean {
  const zone = findTimezone(one.input, one.country)?.zone;
  if (one.kind === 'unknown') return zone === undefined;
  return zone !== undefined && (accepted(one).has(zone) || accepted(one).has(canonical(zone)));
}

/** An offset is right as a zone that has it in January and July, or as nothing; an abbreviation, as a zone that has it in a season. */
function isOffset(one: Case): boolean {
  const zone = findTimezone(one.input)?.zone;
  if (zone === undefined || one.expected_offset_seconds === undefined) return zone === undefined || one.kind === 'offset_invalid_ecma402';
  const right = clock(zone).filter((minutes) => minutes * 60 === one.expected_offset_seconds).length;
  return right === 2 || (right === 1 && /^[A-Z]+$/.test(one.input));
}

/** A place is right as one of its zones, as one with the same clock, or left empty where its zones differ. */
function isPlace(one: Case): boolean {
  const zone = deriveTimezone(one.country === undefined ? { phone: one.input } : { country: one.country })?.zone;
  const right = accepted(one);
  if (zone === undefined) return one.kind === 'country_default' || new Set([...right].map((each) => clock(each).join())).size > 1;
  return right.has(zone) || right.has(canonical(zone)) || [...right].some((each) => clock(each).join() === clock(zone).join());
}

export const topics: Topic[] = [
  { name: 'time zones, names', target: 0.99, run: (dataDir) => score(cases(dataDir, NAMES), isNamed) },
  { name: 'time zones, names in German', target: 0.95, run: (dataDir) => score(cases(dataDir, GERMAN), isNamed) },
  { name: 'time zones, offsets', target: 0.95, run: (dataDir) => score(cases(dataDir, OFFSETS), isOffset) },
  { name: 'time zones, from a place', target: 0.95, run: (dataDir) => score(cases(dataDir, PLACES), isPlace) },
];
