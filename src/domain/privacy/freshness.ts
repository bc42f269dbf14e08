import { isFuture, parseIsoTimestamp } from '../timestamp.ts';

const DAY_MS = 86_400_000;

export type FreshnessOptions = {
  /** The age in days that an observation may have. */
  maxAgeDays: number;
  /**
   * Names of dates that are facts and not observations: of any age, also in the future, and checked for form only.
   * They match at the start of any word; `*` stands for any text.
   */
  exempt: readonly string[];
};

export type FreshnessVerdict = {
  attribute: string;
  /**
   * `exempt`: a fact, well formed. `not_a_timestamp`: named like a moment without being one (`last_name`), or null.
   * The last three bar sending, and are the codes to report.
   */
  verdict: 'fresh' | 'exempt' | 'not_a_timestamp' | 'stale_data' | 'invalid_timestamp' | 'future_timestamp';
};

/** Words that end the name of a moment, in any case and also in camel case. */
const MOMENT = /(?:^|_)(?:date|timestamp|datetime)$|_at$/;
const LAST = /^last_/;
/** What `last_…` also names without meaning a moment. */
const NO_MOMENT =
  /_(?:names?|initial|four|digits|id|ids|ref|number|no|code|total|amount|value|price|sum|count|score|rating|balance|currency|channel|agent|status|state|result|reason|outcome|type|page|url|link|ip|city|country|product|item|category|notes?|comments?|topic|subject|message|text|source|medium|campaign|device|browser|version|days|hours|minutes|seconds)$/;
/** Words that end the name of a date that is a fact. */
const FACT = /(?:^|_)(?:date|day|timestamp|datetime|at|on|until|birthday|birthdate|anniversary|expiry|expiration|expires|due)$/;
const BEGINS_LIKE_DATE = /^\s*\d{4}-\d/;

/**
 * Checks the attributes whose names say that they hold a moment of observation: `last_*`, `*_date`, `*_timestamp`,
 * `*_at`, `date`, `timestamp`, as whole words (so neither `update_count` nor `candidate`). The value must be a strict
 * ISO 8601 date or date-time, not in the future, and not older than the limit. Only the attributes themselves are
 * looked at: what an attribute holds inside (a history) may well be old.
 *
 * @param now epoch milliseconds.
 * @returns one verdict for each such attribute, in their order.
 */
export function checkFreshness(
  attributes: Readonly<Record<string, unknown>>,
  options: FreshnessOptions,
  now: number,
): FreshnessVerdict[] {
  const exempt = options.exempt.map(patternOf);
  const verdicts: FreshnessVerdict[] = [];
  for (const [attribute, value] of Object.entries(attributes)) {
    const name = snakeCase(attribute);
    const verdict = exempt.some((pattern) => pattern.test(name))
      ? judgeFact(name, value)
      : judgeObservation(name, value, options.maxAgeDays, now);
    if (verdict !== undefined) verdicts.push({ attribute, verdict });
  }
  return verdicts;
}

type Judgement = FreshnessVerdict['verdict'] | undefined;

function judgeObservation(name: string, value: unknown, maxAgeDays: number, now: number): Judgement {
  if (!MOMENT.test(name) && !LAST.test(name)) return undefined;
  const lookalike = !MOMENT.test(name) && NO_MOMENT.test(name) && !beginsLikeDate(value);
  if (lookalike || value === null || value === undefined) return 'not_a_timestamp';
  const time = typeof value === 'string' ? parseIsoTimestamp(value) : undefined;
  if (time === undefined) return 'invalid_timestamp';
  if (isFuture(time, now)) return 'future_timestamp';
  return now - time > maxAgeDays * DAY_MS ? 'stale_data' : 'fresh';
}

function judgeFact(name: string, value: unknown): Judgement {
  if (!FACT.test(name) && !LAST.test(name) && !beginsLikeDate(value)) return undefined;
  if (value === null || value === undefined) return 'not_a_timestamp';
  return typeof value === 'string' && parseIsoTimestamp(value) !== undefined ? 'exempt' : 'invalid_timestamp';
}

function beginsLikeDate(value: unknown): boolean {
  return typeof value === 'string' && BEGINS_LIKE_DATE.test(value);
}

/** `lastSeenAt`, `Last-Seen-At` and `last seen at` are `last_seen_at`. */
function snakeCase(name: string): string {
  return name
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_');
}

/** A pattern begins at a word: `birth*` also means `child_birth_date`, and `*_due*` also `due_date`. */
function patternOf(pattern: string): RegExp {
  const words = pattern.toLowerCase().replace(/^\*_/, '');
  const source = words.split(/\*+/).map((part) => part.replaceAll(/[^\p{L}\p{N}_]/gu, '_')).join('.*');
  return new RegExp(`(?:^|_)${source}$`, 'u');
}
