import { writeSync } from 'node:fs';
import { Engine } from '../../src/store/sqlite/engine.ts';

/**
 * Accepts batches one after the other and says each job's id on standard output once it is acknowledged.
 * Arguments: the database's path, `FULL` or `NORMAL`, how many batches.
 */
const [path = '', synchronous = 'FULL', count = '0'] = process.argv.slice(2);
const startedAt = Date.now();
const engine = new Engine({
  path,
  synchronous: synchronous as 'FULL' | 'NORMAL',
  encryptionKeys: [Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37) % 251)).toString('base64')],
  openedAt: startedAt,
  policy: {
    consent: { policy: 'all', extraCountries: new Set() },
    policyVersion: 'test',
    exportOn: false,
    identifierMaxPeople: 5,
    queueMaxContacts: 1_000_000,
    sourcePriority: [],
  },
});
for (let i = 0; i < Number(count); i += 1) {
  const jobId = `018f0000-0000-7000-8000-${String(i).padStart(12, '0')}`;
  const contacts = [0, 1, 2].map((index) => ({
    index,
    contact: { email: `w${i}-${index}@kestrel-mail.example`, country: 'US' },
    raw: {},
    errors: [],
    warnings: [],
    country: 'US',
  }));
  const head = { jobId, caller: 'test', requestId: jobId, receivedAt: startedAt + i * 1000, policyVersion: 'test' };
  const metrics = { total_processed: 0, total_duplicates: 0, avg_latency_ms: 0, failed_exports: 0 };
  const { replies } = engine.run([{ id: i, op: 'acceptBatch', input: { head, contacts, metrics } }]);
  const [reply] = replies;
  if (reply === undefined || 'failure' in reply) throw new Error(`not taken: ${JSON.stringify(reply)}`);
  writeSync(1, `${jobId}\n`);
}
// It ends without closing, as a machine does that loses its power.
process.kill(process.pid, 'SIGKILL');
