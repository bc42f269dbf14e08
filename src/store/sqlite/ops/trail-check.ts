import type { AuditEntry } from '../../../domain/audit/entry.ts';
import { HASH_BYTES, leafHash } from '../../../domain/audit/merkle.ts';
import { addRef, emptySum } from '../../../domain/audit/ref-sum.ts';
import type { RefSeed, RefSum } from '../../../domain/audit/ref-sum.ts';
import type { EntryCheck, RefCursor } from '../../../domain/ports/checkpoints.ts';
import type { Context } from '../context.ts';

const LEAF_MISSING = 'its leaf, or what it completed of the tree, is missing';
const REF_MISSING = 'it is not in the index by which a job, a profile or a person finds it';

type Row = { sequence: number; created_at: number; action: string; actor: string; leaf: string; hashes: Uint8Array | null };

/** See {@link import('../../../domain/ports/checkpoints.ts').CheckpointStore} for both of these. */
export function checkEntries(context: Context, { from, to, seed, eachRef = false }: { from: number; to: number; seed: RefSeed; eachRef?: boolean }): EntryCheck {
  const rows = context.db.all<Row>(
    `SELECT e.sequence, e.created_at, e.action, e.actor, e.leaf, n.hashes
     FROM audit_entries AS e LEFT JOIN audit_nodes AS n ON n.sequence = e.sequence
     WHERE e.sequence >= ? AND e.sequence < ? ORDER BY e.sequence`,
    from,
    to,
  );
  const nodes: Uint8Array[] = [];
  const notes: string[] = [];
  const refs = emptySum();
  const upTo = (bad?: EntryCheck['bad']): EntryCheck => ({ nodes: new Uint8Array(Buffer.concat(nodes)), refs, notes, ...(bad === undefined ? {} : { bad }) });
  for (let sequence = from; sequence < to; sequence += 1) {
    const row = rows[sequence - from];
    if (row === undefined || row.sequence !== sequence) return upTo({ sequence, why: 'the entry is missing' });
    const read = readRow(row);
    if (row.hashes === null || 'why' in read) return upTo({ sequence, why: 'why' in read ? read.why : LEAF_MISSING });
    const found = context.audit.refsOf(read.entry);
    if (eachRef && !found.every((ref) => isIndexed(context, ref, sequence))) return upTo({ sequence, why: REF_MISSING });
    for (const ref of found) addRef(refs, ref, sequence, seed);
    nodes.push(row.hashes);
    if (row.action === 'checkpoint_signed') notes.push(noteIn(read.entry));
  }
  return upTo();
}

export function checkRefs({ db }: Context, { from, to, seed, after, limit }: { from: number; to: number; seed: RefSeed; after: RefCursor | null; limit: number }): { refs: RefSum; next: RefCursor | null } {
  const rows = db.all<{ run: number; ref: Uint8Array; sequence: number }>(
    `SELECT run, ref, sequence
       FROM audit_refs
      WHERE (run, ref, sequence) > (?, ?, ?) AND run <= (SELECT coalesce(max(run), 0) FROM audit_ref_runs WHERE first < ?)
      ORDER BY run, ref, sequence
      LIMIT ?`,
    after?.run ?? -1,
    Buffer.from(after?.ref ?? '', 'hex'),
    after?.sequence ?? -1,
    to,
    limit,
  );
  const refs = emptySum();
  for (const { ref, sequence } of rows) if (sequence >= from && sequence < to) addRef(refs, ref, sequence, seed);
  const last = rows.at(-1);
  return { refs, next: rows.length < limit || last === undefined ? null : { run: last.run, ref: Buffer.from(last.ref).toString('hex'), sequence: last.sequence } };
}

/** A stored entry, or what is wrong with it, in words, without any of its values. */
function readRow(row: Row): { entry: AuditEntry } | { why: string } {
  if (row.hashes?.length !== (1 + completedBy(row.sequence)) * HASH_BYTES) return { why: LEAF_MISSING };
  if (Buffer.compare(row.hashes.subarray(0, HASH_BYTES), leafHash(row.leaf)) !== 0) return { why: 'the entry is not what its leaf in the tree says' };
  let entry: AuditEntry;
  try {
    entry = JSON.parse(row.leaf) as AuditEntry;
  } catch {
    return { why: 'the entry is not JSON' };
  }
  const fits = entry.sequence === row.sequence && entry.action === row.action && entry.actor === row.actor && Date.parse(entry.created_at) === row.created_at;
  return fits ? { entry } : { why: 'the columns that entries are found by are not those of the entry' };
}

/** How many subtrees end with an entry: the ones at the end of its sequence in binary. */
function completedBy(sequence: number): number {
  let count = 0;
  for (let rest = sequence; rest % 2 === 1; rest = Math.floor(rest / 2)) count += 1;
  return count;
}

function isIndexed({ db }: Context, ref: Uint8Array, sequence: number): boolean {
  const found = db.get('SELECT 1 AS one FROM audit_refs WHERE run = (SELECT max(run) FROM audit_ref_runs WHERE first <= ?) AND ref = ? AND sequence = ?', sequence, ref, sequence);
  return found !== undefined;
}

function noteIn({ details: { note } }: AuditEntry): string {
  return typeof note === 'string' ? note : '';
}
