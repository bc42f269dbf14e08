import { rangeNodes } from '../../../domain/audit/tree-store.ts';
import type { AuditEntry } from '../../../domain/audit/entry.ts';
import type { PrunedTrail } from '../../../domain/ports/checkpoints.ts';
import { nodesIn } from '../audit-log.ts';
import type { Context } from '../context.ts';
import { SYSTEM } from '../context.ts';

/** A step begins only when entries are this much over their time, so that the trail grows by one entry a day for it. */
const SLACK_MS = 86_400_000;

/** See {@link import('../../../domain/ports/checkpoints.ts').CheckpointStore}. */
export function prunedTrail(context: Context): PrunedTrail {
  const { db } = context;
  const size = db.get<{ size: number }>('SELECT size FROM audit_pruned')?.size ?? 0;
  const getNode = nodesIn(db);
  return { size, hashes: rangeNodes(size).map(([level, index]) => getNode(level, index)), isStated: size === 0 || isStated(context, size) };
}

/** Every step says how far it went, and is younger than what it took. Sweeps of other records leave entries too, any number since. */
function isStated({ db }: Context, size: number): boolean {
  const statement = db.get(
    `SELECT 1 AS one
       FROM audit_entries
      WHERE action = 'retention_swept' AND CASE WHEN json_valid(leaf) THEN leaf ->> '$.details.to' END = ?
      ORDER BY sequence DESC
      LIMIT 1`,
    size,
  );
  return statement !== undefined;
}

/** See {@link import('../../../domain/ports/checkpoints.ts').CheckpointStore}. */
export function pruneTrail(context: Context, { before, limit, now }: { before: number; limit: number; now: number }): { more: boolean } {
  const { db, audit } = context;
  const from = db.get<{ size: number }>('SELECT size FROM audit_pruned')?.size ?? 0;
  const signed = db.get<{ size: number }>('SELECT size FROM audit_head')?.size ?? 0;
  const first = db.get<{ created_at: number }>('SELECT created_at FROM audit_entries WHERE sequence >= ? AND sequence < ? LIMIT 1', from, signed);
  if (first === undefined || first.created_at >= before - SLACK_MS) return { more: false };
  const old = db.all<{ sequence: number; leaf: string }>(
    'SELECT sequence, leaf FROM audit_entries WHERE sequence >= ? AND sequence < ? AND created_at < ? ORDER BY sequence LIMIT ?',
    from,
    Math.min(signed, from + limit),
    before,
    limit,
  );
  const to = (old.at(-1)?.sequence ?? from - 1) + 1;
  db.run('UPDATE audit_pruned SET size = ?', to);
  for (const { leaf } of old) audit.forget(JSON.parse(leaf) as AuditEntry);
  db.run('DELETE FROM audit_entries WHERE sequence >= ? AND sequence < ?', from, to);
  audit.append({ action: 'retention_swept', actor: SYSTEM, details: { swept: { audit_entries: to - from }, from, to }, privacy_compliance: { policy_version: context.policy.policyVersion } }, now);
  return { more: old.length >= limit };
}
