import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../src/domain/errors.ts';
import type { IntakeStore } from '../../src/domain/ports/intake-store.ts';
import { IngestService } from '../../src/services/ingest-service.ts';
import { ManualClock } from '../support/manual-clock.ts';

const FULL = new CodedError('storage_full', 'The disk is full.');
const REQUEST = { caller: { name: 'importer', isAdmin: false }, requestId: 'request' };

/** A service over a disk that can be full, and the uploads that the store has open. */
function setUp() {
  const disk = { isFull: false, fillsAt: '' };
  const open = new Set<string>();
  const write = (name: string): void => {
    disk.isFull ||= name === disk.fillsAt;
    if (disk.isFull) throw FULL;
  };
  const store = {
    openBatch: async ({ jobId }) => {
      write('openBatch');
      open.add(jobId);
    },
    stageSlice: async () => {
      write('stageSlice');
      return { errors: [], warnings: [] };
    },
    sealBatch: async ({ head }) => {
      write('sealBatch');
      open.delete(head.jobId);
      return { status: 202, body: '{}' };
    },
    abortBatch: async ({ jobId }) => {
      write('abortBatch');
      open.delete(jobId);
    },
  } as Pick<IntakeStore, 'openBatch' | 'stageSlice' | 'sealBatch' | 'abortBatch'> as IntakeStore;
  let ids = 0;
  const service = new IngestService({
    store,
    clock: new ManualClock(0),
    policyVersion: '1',
    defaultCountry: undefined,
    newId: () => `job-${(ids += 1)}`,
    overrideAllowed: false,
    metrics: () => ({ total_processed: 0, total_duplicates: 0, avg_latency_ms: 0, failed_exports: 0 }),
    onAccepted: () => undefined,
  });
  const upload = (rows: unknown[]) => service.acceptStream((async function* () { yield* rows; })(), REQUEST);
  return { disk, open, upload };
}

for (const step of ['stageSlice', 'sealBatch']) {
  test(`an upload that a full disk cuts off at ${step} is taken back when there is room`, async () => {
    const { disk, open, upload } = setUp();
    disk.fillsAt = step;
    await assert.rejects(upload([{ email: 'a@example.com' }]), { code: 'storage_full' });
    assert.deepEqual([...open], ['job-1']);
    await assert.rejects(upload([{ email: 'a@example.com' }]), { code: 'storage_full' });
    assert.deepEqual([...open], ['job-1'], 'nothing more is begun meanwhile');
    Object.assign(disk, { isFull: false, fillsAt: '' });
    assert.equal((await upload([{ email: 'a@example.com' }])).status, 202);
    assert.deepEqual([...open], []);
  });
}

test('an upload without rows is taken back at once', async () => {
  const { open, upload } = setUp();
  await assert.rejects(upload([]), { code: 'contacts_missing' });
  assert.deepEqual([...open], []);
});
