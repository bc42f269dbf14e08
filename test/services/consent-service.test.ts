import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsentService } from '../../src/services/consent-service.ts';
import { Engine } from '../../src/store/sqlite/engine.ts';
import type { Call } from '../../src/store/sqlite/engine.ts';
import { DEFAULT_RULES } from '../store/harness.ts';
import { START, Scene, incoming, people } from '../store/scene.ts';
import { engineOptions, storeOver, temporaryDatabase } from '../store/sqlite/engine-harness.ts';
import { ManualClock } from '../support/manual-clock.ts';

const METRICS = { total_processed: 0, total_duplicates: 0, avg_latency_ms: 0, failed_exports: 0 };

test('consent that was acknowledged in a rush is known, however much of the rush is still to be filed', async (t) => {
  const { path, remove } = temporaryDatabase();
  const engine = new Engine(engineOptions(path, START));
  t.after(() => {
    engine.close();
    remove();
  });
  const scene = new Scene({} as Scene['harness'], DEFAULT_RULES);
  const batch = (id: number): Call => ({ id, op: 'acceptBatch', input: { head: scene.head(`job-${id}`), contacts: people(1100, id * 1100).map(incoming), metrics: METRICS } });
  engine.run([0, 1, 2].map(batch));
  assert.equal(engine.backlog, 3300);
  const service = new ConsentService(storeOver(engine, () => undefined), new ManualClock(START));
  assert.deepEqual((await service.of({ email: 'person3299@example.com' }))?.state, { email: 'granted', sms: 'granted', phone: 'granted' });
});

test('a question is answered while the rush goes on', async () => {
  let steps = 0;
  const service = new ConsentService(
    {
      // As much comes as is filed.
      fileBacklog: async () => {
        steps += 1;
        return 3500;
      },
      consentsOf: async () => null,
      withdrawConsent: () => Promise.reject(new Error('not asked for')),
    },
    new ManualClock(START),
  );
  assert.equal(await service.of({ email: 'ada@example.com' }), null);
  assert.equal(steps, 5);
});
