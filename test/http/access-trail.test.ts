import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SECRETS, startHarness } from './harness.ts';
import { askUntil } from './tenant.ts';

type Entry = { action: string; actor: string; details: Record<string, unknown> };

test('a start tells of the settings and keys in use, and the trail of who used which rights', async () => {
  const harness = await startHarness();
  try {
    const entriesOf = async (action: string): Promise<Entry[]> => (await harness.send('GET', `/audit-trail?limit=1000&action=${action}`, { key: 'audit' })).json<{ entries: Entry[] }>().entries;
    const loaded = (await entriesOf('config_loaded'))[0]!;
    assert.match(String(loaded.details['settings_hash']), /^[0-9a-f]{32}$/);
    assert.ok((loaded.details['api_keys'] as { name: string }[]).some(({ name }) => name === 'audit'));
    for (let n = 0; n < 5; n += 1) await harness.send('GET', '/jobs', { key: 'read' });
    await harness.send('POST', '/privacy/access', { key: 'admin', body: { email: 'nobody@example.com', reason: 'art15' } });
    const used = await askUntil(() => entriesOf('key_used'), (entries) => entries.length >= 5);
    const byPurpose = (purpose: string): Entry[] => used.filter(({ details }) => details['purpose'] === purpose);
    assert.deepEqual(byPurpose('api').map(({ actor, details }) => `${actor} ${String(details['scope'])}`).sort(), ['admin admin', 'audit audit', 'read read']);
    assert.match(String(byPurpose('encryption')[0]?.details['key_id']), /^[0-9a-f]{8}$/);
    assert.match(String(byPurpose('audit_signing')[0]?.details['key']), /^cxone-enricher\//);
    assert.doesNotMatch(JSON.stringify([loaded, used]), /k-read|k-admin|client-secret/);
  } finally {
    await harness.close();
  }
});

test('who was not let in is told of in one entry, at the stop at the latest', async () => {
  const harness = await startHarness();
  const copy = mkdtempSync(join(tmpdir(), 'access-trail-'));
  try {
    for (let n = 0; n < 30; n += 1) await harness.send('GET', '/jobs', { key: null });
    for (let n = 0; n < 20; n += 1) await harness.send('GET', '/audit-trail', { key: null, headers: { authorization: `Bearer guess-${n}` } });
    await harness.send('GET', '/audit-trail', { key: 'ingest' });
    await harness.send('POST', '/webhooks/cxone-merge', { key: null, body: { type: 'contact.merged' } });
    const far = await harness.service.app.inject({ method: 'POST', url: '/admin/keys', remoteAddress: '10.1.2.3', headers: { authorization: `Bearer ${SECRETS.admin}` }, payload: { encryption_keys: ['A'.repeat(43) + '='] } });
    assert.equal(far.statusCode, 403);
    await harness.service.stop();
    cpSync(harness.folder, copy, { recursive: true });
  } finally {
    await harness.close().catch(() => undefined);
  }
  const db = new DatabaseSync(join(copy, 'enricher.db'), { readOnly: true });
  const entries = db.prepare(`SELECT leaf FROM audit_entries WHERE action = 'login_failures'`).all().map(({ leaf }) => JSON.parse(String(leaf)) as Entry);
  db.close();
  rmSync(copy, { recursive: true });
  assert.equal(entries.length, 1);
  assert.equal(entries[0]?.details['attempts'], 53);
  assert.deepEqual(entries[0]?.details['failures'], [
    { reason: 'no_key', route: 'GET /jobs', count: 30 },
    { reason: 'unknown_key', route: 'GET /audit-trail', count: 20 },
    { key: 'ingest', reason: 'missing_scope', route: 'GET /audit-trail', count: 1 },
    { reason: 'signature_missing_header', route: 'POST /webhooks/cxone-merge', count: 1 },
    { key: 'admin', reason: 'not_from_this_machine', route: 'POST /admin/keys', count: 1 },
  ]);
  assert.ok(!JSON.stringify(entries).includes('guess-'));
});
