import assert from 'node:assert/strict';
import test from 'node:test';
import type { Fault } from '../../src/sandbox/fault-catalogue.ts';
import { crowd, post } from '../support/crowd.ts';
import { judge, jobOf, sample } from '../support/oracle.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';

const SOON_MS = 20_000;

const HARMLESS: [string, Fault][] = [
  ['before the answer to the merge', { kind: 'early' }],
  ['twice', { kind: 'doubled' }],
  ['late', { kind: 'late', ms: 700 }],
  ['last first', { kind: 'reversed' }],
];

for (const [when, fault] of HARMLESS) {
  test(`webhooks that come ${when} confirm each contact once`, async () => {
    await withWorkplace({}, async (place) => {
      const handle = place.fault({ ...fault, endpoint: 'callbacks' });
      await place.start();
      const batches = [await post(() => place.service, crowd({ size: 60 })), await post(() => place.service, crowd())];
      const { entries } = await judge(place, { batches, oneLife: true });
      assert.ok(handle.fired > 0);
      const confirmed = entries.filter((entry) => entry.action === 'merge_confirmed').length;
      assert.equal(confirmed, batches.reduce((sum, batch) => sum + batch.accepted, 0), 'each was confirmed once');
    });
  });
}

test('forged and stale webhooks confirm nothing; missing ones leave a contact unconfirmed, until one comes after all', async () => {
  await withWorkplace({ settings: { MERGE_CONFIRMATION_TIMEOUT_SECONDS: '1' } }, async (place) => {
    const forged = place.fault({ kind: 'forged', count: 3 });
    const stale = place.fault({ kind: 'stale', count: 3 });
    const missing = place.fault({ kind: 'missing' });
    await place.start();
    const people = crowd({ size: 10, roles: ['clean'] });
    const batch = await post(() => place.service, people);
    await until(async () => {
      const { lines } = await jobOf(place.service, batch.jobId);
      return lines.every((line) => line.status === 'unconfirmed');
    }, SOON_MS, 'every contact being unconfirmed');
    assert.deepEqual([forged.fired, stale.fired, missing.fired], [3, 3, 4]);
    assert.equal(place.sandbox.ledger().marketing.length, 0, 'nobody was exported');
    const metrics = (await place.service.call('GET', '/metrics')).text;
    assert.equal(sample(metrics, 'enricher_unconfirmed'), 10);
    assert.ok(sample(metrics, 'enricher_webhooks_total{outcome="refused"}') >= 6);

    for (const handle of [forged, stale, missing]) handle.clear();
    const ids = place.sandbox.ledger().callbacks.map((callback) => callback.id);
    for (const id of ids) assert.ok(await place.sandbox.replayWebhook(id));
    await judge(place, { batches: [batch] });
    const { lines } = await jobOf(place.service, batch.jobId);
    assert.deepEqual([...new Set(lines.map((line) => line.status))], ['confirmed']);
  });
});

test('killed between taking a webhook and answering it: the sender comes again, and there is one effect', async () => {
  await withWorkplace({}, async (place) => {
    const slow = place.fault({ kind: 'late', ms: 300 });
    await place.start();
    const batch = await post(() => place.service, crowd({ size: 40 }));
    await place.sandbox.waitFor((ledger) => ledger.callbacks.some((callback) => callback.acknowledged), SOON_MS, 'a first callback taken');
    await place.service.kill9();
    await place.start();
    const { entries } = await judge(place, { batches: [batch], hadUnknown: true });
    assert.ok(slow.fired > 0);
    assert.equal(entries.filter((entry) => entry.action === 'merge_confirmed').length, batch.accepted);
  });
});
