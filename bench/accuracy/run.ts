/**
 * Prints how many cases of each set come out right, and whether that reaches the target.
 *
 *   node bench/accuracy/run.ts [--wrong] [topic…]
 *
 * DATA_DIR names the folder of the sets (default: the fixtures committed with the tests). Each set is asked twice: of its
 * rule alone, and of a whole contact (or a profile's attributes) that holds only the fields of the case. Exits with 1
 * where a set is below its target either way, with 2 where one had no data.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Score, Topic } from './topic.ts';

const TOPICS = ['phones', 'countries', 'subdivisions', 'postal', 'timezones', 'addresses', 'pii'];
const FIXTURES = resolve(import.meta.dirname, '../../test/fixtures');
const EXIT_BELOW = 1;
const EXIT_NO_DATA = 2;

const { values, positionals } = parseArgs({ options: { wrong: { type: 'boolean', default: false } }, allowPositionals: true });
const dataDir = resolve(process.env['DATA_DIR'] ?? FIXTURES);
const names = positionals.length > 0 ? positionals : TOPICS;

console.log(`data: ${dataDir === FIXTURES ? 'the committed fixtures (test/fixtures)' : dataDir}\n`);
const width = [46, 9, 14, 10, 14, 10];
printRow('set', 'target', 'the rule', '', 'in a contact', '');

const verdicts: Verdict[] = [];
for (const name of names) for (const topic of await load(name)) verdicts.push(report(topic));
const missing = verdicts.filter((verdict) => verdict === 'NO DATA').length;
if (missing > 0) console.error(`\n${missing} of ${verdicts.length} sets had no data.`);
if (verdicts.includes('BELOW')) process.exitCode = EXIT_BELOW;
else if (missing > 0) process.exitCode = EXIT_NO_DATA;

type Verdict = 'ok' | 'BELOW' | 'NO DATA';

/** Prints a set, asked of the rule alone and of a whole contact or profile; both have to reach the target. */
function report(topic: Topic): Verdict {
  const alone = score(() => topic.rule(dataDir));
  const whole = topic.whole === undefined ? undefined : score(() => topic.whole?.(dataDir));
  const asked = whole === undefined ? [alone] : [alone, whole];
  const verdict = asked.some(({ total }) => total === 0) ? 'NO DATA' : asked.every(({ right, total }) => right / total >= topic.target) ? 'ok' : 'BELOW';
  printRow(topic.name, percent(topic.target), ...cells(alone), ...(whole === undefined ? ['-', ''] : cells(whole)), verdict);
  if (values.wrong) for (const line of new Set(asked.flatMap(({ wrong }) => wrong))) console.log(`    ${line}`);
  return verdict;
}

/** A set whose files are not there counts as empty. */
function score(run: () => Score | undefined): Score {
  const none = { right: 0, total: 0, wrong: [] };
  try {
    return run() ?? none;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none;
    throw error;
  }
}

async function load(name: string): Promise<Topic[]> {
  const file = join(import.meta.dirname, `${name}.ts`);
  if (!TOPICS.includes(name) || !existsSync(file)) throw new Error(`no such set: ${name}; there are ${TOPICS.join(', ')}`);
  const module = (await import(pathToFileURL(file).href)) as { topics: Topic[] };
  return module.topics;
}

function cells({ right, total }: Score): [string, string] {
  return [`${right}/${total}`, total === 0 ? '-' : percent(right / total)];
}

function printRow(...row: string[]): void {
  console.log(row.map((cell, index) => cell.padEnd(width[index] ?? 0)).join('').trimEnd());
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
