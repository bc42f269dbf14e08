import type { CheckpointState, SignedHead } from '../../../domain/ports/checkpoints.ts';
import type { Context } from '../context.ts';
import { SYSTEM } from '../context.ts';

/** See {@link import('../../../domain/ports/checkpoints.ts').CheckpointStore} for all of these. */
export function checkpointState({ db, audit }: Context): CheckpointState {
  const head = db.get<{ size: number; note: string; quiet_at: number }>('SELECT size, note, quiet_at FROM audit_head');
  const keys = db.all<{ key: string; replaced: string | null; replaced_at: number | null }>('SELECT key, replaced, replaced_at FROM audit_keys ORDER BY key_no');
  return {
    tree: audit.tree(),
    last: head === undefined ? null : { size: head.size, note: head.note },
    quietAt: head?.quiet_at ?? 0,
    keys: keys.map(({ key }) => key),
    replacements: keys.flatMap(({ key, replaced: from, replaced_at: size }) => (from === null || size === null ? [] : [{ key, from, size }])),
    anchored: db.all<{ place: string; size: number }>('SELECT place, size FROM audit_anchors ORDER BY place').map(({ place, size }) => ({ place, size })),
  };
}

export function recordCheckpoint({ db, audit }: Context, { head, rootHash, inTrail, now }: { head: SignedHead; rootHash: string; inTrail: boolean; now: number }): void {
  const { size, note } = head;
  let quietAt: number | null = null;
  if (inTrail) {
    audit.append({ action: 'checkpoint_signed', actor: SYSTEM, details: { size, root_hash: rootHash, note }, privacy_compliance: {} }, now);
    // Entries that came between the signature and this one are new to the next checkpoint.
    quietAt = audit.tree().size === size + 1 ? size + 1 : size;
  }
  db.run(
    `INSERT INTO audit_head (id, size, note, quiet_at) VALUES (1, ?, ?, coalesce(?, 0))
     ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note, quiet_at = coalesce(?, quiet_at)`,
    size,
    note,
    quietAt,
    quietAt,
  );
}

type KeyChange = { key: string; rotation?: { from: string; note: string }; replacement?: { from: string; note: string; size: number }; now: number };

export function recordSigningKey({ db, audit }: Context, { key, rotation, replacement, now }: KeyChange): void {
  db.run('INSERT INTO audit_keys (key, first_used, replaced, replaced_at) VALUES (?, ?, ?, ?)', key, now, replacement?.from ?? null, replacement?.size ?? null);
  if (replacement !== undefined) {
    const { from, note, size } = replacement;
    // The note says which entry carries it.
    if (audit.tree().size !== size) throw new Error('the trail grew under a replacement of its key');
    audit.append({ action: 'signing_key_replaced', actor: SYSTEM, details: { purpose: 'audit_signing', from, to: key, size, signed_by: 'new key alone', note }, privacy_compliance: {} }, now);
  }
  if (rotation === undefined) return;
  const { from, note } = rotation;
  audit.append({ action: 'key_rotated', actor: SYSTEM, details: { purpose: 'audit_signing', from, to: key, note }, privacy_compliance: {} }, now);
}

export function recordAnchor({ db }: Context, { place, size, now }: { place: string; size: number; now: number }): void {
  db.run(
    `INSERT INTO audit_anchors (place, size, anchored_at) VALUES (?, ?, ?)
     ON CONFLICT (place) DO UPDATE SET size = excluded.size, anchored_at = excluded.anchored_at WHERE excluded.size > size`,
    place,
    size,
    now,
  );
}
