import { canonicalJson } from './canonical-json.ts';
import { isTreeSize } from './merkle.ts';

/** Everything the audit trail tells of: each decision about a person's data and each effect outside. */
export const AUDIT_ACTIONS = [
  'batch_submitted',
  'batch_delivered',
  'batch_failed',
  'contact_accepted',
  'contact_rejected',
  'contact_deduplicated',
  'contact_unchanged',
  'consent_recorded',
  'consent_withdrawn',
  'consent_overridden',
  'merge_confirmed',
  'merge_unconfirmed',
  'dead_lettered',
  'dead_letter_retried',
  'PROFILE_ENRICHMENT',
  'patch_cancelled',
  'profile_rejected',
  'pii_blocked',
  'pii_masked',
  'export_delivered',
  'export_cancelled',
  'webhook_received',
  'config_loaded',
  'erasure_requested',
  'erasure_completed',
  'subject_accessed',
  'retention_swept',
  'checkpoint_signed',
  'key_rotated',
  'key_used',
  'login_failures',
  'signing_key_replaced',
  'admin_action',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** One entry of the trail. It holds no personal data in the clear: it can never be changed, not even for an erasure. */
export type AuditEntry = {
  /** UUIDv7. */
  audit_id: string;
  /** From 0 without gaps: the index of the entry's leaf in the tree. */
  sequence: number;
  action: AuditAction;
  /** ISO 8601 UTC. */
  created_at: string;
  /** The name of the API key that asked, or `system`. */
  actor: string;
  job_id?: string;
  profile_id?: string;
  request_id?: string;
  /** Keyed HMAC of the person, hex: whoever holds the key finds that person's entries, and nobody else does. */
  subject?: string;
  /** Where an entry concerns several persons, or one person under several identifiers. */
  subjects?: string[];
  details: Record<string, unknown>;
  privacy_compliance: Record<string, unknown>;
};

const ENTRY_FIELDS = [
  'audit_id',
  'sequence',
  'action',
  'created_at',
  'actor',
  'job_id',
  'profile_id',
  'request_id',
  'subject',
  'subjects',
  'details',
  'privacy_compliance',
] as const satisfies readonly (keyof AuditEntry)[];

/**
 * The leaf of an entry: its fields as canonical JSON (RFC 8785). Its UTF-8 bytes are what the tree hashes.
 * Fields that are absent or undefined are left out; anything else that a record may carry beside the entry's own
 * fields (a stored hash, say) has no part in it.
 *
 * @throws RangeError when the sequence is no leaf index; CanonicalJsonError when a detail is not JSON data
 */
export function leafOf(entry: AuditEntry): string {
  if (!isTreeSize(entry.sequence)) throw new RangeError('the sequence of an entry is a whole number from 0');
  const leaf: Record<string, unknown> = {};
  for (const field of ENTRY_FIELDS) leaf[field] = entry[field];
  return canonicalJson(leaf);
}
