import { findCountry } from '../../src/domain/contact/country.ts';
import { readCases, score } from './cases.ts';
import { contactOf } from './topic.ts';
import type { Topic } from './topic.ts';

type Case = { id: string; input: string; expected_alpha2?: string; ambiguous?: boolean };

/** Spellings that the source itself calls ambiguous are left out. */
function ask(dataDir: string, alpha2: (input: string) => string | undefined): ReturnType<Topic['rule']> {
  const cases = readCases<Case>(`${dataDir}/postal-countries/public.countries.jsonl`).filter((one) => one.ambiguous !== true);
  return score(cases, (one) => alpha2(one.input) === one.expected_alpha2);
}

/** Any spelling of a country → alpha-2. */
export const topics: Topic[] = [
  {
    name: 'countries',
    target: 0.99,
    rule: (dataDir) => ask(dataDir, (input) => findCountry(input)?.alpha2),
    whole: (dataDir) => ask(dataDir, (country) => contactOf({ country }).country),
  },
];
