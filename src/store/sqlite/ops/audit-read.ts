import type { AuditEntry } from '../../../domain/audit/entry.ts';
import { consistencyProof, inclusionProof } from '../../../domain/audit/merkle.ts';
import type { AuditFilter, AuditTree } from '../../../domain/ports/record-store.ts';
import { nodesIn } from '../audit-log.ts';
import type { Context } from '../context.ts';
import type { SqlValue } from '../database.ts';
import { identifiersOf } from './persons.ts';

type ProofRequest = { kind: 'inclusion'; sequence: number; size: number } | { kind: 'consistency'; from: number; to: number };

/** A page of entries by keyset; every filter is carried by an index. */
export function auditPage(context: Context, filter: AuditFilter): { entries: AuditEntry[]; more: boolean; tree: AuditTree } {
  const tree = context.audit.tree();
  const where = ['e.sequence > ?', 'e.sequence < ?'];
  const values: SqlValue[] = [Math.max(filter.after, firstAt(context, filter.from) - 1), filter.to === undefined ? tree.size : firstAt(context, filter.to)];
  if (filter.action !== undefined) {
    where.push('e.action = ?');
    values.push(filter.action);
  }
  if (filter.actor !== undefined) {
    where.push('e.actor = ?');
    values.push(filter.actor);
  }
  const refs = refsOf(context, filter);
  const [first, ...others] = refs;
  for (const ref of others) {
    where.push('EXISTS (SELECT 1 FROM audit_refs WHERE ref = ? AND sequence = e.sequence)');
    values.push(ref);
  }
  // The planner is told where to start: a rare reference before an action, an action before the sequence.
  const source = first === undefined ? 'audit_entries AS e' : 'audit_refs AS r CROSS JOIN audit_entries AS e ON e.sequence = r.sequence';
  const order = first === undefined ? 'e.sequence' : 'r.sequence';
  const condition = first === undefined ? where.join(' AND ') : `r.ref = ? AND ${where.join(' AND ').replaceAll(/^e\.sequence > \? AND e\.sequence < \?/g, 'r.sequence > ? AND r.sequence < ?')}`;
  const rows = context.db.all<{ leaf: string }>(
    `SELECT e.leaf FROM ${source} WHERE ${condition} ORDER BY ${order} LIMIT ?`,
    ...(first === undefined ? [] : [first]),
    ...values,
    filter.limit + 1,
  );
  const entries = rows.slice(0, filter.limit).map((row) => JSON.parse(row.leaf) as AuditEntry);
  return { entries, more: rows.length > filter.limit, tree };
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

/** Sequence of the first entry at or after a time; entries are in order of time. */
function firstAt({ db, audit }: Context, at: number | undefined): number {
  if (at === undefined) return 0;
  const row = db.get<{ sequence: number }>('SELECT sequence FROM audit_entries WHERE created_at >= ? ORDER BY created_at, sequence LIMIT 1', at);
  return row?.sequence ?? audit.tree().size;
}

function refsOf({ pseudonyms }: Context, filter: AuditFilter): Buffer[] {
  const refs: Buffer[] = [];
  for (const [kind, value] of identifiersOf(filter.subject ?? {})) refs.push(pseudonyms.of(kind, value));
  if (filter.jobId !== undefined) refs.push(pseudonyms.of('job', filter.jobId));
  if (filter.profileId !== undefined) refs.push(pseudonyms.of('profile', filter.profileId));
  return refs;
}
