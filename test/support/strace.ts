import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { until } from './until.ts';

/** System calls by which SQLite brings things to the disk; log lines go by others. */
const WRITES = 'pwrite64';
const SYNCS = 'fsync,fdatasync,ftruncate';
const ATTACHED_WITHIN_MS = 20_000;

/** Why faults of the disk cannot be played here; undefined where they can. */
export function straceMissing(): string | undefined {
  const tried = spawnSync('strace', ['-f', '-e', 'trace=fsync', '-o', '/dev/null', 'true'], { encoding: 'utf8' });
  if (tried.error !== undefined) return 'strace is not installed';
  return tried.status === 0 ? undefined : `strace cannot trace here: ${tried.stderr.trim()}`;
}

/** A command before another that kills it as one of its threads enters its n-th write, or its n-th sync. */
export function killedAt(what: 'write' | 'sync', n: number): string[] {
  const calls = what === 'write' ? WRITES : SYNCS;
  // Its faster way of looking on (--seccomp-bpf) is blind to threads that begin later.
  return ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${calls}:signal=SIGKILL:when=${n}`];
}

/** A command before another whose every sync takes so long: what lies between two of them can then be met. */
export function slowedBy(delayMs: number): string[] {
  return ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${SYNCS}`, '-e', `inject=${SYNCS}:delay_enter=${delayMs * 1000}`];
}

export type DiskFault = 'EIO' | 'ENOSPC' | { delayMs: number };

/** Makes each sync (or each write, where the disk is full) of a running process fail or wait, until it is told to end. */
export async function injectDiskFault(pid: number, fault: DiskFault): Promise<{ end(): Promise<{ fired: number }> }> {
  const calls = fault === 'ENOSPC' ? WRITES : SYNCS;
  const what = typeof fault === 'string' ? `error=${fault}` : `delay_enter=${fault.delayMs * 1000}`;
  const child = spawn('strace', ['-f', '-p', String(pid), '-e', `trace=${calls}`, '-e', `inject=${calls}:${what}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  await until(() => /attached/.test(log), ATTACHED_WITHIN_MS, `strace attaching to ${pid}`);
  return {
    async end() {
      const ended = once(child, 'close');
      child.kill('SIGINT');
      await ended;
      return { fired: log.split('\n').filter((line) => /INJECTED|DELAYED/.test(line)).length };
    },
  };
}
