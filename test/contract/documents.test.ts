import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { ENV } from '../../src/config/env.ts';
import { PII_CLASSES } from '../../src/domain/privacy/detectors/subject.ts';
import { importsOf, sourceFiles } from '../support/source-tree.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const OLDEST_NODE = 24;

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

type Package = { engines: { node: string }; scripts: Record<string, string>; dependencies: Record<string, string>; devDependencies: Record<string, string> };
const packageJson = JSON.parse(read('package.json')) as Package;

/** Package of an import: `a/b` of `a`, `@s/a/b` of `@s/a`. */
function packageOf(specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

describe('the packages', () => {
  const used = new Map<string, string[]>();
  for (const file of ['src/**/*.ts', 'scripts/keys-rotate.ts', 'scripts/audit-verify.ts', 'scripts/audit-verify/*.ts'].flatMap((pattern) => sourceFiles(pattern))) {
    for (const { specifier, target } of importsOf(file)) {
      if (target !== undefined || isBuiltin(specifier)) continue;
      used.set(packageOf(specifier), [...(used.get(packageOf(specifier)) ?? []), file.path]);
    }
  }

  test('what src imports is installed at run time, the sandbox included, and so is what the scripts of the image import', () => {
    const missing = [...used].filter(([name]) => packageJson.dependencies[name] === undefined);
    assert.deepEqual(missing, []);
    assert.ok(used.size > 10, 'imports were looked at');
  });

  test('versions are pinned', () => {
    const loose = Object.entries({ ...packageJson.dependencies, ...packageJson.devDependencies }).filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version));
    assert.deepEqual(loose, []);
  });

  test('src starts no program that an image does not have', () => {
    const starters = sourceFiles('src/**/*.ts').filter((file) => importsOf(file).some(({ specifier }) => specifier === 'node:child_process'));
    // It starts the very Node that it runs on.
    assert.deepEqual(starters.map(({ path }) => path), ['src/sandbox/demo/service-process.ts']);
  });
});

/** Instructions of a Dockerfile by stage, with continued lines joined. */
function stagesOf(dockerfile: string): { name: string; image: string; steps: [instruction: string, rest: string][] }[] {
  const stages: ReturnType<typeof stagesOf> = [];
  const lines = dockerfile.replaceAll(/\\\n\s*/g, ' ').split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of lines) {
    const [, instruction = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (instruction === 'FROM') {
      const [image = '', , name = ''] = rest.split(/\s+/);
      stages.push({ name, image, steps: [] });
    } else stages.at(-1)?.steps.push([instruction, rest]);
  }
  return stages;
}

describe('the image', () => {
  const stages = stagesOf(read('Dockerfile'));
  const last = stages.at(-1)!;
  const rests = (instruction: string): string[] => last.steps.flatMap(([name, rest]) => (name === instruction ? [rest] : []));
  const commandOf = (text: string): string[] => JSON.parse(text) as string[];

  test('is made in stages, on a Node that is new enough', () => {
    assert.ok(stages.length >= 2);
    for (const { image } of stages) {
      const [, major] = /^node:(\d+)(?:[.\d]*)-slim$/.exec(image) ?? [];
      assert.ok(Number(major) > OLDEST_NODE, image);
    }
  });

  test('installs runtime packages only, as they are locked', () => {
    const runs = stages.flatMap(({ steps }) => steps.flatMap(([name, rest]) => (name === 'RUN' ? [rest] : [])));
    const installs = runs.filter((run) => /\bnpm (?:ci|i|install)\b/.test(run));
    assert.equal(installs.length, 1);
    assert.match(installs[0]!, /\bnpm ci --omit=dev\b/);
  });

  test('runs as somebody who is not root, named by number', () => {
    const [user = ''] = rests('USER').slice(-1);
    assert.match(user, /^[1-9]\d*(?::[1-9]\d*)?$/);
  });

  test('starts Node itself, in exec form, on a file that is there', () => {
    assert.equal(rests('CMD').length, 1);
    const command = commandOf(rests('CMD')[0]!);
    assert.deepEqual(command, ['node', 'src/main.ts']);
    assert.ok(existsSync(join(ROOT, command[1]!)));
  });

  test('has a health check in exec form that asks whether it lives', () => {
    const [check = ''] = rests('HEALTHCHECK');
    const command = commandOf(check.slice(check.indexOf('CMD') + 3));
    assert.deepEqual(command.slice(0, 2), ['node', '-e']);
    assert.match(command[2]!, /\/health\/live/);
  });

  test('copies what exists and what .dockerignore lets through', () => {
    const patterns = read('.dockerignore').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    assert.equal(patterns[0], '*');
    const admitted = new Set(patterns.slice(1).map((pattern) => pattern.replace(/^!/, '')));
    for (const { steps } of stages) {
      for (const [name, rest] of steps) {
        if (name !== 'COPY' || rest.startsWith('--from=')) continue;
        for (const path of rest.split(/\s+/).slice(0, -1)) {
          assert.ok(existsSync(join(ROOT, path)), `${path} is not there`);
          assert.ok(admitted.has(path), `${path} is left out`);
        }
      }
    }
  });

  test('has in a clean folder all that operators run in it', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'enricher-image-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    for (const rest of rests('COPY')) {
      const [target = '', ...paths] = rest.split(/\s+/).toReversed();
      if (rest.startsWith('--from=')) continue;
      for (const path of paths) {
        const isFolder = statSync(join(ROOT, path)).isDirectory();
        cpSync(join(ROOT, path), isFolder ? join(folder, target) : join(folder, target, basename(path)), { recursive: true });
      }
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const env = {
      ...process.env,
      DATABASE_URL: `sqlite:${join(folder, 'data', 'enricher.db')}`,
      AUTH_DISABLED: 'true',
      ENCRYPTION_KEY: [1, 2].map((seed) => createHash('sha256').update(String(seed)).digest('base64')).join(','),
      CXONE_CLIENT_ID: 'client',
      CXONE_CLIENT_SECRET: 'secret',
    };
    const run = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: folder, env });
    assert.match((await run('scripts/keys-rotate.ts')).stdout, /^Done: everything is under the key/m);
    assert.match((await run('scripts/audit-verify.ts', '--help')).stdout, /^Usage/);
    const commands = [...read('README.md').matchAll(/\benricher (node \S+)/g)].map((match) => match[1]!);
    assert.deepEqual([...new Set(commands)].toSorted(), ['node scripts/audit-verify.ts', 'node scripts/keys-rotate.ts']);
  });

  test('carries no file of settings and no data', () => {
    assert.doesNotMatch(read('.dockerignore'), /^!.*(?:\.env|data)/m);
    assert.deepEqual(globSync('src/**/.env*', { cwd: ROOT }), []);
  });

  test('sets only what is a setting, or Node’s', () => {
    const names = rests('ENV').flatMap((rest) => rest.split(/\s+/).map((pair) => pair.split('=')[0]!));
    assert.deepEqual(names.filter((name) => !(name in ENV.shape) && !['NODE_ENV', 'NODE_COMPILE_CACHE', 'NODE_OPTIONS', 'MALLOC_ARENA_MAX', 'TZ'].includes(name)), []);
    assert.ok(names.includes('HOST') && names.includes('TZ'));
  });

  test('keeps its data in a volume that the settings point to', () => {
    assert.deepEqual(rests('VOLUME'), ['/data']);
    assert.match(rests('ENV').join(' '), /DATABASE_URL=sqlite:\/data\//);
  });
});

type ComposeService = {
  image?: string;
  build?: string;
  profiles?: string[];
  read_only?: boolean;
  tmpfs?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  network_mode?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
};

describe('compose', () => {
  const { services, volumes } = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, ComposeService>; volumes: Record<string, unknown> };

  test('every container is held tight', () => {
    assert.deepEqual(Object.keys(services), ['enricher', 'sandbox', 'trial']);
    for (const [name, service] of Object.entries(services)) {
      assert.equal(service.read_only, true, name);
      assert.deepEqual(service.tmpfs, ['/tmp'], name);
      assert.deepEqual(service.cap_drop, ['ALL'], name);
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, name);
    }
  });

  test('data outlives its container, and the service has time to stop', () => {
    for (const name of ['enricher', 'trial']) {
      const [volume = ''] = services[name]?.volumes ?? [];
      const [source = '', target] = volume.split(':');
      assert.equal(target, '/data', name);
      assert.ok(source in volumes, name);
      assert.ok(Number.parseInt(services[name]?.stop_grace_period ?? '', 10) >= 10, name);
    }
    assert.notDeepEqual(services['enricher']?.volumes, services['trial']?.volumes);
  });

  test('only the service itself runs without a profile', () => {
    assert.deepEqual(Object.entries(services).filter(([, { profiles }]) => profiles === undefined).map(([name]) => name), ['enricher']);
  });

  test('trial shares loopback with the sandbox, and nothing of a real tenant reaches it', () => {
    const environment = services['trial']?.environment ?? {};
    assert.equal(services['trial']?.network_mode, 'service:sandbox');
    const outside = Object.keys(ENV.shape).filter((name) => /(?:_URL|_SECRETS?|_CLIENT_ID|_ANCHOR_FILE|_LOG_FILE|_SIGNING_KEY|_ORIGIN|_SIGNATURE)$|^MERGE_CONFIRMATION$|_PER_MINUTE$/.test(name) && name !== 'RATE_LIMIT_PER_MINUTE');
    assert.deepEqual(outside.filter((name) => environment[name] === undefined), []);
    assert.deepEqual(Object.keys(environment).filter((name) => !(name in ENV.shape)), []);
    for (const [name, value] of Object.entries(environment)) {
      if (/^https?:/.test(value)) assert.equal(new URL(value).hostname, '127.0.0.1', name);
    }
    assert.ok(existsSync(join(ROOT, services['sandbox']?.command?.[1] ?? '?')));
  });
});

describe('the texts', () => {
  const texts = ['README.md', 'CONTRIBUTING.md'].map((path) => ({ path, text: read(path) }));
  const COMMANDS = /\bnpm run ([\w:-]+)/g;

  for (const { path, text } of texts) {
    test(`${path} names only files that are there`, () => {
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map((match) => match[1]!);
      const named = [...text.matchAll(/`((?:src|test|scripts|bench)\/[\w./-]+\.(?:ts|sql|cjs))`/g)].map((match) => match[1]!);
      assert.deepEqual([...links, ...named].filter((file) => !existsSync(join(ROOT, file))), []);
    });

    test(`${path} names only commands that package.json has`, () => {
      const commands = [...text.matchAll(COMMANDS)].map((match) => match[1]!);
      assert.ok(commands.length > 0);
      assert.deepEqual(commands.filter((name) => packageJson.scripts[name] === undefined), []);
    });

    test(`${path} names only settings that exist`, () => {
      const names = [...text.matchAll(/`([A-Z]{2,}(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map((match) => match[1]!);
      const others: readonly string[] = [...PII_CLASSES, 'JURISDICTION_VERSION'];
      const known = (name: string): boolean => name in ENV.shape || others.includes(name);
      assert.deepEqual([...new Set(names)].filter((name) => !known(name)), []);
    });
  }

  test('the README begins with what it is and the two commands', () => {
    const [title, , sentence, , ...rest] = read('README.md').split('\n');
    assert.equal(title, '# cxone-enricher');
    assert.ok(sentence!.length > 80);
    const block = rest.slice(0, 4).join('\n');
    assert.match(block, /npm ci && npm run demo/);
    assert.match(block, /npm ci && npm test/);
  });

  test('the README promises no more than there is', () => {
    const text = read('README.md');
    for (const word of [/\btamper-proof\b/gi, /\bimmutable\b/gi, /\bGDPR compliant\b/gi, /\bexactly once\b/gi]) {
      for (const match of text.matchAll(word)) assert.match(text.slice(Math.max(0, match.index - 30), match.index), /\bnot\b/, match[0]);
    }
  });
});
