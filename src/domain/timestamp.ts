const DAY_MS = 86_400_000;
/** The longest form read: `2026-01-31T23:59:59.123456789+05:30` and some slack for longer fractions. */
const MAX_LENGTH = 40;

/**
 * How far ahead of us another system's clock may be before its "now" counts as the future.
 * Two machines kept by NTP differ by well under a second; a minute also covers the drift of one that is not.
 */
export const CLOCK_SKEW_MS = 60_000;

const CHAR = { dash: 45, point: 46, zero: 48, colon: 58, T: 84, Z: 90 } as const;
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?(?:Z|([+-])(\d\d)(?::?(\d\d))?)?)?$/;

/**
 * Reads a strict ISO 8601 date (`2026-02-28`, midnight UTC) or date-time (`2026-02-28T12:00[:00[.123]]`, with `Z`, an
 * offset `±hh[:mm]`, or none, which is read as UTC).
 *
 * The calendar is checked: `2026-02-30`, `24:30` and an offset of 99 hours are no timestamps; 24:00 is the end of its
 * day and 23:59:60 a leap second, read as the second after it. Week and ordinal dates are not read.
 *
 * @returns epoch milliseconds (fractions beyond them are cut off), or undefined.
 */
export function parseIsoTimestamp(text: string): number | undefined {
  if (text.length < 10 || text.length > MAX_LENGTH) return undefined;
  const plain = readPlain(text);
  if (plain !== undefined) return plain;
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const midnight = midnightOf(Number(match[1]), Number(match[2]), Number(match[3]));
  if (match[4] === undefined || midnight === undefined) return midnight;
  const time = timeOfDay(match);
  return time === undefined ? undefined : midnight + time;
}

/**
 * The two forms that machines write, `2026-02-28T12:00:00Z` and the same with milliseconds, digit by digit: an
 * expression with its groups costs five times as much, and a contact has several. Undefined: not so plain.
 */
function readPlain(text: string): number | undefined {
  const hasFraction = text.length === 24;
  if ((text.length !== 20 && !hasFraction) || text.charCodeAt(text.length - 1) !== CHAR.Z || text.charCodeAt(10) !== CHAR.T) return undefined;
  if (text.charCodeAt(4) !== CHAR.dash || text.charCodeAt(7) !== CHAR.dash || text.charCodeAt(13) !== CHAR.colon || text.charCodeAt(16) !== CHAR.colon) return undefined;
  if (hasFraction && text.charCodeAt(19) !== CHAR.point) return undefined;
  const midnight = midnightOf(pair(text, 0) * 100 + pair(text, 2), pair(text, 5), pair(text, 8));
  const [hour, minute, second] = [pair(text, 11), pair(text, 14), pair(text, 17)];
  const millisecond = hasFraction ? pair(text, 20) * 10 + digit(text, 22) : 0;
  // What is no digit is NaN, and less than nothing.
  if (midnight === undefined || !(hour < 24 && minute < 60 && second < 60 && millisecond < 1000)) return undefined;
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000 + millisecond;
}

function pair(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1);
}

function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - CHAR.zero;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}

function midnightOf(year: number, month: number, day: number): number | undefined {
  return year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month) ? daysFromEpoch(year, month, day) * DAY_MS : undefined;
}

/** True when `timestamp` lies after `now`, clocks that differ a little forgiven; both in epoch milliseconds. */
export function isFuture(timestamp: number, now: number): boolean {
  return timestamp > now + CLOCK_SKEW_MS;
}

function timeOfDay(match: RegExpExecArray): number | undefined {
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6] ?? 0);
  const millisecond = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const endOfDay = hour === 24 && minute === 0 && second === 0 && millisecond === 0;
  const leapSecond = second === 60 && minute === 59;
  if ((hour > 23 && !endOfDay) || minute > 59 || (second > 59 && !leapSecond)) return undefined;
  const offset = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0);
  if (Number(match[9] ?? 0) > 23 || Number(match[10] ?? 0) > 59) return undefined;
  const ahead = match[8] === '-' ? -offset : offset;
  return ((hour * 60 + minute - ahead) * 60 + second) * 1000 + millisecond;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years that begin on 1 March. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
