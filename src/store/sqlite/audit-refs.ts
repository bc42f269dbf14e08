import type { Database } from './database.ts';

/** References in one run: about 15 pages, so that those of a batch share pages; a search looks into each run once. */
const RUN_ROWS = 4096;

/** Where the index stood, to go back to when a transaction fails. */
export type RefMark = { run: number; rows: number };

/**
 * What entries are found by: keyed hashes of jobs, profiles and people, each with the sequences of its entries. All
 * references of an entry are in one run, and runs follow each other as their entries do, so that a search by
 * reference goes through the runs in order and needs no sorting.
 */
export class AuditRefs {
  readonly #db: Database;
  #at: RefMark;

  constructor(db: Database) {
    this.#db = db;
    const run = db.get<{ run: number | null }>('SELECT max(run) AS run FROM audit_ref_runs')?.run ?? 0;
    this.#at = { run, rows: db.get<{ n: number }>('SELECT count(*) AS n FROM audit_refs WHERE run = ?', run)?.n ?? 0 };
  }

  add(sequence: number, refs: readonly Uint8Array[]): void {
    if (this.#at.rows >= RUN_ROWS) {
      this.#at = { run: this.#at.run + 1, rows: 0 };
      this.#db.run('INSERT INTO audit_ref_runs (run, first) VALUES (?, ?)', this.#at.run, sequence);
    }
    for (const ref of refs) this.#db.run('INSERT OR IGNORE INTO audit_refs (run, ref, sequence) VALUES (?, ?, ?)', this.#at.run, ref, sequence);
    this.#at.rows += refs.length;
  }

  /** Takes the references of an entry out. */
  remove(sequence: number, refs: readonly Uint8Array[]): void {
    const run = this.#db.get<{ run: number | null }>('SELECT max(run) AS run FROM audit_ref_runs WHERE first <= ?', sequence)?.run ?? 0;
    for (const ref of refs) this.#db.run('DELETE FROM audit_refs WHERE run = ? AND ref = ? AND sequence = ?', run, ref, sequence);
  }

  mark(): RefMark {
    return { ...this.#at };
  }

  rollBackTo(mark: RefMark): void {
    this.#at = { ...mark };
  }
}
