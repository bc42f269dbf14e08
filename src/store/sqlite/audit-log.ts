import { randomFillSync } from 'node:crypto';
import { leafOf } from '../../domain/audit/entry.ts';
import type { AuditEntry } from '../../domain/audit/entry.ts';
import { HASH_BYTES, append, copyRange, leafHash, nodeHash, rootOf } from '../../domain/audit/merkle.ts';
import { rangeAt } from '../../domain/audit/tree-store.ts';
import type { GetNode, Range } from '../../domain/audit/merkle.ts';
import type { AuditDraft, AuditTree } from '../../domain/ports/record-store.ts';
import { TimedIds } from '../../domain/timed-ids.ts';
import { AuditRefs } from './audit-refs.ts';
import type { RefMark } from './audit-refs.ts';
import type { Database } from './database.ts';
import type { Pseudonyms } from './pseudonyms.ts';

/** Where an append stood, to go back to when its transaction fails. */
export type AuditMark = { range: Range; pending: number; lastAt: number; refs: RefMark };

/**
 * Appends entries and their tree nodes inside the caller's transaction, and hands over what was committed.
 * The right edge of the tree is kept in memory, so that an append costs the same at any size.
 */
export class AuditLog {
  readonly #db: Database;
  readonly #pseudonyms: Pseudonyms;
  readonly #refs: AuditRefs;
  #range: Range;
  #pending: AuditEntry[] = [];
  #lastAt: number;
  readonly #ids = new TimedIds(randomFillSync);
  /** Entries of one job come together. */
  #lastJob: { id: string; ref: Buffer } | undefined;

  constructor(db: Database, pseudonyms: Pseudonyms) {
    this.#db = db;
    this.#pseudonyms = pseudonyms;
    this.#refs = new AuditRefs(db);
    this.#range = loadRange(db);
    this.#lastAt = db.get<{ at: number }>('SELECT created_at AS at FROM audit_entries ORDER BY sequence DESC LIMIT 1')?.at ?? 0;
  }

  /** Adds one entry. Its time never runs backwards, whatever the clock does. */
  append(draft: AuditDraft, now: number): AuditEntry {
    const at = Math.max(now, this.#lastAt);
    this.#lastAt = at;
    const sequence = this.#range.size;
    const entry: AuditEntry = { audit_id: this.#ids.at(at), sequence, created_at: new Date(at).toISOString(), ...draft };
    const leaf = leafOf(entry);
    this.#db.run('INSERT INTO audit_entries (sequence, created_at, action, actor, leaf) VALUES (?, ?, ?, ?, ?)', sequence, at, entry.action, entry.actor, leaf);
    const hash = leafHash(leaf);
    const completed = append(this.#range, hash);
    this.#db.run('INSERT INTO audit_nodes (sequence, hashes) VALUES (?, ?)', sequence, completed.length === 0 ? hash : Buffer.concat([hash, ...completed.map(([, , node]) => node)]));
    this.#refs.add(sequence, this.refsOf(entry));
    this.#pending.push(entry);
    return entry;
  }

  tree(): AuditTree {
    return { size: this.#range.size, root: rootOf(this.#range) };
  }

  mark(): AuditMark {
    return { range: copyRange(this.#range), pending: this.#pending.length, lastAt: this.#lastAt, refs: this.#refs.mark() };
  }

  rollBackTo(mark: AuditMark): void {
    this.#range = copyRange(mark.range);
    this.#pending.length = mark.pending;
    this.#lastAt = mark.lastAt;
    this.#refs.rollBackTo(mark.refs);
  }

  /** The entries since the last call; to be asked for once their commit has succeeded. */
  takeCommitted(): AuditEntry[] {
    const entries = this.#pending;
    this.#pending = [];
    return entries;
  }

  /** Takes an entry out of what entries are found by; to be called for one that is no longer kept. */
  forget(entry: AuditEntry): void {
    this.#refs.remove(entry.sequence, this.refsOf(entry));
  }

  /** What an entry is found by: hashes of its jobs, its profile and its people, each once. */
  refsOf(entry: AuditEntry): Buffer[] {
    const refs: Buffer[] = [];
    if (entry.job_id !== undefined) refs.push(this.#jobRef(entry.job_id));
    if (entry.profile_id !== undefined) refs.push(this.#pseudonyms.of('profile', entry.profile_id));
    const subjects = new Set(entry.subjects);
    if (entry.subject !== undefined) subjects.add(entry.subject);
    for (const subject of subjects) refs.push(Buffer.from(subject, 'hex'));
    const jobs = entry.details['job_ids'];
    if (Array.isArray(jobs)) for (const job of new Set(jobs as string[])) if (job !== entry.job_id) refs.push(this.#jobRef(job));
    return refs;
  }

  #jobRef(id: string): Buffer {
    if (this.#lastJob?.id !== id) this.#lastJob = { id, ref: this.#pseudonyms.of('job', id) };
    return this.#lastJob.ref;
  }
}

/**
 * The right edge from the stored nodes: one read for each bit of the size, at most 53. Entries whose leaf is still
 * there count although they were taken out: what follows must not take their place.
 */
function loadRange(db: Database): Range {
  const entries = db.get<{ size: number }>('SELECT coalesce(max(sequence) + 1, 0) AS size FROM audit_entries')?.size ?? 0;
  const leaves = db.get<{ size: number }>('SELECT coalesce(max(sequence) + 1, 0) AS size FROM audit_nodes')?.size ?? 0;
  return rangeAt(Math.max(entries, leaves), nodesIn(db));
}

/**
 * Reads stored tree nodes. One that is missing is computed from what is below it, and not stored: whether that is
 * what was there is for the signed checkpoints to say. Throws when nothing is below it either.
 */
export function nodesIn(db: Database): GetNode {
  const getNode: GetNode = (level, index) => {
    // A subtree is stored with the entry that completed it, after those below it.
    const node = db.get<{ hash: Uint8Array }>('SELECT substr(hashes, ?, ?) AS hash FROM audit_nodes WHERE sequence = ?', level * HASH_BYTES + 1, HASH_BYTES, (index + 1) * 2 ** level - 1);
    if (node?.hash.length === HASH_BYTES) return node.hash;
    if (level > 0) return nodeHash(getNode(level - 1, index * 2), getNode(level - 1, index * 2 + 1));
    const entry = db.get<{ leaf: string }>('SELECT leaf FROM audit_entries WHERE sequence = ?', index);
    if (entry === undefined) throw new Error(`entry ${index} of the audit trail is missing, and its leaf too: the trail was damaged`);
    return leafHash(entry.leaf);
  };
  return getNode;
}
