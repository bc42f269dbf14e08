import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { helpText, readArguments } from '../../src/sandbox/arguments.ts';
import { FAULT_KINDS } from '../../src/sandbox/fault-catalogue.ts';

const MAIN = fileURLToPath(new URL('../../src/sandbox/main.ts', import.meta.url));

describe('the command line of the sandbox', () => {
  it('has defaults, and turns options into those of the sandbox', () => {
    assert.deepEqual(readArguments([]), { kind: 'run', options: { port: 4010, faults: [] }, service: 'http://127.0.0.1:3000' });
    const argv = ['--port', '0', '--limit=5', '--limiter', 'fixed', '--signature', 'nexus', '--sync', '--latency-ms', '10-30', '--fault', 'token/503:2', '--poison', '^bad'];
    assert.deepEqual(readArguments(argv), {
      kind: 'run',
      service: 'http://127.0.0.1:3000',
      options: {
        port: 0,
        requestsPerWindow: 5,
        limiter: 'fixed',
        signature: 'nexus',
        mergeMode: 'sync',
        latency: { minMs: 10, maxMs: 30 },
        faults: [{ kind: '503', endpoint: 'token', count: 2 }, { kind: 'poison', pattern: '^bad' }],
      },
    });
  });

  for (const [argv, message] of [
    [['--port', 'high'], /--port is a whole number/],
    [['--port', '70000'], /--port/],
    [['--limiter', 'none'], /sliding, fixed/],
    [['--latency-ms', '30-10'], /span/],
    [['--fault', 'gremlins'], /no fault named "gremlins"/],
    [['--what'], /--what/],
  ] as const) {
    it(`refuses ${argv.join(' ')} in words`, () => assert.throws(() => readArguments(argv), message));
  }

  it('names every fault in its help', () => {
    assert.deepEqual(readArguments(['--help']), { kind: 'help' });
    for (const kind of Object.keys(FAULT_KINDS)) assert.match(helpText(), new RegExp(`^  ${kind} `, 'm'));
  });

  it('runs as a process, prints the settings for the service, plays the fault asked for, and ends on a signal', async () => {
    const child = spawn(process.execPath, [MAIN, '--port', '0', '--fault', '503:1'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let printed = '';
      for await (const chunk of child.stdout) {
        printed += String(chunk);
        if (printed.includes('/sandbox/faults')) break;
      }
      const settings = Object.fromEntries(printed.split('\n').flatMap((line) => (/^[A-Z_]+=/.test(line) ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]] : [])));
      assert.equal(settings['CXONE_TOKEN_URL'], `${settings['CXONE_BASE_URL']}/oauth2/token`);
      assert.equal(Buffer.from(settings['ENCRYPTION_KEY'] ?? '', 'base64').length, 32);
      const stats = await (await fetch(`${settings['CXONE_BASE_URL']}/sandbox/stats`)).json();
      assert.deepEqual((stats as { faults: unknown }).faults, [{ name: 'merge/503', fired: 0 }]);
    } finally {
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number | null];
      assert.equal(code, 0);
    }
  });
});
