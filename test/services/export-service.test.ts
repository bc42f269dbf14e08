import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExportStore } from '../../src/domain/ports/delivery-store.ts';
import { ExportService } from '../../src/services/export-service.ts';
import { ManualClock } from '../support/manual-clock.ts';

const CALL_TIMEOUT_MS = 600_000;

test('a message is leased for longer than its call may take, and what is due is asked for again', async () => {
  const leases: number[] = [];
  const scheduled: number[] = [];
  const claimExport: ExportStore['claimExport'] = async ({ leaseMs }) => {
    leases.push(leaseMs);
    return { lease: null, nextDueAt: 77 };
  };
  const service = new ExportService({
    store: { claimExport, settleExport: () => Promise.reject(new Error('not asked for')) },
    exporter: { send: () => Promise.reject(new Error('not asked for')) },
    clock: new ManualClock(0),
    random: () => 0.5,
    retry: { baseMs: 1, maxMs: 1, maxAttempts: 1, maxAgeMs: 1 },
    callTimeoutMs: CALL_TIMEOUT_MS,
    schedule: (at) => scheduled.push(at),
    events: { exportFailed: () => undefined },
    onError: (error) => {
      throw error;
    },
  });
  await service.run();
  assert.ok(leases.length === 1 && leases[0]! > CALL_TIMEOUT_MS, String(leases));
  assert.deepEqual(scheduled, [77]);
});
