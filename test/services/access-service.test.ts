import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuditDraft } from '../../src/domain/ports/record-store.ts';
import { AccessService, FAILURES_EVERY_MS } from '../../src/services/access-service.ts';

const NOON = Date.UTC(2026, 2, 1, 12);
const HOUR_MS = 3_600_000;

function stage() {
  const state = { now: NOON, isFull: false, left: [] as AuditDraft[], scheduled: [] as number[] };
  const access = new AccessService({
    store: {
      appendAudit: async ({ drafts }) => {
        if (state.isFull) throw new Error('no room');
        state.left.push(...drafts);
        return [];
      },
    },
    clock: { now: () => state.now, monotonic: () => state.now },
    schedule: (at) => state.scheduled.push(at),
    onError: () => undefined,
  });
  return { state, access };
}

describe('key_used', () => {
  test('is left once for each key and scope, and again each day with what came since', async () => {
    const { state, access } = stage();
    for (const [key, scope] of [['crm', 'ingest'], ['crm', 'ingest'], ['crm', 'read'], ['dpo', 'admin'], ['crm', 'ingest']] as const) access.used(key, scope);
    await access.run();
    assert.deepEqual(state.left.map(({ action, actor, details }) => [action, actor, details['scope'], details['requests_since_last_entry']]), [
      ['key_used', 'crm', 'ingest', 0],
      ['key_used', 'crm', 'read', 0],
      ['key_used', 'dpo', 'admin', 0],
    ]);
    assert.deepEqual(state.scheduled, [NOON, NOON, NOON]);
    state.now += 11 * HOUR_MS;
    access.used('crm', 'ingest');
    await access.run();
    assert.equal(state.left.length, 3);
    state.now += 2 * HOUR_MS;
    access.used('crm', 'ingest');
    await access.run();
    assert.deepEqual(state.left.slice(3).map(({ details }) => details), [{ purpose: 'api', scope: 'ingest', requests_since_last_entry: 4 }]);
  });

  test('is left later where the store cannot take it now', async () => {
    const { state, access } = stage();
    state.isFull = true;
    access.used('crm', 'ingest');
    await assert.rejects(access.run());
    assert.ok((state.scheduled.at(-1) ?? 0) > NOON, 'another run is asked for');
    state.isFull = false;
    await access.run();
    assert.equal(state.left.length, 1);
    await access.run();
    assert.equal(state.left.length, 1);
  });
});

describe('login_failures', () => {
  test('are one entry a minute, however many there are, with counts by reason and route', async () => {
    const { state, access } = stage();
    for (let n = 0; n < 10_000; n += 1) access.refused({ reason: 'unknown_key', route: 'POST /enrich-batch' });
    access.refused({ reason: 'missing_scope', route: 'GET /audit-trail', key: 'crm' });
    access.refused({ reason: 'signature_no_match', route: 'POST /webhooks/cxone-merge' });
    await access.run();
    assert.equal(state.left.length, 0, 'not before the minute is over');
    assert.ok(state.scheduled.includes(NOON + FAILURES_EVERY_MS));
    state.now += FAILURES_EVERY_MS;
    await access.run();
    assert.equal(state.left.length, 1);
    assert.deepEqual(state.left[0]?.details, {
      attempts: 10_002,
      from: '2026-03-01T12:00:00.000Z',
      to: '2026-03-01T12:01:00.000Z',
      failures: [
        { reason: 'unknown_key', route: 'POST /enrich-batch', count: 10_000 },
        { reason: 'missing_scope', route: 'GET /audit-trail', key: 'crm', count: 1 },
        { reason: 'signature_no_match', route: 'POST /webhooks/cxone-merge', count: 1 },
      ],
    });
    state.now += FAILURES_EVERY_MS;
    await access.run();
    assert.equal(state.left.length, 1, 'nothing new, no entry');
  });

  test('that were counted so far are left at the stop', async () => {
    const { state, access } = stage();
    access.refused({ reason: 'no_key', route: 'GET /jobs' });
    await access.stop();
    assert.deepEqual(state.left.map(({ action, details }) => [action, details['attempts']]), [['login_failures', 1]]);
  });

  test('of too many kinds are counted all the same, in an entry that stays small', async () => {
    const { state, access } = stage();
    for (let n = 0; n < 2000; n += 1) access.refused({ reason: 'unknown_key', route: `GET /${n}` });
    await access.stop();
    const details = state.left[0]?.details as { attempts: number; failures: unknown[] };
    assert.equal(details.attempts, 2000);
    assert.equal(details.failures.length, 500);
  });
});
