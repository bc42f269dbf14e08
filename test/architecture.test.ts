import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { codeOf, importsOf, sourceFiles } from './support/source-tree.ts';
import type { SourceFile } from './support/source-tree.ts';

/** Who may import whom, beside itself. A room is a folder or a file right under `src/`. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  services: ['domain'],
  store: ['domain'],
  cxone: ['domain'],
  exporters: ['domain'],
  queue: ['domain'],
  telemetry: ['domain'],
  config: ['domain'],
  http: ['services', 'domain', 'telemetry'],
  // The sandbox judges the service, so it shares nothing with it but the rules of the contract.
  sandbox: ['domain'],
  'app.ts': ['http', 'domain'],
  compose: ['config', 'cxone', 'domain', 'exporters', 'queue', 'services', 'store', 'telemetry'],
  'main.ts': ['app.ts', 'compose', 'config', 'domain', 'store'],
};

/** Packages that appear in few places only, so that they can be exchanged. */
const PACKAGES: readonly { name: RegExp; allowed: RegExp }[] = [
  { name: /^(?:@?fastify\b|fastify-)/, allowed: /^src\/(?:http\/|app\.ts|main\.ts|config\/read-env\.ts)/ },
  { name: /^undici$/, allowed: /^src\/(?:cxone|exporters)\// },
  { name: /^node:sqlite$/, allowed: /^src\/store\/sqlite\/(?:database|lock)\.ts$/ },
  { name: /^zod$/, allowed: /^src\/(?:config|http)\// },
  { name: /^pino$/, allowed: /^src\/(?:telemetry\/|app\.ts)/ },
  { name: /^@prometheus-io\//, allowed: /^src\/telemetry\// },
  { name: /^libphonenumber-js/, allowed: /^src\/domain\// },
  { name: /^node:(?:https?|net|tls|dns)$/, allowed: /^src\/(?:sandbox|http)\// },
  { name: /^node:worker_threads$/, allowed: /^src\/store\/sqlite\// },
];

/** All that the rules of the domain may lean on: pure computation. */
const DOMAIN_PACKAGES = /^(?:libphonenumber-js\/max|canonicalize|node:crypto|node:url)$/;

const WORDS: readonly { what: string; pattern: RegExp; allowed: RegExp }[] = [
  { what: 'a clock', pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/, allowed: /^src\/(?:main\.ts|sandbox\/)/ },
  { what: 'dice', pattern: /\bMath\.random\b/, allowed: /^src\/(?:main\.ts|sandbox\/)/ },
  { what: 'the environment', pattern: /\bprocess\.(?:env|argv)\b/, allowed: /^src\/sandbox\// },
  { what: 'a timer in the domain', pattern: /\bset(?:Timeout|Interval|Immediate)\(/, allowed: /^src\/(?!domain\/)/ },
  { what: 'a default export', pattern: /^export default\b/m, allowed: /^(?!)/ },
  { what: 'a barrel', pattern: /^export (?:type )?(?:\*|\{[^}]*\}) from\b/m, allowed: /^(?!)/ },
];

/** Files that are started and not imported. */
const ENTRIES: readonly string[] = ['src/main.ts', 'src/sandbox/main.ts', 'src/sandbox/demo.ts'];

function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function importViolations(files: readonly SourceFile[]): string[] {
  const violations: string[] = [];
  for (const file of files) {
    const own = roomOf(file.path);
    const allowed = ROOMS[own];
    if (allowed === undefined) violations.push(`${file.path}: a room that no rule speaks of`);
    for (const { specifier, target, started } of importsOf(file)) {
      if (started) continue;
      if (target === undefined) {
        const rule = PACKAGES.find(({ name }) => name.test(specifier));
        if (rule !== undefined && !rule.allowed.test(file.path)) violations.push(`${file.path} imports the package ${specifier}`);
        if (own === 'domain' && !DOMAIN_PACKAGES.test(specifier)) violations.push(`${file.path} imports the package ${specifier}`);
      } else if (!target.startsWith('src/')) violations.push(`${file.path} imports ${target}`);
      else if (roomOf(target) !== own && allowed?.includes(roomOf(target)) !== true) violations.push(`${file.path} imports ${target}`);
      else if (own === 'services' && target.endsWith('-service.ts')) violations.push(`${file.path} imports ${target}: services do not know each other`);
    }
  }
  return violations;
}

function wordViolations(files: readonly SourceFile[]): string[] {
  const violations: string[] = [];
  for (const { path, text } of files) {
    const code = codeOf(text);
    for (const { what, pattern, allowed } of WORDS) if (pattern.test(code) && !allowed.test(path)) violations.push(`${path} holds ${what}`);
  }
  return violations;
}

/** Imports of values that lead back to where they began; types are gone before anything is loaded. */
function cycles(files: readonly SourceFile[]): string[] {
  const next = new Map(files.map((file) => [file.path, importsOf(file).flatMap(({ target, typeOnly, started }) => (target === undefined || typeOnly || started ? [] : [target]))]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
    if (done.has(path) || trail.includes(path)) return;
    for (const target of next.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return found;
}

function orphans(files: readonly SourceFile[]): string[] {
  const wanted = new Set([...ENTRIES, ...files.flatMap((file) => importsOf(file).map(({ target }) => target ?? ''))]);
  return files.map(({ path }) => path).filter((path) => !wanted.has(path));
}

/** Tests that leave others out, and notes to do something that do not say why not now. */
function carelessness(files: readonly SourceFile[]): string[] {
  const violations: string[] = [];
  for (const { path, text } of files) {
    if (/\b(?:test|it|describe|suite)\.only\(|\bonly:\s*true\b/.test(codeOf(text))) violations.push(`${path} runs one test and leaves out the others`);
    for (const match of text.matchAll(/\b(?:TODO|FIXME|HACK)\b(?<rest>[^\n]*)/g)) {
      if (!/^\s*\([^)]{10,}\)|^:[^\n]*\b(?:because|until|once|when)\b/.test(match.groups?.['rest'] ?? '')) violations.push(`${path} has a note without a reason: ${match[0].trim()}`);
    }
  }
  return violations;
}

const SOURCE = sourceFiles('src/**/*.ts');
const SELF = 'test/architecture.test.ts';
const ALL = [...SOURCE, ...sourceFiles('test/**/*.ts', 'scripts/**/*.{ts,cjs}', 'bench/**/*.ts')].filter(({ path }) => path !== SELF);

describe('the house', () => {
  test('imports go one way', () => assert.deepEqual(importViolations(SOURCE), []));
  test('time, dice, the environment and the network come in by their doors', () => assert.deepEqual(wordViolations(SOURCE), []));
  test('nothing imports in a circle', () => assert.deepEqual(cycles(SOURCE), []));
  test('every file is used', () => assert.deepEqual(orphans(SOURCE), []));
  test('no test leaves others out, and every note has a reason', () => assert.deepEqual(carelessness(ALL), []));
  test('every rule still speaks of something', () => {
    const rooms = new Set(SOURCE.map(({ path }) => roomOf(path)));
    assert.deepEqual(Object.keys(ROOMS).filter((room) => !rooms.has(room)), []);
    const packages = SOURCE.flatMap((file) => importsOf(file).map(({ specifier }) => specifier));
    assert.deepEqual(PACKAGES.filter(({ name }) => !packages.some((one) => name.test(one))).map(({ name }) => name.source), []);
  });
});

const PLANTED: readonly [what: string, path: string, text: string, find: (files: SourceFile[]) => string[]][] = [
  ['the domain looks into the store', 'src/domain/contact/x.ts', `import type { A } from '../../store/sqlite/engine.ts';`, importViolations],
  ['the domain reads a file', 'src/domain/contact/x.ts', `import { readFileSync } from 'node:fs';`, importViolations],
  ['an import over several lines', 'src/domain/x.ts', `import {\n  a,\n  b,\n} from '../services/job-service.ts';`, importViolations],
  ['a service asks another', 'src/services/x-service.ts', `import { JobService } from './job-service.ts';`, importViolations],
  ['a service calls by itself', 'src/services/x-service.ts', `import { request } from 'undici';`, importViolations],
  ['a route opens the database', 'src/http/routes/x.ts', `import { DatabaseSync } from 'node:sqlite';`, importViolations],
  ['a route goes round the services', 'src/http/routes/x.ts', `const a = await import('../../store/sqlite/client.ts');`, importViolations],
  ['a room without a rule', 'src/utils/x.ts', `export const a = 1;`, importViolations],
  ['source imports a test', 'src/queue/x.ts', `import { a } from '../../test/support/until.ts';`, importViolations],
  ['the sandbox uses the service', 'src/sandbox/x.ts', `import { a } from '../cxone/webhook-signature.ts';`, importViolations],
  ['a clock', 'src/services/x.ts', `const now = Date.now();`, wordViolations],
  ['a date of now', 'src/http/x.ts', `const now = new Date( );`, wordViolations],
  ['dice', 'src/queue/x.ts', `const a = Math.random();`, wordViolations],
  ['the environment', 'src/services/x.ts', `const a = process.env['A'];`, wordViolations],
  ['a timer among the rules', 'src/domain/x.ts', `setTimeout(() => {}, 1);`, wordViolations],
  ['a default export', 'src/http/x.ts', `export default 1;`, wordViolations],
  ['a barrel', 'src/http/x.ts', `export { a } from './csv.ts';`, wordViolations],
  ['a barrel of everything', 'src/http/x.ts', `export * from './csv.ts';`, wordViolations],
  ['a circle', 'src/queue/x.ts', `import { a } from './x.ts';`, cycles],
  ['a file that nobody uses', 'src/queue/x.ts', `export const a = 1;`, orphans],
  ['a test that leaves others out', 'test/x.test.ts', `test.only('a', () => {});`, carelessness],
  ['a note without a reason', 'src/queue/x.ts', `// ${'TO'}${'DO'} later`, carelessness],
];

describe('a planted fault is found', () => {
  for (const [what, path, text, find] of PLANTED) test(what, () => assert.equal(find([{ path, text }]).length, 1));

  test('words in comments and texts are no fault', () => {
    const text = `// Date.now() is not here\n/* Math.random() */\nconst a = 'new Date()';`;
    assert.deepEqual(wordViolations([{ path: 'src/services/x.ts', text }]), []);
  });

  const LINTED: readonly [what: string, text: string, rule: string][] = [
    ['a function that is longer than a screen', `export function a(): number {\n${'  void 0;\n'.repeat(70)}  return 1;\n}\n`, 'max-lines-per-function'],
    ['a file with more than one subject', `${'export {};\n'.repeat(301)}`, 'max-lines'],
  ];
  for (const [what, text, rule] of LINTED) {
    test(what, () => {
      const folder = mkdtempSync(join(tmpdir(), 'house-'));
      try {
        mkdirSync(join(folder, 'src'));
        writeFileSync(join(folder, 'src', 'planted.ts'), text);
        const { status, stdout } = spawnSync('node_modules/.bin/oxlint', ['--config', '.oxlintrc.json', '--format', 'unix', join(folder, 'src')], { encoding: 'utf8' });
        assert.equal(status, 1);
        assert.match(stdout, new RegExp(`${rule}\\)`));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
