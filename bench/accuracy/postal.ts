import { normalizePostalCode } from '../../src/domain/contact/postal-code.ts';
import { readCases, score } from './cases.ts';
import type { Topic } from './topic.ts';

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

/** What comes out: the canonical form, or nothing where the code is reported. */
function read(raw: string, country: string): string | undefined {
  const check = normalizePostalCode(raw, country);
  return check.ok ? check.postalCode : undefined;
}

function isCanonical(one: Case): boolean {
  return (read(one.raw, one.country) ?? one.raw) === one.normalized;
}

export const topics: Topic[] = [
  {
    name: 'postal codes, valid accepted',
    target: 0.995,
    run: (dataDir) => score(cases(dataDir, VALID), (one) => codesOf(one.raw).every((raw) => read(raw, one.country) !== undefined)),
  },
  {
    name: 'postal codes, invalid reported',
    target: 0.98,
    run: (dataDir) => score(cases(dataDir, INVALID), (one) => read(one.raw, one.country) === undefined),
  },
  {
    name: 'postal codes, canonical form',
    target: 0.95,
    run: (dataDir) => score(cases(dataDir, CANONICAL).filter((one) => !SLIPS.has(one.kind)), isCanonical),
  },
  {
    name: 'postal codes, slips of the hand',
    target: 0.8,
    run: (dataDir) => score(cases(dataDir, CANONICAL).filter((one) => SLIPS.has(one.kind)), isCanonical),
  },
];
