import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const READY_WITHIN_MS = 20_000;
const POLL_MS = 50;
const STOP_WITHIN_MS = 10_000;
const LOG_LINES_SHOWN = 8;

/** The service as a process of its own. */
export type ServiceProcess = {
  url: string;
  logFile: string;
  /** Settles when the process ends, with its exit code (null after a signal). */
  ended: Promise<number | null>;
  /** Asks it to stop, and gives back its exit code; kills it when it does not within ten seconds. */
  stop(): Promise<number | null>;
  /** The last lines of its log. */
  lastLog(): string;
};

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  return port;
}

/**
 * Starts the service and gives back once it says that it is ready.
 * It runs in `folder` and sees these settings only: a `.env` of the project or a variable of the user's shell, which may
 * point at a real tenant, must not reach it.
 */
export async function startService(main: URL, settings: Record<string, string>, folder: string): Promise<ServiceProcess> {
  const logFile = join(folder, 'service.log');
  const { PATH = '', SystemRoot } = process.env;
  const env = { PATH, TZ: 'UTC', ...(SystemRoot === undefined ? {} : { SystemRoot }), ...settings };
  const child = spawn(process.execPath, [fileURLToPath(main)], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(logFile);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = endOf(child, () => log.end());
  const service: ServiceProcess = {
    url: `http://${settings['HOST']}:${settings['PORT']}`,
    logFile,
    ended,
    stop: () => stop(child, ended),
    lastLog: () => readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n'),
  };
  await untilReady(service, child);
  return service;
}

async function endOf(child: ChildProcess, finish: () => void): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      finish();
      resolve(code);
    });
  });
}

async function untilReady(service: ServiceProcess, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (child.exitCode === null && child.signalCode === null && performance.now() < deadline) {
    const status = await fetch(`${service.url}/health/ready`).then((answer) => answer.status, () => 0);
    if (status === 200) return;
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
  const ended = child.exitCode !== null || child.signalCode !== null;
  await service.stop();
  throw new Error(`the service ${ended ? 'ended while starting' : 'did not become ready'}; its last words:\n${service.lastLog()}`);
}

async function stop(child: ChildProcess, ended: Promise<number | null>): Promise<number | null> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}
