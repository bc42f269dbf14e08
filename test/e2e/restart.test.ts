import assert from 'node:assert/strict';
import test from 'node:test';
import { crowd, post } from '../support/crowd.ts';
import type { Batch } from '../support/crowd.ts';
import { fileIsWhole, judge } from '../support/oracle.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';
import type { Workplace } from '../support/workplace.ts';

const SOON_MS = 20_000;

async function some(place: Workplace, count: number, size = 20): Promise<Batch[]> {
  return Promise.all(Array.from({ length: count }, () => post(() => place.service, crowd({ size }))));
}

test('a stop and another with work queued: calls in the air are finished, the rest goes in the next life', async () => {
  await withWorkplace({ sandbox: { latency: { minMs: 80, maxMs: 150 } }, settings: { CXONE_MERGE_CHUNK_SIZE: '5' } }, async (place) => {
    const batches: Batch[] = [];
    for (let life = 0; life < 3; life += 1) {
      await place.start();
      batches.push(...(await some(place, 3, 40)));
      const calls = place.sandbox.stats().mergeCalls;
      await place.sandbox.waitFor((ledger) => ledger.requests.filter((call) => call.endpoint === 'merge').length > calls + 2, SOON_MS, 'merges in the air');
      if (life < 2) {
        const end = await place.service.stop();
        assert.deepEqual([end.code, end.signal], [0, null], place.service.lastWords());
        assert.ok(end.ms < 10_000, `stopped in ${end.ms} ms`);
      }
    }
    await judge(place, { batches });
    assert.equal(place.sandbox.stats().replayed, 0, 'no call had to be made twice');
    fileIsWhole(place.databasePath);
  });
});

test('killed between the answer and the delivery: everything is delivered in the next life', async () => {
  await withWorkplace({}, async (place) => {
    await place.start({ MERGE_LINGER_MS: '30000' });
    const batches = await some(place, 2);
    await place.service.kill9();
    assert.equal(place.sandbox.stats().mergeCalls, 0, 'nothing was sent before');
    await place.start();
    await judge(place, { batches });
  });
});

test('killed while a call was applied and not answered: sent again under its id, applied once, and said', async () => {
  await withWorkplace({}, async (place) => {
    const hang = place.fault({ kind: 'hang-after', endpoint: 'merge' });
    await place.start();
    const batches = await some(place, 2);
    await place.sandbox.waitFor((ledger) => ledger.counters.contactsApplied > 0, SOON_MS, 'a merge applied');
    await place.service.kill9();
    assert.ok(hang.fired > 0);
    hang.clear();
    await place.start();
    const { entries } = await judge(place, { batches, hadUnknown: true });
    assert.ok(place.sandbox.stats().replayed > 0, 'the same id came again');
    assert.equal(place.sandbox.stats().appliedAgain, 0);
    assert.ok(entries.some((entry) => entry.details['maybe_duplicate'] === true), 'and the trail says that it may have been twice');
  });
});

test('the same at a tenant that knows no request ids: applied twice, and every double is flagged', async () => {
  await withWorkplace({ sandbox: { idempotency: false } }, async (place) => {
    const hang = place.fault({ kind: 'hang-after', endpoint: 'merge', count: 1 });
    await place.start();
    const batches = await some(place, 2);
    await place.sandbox.waitFor((ledger) => ledger.counters.contactsApplied > 0, SOON_MS, 'a merge applied');
    await place.service.kill9();
    assert.equal(hang.fired, 1);
    await place.start();
    await judge(place, { batches, hadUnknown: true });
    assert.ok(place.sandbox.stats().appliedAgain > 0, 'the window was hit');
  });
});

test('killed while a patch hangs: one that overwrites goes again, one that appends is set aside and not repeated', async () => {
  const profiles = ['0d9b8c0e-3f43-4a43-9d27-0d5c1c6c9a01', '0d9b8c0e-3f43-4a43-9d27-0d5c1c6c9a02'];
  await withWorkplace({}, async (place) => {
    const hang = place.fault({ kind: 'hang-after', endpoint: 'patch' });
    await place.start();
    const strategies = ['OVERWRITE', 'APPEND'];
    const asked = profiles.map((id, i) =>
      place.service.call('POST', `/profiles/${id}/enrich`, { attributes: { notes: 'called' }, mergeStrategy: strategies[i], sourceSystem: 'crm' }).catch(() => undefined),
    );
    await place.sandbox.waitFor((ledger) => ledger.profiles.size === 2, SOON_MS, 'both patches applied');
    await place.service.kill9();
    await Promise.all(asked);
    assert.equal(hang.fired, 2);
    hang.clear();
    await place.start();
    await place.sandbox.waitFor((ledger) => ledger.requests.some((call) => call.endpoint === 'patch' && call.replayed), SOON_MS, 'the overwriting one again');
    await judgePatches(place, profiles);
  });
});

async function judgePatches(place: Workplace, profiles: readonly string[]): Promise<void> {
  const letters = await until(async () => {
    const { json } = await place.service.call('GET', '/dead-letters');
    const all = json['dead_letters'] as { reason: string; api: string }[];
    return all.length > 0 ? all : undefined;
  }, SOON_MS, 'the appending one set aside');
  assert.deepEqual(letters.map(({ reason, api }) => [reason, api]), [['unknown_outcome', 'profiles']]);
  const { profiles: effects, requests } = place.sandbox.ledger();
  assert.deepEqual(profiles.map((id) => effects.get(id)?.applied), [1, 1]);
  assert.equal(requests.filter((call) => call.endpoint === 'patch').length, 3, 'two first calls and one repetition');
}
