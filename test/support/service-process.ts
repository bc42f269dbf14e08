import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** Compiled code kept between starts: a test that kills two hundred times starts two hundred times. */
const COMPILE_CACHE = join(tmpdir(), 'cxone-enricher-test-compile-cache');
const READY_WITHIN_MS = 60_000;
const ANSWER_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
const WORDS_SHOWN = 12;
const WORD_CHARS = 400;

/** Lives that are not over: they must not outlive the tests, however those end. */
const alive = new Set<ServiceProcess>();
process.once('exit', () => {
  for (const service of alive) service.signal('SIGKILL');
});
process.once('SIGTERM', () => process.exit(143));

export type End = { code: number | null; signal: NodeJS.Signals | null };
export type HttpAnswer = { status: number; headers: Record<string, string | string[] | undefined>; text: string; json: Record<string, unknown> };

export type Launch = {
  settings: Readonly<Record<string, string>>;
  folder: string;
  /** Put before the command, as `strace …` is. */
  wrap?: readonly string[];
  /** Bearer secret of the calls. */
  key: string;
};

/** The service in a process of its own, which is killed or stopped by its id. */
export class ServiceProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #agent = new Agent({ connections: 64 });
  readonly #key: string;
  readonly #isWrapped: boolean;
  readonly ended: Promise<End>;
  #out = '';
  #err = '';
  #end: End | undefined;

  constructor({ settings, folder, wrap = [], key }: Launch) {
    const { PATH = '' } = process.env;
    const [command = '', ...args] = [...wrap, process.execPath, MAIN];
    const env = { PATH, TZ: 'UTC', NODE_COMPILE_CACHE: COMPILE_CACHE, ...settings };
    this.url = `http://${settings['HOST']}:${settings['PORT']}`;
    this.#key = key;
    this.#isWrapped = wrap.length > 0;
    // A group of its own, so that what it was wrapped into ends with it.
    this.#child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#out += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#err += text));
    alive.add(this);
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      alive.delete(this);
      this.#end = { code, signal } as End;
      return this.#end;
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The process of Node itself, also where it was wrapped into another. */
  get nodePid(): number {
    if (!this.#isWrapped) return this.pid;
    return Number(readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ')[0]);
  }

  get isAlive(): boolean {
    return this.#end === undefined;
  }

  /** What it wrote to standard output so far. */
  get out(): string {
    return this.#out;
  }

  /** What it wrote to standard error so far. */
  get err(): string {
    return this.#err;
  }

  /** Resolves once it takes work; rejects with its last words when it ends before. */
  async ready(): Promise<this> {
    await until(async () => {
      if (!this.isAlive) throw new Error(`the service ended while starting: ${JSON.stringify(this.#end)}\n${this.lastWords()}`);
      const status = await this.call('GET', '/health/ready').then((answer) => answer.status, () => 0);
      return status === 200;
    }, READY_WITHIN_MS, 'the service being ready');
    return this;
  }

  /** One call with the API key. Rejects when no answer comes. */
  async call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
    const type = text === null ? {} : { 'content-type': 'application/json' };
    const answer = await request(this.url + path, {
      method: method as 'GET',
      body: text,
      headers: { authorization: `Bearer ${this.#key}`, ...type, ...headers },
      dispatcher: this.#agent,
      headersTimeout: ANSWER_WITHIN_MS,
      bodyTimeout: ANSWER_WITHIN_MS,
    });
    const received = await answer.body.text();
    let json: Record<string, unknown> = {};
    try {
      json = JSON.parse(received) as Record<string, unknown>;
    } catch {
      // Metrics and streams are no JSON.
    }
    return { status: answer.statusCode, headers: answer.headers, text: received, json };
  }

  /** Ends it at once, as a crash would. */
  async kill9(): Promise<End> {
    this.signal('SIGKILL');
    return this.#over();
  }

  /** Asks it to stop; gives how it ended and how long that took. Kills it when it takes far too long. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<End & { ms: number }> {
    const startedAt = performance.now();
    if (this.isAlive) process.kill(this.pid, signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_WITHIN_MS);
    const end = await this.#over();
    clearTimeout(timer);
    return { ...end, ms: performance.now() - startedAt };
  }

  /** To the process and to what it was wrapped into. */
  signal(signal: NodeJS.Signals): void {
    if (!this.isAlive || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // It ended at this very moment.
    }
  }

  lastWords(): string {
    const lines = `${this.#out}\n${this.#err}`.trim().split('\n');
    return lines.slice(-WORDS_SHOWN).map((line) => line.slice(0, WORD_CHARS)).join('\n');
  }

  async #over(): Promise<End> {
    const end = await this.ended;
    await this.#agent.destroy();
    return end;
  }
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
