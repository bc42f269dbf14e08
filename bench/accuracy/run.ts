/**
 * Prints how many cases of each set come out right, and whether that reaches the target.
 *
 *   node bench/accuracy/run.ts [--wrong] [topic…]
 *
 * DATA_DIR names the folder of the sets (default: the fixtures committed with the tests). Exits with 1 where a set is
 * below its target, or where no set had any data.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Score, Topic } from './topic.ts';

const TOPICS = ['phones', 'countries', 'subdivisions', 'postal', 'timezones', 'addresses', 'pii'];
const FIXTURES = resolve(import.meta.dirname, '../../test/fixtures');

const { values, positionals } = parseArgs({ options: { wrong: { type: 'boolean', default: false } }, allowPositionals: true });
const dataDir = resolve(process.env['DATA_DIR'] ?? FIXTURES);

console.log(`data: ${dataDir === FIXTURES ? 'the committed fixtures (test/fixtures)' : dataDir}\n`);
const width = [46, 14, 10, 10];
printRow('set', 'right/total', 'share', 'target', '');

let below = 0;
let measured = 0;
for (const name of positionals.length > 0 ? positionals : TOPICS) {
  for (const topic of await load(name)) {
    const { right, total, wrong } = score(topic);
    if (total === 0) {
      printRow(topic.name, '0/0', '-', percent(topic.target), 'NO DATA');
      continue;
    }
    const reached = right / total >= topic.target;
    measured += 1;
    if (!reached) below += 1;
    printRow(topic.name, `${right}/${total}`, percent(right / total), percent(topic.target), reached ? 'ok' : 'BELOW');
    if (values.wrong) for (const line of wrong) console.log(`    ${line}`);
  }
}
if (measured === 0) console.error('\nNo set had any data.');
process.exitCode = below > 0 || measured === 0 ? 1 : 0;

/** A set whose files are not there counts as empty. */
function score(topic: Topic): Score {
  try {
    return topic.run(dataDir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { right: 0, total: 0, wrong: [] };
    throw error;
  }
}

async function load(name: string): Promise<Topic[]> {
  const file = join(import.meta.dirname, `${name}.ts`);
  if (!existsSync(file)) {
    printRow(name, '-', '-', '-', 'NO MODULE');
    return [];
  }
  const module = (await import(pathToFileURL(file).href)) as { topics: Topic[] };
  return module.topics;
}

function printRow(...cells: string[]): void {
  console.log(cells.map((cell, index) => cell.padEnd(width[index] ?? 0)).join('').trimEnd());
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
