import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { normalizePhone } from '../../src/domain/contact/phone.ts';
import type { Score, Topic } from './topic.ts';

type PhoneCase = { id: string; raw: string; region: string | null; expected: string; e164?: string; ext?: string };

/** Right: a valid number gives its E.164 form (and its extension), an invalid one is refused. Disputed cases are left out. */
function run(dataDir: string): Score {
  const file = join(dataDir, 'phones', 'public.jsonl');
  const score: Score = { right: 0, total: 0, wrong: [] };
  if (!existsSync(file)) return score;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const row = JSON.parse(line) as PhoneCase;
    if (row.expected === 'disputed') continue;
    const result = normalizePhone(row.raw, row.region ?? undefined);
    const wanted = row.expected === 'valid' ? row.e164 : undefined;
    const got = result.ok ? result.e164 : undefined;
    const sameExtension = !result.ok || (row.ext ?? '') === (result.extension ?? '');
    score.total += 1;
    if (got === wanted && sameExtension) score.right += 1;
    else score.wrong.push(`${row.id} ${row.region} wanted ${wanted} x${row.ext} got ${got} x${result.ok ? result.extension : ''}`);
  }
  return score;
}

export const topics: Topic[] = [{ name: 'phones', target: 0.995, run }];
