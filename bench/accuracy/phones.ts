import { normalizePhone } from '../../src/domain/contact/phone.ts';
import { readCases, score } from './cases.ts';
import { contactOf } from './topic.ts';
import type { Score, Topic } from './topic.ts';

type Case = { id: string; raw: string; region: string | null; expected: string; e164?: string; ext?: string };
type Answer = { e164?: string; extension?: string };

/** Right: a valid number gives its E.164 form, an invalid one is refused. Disputed cases are left out. */
function ask(dataDir: string, isRight: (one: Case) => boolean): Score {
  const cases = readCases<Case>(`${dataDir}/phones/public.jsonl`).filter((one) => one.expected !== 'disputed');
  return score(cases, isRight);
}

function wanted(one: Case): string | undefined {
  return one.expected === 'valid' ? one.e164 : undefined;
}

function read(one: Case): Answer {
  const result = normalizePhone(one.raw, one.region ?? undefined);
  return result.ok ? result : {};
}

/** A contact keeps no extension, so only the rule alone is asked for it. */
export const topics: Topic[] = [
  {
    name: 'phones',
    target: 0.995,
    rule: (dataDir) =>
      ask(dataDir, (one) => {
        const { e164, extension } = read(one);
        return e164 === wanted(one) && (e164 === undefined || (one.ext ?? '') === (extension ?? ''));
      }),
    whole: (dataDir) => ask(dataDir, (one) => contactOf({ phone: one.raw, country: one.region }).phone === wanted(one)),
  },
];
