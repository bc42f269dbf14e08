import { deriveTimezone, findTimezone } from '../../src/domain/contact/timezone.ts';
import { normalizePhone } from '../../src/domain/contact/phone.ts';
import { readCases, score } from './cases.ts';
import { contactOf } from './topic.ts';
import type { Score, Topic } from './topic.ts';

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
const PREFIXES = new Set(['calling_code', 'nanp_area_code']);
const PLACES = new Set(['country_default', ...PREFIXES]);

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

function isNamed(one: Case, zone: string | undefined): boolean {
  if (one.kind === 'unknown') return zone === undefined;
  return zone !== undefined && (accepted(one).has(zone) || accepted(one).has(canonical(zone)));
}

/** An offset is right as a zone that has it in January and July, or as nothing; an abbreviation, as a zone that has it in a season. */
function isOffset(one: Case, zone: string | undefined): boolean {
  if (zone === undefined || one.expected_offset_seconds === undefined) return zone === undefined || one.kind === 'offset_invalid_ecma402';
  const right = clock(zone).filter((minutes) => minutes * 60 === one.expected_offset_seconds).length;
  return right === 2 || (right === 1 && /^[A-Z]+$/.test(one.input));
}

/** A place is right as one of its zones, as one with the same clock, or left empty where its zones differ. */
function isPlace(one: Case, zone: string | undefined): boolean {
  const right = accepted(one);
  if (zone === undefined) return one.kind === 'country_default' || new Set([...right].map((each) => clock(each).join())).size > 1;
  return right.has(zone) || right.has(canonical(zone)) || [...right].some((each) => clock(each).join() === clock(zone).join());
}

type Read = (one: Case) => string | undefined;
type Answers = { kinds: ReadonlySet<string>; isRight(one: Case, zone: string | undefined): boolean; alone: Read; inContact: Read };

const readName: Answers['alone'] = ({ input, country }) => findTimezone(input, country)?.zone;
const readNameInContact: Answers['inContact'] = ({ input, country }) => contactOf({ timezone: input, country }).timezone;

/** Subscriber numbers to put behind a prefix until the whole is a number that somebody could have. */
const SUBSCRIBERS = ['5550123', '12345678', '23456789', '1234567', '234567', '123456', '912345678', '61234567', '12345', '1234'];

function numberWith(prefix: string): string | undefined {
  return SUBSCRIBERS.map((subscriber) => prefix + subscriber).find((number) => normalizePhone(number).ok);
}

function topic(name: string, target: number, { kinds, isRight, alone, inContact }: Answers): Topic {
  const ask = (dataDir: string, read: Read, asked: (one: Case) => boolean = () => true): Score =>
    score(cases(dataDir, kinds).filter(asked), (one) => isRight(one, read(one)));
  return {
    name,
    target,
    rule: (dataDir) => ask(dataDir, alone),
    whole: (dataDir) => ask(dataDir, inContact, (one) => !PREFIXES.has(one.kind) || numberWith(one.input) !== undefined),
  };
}

export const topics: Topic[] = [
  topic('time zones, names', 0.99, { kinds: NAMES, isRight: isNamed, alone: readName, inContact: readNameInContact }),
  topic('time zones, names in German', 0.95, { kinds: GERMAN, isRight: isNamed, alone: readName, inContact: readNameInContact }),
  topic('time zones, offsets', 0.95, {
    kinds: OFFSETS,
    isRight: isOffset,
    alone: ({ input }) => findTimezone(input)?.zone,
    inContact: ({ input }) => contactOf({ timezone: input }).timezone,
  }),
  topic('time zones, from a place', 0.95, {
    kinds: PLACES,
    isRight: isPlace,
    alone: ({ input, country }) => deriveTimezone(country === undefined ? { phone: input } : { country })?.zone,
    inContact: ({ input, country }) => contactOf(country === undefined ? { phone: numberWith(input) } : { country }).timezone,
  }),
];
