import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AUDIT_ACTIONS, leafOf } from '../../../src/domain/audit/entry.ts';
import type { AuditEntry } from '../../../src/domain/audit/entry.ts';

const entry: AuditEntry = {
  audit_id: '01a2b3c4-0000-7000-8000-000000000000',
  sequence: 0,
  action: 'contact_rejected',
  created_at: '2026-11-22T10:00:00.000Z',
  actor: 'crm',
  job_id: 'job-1',
  subject: 'ab'.repeat(32),
  details: { rule: 'consent_missing', index: 7 },
  privacy_compliance: { jurisdiction: 'DE' },
};

describe('leafOf', () => {
  it('is the canonical JSON of the fields that are there', () => {
    assert.equal(
      leafOf(entry),
      `{"action":"contact_rejected","actor":"crm","audit_id":"01a2b3c4-0000-7000-8000-000000000000","created_at":"2026-11-22T10:00:00.000Z","details":{"index":7,"rule":"consent_missing"},"job_id":"job-1","privacy_compliance":{"jurisdiction":"DE"},"sequence":0,"subject":"${'ab'.repeat(32)}"}`,
    );
  });

  it('differs when any one field differs', () => {
    const changes: Partial<AuditEntry>[] = [
      { audit_id: 'x' },
      { sequence: 1 },
      { action: 'contact_deduplicated' },
      { created_at: '2026-11-22T10:00:00.001Z' },
      { actor: 'other' },
      { job_id: 'job-2' },
      { profile_id: 'p' },
      { request_id: 'r' },
      { subject: 'cd'.repeat(32) },
      { subjects: ['cd'.repeat(32)] },
      { details: { rule: 'consent_missing', index: 8 } },
      { privacy_compliance: { jurisdiction: 'FR' } },
    ];
    const leaves = changes.map((change) => leafOf({ ...entry, ...change }));
    assert.equal(new Set([leafOf(entry), ...leaves]).size, changes.length + 1);
  });

  it('does not take part in what a record carries beside the entry', () => {
    assert.equal(leafOf({ ...entry, leaf_hash: 'x' } as AuditEntry), leafOf(entry));
  });

  it('refuses a sequence that is no index, and details that are no JSON', () => {
    assert.throws(() => leafOf({ ...entry, sequence: -1 }), RangeError);
    assert.throws(() => leafOf({ ...entry, sequence: 0.5 }), RangeError);
    assert.throws(() => leafOf({ ...entry, details: { at: new Date(0) } }), { code: 'canonical_not_json' });
  });

  it('knows each action once', () => assert.equal(new Set(AUDIT_ACTIONS).size, AUDIT_ACTIONS.length));
});
