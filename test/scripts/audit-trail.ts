import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { addSignature, formatCheckpoint, formatKeyReplacement, formatKeyRotation, formatVerifierKey, signNote } from '../../src/domain/audit/checkpoint.ts';
import { AUDIT_ACTIONS, leafOf } from '../../src/domain/audit/entry.ts';
import type { AuditEntry } from '../../src/domain/audit/entry.ts';
import { append, copyRange, emptyRange, leafHash, rootOf } from '../../src/domain/audit/merkle.ts';
import type { Range } from '../../src/domain/audit/merkle.ts';

export const ORIGIN = 'enricher.example/audit';

/** An Ed25519 key that is the same in every run (RFC 8410 wraps a seed in this prefix). */
export function fixedKey(seed: number): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

export const KEY = fixedKey(1);
export const VERIFIER_KEY = formatVerifierKey(ORIGIN, KEY);
export const NEXT_KEY = fixedKey(2);
export const NEXT_VERIFIER_KEY = formatVerifierKey(ORIGIN, NEXT_KEY);

/** A trail as the service would keep it: entries, and the range before each of them (`ranges[size]`). */
export type Trail = { entries: AuditEntry[]; ranges: Range[] };
type Options = { count: number; checkpointEvery?: number; rotateAt?: number; replaceAt?: number };

function entryAt(sequence: number): AuditEntry {
  const digits = sequence.toString(16).padStart(12, '0');
  const ordinary = AUDIT_ACTIONS.filter((action) => action !== 'checkpoint_signed' && action !== 'key_rotated' && action !== 'signing_key_replaced');
  return {
    audit_id: `01a2b3c4-0000-7000-8000-${digits}`,
    sequence,
    action: ordinary[sequence % ordinary.length] ?? 'admin_action',
    created_at: new Date(1_795_000_000_000 + sequence * 137).toISOString(),
    actor: sequence % 3 === 0 ? 'crm' : 'système',
    job_id: `job-${sequence >> 4}`,
    ...(sequence % 2 === 0 ? { subject: digits.repeat(6).slice(0, 64) } : {}),
    details: { rule: 'same_email', index: sequence % 50, latency_ms: sequence / 8, classes: ['EMAIL', 'PHONE'], note: 'à "b" \\ c\n' },
    privacy_compliance: { jurisdiction: 'DE', legal_basis: 'consent', retained_until: '2027-11-22', encrypted: true },
  };
}

export function buildTrail({ count, checkpointEvery = 0, rotateAt = -1, replaceAt = -1 }: Options): Trail {
  const trail: Trail = { entries: [], ranges: [emptyRange()] };
  let range = emptyRange();
  for (let sequence = 0; sequence < count; sequence += 1) {
    const entry = entryAt(sequence);
    if (checkpointEvery > 0 && sequence > 0 && sequence % checkpointEvery === 0) {
      entry.action = 'checkpoint_signed';
      entry.details = { size: sequence, note: checkpointAt(trail, sequence) };
    }
    if (sequence === rotateAt) {
      entry.action = 'key_rotated';
      const text = formatKeyRotation(ORIGIN, VERIFIER_KEY, NEXT_VERIFIER_KEY);
      entry.details = { note: addSignature(signNote(text, ORIGIN, KEY), ORIGIN, NEXT_KEY) };
    }
    if (sequence === replaceAt) {
      entry.action = 'signing_key_replaced';
      entry.details = { note: signNote(formatKeyReplacement(ORIGIN, VERIFIER_KEY, NEXT_VERIFIER_KEY, sequence), ORIGIN, NEXT_KEY) };
    }
    range = copyRange(range);
    append(range, leafHash(leafOf(entry)));
    trail.entries.push(entry);
    trail.ranges.push(range);
  }
  return trail;
}

/** A signed checkpoint of the trail's first `size` entries. */
export function checkpointAt(trail: Trail, size: number, key = KEY): string {
  const range = trail.ranges[size];
  if (range === undefined) throw new RangeError('the trail is not that long');
  return signNote(formatCheckpoint(ORIGIN, size, rootOf(range)), ORIGIN, key);
}

/** The entry as somebody would like it to have been. */
export function forgeActor(entry: AuditEntry): AuditEntry {
  return { ...entry, actor: 'nobody' };
}

/** The line of an export for one entry: the entry and the exact bytes of its leaf. */
export function lineOf(entry: AuditEntry): string {
  return JSON.stringify({ ...entry, leaf: Buffer.from(leafOf(entry)).toString('base64') });
}

/** The first line of an export whose first `size` entries were pruned. */
export function prunedLine(trail: Trail, size: number): string {
  const hashes = (trail.ranges[size]?.hashes ?? []).map((hash) => Buffer.from(hash).toString('base64'));
  return JSON.stringify({ pruned: { size, hashes } });
}
