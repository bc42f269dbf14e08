import { findCountry } from '../../src/domain/contact/country.ts';
import { readCases, score } from './cases.ts';
import type { Topic } from './topic.ts';

type Case = { id: string; input: string; expected_alpha2?: string; ambiguous?: boolean };

/** Any spelling of a country → alpha-2. Spellings that the source itself calls ambiguous are left out. */
export const topics: Topic[] = [
  {
    name: 'countries',
    target: 0.99,
    run(dataDir) {
      const cases = readCases<Case>(`${dataDir}/postal-countries/public.countries.jsonl`).filter((one) => one.ambiguous !== true);
      return score(cases, (one) => findCountry(one.input)?.alpha2 === one.expected_alpha2);
    },
  },
];
