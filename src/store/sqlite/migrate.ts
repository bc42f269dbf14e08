import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from './database.ts';
import { UnsafeDatabaseError } from './database.ts';

type KeyFunctions = Record<'keyed' | 'sealed', (kind: string, value: string) => string>;

const FOLDER = join(import.meta.dirname, 'migrations');

/**
 * Brings the schema to the newest version, one transaction a migration. The row of a migration goes in
 * first, so that of two starters one wins and the other finds the work done. A schema newer than this
 * program is refused.
 *
 * @param given what migrations need of the store's own keys: `keyed(kind, value)` and `sealed(kind, value)` in SQL.
 */
export function migrate(db: Database, now: number, given: KeyFunctions = { keyed: withoutKey, sealed: withoutKey }): void {
  db.define('keyed', (kind, value) => given.keyed(kind, value));
  db.define('sealed', (kind, value) => given.sealed(kind, value));
  db.exec('CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT');
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.sql')).sort();
  const newest = Number(files.at(-1)?.slice(0, 4) ?? 0);
  const applied = db.get<{ version: number | null }>('SELECT max(version) AS version FROM migrations')?.version ?? 0;
  if (applied > newest) {
    throw new UnsafeDatabaseError(`the database has schema ${applied} and this program knows ${newest}: run the newer program`);
  }
  for (const name of files) {
    const version = Number(name.slice(0, 4));
    if (version > applied) applyOne(db, version, name, now);
  }
  // What a migration deletes or writes over is to leave the file at once, not with some later checkpoint.
  if (applied > 0 && newest > applied) db.get('PRAGMA wal_checkpoint(TRUNCATE)');
}

function withoutKey(): never {
  throw new Error('this migration needs the key of the store');
}

function applyOne(db: Database, version: number, name: string, now: number): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const won = db.run('INSERT OR IGNORE INTO migrations (version, name, applied_at) VALUES (?, ?, ?)', version, name, now);
    if (won === 1) db.exec(readFileSync(join(FOLDER, name), 'utf8'));
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
