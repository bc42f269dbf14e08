import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AuditEntry } from '../../domain/audit/entry.ts';
import { CodedError } from '../../domain/errors.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { BatchHead } from '../../domain/ports/intake-store.ts';
import { ownFile, ownFiles } from '../files/owner-only.ts';
import { AuditLog } from './audit-log.ts';
import type { AuditMark } from './audit-log.ts';
import type { Context, StorePolicy } from './context.ts';
import { openDatabase } from './database.ts';
import type { Database } from './database.ts';
import { takeLock } from './lock.ts';
import { migrate } from './migrate.ts';
import { OPERATIONS } from './operations.ts';
import type { OperationName } from './operations.ts';
import { sealAnswer } from './ops/answers.ts';
import { abortUnsealed } from './ops/intake.ts';
import { prepareNext } from './ops/merge-claim.ts';
import { Journal } from './journal.ts';
import { PreparedPeople } from './prepared-people.ts';
import { Pseudonyms } from './pseudonyms.ts';
import type { Kind } from './pseudonyms.ts';
import { Vault } from './vault.ts';

export type EngineOptions = {
  path: string;
  /** 32 bytes each, base64, the current one first. */
  encryptionKeys: string[];
  policy: StorePolicy;
  openedAt: number;
  synchronous?: 'FULL' | 'NORMAL';
  /** The same process opens the file anew after a failure: what it had leased is still in its hands. */
  resumed?: boolean;
};

export type Call = { id: number; op: OperationName; input: unknown };
export type Failure = { code: ErrorCode | 'internal'; message: string };
export type Reply = { id: number; value: unknown } | { id: number; failure: Failure };
export type Group = { replies: Reply[]; entries: AuditEntry[]; fatal: boolean };

const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const FULL_RETRY_SECONDS = 10;
/** What they change in memory no rollback takes back, so that they must not run a second time. */
const ONCE: ReadonlySet<OperationName> = new Set(['useKeys']);

/** A call failed after it had written, in a transaction that others share. */
class HalfDoneError extends Error {
  override readonly name = 'HalfDoneError';
}

/**
 * One SQLite file with everything that works on it. Calls run in groups, one transaction and one fsync a
 * group: whatever arrived while the last group was being written is the next one.
 */
export class Engine {
  readonly #db: Database;
  readonly #context: Context;
  readonly #lock: { release(): void };

  constructor(options: EngineOptions) {
    const folder = dirname(options.path);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#lock = takeLock(options.path);
    let db: Database | undefined;
    try {
      ownFile(options.path);
      ownFiles([`${options.path}-wal`, `${options.path}-shm`]);
      db = openDatabase(options.path, options.synchronous);
      this.#db = db;
      const vault = new Vault(options.encryptionKeys.map((key) => Buffer.from(key, 'base64')));
      migrate(this.#db, options.openedAt, {
        keyed: (kind, value) => openPseudonyms(this.#db, vault).of(kind as Kind, value).toString('hex'),
        sealed: (_kind, value) => sealAnswer({ db: this.#db, vault }, value),
      });
      const pseudonyms = openPseudonyms(this.#db, vault);
      this.#context = { db: this.#db, vault, pseudonyms, audit: new AuditLog(this.#db, pseudonyms), journal: new Journal(this.#db, vault), prepared: new PreparedPeople(), policy: options.policy, afterCommit: { wipe: false } };
      this.#takeOver(options.openedAt, options.resumed === true);
    } catch (error) {
      // Whoever tries again must not find a lock of ours.
      db?.close();
      this.#lock.release();
      throw error;
    }
  }

  /**
   * Runs calls in one transaction. A call that fails takes only its own changes back.
   *
   * A savepoint makes SQLite copy each page that a call is the first to touch: a third of what a small batch costs.
   * Calls hardly ever fail once they have written, so they go without; where one does, the group is taken back and
   * runs again, in savepoints.
   */
  run(calls: readonly Call[], inSavepoints = calls.some(({ op }) => ONCE.has(op))): Group {
    const start = this.#context.audit.mark();
    this.#context.afterCommit.wipe = false;
    const batches = calls.filter(({ op }) => op === 'acceptBatch').map(({ input }) => (input as { head: BatchHead }).head.receivedAt);
    if (batches.length > 1) this.#context.journal.sawCrowd(Math.max(...batches));
    let replies: Reply[] = [];
    try {
      this.#db.run('BEGIN IMMEDIATE');
      replies = calls.map((call) => (inSavepoints ? this.#inSavepoint(call) : this.#one(call)));
      this.#db.run('COMMIT');
    } catch (error) {
      this.#rollBack();
      this.#forgetUndone(start);
      if (error instanceof HalfDoneError) return this.run(calls, true);
      const failure = failureOf(error);
      if (failure.code === 'storage_full' && calls.length > 1) return this.#apart(calls);
      return { replies: calls.map(({ id }) => ({ id, failure })), entries: [], fatal: isFatal(error) };
    }
    const entries = this.#context.audit.takeCommitted();
    if (!this.#context.afterCommit.wipe) return { replies, entries, fatal: false };
    const wiped = this.#wipe();
    // The commit stands in any case; only whoever asked for the wipe is told that it did not happen.
    if (wiped !== undefined) replies = replies.map((reply, i) => (calls[i]?.op === 'wipe' ? { id: reply.id, failure: failureOf(wiped) } : reply));
    return { replies, entries, fatal: wiped !== undefined && isFatal(wiped) };
  }

  /** Contacts that were acknowledged and are still to be filed. */
  get backlog(): number {
    return this.#context.journal.size;
  }

  /** Files some of the backlog, in a transaction of its own. */
  fileSome(contacts: number): Group {
    const start = this.#context.audit.mark();
    try {
      this.#db.run('BEGIN IMMEDIATE');
      this.#context.journal.file(this.#context, contacts);
      this.#db.run('COMMIT');
      return { replies: [], entries: this.#context.audit.takeCommitted(), fatal: false };
    } catch (error) {
      this.#rollBack();
      this.#forgetUndone(start);
      return { replies: [], entries: [], fatal: isFatal(error) };
    }
  }

  /** For when nothing else is to be done: prepares the next claim and carries the log over. Answers whether the file can still be trusted. */
  rest(): { fatal: boolean } {
    try {
      prepareNext(this.#context);
      this.#db.checkpointIfDue();
      return { fatal: false };
    } catch (error) {
      if (!isStorageError(error)) throw error;
      return { fatal: isFatal(error) };
    }
  }

  /** Brings all pages into the database file and empties the write-ahead log. Answers what went wrong. */
  #wipe(): unknown {
    try {
      const result = this.#db.get<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)');
      return result?.busy === 0 ? undefined : new CodedError('storage_unavailable', 'The write-ahead log is in use.');
    } catch (error) {
      return error;
    }
  }

  close(): void {
    this.#db.run('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#db.close();
    this.#lock.release();
  }

  /** Lets go of a file that failed, as far as it lets itself be closed. */
  abandon(): void {
    try {
      this.#db.close();
    } finally {
      this.#lock.release();
    }
  }

  /** Each in a transaction of its own: where the disk is full, what only reads is not to fail with what writes. */
  #apart(calls: readonly Call[]): Group {
    const groups = calls.map((call) => this.run([call]));
    return { replies: groups.flatMap((group) => group.replies), entries: groups.flatMap((group) => group.entries), fatal: groups.some((group) => group.fatal) };
  }

  /** Throws HalfDoneError where a call fails after it has written. */
  #one(call: Call): Reply {
    const mark = this.#context.audit.mark();
    const { writes } = this.#db;
    try {
      return { id: call.id, value: this.#perform(call) };
    } catch (error) {
      if (isStorageError(error)) throw error;
      if (this.#db.writes !== writes) throw new HalfDoneError();
      this.#forgetUndone(mark);
      return { id: call.id, failure: failureOf(error) };
    }
  }

  #inSavepoint(call: Call): Reply {
    const mark = this.#context.audit.mark();
    this.#db.run('SAVEPOINT one');
    try {
      const value = this.#perform(call);
      this.#db.run('RELEASE one');
      return { id: call.id, value };
    } catch (error) {
      if (isStorageError(error)) throw error;
      this.#db.run('ROLLBACK TO one');
      this.#db.run('RELEASE one');
      this.#forgetUndone(mark);
      return { id: call.id, failure: failureOf(error) };
    }
  }

  #perform(call: Call): unknown {
    const operation = OPERATIONS[call.op] as (context: Context, input: unknown) => unknown;
    return operation(this.#context, call.input);
  }

  /** The process before this one is dead (the lock says so): what it had leased is free, what it had half received goes. */
  #takeOver(now: number, resumed: boolean): void {
    this.#db.run('BEGIN IMMEDIATE');
    if (!resumed) this.#freeLeases();
    abortUnsealed(this.#context, now);
    this.#db.run('COMMIT');
  }

  #freeLeases(): void {
    this.#db.run('UPDATE chunks SET lease_until = 0, unknown = CASE WHEN lease_until > 0 THEN 1 ELSE unknown END');
    this.#db.run(`UPDATE patches SET unknown = CASE WHEN lease_until > 0 THEN 1 ELSE unknown END, lease_until = 0 WHERE state IN ('waiting', 'in_flight')`);
    this.#db.run('UPDATE export_messages SET lease_until = 0');
    this.#db.run('UPDATE erasure_notices SET lease_until = 0');
  }

  /** What is kept in memory goes back to what the file says after a rollback. */
  #forgetUndone(mark: AuditMark): void {
    this.#context.audit.rollBackTo(mark);
    this.#context.journal.recount();
    this.#context.prepared.clear();
  }

  #rollBack(): void {
    try {
      this.#db.run('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
  }
}

function openPseudonyms(db: Database, vault: Vault): Pseudonyms {
  const stored = db.get<{ wrapped: Uint8Array }>(`SELECT wrapped FROM secrets WHERE name = 'pseudonyms'`);
  if (stored !== undefined) return new Pseudonyms(vault.unwrap(stored.wrapped).key);
  const { key, wrapped } = vault.newPersonKey();
  db.run(`INSERT INTO secrets (name, wrapped) VALUES ('pseudonyms', ?)`, wrapped);
  return new Pseudonyms(key.key);
}

function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

function isStorageError(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_FULL || code === SQLITE_IOERR || code === SQLITE_CORRUPT;
}

/** After a failed fsync nobody knows what is on the disk: the file must be opened anew. */
function isFatal(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_IOERR || code === SQLITE_CORRUPT;
}

function failureOf(error: unknown): Failure {
  if (error instanceof CodedError) return { code: error.code, message: error.message };
  const code = sqliteCode(error);
  if (code === SQLITE_FULL) return { code: 'storage_full', message: `The disk is full; try again in ${FULL_RETRY_SECONDS} s.` };
  if (code !== undefined) return { code: 'storage_unavailable', message: `The storage failed (SQLite ${code}).` };
  return { code: 'internal', message: error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ''}` : 'unknown' };
}
