import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { seededRandom } from './random.ts';

const WRITER = fileURLToPath(new URL('durable-writer.ts', import.meta.url));
const SECTOR = 512;
const TORN_PER_SYNC = 2;

export type PowerLoss = { syncs: number; states: number; acknowledged: number; lost: number; corrupt: number };

type Files = Map<string, Buffer>;

/**
 * Runs a writer that is stopped after each fsync. What a file held at its last fsync is what a power cut leaves of it;
 * sectors that were written since may be there or not. For each fsync, states from just before it are made: one
 * with all that was not synced dropped, and some with a random part of it kept. Each is opened, and must hold all
 * that was acknowledged by then.
 */
export async function losePower(synchronous: 'FULL' | 'NORMAL', batches: number): Promise<PowerLoss> {
  const folder = mkdtempSync(join(tmpdir(), 'cxone-enricher-power-'));
  try {
    return await run(folder, synchronous, batches);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(folder: string, synchronous: 'FULL' | 'NORMAL', batches: number): Promise<PowerLoss> {
  const path = join(folder, 'enricher.db');
  const dice = seededRandom(batches);
  const result: PowerLoss = { syncs: 0, states: 0, acknowledged: 0, lost: 0, corrupt: 0 };
  const durable: Files = new Map();
  const acknowledged: string[] = [];
  const trace = ['-f', '-qq', '-y', '-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:signal=SIGSTOP', process.execPath, WRITER, path, synchronous, String(batches)];
  const child = spawn('strace', trace, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TZ: 'UTC' } });
  const words: string[] = [];
  createInterface(child.stdout).on('line', (id) => acknowledged.push(id));
  let synced: string | undefined;
  for await (const line of createInterface(child.stderr)) {
    const file = /f(?:data)?sync\(\d+<([^>]+)>/.exec(line)?.[1];
    if (file !== undefined) synced = basename(file);
    else words.push(line);
    // Every thread says that it has stopped; the first one is enough, as only one of them writes.
    if (synced === undefined || !line.includes('--- stopped by SIGSTOP ---')) continue;
    const now = readAll(folder);
    const judge = (state: Files): void => {
      result.states += 1;
      const held = open(state);
      if (held === undefined) result.corrupt += 1;
      else result.lost += acknowledged.filter((id) => !held.has(id)).length > 0 ? 1 : 0;
    };
    // Before the file was first synced there is nothing to lose.
    if (acknowledged.length > 0) {
      judge(durable);
      for (let i = 0; i < TORN_PER_SYNC; i += 1) judge(torn(durable, now, dice));
    }
    const content = now.get(synced);
    if (content !== undefined) durable.set(synced, content);
    synced = undefined;
    result.syncs += 1;
    process.kill(childOf(child.pid ?? -1), 'SIGCONT');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  result.acknowledged = acknowledged.length;
  if (acknowledged.length > 0 && acknowledged.length < batches) throw new Error(`the writer ended early: ${words.slice(-5).join('\n')}`);
  // At the end, with nothing else synced.
  result.states += 1;
  const left = open(durable);
  if (left === undefined) result.corrupt += 1;
  else result.lost += acknowledged.some((id) => !left.has(id)) ? 1 : 0;
  return result;
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

function readAll(folder: string): Files {
  const names = readdirSync(folder).filter((name) => /\.db(?:-wal)?$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

/** Each sector as it is now, or as it was at the last fsync. */
function torn(before: Files, now: Files, dice: () => number): Files {
  const state: Files = new Map();
  for (const [name, current] of now) {
    const old = before.get(name) ?? Buffer.alloc(0);
    const length = dice() < 0.5 ? current.length : Math.max(old.length, Math.floor((dice() * current.length) / SECTOR) * SECTOR);
    const mixed = Buffer.alloc(length);
    old.copy(mixed, 0, 0, Math.min(old.length, length));
    const kept = dice();
    for (let at = 0; at < Math.min(length, current.length); at += SECTOR) {
      if (dice() < kept) current.copy(mixed, at, at, Math.min(at + SECTOR, length));
    }
    state.set(name, mixed);
  }
  return state;
}

/** The jobs that a state holds after recovery; undefined where it cannot be opened or is not whole. */
function open(state: Files): Set<string> | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'cxone-enricher-state-'));
  try {
    for (const [name, content] of state) writeFileSync(join(folder, name), content);
    const db = new DatabaseSync(join(folder, 'enricher.db'));
    try {
      const check = db.prepare('PRAGMA quick_check').get();
      if (check === undefined || Object.values(check)[0] !== 'ok') return undefined;
      return new Set(db.prepare('SELECT job_id FROM jobs').all().map((row) => String(row['job_id'])));
    } finally {
      db.close();
    }
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
