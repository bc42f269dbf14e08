import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createLogs } from '../../src/telemetry/logger.ts';

describe('log lines', () => {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-log-'));
  const file = join(folder, 'deep', 'audit.log');
  after(() => rmSync(folder, { recursive: true }));
  const { audit, flushAudit } = createLogs({ level: 'silent', auditFile: file, version: '1.2.3' });
  const last = (): Record<string, unknown> => {
    flushAudit();
    return JSON.parse(readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
  };

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

  test('an audit line is written whatever the level of the program', () => {
    const { app, audit: own, flushAudit: flush } = createLogs({ level: 'fatal', auditFile: file, version: '1' });
    own.info({ audit: true, sequence: 7 }, 'batch_submitted');
    flush();
    assert.equal(last()['sequence'], 7);
    assert.equal(app.isLevelEnabled('info'), false);
  });
});
