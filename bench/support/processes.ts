import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type Running = { url: string; pid: number; rssMb(): number; cpuSeconds(): number; stop(): Promise<void> };
export type Service = Running & { kill(): Promise<void>; restart(): Promise<Service> };

const ROOT = join(import.meta.dirname, '..', '..');
const CLOCK_TICKS_PER_SECOND = 100;
export const BENCH_KEY = 'bench-secret';

/** The service on loopback with a data folder of its own. CXone is a closed port unless settings say otherwise. */
export function startService(settings: Record<string, string> = {}): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-bench-'));
  return launch(folder, {
    TZ: 'UTC',
    MALLOC_ARENA_MAX: '2',
    PORT: '0',
    DATABASE_URL: `sqlite:${join(folder, 'e.db')}`,
    API_KEYS: `bench:${BENCH_KEY}`,
    CXONE_BASE_URL: 'http://127.0.0.1:9',
    CXONE_PROFILES_BASE_URL: 'http://127.0.0.1:9',
    CXONE_CLIENT_ID: 'bench',
    CXONE_CLIENT_SECRET: 'bench-secret',
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    RATE_LIMIT_PER_MINUTE: '0',
    AUDIT_LOG_FILE: join(folder, 'audit.log'),
    ...settings,
  });
}

async function launch(folder: string, env: Record<string, string>): Promise<Service> {
  const child = spawn(process.execPath, ['--max-semi-space-size=4', join(ROOT, 'scripts/require-node.cjs'), join(ROOT, 'src/main.ts')], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env });
  const line = await firstLine(child, (text) => text.includes('Server listening'));
  const url = /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
  if (url === undefined) throw new Error('the service did not say where it listens');
  return {
    ...running(child, url, () => rmSync(folder, { recursive: true, force: true })),
    kill: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
    restart: () => launch(folder, env),
  };
}

export async function startBare(): Promise<Running> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  return running(child, (await firstLine(child, () => true)).trim(), () => undefined);
}

function running(child: ChildProcess, url: string, clean: () => void): Running {
  const pid = child.pid ?? 0;
  return {
    url,
    pid,
    rssMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    cpuSeconds: () => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => {
          clean();
          resolve();
        });
        child.kill('SIGTERM');
      }),
  };
}

function firstLine(child: ChildProcess, wanted: (line: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it was ready`)));
    const lines = createInterface({ input: child.stdout! });
    lines.on('line', (line) => {
      if (wanted(line)) resolve(line);
    });
  });
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
