import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Harness } from '../harness.ts';
import { Scene, person } from '../scene.ts';

const OLD = '2026-01-01T00:00:00Z';
const NEW = '2026-02-01T00:00:00Z';

/** Several versions of one person: what goes together, what waits, and what costs no request at all. */
export function coalescingTests(newHarness: () => Harness): void {
  test('versions that wait together go as one, and each has its own outcome', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const first = await scene.batch([person(1, { first_name: 'Ada', updated_at: OLD, interaction_history: [{ id: 1 }] }), person(2)]);
    const second = await scene.batch([person(1, { last_name: 'Roe', updated_at: NEW, interaction_history: [{ id: 2 }, { id: 1 }] })]);
    const chunk = await scene.mustClaim();
    assert.equal(chunk.contacts.length, 2);
    assert.equal(chunk.originals, 3);
    assert.partialDeepStrictEqual(chunk.contacts[0], { first_name: 'Ada', last_name: 'Roe', interaction_history: [{ id: 1 }, { id: 2 }] });
    await scene.accept(chunk, true);
    assert.deepEqual([await scene.statuses(first), await scene.statuses(second)], [['confirmed', 'confirmed'], ['confirmed']]);
    assert.deepEqual((await scene.jobPage(second)).contacts[0]?.contactId, 'cx:person1@example.com');
    for (const jobId of [first, second]) assert.equal((await scene.job(jobId)).status, 'completed');
  });

  test('a person is in one call at a time: a newer version waits for the end of the older', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1, { first_name: 'Ada' })]);
    const older = await scene.mustClaim();
    const newer = await scene.batch([person(1, { first_name: 'Adele' })]);
    assert.equal(await scene.claim(), null);
    await scene.retry(older);
    const again = await scene.mustClaim();
    assert.equal(again.requestId, older.requestId);
    assert.equal(again.contacts[0]?.first_name, 'Ada');
    assert.equal(await scene.claim(), null);
    await scene.accept(again);
    assert.equal(await scene.claim(), null, 'submitted is not yet merged');
    await scene.webhook({ contactId: 'cx:person1@example.com' });
    const next = await scene.mustClaim();
    assert.equal(next.contacts[0]?.first_name, 'Adele');
    assert.deepEqual(await scene.statuses(newer), ['in_flight']);
  });

  test('a confirmation that does not come holds the next version for a moment only', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1)]);
    await scene.accept(await scene.mustClaim());
    await scene.batch([person(1, { first_name: 'Ada' })]);
    await scene.sweep();
    assert.equal(await scene.claim(), null);
    scene.now += 60_000;
    await scene.sweep();
    assert.equal((await scene.mustClaim()).contacts[0]?.first_name, 'Ada');
  });

  test('many holds that end at once are all ended', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const rows = Array.from({ length: 450 }, (_, n) => person(n));
    await scene.batch(rows);
    await scene.deliver(false);
    await scene.batch(rows.map((row) => ({ ...row, first_name: 'Ada' })));
    scene.now += 60_000;
    await scene.sweep();
    const people = (await scene.deliver()).map(({ contacts }) => contacts.length);
    assert.equal(people.reduce((sum, n) => sum + n), rows.length);
  });

  test('a version that changes nothing costs no request', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const row = person(1, { first_name: 'Ada', updated_at: OLD });
    await scene.batch([row]);
    await scene.deliver();
    const same = await scene.batch([{ ...row, updated_at: NEW }]);
    const calls = await scene.store.recentCalls({ since: 0 });
    assert.equal(await scene.claim(), null);
    assert.deepEqual(await scene.store.recentCalls({ since: 0 }), calls);
    assert.partialDeepStrictEqual((await scene.jobPage(same)).contacts, [{ status: 'unchanged', reason: 'unchanged', contactId: 'cx:person1@example.com' }]);
    assert.partialDeepStrictEqual(await scene.job(same), { status: 'completed', confirmed: 1, pending: 0 });
    assert.deepEqual(await scene.actions({ action: 'contact_unchanged', jobId: same }), ['contact_unchanged']);
  });

  test('an older version that arrives later overwrites nothing newer, and fills what was missing', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1, { first_name: 'New', updated_at: NEW })]);
    await scene.deliver();
    const pointless = await scene.batch([person(1, { first_name: 'Old', updated_at: OLD })]);
    assert.equal(await scene.claim(), null);
    assert.deepEqual(await scene.statuses(pointless), ['unchanged']);
    await scene.batch([person(1, { first_name: 'Old', last_name: 'Roe', updated_at: OLD })]);
    assert.partialDeepStrictEqual((await scene.mustClaim()).contacts, [{ first_name: 'New', last_name: 'Roe' }]);
  });

  test('the order of trust in sources is that of the rules, and an empty value never wins', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1, { first_name: 'Ada', city: 'Ulm', updated_at: OLD })]);
    await scene.batch([person(1, { first_name: '', updated_at: NEW })]);
    assert.partialDeepStrictEqual((await scene.mustClaim()).contacts, [{ first_name: 'Ada', city: 'Ulm' }]);
  });

  test('who takes consent back goes first', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1, { country: 'US' })]);
    await scene.deliver();
    await scene.batch([person(2), person(3)]);
    await scene.batch([person(1, { country: 'US', consent_to_sms: false, consent_date: '2026-02-01T00:00:00Z' })]);
    const chunk = await scene.mustClaim(1);
    assert.partialDeepStrictEqual(chunk.contacts, [{ email: 'person1@example.com', consent_to_sms: false }]);
  });

  test('who takes consent back goes first also when an older version is still in the air', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1, { country: 'US' })]);
    await scene.deliver();
    await scene.batch([person(1, { country: 'US', first_name: 'Ada' }), person(9, { first_name: 'Eve' })]);
    const older = await scene.mustClaim();
    await scene.batch([person(2), person(3)]);
    await scene.batch([person(1, { country: 'US', consent_to_sms: false, consent_date: '2026-02-01T00:00:00Z' })]);
    await scene.reject(older);
    for (const half of [await scene.mustClaim(1), await scene.mustClaim(1)]) await scene.accept(half, true);
    assert.partialDeepStrictEqual((await scene.mustClaim(1)).contacts, [{ email: 'person1@example.com', consent_to_sms: false }]);
  });
}
