/**
 * `npm test`: types, lint and every test file, two at a time. With paths as arguments only those test files run.
 * The last line of the output is always `N passed, N failed`, with `, N skipped` where some were.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import type { EventData } from 'node:test';
import { inspect } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const ALL = 'test/**/*.test.ts';
const AT_ONCE = 2;
/** A file that takes longer hangs. */
const FILE_TIMEOUT_MS = 240_000;

const CHECKS = {
  types: ['tsc', '--noEmit'],
  lint: ['oxlint', '--quiet', '--deny-warnings', 'src', 'test', 'scripts', 'bench'],
} as const satisfies Record<string, readonly [string, ...string[]]>;

/** What takes long begins first, so that it does not run alone at the end. */
const LONG = /^test\/(?:faults|store|e2e)\//;

type Counts = { passed: number; failed: number; skipped: number };

const wanted = process.argv.slice(2);
const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
if (wanted.length === 0) for (const name of Object.keys(CHECKS) as (keyof typeof CHECKS)[]) if (!check(name)) counts.failed += 1;
await runFiles(wanted.length === 0 ? inOrder(globSync(ALL, { cwd: ROOT })) : wanted, counts);
print(`\n${counts.passed} passed, ${counts.failed} failed${counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`}`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;

function check(name: keyof typeof CHECKS): boolean {
  const [command, ...args] = CHECKS[name];
  const { status, stdout, stderr, error } = spawnSync(join(ROOT, 'node_modules', '.bin', command), args, { cwd: ROOT, encoding: 'utf8' });
  print(`${mark(status === 0)} ${name}`);
  if (status !== 0) print(indent(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim()));
  return status === 0;
}

function inOrder(files: readonly string[]): string[] {
  const sorted = files.map((file) => file.replaceAll('\\', '/')).sort();
  return [...sorted.filter((file) => LONG.test(file)), ...sorted.filter((file) => !LONG.test(file))];
}

async function runFiles(files: string[], total: Counts): Promise<void> {
  const failures: string[] = [];
  const stream = run({ files: files.map((file) => join(ROOT, file)), cwd: ROOT, concurrency: AT_ONCE, timeout: FILE_TIMEOUT_MS, env: { ...process.env, TZ: 'UTC' } });
  for await (const event of stream as AsyncIterable<{ type: string; data: unknown }>) {
    if (event.type === 'test:fail') {
      const failed = event.data as EventData.TestFail;
      if (isOnlyParent(failed)) continue;
      failures.push(title(failed));
      print(`${title(failed)}\n${indent(cause(failed))}`);
    } else if (event.type === 'test:stderr') process.stderr.write((event.data as EventData.TestStderr).message);
    else if (event.type === 'test:summary') summarize(event.data as EventData.TestSummary, total);
  }
  if (failures.length > 0) print(`\nWhat failed:\n${failures.join('\n')}`);
}

/** A suite fails with its tests; only what failed by itself is told. */
function isOnlyParent({ details }: EventData.TestFail): boolean {
  return (details.error as { failureType?: string }).failureType === 'subtestsFailed';
}

function title({ name, file, line }: EventData.TestFail): string {
  const where = file === undefined ? '' : ` (${relative(ROOT, file)}${line === undefined ? '' : `:${line}`})`;
  return `${mark(false)} ${name}${where}`;
}

function cause({ details }: EventData.TestFail): string {
  const error: unknown = details.error.cause ?? details.error;
  const causes = error instanceof Error && error.cause instanceof Error ? `\n${error.cause.stack ?? error.cause.message}` : '';
  const text = (error instanceof Error ? (error.stack ?? error.message) : inspect(error)) + causes;
  return text.replaceAll(/^ +at .*\(?node:internal.*\n?/gm, '').trim();
}

/** One line for each file, and what all files came to. */
function summarize({ file, counts: found, success, duration_ms: ms }: EventData.TestSummary, total: Counts): void {
  if (file !== undefined) return print(`${mark(success)} ${relative(ROOT, file)} ${found.tests} in ${(ms / 1000).toFixed(1)} s`);
  total.passed += found.passed;
  total.failed += found.tests - found.passed - found.skipped - found.todo;
  total.skipped += found.skipped + found.todo;
}

function mark(ok: boolean): string {
  return ok ? '✓' : '✗';
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
