import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { buildTrail, checkpointAt, lineOf, VERIFIER_KEY } from './audit-trail.ts';

const trail = buildTrail({ count: 60 });
const lines = trail.entries.map(lineOf);
const folder = mkdtempSync(join(tmpdir(), 'audit-verify-command-'));
after(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('audit:verify: command line', () => {
  const script = new URL('../../scripts/audit-verify.ts', import.meta.url).pathname;
  const run = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [script, ...args], (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  const good = fileOf('good', lines.join('\n'));
  const bad = fileOf('bad', lines.toSpliced(7, 1).join('\n'));
  const signed = fileOf('checkpoint', checkpointAt(trail, 50));
  const older = fileOf('older', checkpointAt(trail, 20));
  const keys = fileOf('keys', `${VERIFIER_KEY}\n# a remark, as of a key that was replaced\n`);

  it('ends with 0 and says what was verified', async () => {
    const { code, stdout } = await run('--export', good, '--checkpoint', signed, '--key', VERIFIER_KEY, '--older', older);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /VERIFIED\n$/u);
  });

  it('says at the end when it had no key to check signatures with', async () => {
    const { code, stdout } = await run('--export', good, '--checkpoint', signed);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /not checked \(--key\)\n$/u);
  });

  it('ends with 2 and names the first bad sequence', async () => {
    const { code, stdout } = await run('--export', bad, '--checkpoint', signed, '--key-file', keys);
    assert.equal(code, 2);
    assert.match(stdout, /FAILED: first bad sequence 7\n$/u);
  });

  const misuse: [name: string, args: string[]][] = [
    ['nothing', []],
    ['an unknown option', ['--export', good, '--checkpoint', signed, '--colour']],
    ['a file that is not there', ['--export', join(folder, 'none'), '--checkpoint', signed]],
    ['a checkpoint that is not there', ['--export', good, '--checkpoint', join(folder, 'none')]],
    ['a key that is none', ['--export', good, '--checkpoint', signed, '--key', 'a+b+c']],
    ['a proof that is none', ['--export', good, '--checkpoint', signed, '--proof', signed]],
  ];
  for (const [name, args] of misuse) {
    it(`ends with 1 when given ${name}`, async () => {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 1, stdout);
      assert.match(stderr, /^audit:verify: /u);
    });
  }

  it('explains itself', async () => {
    const { code, stdout } = await run('--help');
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: /u);
  });
});
