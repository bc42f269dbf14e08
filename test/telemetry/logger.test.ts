import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { AuditEntry } from '../../src/domain/audit/entry.ts';
import { createLogs } from '../../src/telemetry/logger.ts';

describe('log lines', () => {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-log-'));
  const file = join(folder, 'deep', 'audit.log');
  after(() => rmSync(folder, { recursive: true }));
  const { audit } = createLogs({ level: 'silent', auditFile: file, version: '1.2.3' });
  const last = (): Record<string, unknown> => JSON.parse(readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;

  test('are one JSON object each, with ISO times and words for levels', () => {
    audit.info({ a: 1 }, 'hello\nworld');
    const line = last();
    assert.deepEqual([line['level'], line['msg'], line['service'], line['version'], line['a']], ['info', 'hello\nworld', 'cxone-enricher', '1.2.3', 1]);
    assert.equal(new Date(String(line['time'])).toISOString(), line['time']);
  });

  for (const name of ['authorization', 'client_secret', 'clientSecret', 'access_token', 'secret', 'password', 'encryptionKeys']) {
    test(`${name} never shows, however deep, and takes nothing else with it`, () => {
      audit.info({ [name]: 'canary-1', headers: { [name]: 'canary-2', list: [{ [name]: ['canary-3'] }] }, other: `"${name}":` }, 'x');
      assert.doesNotMatch(JSON.stringify(last()), /canary/);
      assert.deepEqual([last()[name], last()['other'], last()['msg']], ['[redacted]', `"${name}":`, 'x']);
    });
  }

  test('committed entries are one line each, as they are in the trail, whatever the level of the program', () => {
    const { app, entries: tell } = createLogs({ level: 'fatal', auditFile: file, version: '1' });
    const entry = (sequence: number): AuditEntry => ({ audit_id: `id-${sequence}`, sequence, created_at: '2026-10-01T00:00:00.000Z', action: 'consent_recorded', actor: 'crm "2"\n', details: { granted: { email: 3, phone: 1 } }, privacy_compliance: {} });
    const before = readFileSync(file, 'utf8').split('\n').length;
    tell([entry(7), entry(8)]);
    assert.equal(readFileSync(file, 'utf8').split('\n').length, before + 2);
    const { level, time, service, version, audit: isAudit, msg, ...rest } = last();
    assert.deepEqual(rest, entry(8));
    assert.deepEqual([level, service, version, isAudit, msg], ['info', 'cxone-enricher', '1', true, 'consent_recorded']);
    assert.equal(new Date(String(time)).toISOString(), time);
    assert.equal(app.isLevelEnabled('info'), false);
  });
});
