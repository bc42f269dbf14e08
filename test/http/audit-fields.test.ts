import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { AUDIT_ACTIONS } from '../../src/domain/audit/entry.ts';
import type { AuditAction, AuditEntry } from '../../src/domain/audit/entry.ts';
import { withFault } from '../../src/sandbox/sandbox.ts';
import { START, Scene, person } from '../store/scene.ts';
import { engineHarness } from '../store/sqlite/engine-harness.ts';
import { contact } from './harness.ts';
import { askUntil, startWithTenant } from './tenant.ts';
import type { TenantHarness } from './tenant.ts';

const DAY_MS = 86_400_000;
const RETENTION = { contactsMs: 90 * DAY_MS, deadLettersMs: 180 * DAY_MS, webhooksMs: 7 * DAY_MS };
/** A person, under one pseudonym or several. */
const PERSON = 'subject|subjects';
const POLICY = 'privacy_compliance.policy_version';
const BASIS = 'privacy_compliance.legal_basis';
const SEALED = 'privacy_compliance.encrypted';
const ENDS = 'privacy_compliance.retained_until';
const GROUND = 'privacy_compliance.legal_ground';

/** What each entry must hold beside its id, number, time and actor: paths; `a|b` is one of both. */
const REQUIRED: Readonly<Record<AuditAction, readonly string[]>> = {
  batch_submitted: ['job_id', 'request_id', 'details.received', 'details.accepted', 'details.duplicates', 'details.rejected', POLICY, SEALED],
  contact_accepted: ['job_id', 'request_id', PERSON, 'details.contacts', 'privacy_compliance.jurisdictions', POLICY, BASIS, SEALED],
  consent_recorded: ['job_id', 'request_id', PERSON, 'details.channels', 'privacy_compliance.jurisdictions', 'privacy_compliance.consent_evidence.ledger', 'privacy_compliance.consent_evidence.commitment', POLICY, BASIS, SEALED],
  contact_rejected: ['job_id', 'request_id', 'details.index', 'details.errors', 'privacy_compliance.jurisdiction', POLICY],
  contact_deduplicated: ['job_id', 'request_id', PERSON, 'details.rule', 'details.duplicate_of', 'privacy_compliance.jurisdiction', POLICY, BASIS],
  consent_overridden: ['job_id', 'request_id', PERSON, 'details.reason', 'privacy_compliance.jurisdiction', POLICY, BASIS],
  batch_delivered: ['request_id', PERSON, 'details.job_ids', 'details.latency_ms', 'details.status', 'details.commitments.after', POLICY, BASIS],
  batch_failed: ['request_id', 'details.reason', 'job_id|details.job_ids', POLICY],
  contact_unchanged: [PERSON, 'details.job_ids', 'details.commitment', POLICY, ENDS],
  merge_confirmed: ['request_id', PERSON, 'details.job_ids', 'details.latency_ms', 'details.commitment', 'details.confirmed_by', POLICY, BASIS, ENDS],
  merge_unconfirmed: [PERSON, 'details.job_ids', 'details.after_ms', POLICY, ENDS],
  consent_withdrawn: [PERSON, 'details.reason|details.code', 'details.channels|details.job_ids', POLICY],
  dead_lettered: [PERSON, 'details.reason', 'details.attempts', 'details.job_ids', POLICY],
  dead_letter_retried: ['job_id', 'request_id', PERSON, 'details.reason', 'details.dead_letter_id', POLICY],
  PROFILE_ENRICHMENT: ['job_id', 'profile_id', 'request_id', 'details.dataIntegrityHash', 'details.commitments', 'details.latency_ms', 'details.pii_classes', POLICY, SEALED],
  patch_cancelled: ['job_id', 'details.reason', POLICY],
  profile_rejected: ['profile_id', 'request_id', 'details.code', POLICY],
  pii_blocked: ['profile_id', 'request_id', 'details.fields', 'details.found', 'details.pii_classes', POLICY],
  pii_masked: ['job_id', 'profile_id', 'request_id', 'details.fields', 'details.found', POLICY, SEALED],
  export_delivered: ['request_id', PERSON, 'details.recipient', 'details.job_ids', 'details.latency_ms', POLICY, BASIS],
  export_cancelled: [PERSON, 'details.recipient', 'details.reason', 'details.job_ids', POLICY],
  webhook_received: ['details.type', 'details.confirmed'],
  config_loaded: ['details.policy_version', 'details.settings_hash', 'details.api_keys', 'privacy_compliance.jurisdiction_version'],
  erasure_requested: ['request_id', PERSON, 'details.erasure_id', 'details.reason', POLICY, GROUND],
  erasure_completed: [PERSON, 'details.erasure_id', 'details.erased', 'details.legs', 'details.latency_ms', POLICY, GROUND],
  subject_accessed: ['request_id', PERSON, 'details.people', POLICY, GROUND],
  retention_swept: ['details.swept', POLICY],
  checkpoint_signed: ['details.size', 'details.root_hash', 'details.note'],
  key_rotated: ['details.purpose', 'details.to'],
  key_used: ['details.purpose'],
  login_failures: ['details.attempts', 'details.from', 'details.to', 'details.failures'],
  signing_key_replaced: ['details.from', 'details.to', 'details.note'],
  admin_action: ['request_id', 'details.what'],
};

function at(entry: object, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], entry);
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);
}

/** What entries lack, in words. */
function lacking(entries: readonly AuditEntry[]): string[] {
  return entries.flatMap((entry) =>
    ['audit_id', 'sequence', 'created_at', 'actor', ...REQUIRED[entry.action]]
      .filter((path) => !path.split('|').some((one) => isThere(at(entry, one))))
      .map((path) => `${entry.action} lacks ${path}: ${JSON.stringify(entry)}`),
  );
}

/** A day of a service and its tenant in which nearly all happens that can. Answers what the trail says of it. */
async function liveOneDay(): Promise<AuditEntry[]> {
  const encryption = randomBytes(32).toString('base64');
  const harness = await startWithTenant({ CONSENT_OVERRIDE: 'allow', PII_POLICY: 'US_SSN=block,CREDIT_CARD=block,IBAN=mask', ENCRYPTION_KEY: encryption });
  const send = async (url: string, body?: unknown, key: 'all' | 'ingest' = 'all'): Promise<Record<string, unknown>> => (await harness.send('POST', url, { key, ...(body === undefined ? {} : { body }) })).json();
  const quiet = (): Promise<unknown> => askUntil(async () => (await harness.send('GET', '/admin/queue')).json<Record<string, number>>(), (queue) => ['waiting', 'in_flight', 'submitted', 'exports_waiting'].every((name) => queue[name] === 0));
  try {
    const silent = { consent_to_email: undefined, consent_to_sms: undefined, consent_to_phone: undefined };
    await harness.batch([contact(1, { phone: '+1 512 555 0100' }), contact(2), contact(2), { last_name: 'x' }, contact(3, silent), contact(4, { ...silent, country: 'PL' }), contact(5, { ...silent, country: 'PL', gdpr_consent_override: { reason: 'contract' } })]);
    await quiet();
    await harness.batch([contact(1, { phone: '+1 512 555 0100' })]);
    await withFault(harness.sandbox, { kind: 'poison', pattern: '^person9', named: true }, async () => {
      await harness.batch([contact(9), contact(10)]);
      await quiet();
    });
    await send('/dead-letters/retry');
    await quiet();
    const profile = (attributes: object): Promise<unknown> => send(`/profiles/${randomUUID()}/enrich`, { attributes, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' });
    await profile({ tier: 'gold', account: 'GB29 NWBK 6016 1331 9268 19' });
    await profile({ card: '4111 1111 1111 1111' });
    await profile({ updated_at: 'yesterday' });
    await send('/admin/pause?api=profiles');
    await profile({ referred_by: 'person1@example.com' });
    await send('/consents/withdraw', { email: 'person2@example.com', channels: ['sms'], reason: 'asked' });
    await send('/privacy/access', { email: 'person2@example.com', reason: 'art15' });
    const { erasure_id: erasure } = await send('/privacy/erasure', { email: 'person1@example.com', reason: 'art17' });
    await askUntil(async () => (await harness.send('GET', `/privacy/erasure/${String(erasure)}`)).json(), ({ status }) => status === 'completed');
    await send('/admin/resume?api=profiles');
    await harness.send('GET', '/jobs', { key: null });
    let rotated: Record<string, unknown> = {};
    for (const keys = [randomBytes(32).toString('base64'), encryption]; rotated['done'] !== true; ) rotated = await send('/admin/keys', { encryption_keys: keys });
    return await storedEntries(harness);
  } finally {
    await harness.close();
  }
}

/** All that was stored, once what is only told of at intervals is told of as well. */
async function storedEntries(harness: TenantHarness): Promise<AuditEntry[]> {
  const entries = (await harness.send('GET', '/audit-trail', { headers: { accept: 'application/x-ndjson' } })).text.trimEnd().split('\n').map((line) => JSON.parse(line) as AuditEntry);
  await harness.service.stop();
  const last = harness.auditLines().filter(({ audit, action }) => audit === true && action === 'login_failures');
  return [...entries, ...(last as unknown as AuditEntry[])];
}

test('every entry of a day holds what its action must tell', async () => {
  const entries = await liveOneDay();
  assert.deepEqual(lacking(entries), []);
  assert.ok(lacking(entries.map((entry) => ({ ...entry, details: {}, privacy_compliance: {} }))).length > entries.length, 'what lacks something is told');
  const seen = new Set(entries.map(({ action }) => action));
  const elsewhere: AuditAction[] = ['merge_unconfirmed', 'export_cancelled', 'retention_swept', 'signing_key_replaced', 'webhook_received'];
  assert.deepEqual(AUDIT_ACTIONS.filter((action) => !seen.has(action)), AUDIT_ACTIONS.filter((action) => elsewhere.includes(action)));
  const delivered = entries.filter(({ action }) => action === 'batch_delivered').map(({ details }) => details['commitments'] as { before: string | null; after: string });
  assert.ok(delivered.every(({ after }) => /^[0-9a-f]{64}$/.test(after)));
  for (const entry of entries) if (at(entry, SEALED) !== undefined) assert.equal(at(entry, SEALED), true);
});

test('so do those that a day without accidents does not leave', async (t) => {
  const scene = await Scene.open(t, engineHarness, { retention: RETENTION });
  const sweep = (): Promise<{ more: boolean }> => scene.store.sweep({ now: scene.now, limit: 1000, confirmationTimeoutMs: 1000, retention: RETENTION });
  await scene.batch([person(1), person(2)]);
  await scene.accept(await scene.mustClaim());
  scene.now += 2000;
  await sweep();
  await scene.webhook({ contactId: 'cx:person1@example.com' });
  await scene.store.withdrawConsent({ subject: { email: 'person1@example.com' }, channels: ['email'], reason: 'asked', actor: 'desk', now: scene.now });
  await scene.store.claimExport({ now: scene.now, limit: 10, leaseMs: 1000 });
  await scene.store.recordSigningKey({ key: 'log+0+a', now: scene.now });
  await scene.store.recordSigningKey({ key: 'log+1+b', replacement: { from: 'log+0+a', note: 'note', size: (await scene.store.auditTree()).size }, now: scene.now });
  const upload = await scene.upload([[person(7)]], { seal: false });
  await scene.store.abortBatch({ jobId: upload, now: scene.now });
  scene.now = START + 200 * DAY_MS;
  while ((await sweep()).more);
  const entries = await scene.audit();
  assert.deepEqual(lacking(entries), []);
  const seen = new Set(entries.map(({ action }) => action));
  for (const action of ['merge_unconfirmed', 'webhook_received', 'merge_confirmed', 'export_cancelled', 'signing_key_replaced', 'batch_failed', 'retention_swept'] as const) assert.ok(seen.has(action), action);
});
