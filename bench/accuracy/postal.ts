import { normalizePostalCode } from '../../src/domain/contact/postal-code.ts';
import { readCases, score } from './cases.ts';
import { contactOf } from './topic.ts';
import type { Score, Topic } from './topic.ts';

type Case = { id: string; kind: string; country: string; raw: string; expected: string; normalized?: string };

/** Half-typed codes are for a form's keystrokes, and a code invented for a territory with only one is no reading of the input. */
const NOT_ASKED = new Set(['normalize_partial', 'normalize_autofill', 'partial']);
const VALID = new Set(['valid', 'valid_country_wrong_subregion']);
const INVALID = new Set(['invalid', 'invalid_for_country', 'no_postal_code', 'unchanged']);
const CANONICAL = new Set(['normalizes', 'already_normal']);
const SLIPS = new Set(['normalize_typo', 'normalize_strip_extraneous']);

/** A range end such as `208:220` stands for two codes. */
function codesOf(raw: string): string[] {
  return /^[\d-]+:[\d-]+$/.test(raw) ? raw.split(':') : [raw];
}

function cases(dataDir: string, expected: ReadonlySet<string>): Case[] {
  return readCases<Case>(`${dataDir}/postal-countries/public.postal.jsonl`).filter((one) => expected.has(one.expected) && !NOT_ASKED.has(one.kind));
}

type Read = (raw: string, country: string) => string | undefined;

/** What comes out: the canonical form, or nothing where the code is reported. */
const readAlone: Read = (raw, country) => {
  const check = normalizePostalCode(raw, country);
  return check.ok ? check.postalCode : undefined;
};

const readInContact: Read = (raw, country) => contactOf({ postal_code: raw, country }).postal_code;

function valid(dataDir: string, read: Read): Score {
  return score(cases(dataDir, VALID), (one) => codesOf(one.raw).every((raw) => read(raw, one.country) !== undefined));
}

function invalid(dataDir: string, read: Read): Score {
  return score(cases(dataDir, INVALID), (one) => read(one.raw, one.country) === undefined);
}

/** A code that comes out as nothing counts as left as it is. */
function canonical(dataDir: string, read: Read, slips: boolean): Score {
  const asked = cases(dataDir, CANONICAL).filter((one) => SLIPS.has(one.kind) === slips);
  return score(asked, (one) => (read(one.raw, one.country) ?? one.raw) === one.normalized);
}

function topic(name: string, target: number, run: (dataDir: string, read: Read) => Score): Topic {
  return { name, target, rule: (dataDir) => run(dataDir, readAlone), whole: (dataDir) => run(dataDir, readInContact) };
}

export const topics: Topic[] = [
  topic('postal codes, valid accepted', 0.995, valid),
  topic('postal codes, invalid reported', 0.98, invalid),
  topic('postal codes, canonical form', 0.95, (dataDir, read) => canonical(dataDir, read, false)),
  // In a contact what may be meant by a slip is suggested and not put in place: there is no target for that.
  { name: 'postal codes, slips of the hand', target: 0.8, rule: (dataDir) => canonical(dataDir, readAlone, true) },
];
