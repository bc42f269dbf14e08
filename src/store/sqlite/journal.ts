import { effective } from '../../domain/consent/consent-state.ts';
import { CHANNELS } from '../../domain/contact/types.ts';
import type { Channel } from '../../domain/contact/types.ts';
import type { IncomingContact, Outcome } from '../../domain/ports/intake-store.ts';
import type { Context } from './context.ts';
import type { Database } from './database.ts';
import type { FiledJob } from './ops/filing-trail.ts';
import { KeySketch } from './key-sketch.ts';
import { fileSlice } from './ops/intake-write.ts';
import { identifySlice } from './ops/intake-plan.ts';
import type { Planned } from './ops/intake-plan.ts';
import { keysOf } from './ops/subject-book.ts';
import type { Identity } from './ops/subject-book.ts';
import { isSealed } from './vault.ts';
import type { PersonKey, Vault } from './vault.ts';

/** A contact as it was decided, kept until it is filed. */
type Kept = { incoming: IncomingContact } & Decided;
type Decided = { outcome: Outcome; overridden: boolean };
type Row = { job_no: number; received_at: number; sealed: Uint8Array };

/** Contacts filed at once by whoever needs to see what was acknowledged. */
const CATCH_UP_CONTACTS = 1000;
/** After batches that came at once, others are taken to be on their way. */
const BUSY_MS = 1000;

/**
 * Batches that were decided and acknowledged under load, each sealed in one row, still to be filed under their
 * people. Deciding needs reads only; filing writes at random places of the index of identifiers, which is what
 * costs. While there is no load a batch is filed in the transaction that takes it, and the journal is empty.
 * A batch that takes back consent of somebody who is filed, or may be in here, is never kept: what is sent must heed it.
 */
export class Journal {
  readonly #db: Database;
  readonly #vault: Vault;
  #key: PersonKey;
  /** Contacts that wait to be filed. */
  #size = 0;
  #busyUntil = Number.NEGATIVE_INFINITY;
  /** E-mails and phones in here, with the channels that are not refused, if all came since this was opened or last rolled back. */
  readonly #keys = new KeySketch();
  #areKeysKnown = true;

  constructor(db: Database, vault: Vault) {
    this.#db = db;
    this.#vault = vault;
    this.#key = this.#loadKey();
    this.recount();
  }

  get size(): number {
    return this.#size;
  }

  /** When the first batch that is not filed was received; null when all are. */
  oldestAt(): number | null {
    return this.#db.get<{ received_at: number }>('SELECT received_at FROM journal ORDER BY job_no LIMIT 1')?.received_at ?? null;
  }

  /** Files everything and destroys the key of what was filed, for an operation that is to leave nothing of it. */
  empty(context: Context): void {
    while (this.#size > 0) this.file(context, CATCH_UP_CONTACTS);
    const { key, wrapped } = this.#vault.newPersonKey();
    this.#db.run('UPDATE journal_key SET wrapped = ?', wrapped);
    this.#key = key;
  }

  /** After a rollback the memory of it may be wrong. */
  recount(): void {
    this.#key = this.#loadKey();
    this.#size = this.#db.get<{ n: number | null }>('SELECT sum(contacts) AS n FROM journal')?.n ?? 0;
    this.#areKeysKnown = this.#size === 0;
  }

  /** Tells of several batches that came at once: for a moment from now on, filing waits. */
  sawCrowd(now: number): void {
    this.#busyUntil = Math.max(this.#busyUntil, now + BUSY_MS);
  }

  /** Whether batches come faster than they are filed. Callers who wait for one answer before they ask again never make it so. */
  isBusy(now: number): boolean {
    return now < this.#busyUntil;
  }

  /** Whether contacts may wait in here of somebody with one of these identifiers who does not refuse one of these channels. */
  mayOpen(identity: Pick<Identity, 'email' | 'phone'>, channels: readonly Channel[]): boolean {
    if (this.#size === 0) return false;
    const marks = marksOf((channel) => channels.includes(channel));
    return !this.#areKeysKnown || keysOf(identity).some((key) => this.#keys.marksOf(key, marks) !== 0);
  }

  /** @param contacts those of the plan as JSON, in its order */
  keep(planned: readonly Planned[], contacts: string, jobNo: number, now: number): { encrypted: boolean } {
    if (this.#size === 0) {
      this.#keys.clear();
      this.#areKeysKnown = true;
    }
    for (const { identity, subject } of planned) {
      if (identity === undefined || subject === undefined) continue;
      const marks = marksOf((channel) => effective(subject.consent[channel]) !== 'refused');
      for (const key of keysOf(identity)) this.#keys.add(key, marks);
    }
    const decided = planned.map(({ outcome, overridden }): Decided => ({ outcome, overridden }));
    const sealed = this.#vault.seal(`{"decided":${JSON.stringify(decided)},"contacts":${contacts}}`, this.#key);
    this.#db.run('INSERT INTO journal (job_no, contacts, received_at, sealed) VALUES (?, ?, ?, ?)', jobNo, planned.length, now, sealed);
    this.#size += planned.length;
    return { encrypted: isSealed(sealed) };
  }

  /** Files what is left, within bounds, for an operation that is to see it. */
  catchUp(context: Context): void {
    this.file(context, CATCH_UP_CONTACTS);
  }

  /** Files some of what is left; answers how many contacts then wait. */
  fileSome(context: Context): number {
    this.file(context, CATCH_UP_CONTACTS);
    return this.#size;
  }

  /** Files the oldest batches, about so many contacts. Answers how many. */
  file(context: Context, contacts: number): number {
    let filed = 0;
    while (filed < contacts && this.#size > 0) {
      const row = this.#db.get<Row>('SELECT job_no, received_at, sealed FROM journal ORDER BY job_no LIMIT 1');
      if (row === undefined) break;
      const kept = this.#open(row);
      fileSlice(context, replan(context, kept, row), { job: this.#jobOf(row.job_no), now: row.received_at, state: 'waiting' });
      this.#db.run('DELETE FROM journal WHERE job_no = ?', row.job_no);
      this.#size -= kept.length;
      filed += kept.length;
    }
    return filed;
  }

  /** How the contacts of a job that is not filed yet were decided. */
  outcomesOf(jobNo: number): { outcome: Outcome }[] {
    if (this.#size === 0) return [];
    const row = this.#db.get<Row>('SELECT job_no, received_at, sealed FROM journal WHERE job_no = ?', jobNo);
    return row === undefined ? [] : this.#open(row);
  }

  #jobOf(jobNo: number): FiledJob {
    return this.#db.get<FiledJob>('SELECT job_no AS jobNo, job_id AS jobId, caller, request_id AS requestId FROM jobs WHERE job_no = ?', jobNo)!;
  }

  #loadKey(): PersonKey {
    const stored = this.#db.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM journal_key');
    if (stored !== undefined) return this.#vault.unwrap(stored.wrapped);
    const { key, wrapped } = this.#vault.newPersonKey();
    this.#db.run('INSERT INTO journal_key (only_row, wrapped) VALUES (1, ?)', wrapped);
    return key;
  }

  #open(row: Row): Kept[] {
    const kept = JSON.parse(this.#vault.open(row.sealed, this.#key)) as Kept[] | { decided: Decided[]; contacts: IncomingContact[] };
    // A program of before kept each contact with its decision.
    return Array.isArray(kept) ? kept : kept.decided.map((decision, i) => ({ ...decision, incoming: kept.contacts[i]! }));
  }
}

/** Channels as the sketch of keys knows them. */
function marksOf(isMarked: (channel: Channel) => boolean): number {
  let marks = 0;
  for (let at = 0; at < CHANNELS.length; at += 1) if (isMarked(CHANNELS[at]!)) marks |= 1 << at;
  return marks;
}

/** Who they are is found anew, as people may have come to be known meanwhile; what was decided stands. */
function replan(context: Context, kept: readonly Kept[], row: Row): Planned[] {
  const decided = new Map(kept.map((entry) => [entry.incoming.index, entry]));
  const planned = identifySlice(context, kept.map((entry) => entry.incoming), undefined, row.received_at);
  for (const plan of planned) {
    const { outcome, overridden } = decided.get(plan.incoming.index)!;
    plan.outcome = outcome;
    plan.overridden = overridden;
    if (plan.subject !== undefined && outcome.outcome !== 'rejected') plan.subject.acceptedIndex ??= plan.incoming.index;
  }
  return planned;
}
