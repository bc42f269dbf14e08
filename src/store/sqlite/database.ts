import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';

export type SqlValue = string | number | bigint | null | Uint8Array;
type Row = Record<string, SqlValue>;
type Prepared = { statement: StatementSync; parameters: number };

/** Oldest SQLite whose WAL fixes this store relies on, and the one release that broke them again. */
const SQLITE_MINIMUM = [3, 51, 3] as const;
const SQLITE_WITHDRAWN = '3.52.0';
const SYNCHRONOUS_FULL = 2;
/**
 * A small batch changes a few bytes of a dozen pages, and each goes into the log whole: with 16 kB pages it costs a sixth
 * more. Smaller ones than 8 kB cost large batches more than they save small ones.
 */
const PAGE_BYTES = 8192;
/** Pages in the log until it is carried over into the file within a commit: 32 MiB. Between calls 8 MiB are enough. */
const WAL_PAGES = 4096;
const WAL_PAGES_AT_REST = 1024;
const PAGE_CACHE_KIB = 16 * 1024;

/**
 * One SQLite connection with prepared statements kept by their text. Binding is strict, because
 * `node:sqlite` turns a missing parameter into NULL without a word.
 */
export class Database {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();
  #writes = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** How many statements were run that may have written. Grows only; two equal counts say that nothing was written in between. */
  get writes(): number {
    return this.#writes;
  }

  /** Runs a statement that gives no rows; answers how many rows it changed. */
  run(sql: string, ...parameters: SqlValue[]): number {
    this.#writes += 1;
    const result = this.#bind(sql, parameters).run(...parameters);
    return Number(result.changes);
  }

  /** Runs an INSERT and answers the row id it was given. */
  insert(sql: string, ...parameters: SqlValue[]): number {
    this.#writes += 1;
    return Number(this.#bind(sql, parameters).run(...parameters).lastInsertRowid);
  }

  get<T = Row>(sql: string, ...parameters: SqlValue[]): T | undefined {
    return this.#bind(sql, parameters).get(...parameters) as T | undefined;
  }

  all<T = Row>(sql: string, ...parameters: SqlValue[]): T[] {
    return this.#bind(sql, parameters).all(...parameters) as T[];
  }

  /** Carries the log over into the file once it has grown: a commit that had to would take ten times as long. */
  checkpointIfDue(): void {
    const { log, checkpointed } = this.get<{ log: number; checkpointed: number }>('PRAGMA wal_checkpoint(NOOP)')!;
    if (log - checkpointed >= WAL_PAGES_AT_REST) this.get('PRAGMA wal_checkpoint(PASSIVE)');
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** Makes a function of two texts known to SQL; it must always give the same for the same. */
  define(name: string, implementation: (first: string, second: string) => string): void {
    this.#db.function(name, { deterministic: true, directOnly: true }, (first, second) => implementation(String(first), String(second)));
  }

  close(): void {
    this.#prepared.clear();
    this.#db.close();
  }

  #bind(sql: string, parameters: SqlValue[]): StatementSync {
    let prepared = this.#prepared.get(sql);
    if (prepared === undefined) {
      prepared = { statement: this.#db.prepare(sql), parameters: sql.split('?').length - 1 };
      this.#prepared.set(sql, prepared);
    }
    if (parameters.length !== prepared.parameters) {
      throw new TypeError(`${prepared.parameters} parameters expected, ${parameters.length} given: ${sql.slice(0, 80)}`);
    }
    for (const value of parameters) {
      if (value === undefined) throw new TypeError(`undefined bound to: ${sql.slice(0, 80)}`);
    }
    return prepared.statement;
  }
}

/** What can be wrong with a database before anything is written to it; the message names it and the mend. */
export class UnsafeDatabaseError extends Error {
  override readonly name = 'UnsafeDatabaseError';
}

/**
 * Opens a database file in WAL mode with an fsync on every commit and checks that both took effect.
 * `synchronous` may only be given by the power-loss test's negative control.
 */
export function openDatabase(path: string, synchronous: 'FULL' | 'NORMAL' = 'FULL'): Database {
  const raw = new DatabaseSync(path, { timeout: 5000 });
  const db = new Database(raw);
  raw.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  raw.exec('PRAGMA journal_mode = WAL');
  raw.exec(`PRAGMA synchronous = ${synchronous}`);
  // What is deleted or written over is overwritten with zeros, so that an erasure leaves no bytes behind.
  raw.exec('PRAGMA secure_delete = ON');
  raw.exec('PRAGMA temp_store = MEMORY');
  raw.exec(`PRAGMA wal_autocheckpoint = ${WAL_PAGES}`);
  raw.exec('PRAGMA foreign_keys = OFF');
  raw.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}`);
  raw.exec('PRAGMA trusted_schema = OFF');
  const version = db.get<{ v: string }>('SELECT sqlite_version() AS v')?.v ?? '0';
  if (!isAtLeast(version, SQLITE_MINIMUM) || version === SQLITE_WITHDRAWN) {
    throw new UnsafeDatabaseError(`SQLite ${version} is not safe here: use a Node that brings ${SQLITE_MINIMUM.join('.')} or newer (not ${SQLITE_WITHDRAWN})`);
  }
  if (db.get<{ journal_mode: string }>('PRAGMA journal_mode')?.journal_mode !== 'wal') {
    throw new UnsafeDatabaseError('the file system of the data folder does not allow WAL: use a local disk');
  }
  if (synchronous === 'FULL' && db.get<{ synchronous: number }>('PRAGMA synchronous')?.synchronous !== SYNCHRONOUS_FULL) {
    throw new UnsafeDatabaseError('synchronous=FULL did not take effect: a power cut would take back acknowledged data');
  }
  return db;
}

function isAtLeast(version: string, minimum: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, wanted] of minimum.entries()) {
    const have = parts[i] ?? 0;
    if (have !== wanted) return have > wanted;
  }
  return true;
}
