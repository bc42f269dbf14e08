import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const EXIT_CONFIG = 78;

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'start-command-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command line of package.json, with no settings at all and no `.env` in reach. */
function run(commandLine: string) {
  const words = commandLine.split(' ').map((word) => (/^(?:src|scripts)\//.test(word) ? join(ROOT, word) : word));
  const isVariable = (word: string): boolean => /^[A-Z_]+=/.test(word);
  const [program, ...args] = words.filter((word) => !isVariable(word));
  assert.equal(program, 'node');
  const variables = Object.fromEntries(words.filter(isVariable).map((word) => word.split('=')));
  return spawnSync(process.execPath, args, { cwd: folder, env: { TZ: 'UTC', ...variables }, encoding: 'utf8' });
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };

for (const commandLine of [scripts.start, 'node src/main.ts']) {
  test(`"${commandLine}" starts the service: without settings it names them in one line`, () => {
    const { status, stdout, stderr } = run(commandLine);
    assert.equal(status, EXIT_CONFIG);
    assert.equal(stdout, '');
    assert.match(stderr, /^cxone-enricher does not start: .*CXONE_CLIENT_ID is missing.*ENCRYPTION_KEY is missing.*\n$/);
  });
}
