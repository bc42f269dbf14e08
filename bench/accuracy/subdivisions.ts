import { findSubdivision } from '../../src/domain/contact/subdivision.ts';
import { readCases, score } from './cases.ts';
import { contactOf } from './topic.ts';
import type { Topic } from './topic.ts';

type Case = { id: string; country: string; input: string; expected: string; in_iso_codes_4_15: boolean };

/** Codes that ISO has withdrawn since (numeric ones of China) are left out. */
function ask(dataDir: string, code: (one: Case) => string | undefined): ReturnType<Topic['rule']> {
  const cases = readCases<Case>(`${dataDir}/postal-countries/public.subdivisions.jsonl`).filter((one) => one.in_iso_codes_4_15);
  return score(cases, (one) => `${one.country}-${code(one)}` === one.expected);
}

/** Names of states and provinces → ISO 3166-2. */
export const topics: Topic[] = [
  {
    name: 'subdivisions',
    target: 0.95,
    rule: (dataDir) => ask(dataDir, ({ input, country }) => findSubdivision(input, country)?.code),
    whole: (dataDir) => ask(dataDir, ({ input, country }) => contactOf({ state: input, country }).state),
  },
];
