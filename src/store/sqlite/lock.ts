import { DatabaseSync } from 'node:sqlite';
import { ownFile } from '../files/owner-only.ts';

/** Another process has the data folder. */
export class StoreLockedError extends Error {
  override readonly name = 'StoreLockedError';
}

/**
 * Takes the one lock on a database file: an exclusive transaction on a file beside it, held for life.
 * The operating system gives it back the moment the process dies, however it dies.
 * Throws StoreLockedError when another process holds it.
 */
export function takeLock(databasePath: string): { release(): void } {
  ownFile(`${databasePath}.lock`);
  const lock = new DatabaseSync(`${databasePath}.lock`, { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = DELETE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    throw new StoreLockedError(`another process uses ${databasePath}: stop it first, or give this one its own DATABASE_URL`);
  }
  return {
    release() {
      lock.exec('ROLLBACK');
      lock.close();
    },
  };
}
