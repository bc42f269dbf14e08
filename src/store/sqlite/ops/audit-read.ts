import type { AuditEntry } from '../../../domain/audit/entry.ts';
import { consistencyProof, inclusionProof } from '../../../domain/audit/merkle.ts';
import type { AuditFilter, AuditTree } from '../../../domain/ports/record-store.ts';
import { nodesIn } from '../audit-log.ts';
import type { Context } from '../context.ts';
import type { SqlValue } from '../database.ts';
import { identifiersOf } from './persons.ts';

/** Entries counted to tell which of two filters is the rarer. */
const LOOK_MAX = 2000;

/** Run by run from the one that a search begins in: its sequences, in their order, and their entries. */
const BY_REFERENCE = `
  audit_ref_runs AS n
  CROSS JOIN audit_refs AS r ON n.run >= ? AND n.first < ? AND r.run = n.run AND r.ref = ?
  CROSS JOIN audit_entries AS e ON e.sequence = r.sequence`;

type ProofRequest = { kind: 'inclusion'; sequence: number; size: number } | { kind: 'consistency'; from: number; to: number };

/** A page of entries by keyset; every filter is carried by an index. */
export function auditPage(context: Context, filter: AuditFilter): { entries: AuditEntry[]; more: boolean; tree: AuditTree } {
  const tree = context.audit.tree();
  const where = ['e.sequence > ?', 'e.sequence < ?'];
  const values: SqlValue[] = [Math.max(filter.after, firstAt(context, filter.from) - 1), filter.to === undefined ? tree.size : firstAt(context, filter.to)];
  const { action, actor } = filter;
  // A sign before a column keeps its index out of the search.
  const plain = action === undefined || actor === undefined ? undefined : commoner(context, action, actor);
  if (action !== undefined) {
    where.push(plain === 'action' ? '+e.action = ?' : 'e.action = ?');
    values.push(action);
  }
  if (actor !== undefined) {
    where.push(plain === 'actor' ? '+e.actor = ?' : 'e.actor = ?');
    values.push(actor);
  }
  const refs = refsOf(context, filter);
  const [first, ...others] = refs;
  for (const ref of others) {
    where.push('EXISTS (SELECT 1 FROM audit_refs WHERE run = r.run AND ref = ? AND sequence = e.sequence)');
    values.push(ref);
  }
  // The planner is told where to start: a rare reference before an action, an action before the sequence.
  const source = first === undefined ? 'audit_entries AS e' : BY_REFERENCE;
  const order = first === undefined ? 'e.sequence' : 'n.run, r.sequence';
  const condition = first === undefined ? where.join(' AND ') : where.join(' AND ').replace('e.sequence > ? AND e.sequence < ?', 'r.sequence > ? AND r.sequence < ?');
  const rows = context.db.all<{ leaf: string }>(
    `SELECT e.leaf FROM ${source} WHERE ${condition} ORDER BY ${order} LIMIT ?`,
    ...(first === undefined ? [] : [runOf(context, filter.after), tree.size, first]),
    ...values,
    filter.limit + 1,
  );
  const entries = rows.slice(0, filter.limit).map((row) => JSON.parse(row.leaf) as AuditEntry);
  return { entries, more: rows.length > filter.limit, tree };
}

/** The run in which a search for entries above a sequence begins. */
function runOf({ db }: Context, after: number): number {
  return db.get<{ run: number | null }>('SELECT max(run) AS run FROM audit_ref_runs WHERE first <= ?', after + 1)?.run ?? 0;
}

export function auditTree(context: Context): AuditTree {
  return context.audit.tree();
}

export function auditProof(context: Context, request: ProofRequest): { hashes: Uint8Array[] } | null {
  const { size } = context.audit.tree();
  const getNode = nodesIn(context.db);
  if (request.kind === 'inclusion') {
    if (request.size > size || request.sequence >= request.size) return null;
    return { hashes: inclusionProof(request.sequence, request.size, getNode) };
  }
  if (request.to > size || request.from > request.to || request.from < 1) return null;
  return { hashes: consistencyProof(request.from, request.to, getNode) };
}

/** Sequence of the first entry at or after a time, by halving: entries are in order of time. */
function firstAt({ db, audit }: Context, at: number | undefined): number {
  if (at === undefined) return 0;
  let [first, end] = [0, audit.tree().size];
  while (first < end) {
    const middle = Math.floor((first + end) / 2);
    const entry = db.get<{ created_at: number }>('SELECT created_at FROM audit_entries WHERE sequence >= ? LIMIT 1', middle);
    if (entry === undefined || entry.created_at >= at) end = middle;
    else first = middle + 1;
  }
  return first;
}

/** Which of an action and an actor is the rarer one, as far as a short look tells: the other is not to lead the search. */
function commoner({ db }: Context, action: string, actor: string): 'action' | 'actor' {
  const count = (column: 'action' | 'actor', value: string): number => db.get<{ n: number }>(`SELECT count(*) AS n FROM (SELECT 1 FROM audit_entries WHERE ${column} = ? LIMIT ?)`, value, LOOK_MAX)?.n ?? 0;
  return count('action', action) > count('actor', actor) ? 'action' : 'actor';
}

function refsOf({ pseudonyms }: Context, filter: AuditFilter): Buffer[] {
  const refs: Buffer[] = [];
  for (const [kind, value] of identifiersOf(filter.subject ?? {})) refs.push(pseudonyms.of(kind, value));
  if (filter.jobId !== undefined) refs.push(pseudonyms.of('job', filter.jobId));
  if (filter.profileId !== undefined) refs.push(pseudonyms.of('profile', filter.profileId));
  return refs;
}
