import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsentService } from '../../src/services/consent-service.ts';
import { START, people } from '../store/scene.ts';
import { storeOver } from '../store/sqlite/engine-harness.ts';
import { engineOf, rush } from '../store/sqlite/rush.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('consent that was acknowledged in a rush is known, however much of the rush is still to be filed', async (t) => {
  const engine = engineOf(t);
  rush(engine, [0, 1, 2].map((batch) => people(1100, batch * 1100)));
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
