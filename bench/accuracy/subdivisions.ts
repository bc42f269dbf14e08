import { findSubdivision } from '../../src/domain/contact/subdivision.ts';
import { readCases, score } from './cases.ts';
import type { Topic } from './topic.ts';

type Case = { id: string; country: string; input: string; expected: string; in_iso_codes_4_15: boolean };

/** Names of states and provinces → ISO 3166-2. Codes that ISO has withdrawn since (numeric ones of China) are left out. */
export const topics: Topic[] = [
  {
    name: 'subdivisions',
    target: 0.95,
    run(dataDir) {
      const cases = readCases<Case>(`${dataDir}/postal-countries/public.subdivisions.jsonl`).filter((one) => one.in_iso_codes_4_15);
      return score(cases, (one) => `${one.country}-${findSubdivision(one.input, one.country)?.code}` === one.expected);
    },
  },
];
