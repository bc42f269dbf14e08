/** The bounds of every wait that a server asks for. Below a second it is no wait, above an hour we look for ourselves. */
export const RETRY_AFTER_MIN_MS = 1_000;
export const RETRY_AFTER_MAX_MS = 3_600_000;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Longest header worth reading: the longest HTTP-date has 33 characters. */
const VALUE_MAX_CHARS = 64;

const SECONDS = /^\d{1,32}(?:\.\d{1,32})?$/;
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/;

/**
 * Reads an HTTP-date in its three forms, and nothing else (RFC 9110 §5.6.7).
 *
 * `Date.parse` is of no use here: it turns `-5` and `1` into dates of 2001.
 *
 * @param now epoch ms; settles the century of a two-digit year.
 * @returns epoch ms, or undefined when the text is no HTTP-date.
 */
export function parseHttpDate(value: string, now: number): number | undefined {
  if (value.length > VALUE_MAX_CHARS) return undefined;
  const groups = (IMF_FIXDATE.exec(value) ?? RFC_850.exec(value) ?? ASCTIME.exec(value))?.groups;
  if (!groups) return undefined;
  const month = MONTHS.indexOf(groups['month'] ?? '');
  const day = Number(groups['day']);
  const [hour = 0, minute = 0, second = 0] = (groups['time'] ?? '').split(':').map(Number);
  if (month < 0 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;
  const year = fullYear(groups['year'] ?? '', now);
  const time = Date.UTC(year, month, day, hour, minute, second);
  return Number.isFinite(time) ? time : undefined;
}

/** A two-digit year that seems more than 50 years ahead belongs to the past (RFC 9110 §5.6.7). */
function fullYear(digits: string, now: number): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}

/**
 * How long a server asks us to wait: `Retry-After` as seconds or as an HTTP-date (RFC 9110 §10.2.3).
 *
 * A date is measured from the answer's own `Date`, so that a server whose clock is wrong still asks for the wait it means.
 *
 * @param value the header; of several, the first counts.
 * @param answerDate the answer's `Date` header.
 * @param now epoch ms, used where the answer has no readable `Date`.
 * @returns whole ms from {@link RETRY_AFTER_MIN_MS} to {@link RETRY_AFTER_MAX_MS}; undefined when absent or unreadable.
 */
export function parseRetryAfter(
  value: string | string[] | undefined,
  answerDate: string | string[] | undefined,
  now: number,
): number | undefined {
  const text = first(value);
  if (text === undefined || text.length > VALUE_MAX_CHARS) return undefined;
  if (SECONDS.test(text)) return clamp(Number(text) * 1000);
  const due = parseHttpDate(text, now);
  if (due === undefined) return undefined;
  return clamp(due - (parseHttpDate(first(answerDate) ?? '', now) ?? now));
}

function first(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.trim();
}

/** A wait that is not a number (a clock gone wrong) is the shortest one: `setTimeout(NaN)` fires at once. */
function clamp(ms: number): number {
  if (Number.isNaN(ms)) return RETRY_AFTER_MIN_MS;
  return Math.ceil(Math.min(RETRY_AFTER_MAX_MS, Math.max(RETRY_AFTER_MIN_MS, ms)));
}
