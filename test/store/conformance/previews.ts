import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PreviewedContact } from '../../../src/domain/ports/intake-store.ts';
import type { Harness } from '../harness.ts';
import { METRICS, Scene, byPhone, incoming, person } from '../scene.ts';
import type { Row } from '../scene.ts';

const PHONE = '+4930123456';

/** What a dry run says that a batch would do to its people, and that this is what it then does. */
export function previewTests(newHarness: () => Harness): void {
  const preview = (scene: Scene, rows: readonly Row[]): Promise<PreviewedContact[]> =>
    scene.store.previewBatch({ contacts: rows.map((row, i) => ({ ...incoming(row, i), source: 'importer' })), now: scene.now });
  const effects = async (scene: Scene, rows: readonly Row[]): Promise<unknown[]> =>
    (await preview(scene, rows)).map(({ effect, costsRequest }) => (effect === undefined ? undefined : `${effect}${costsRequest ? ', a request' : ''}`));

  test('a person is new, updated or unchanged, and only what is sent costs a request', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const known = person(1, { first_name: 'Ada', updated_at: '2026-02-01T00:00:00Z' });
    assert.deepEqual(await effects(scene, [known]), ['new, a request']);
    await scene.batch([known]);
    assert.deepEqual(await effects(scene, [known]), ['unchanged'], 'waits');
    assert.deepEqual(await effects(scene, [person(1, { last_name: 'Roe' })]), ['update'], 'goes with what waits');
    await scene.deliver();
    const rows = [
      known,
      { ...known, updated_at: '2026-02-20T00:00:00Z' },
      person(1, { first_name: 'Eve', updated_at: '2026-01-01T00:00:00Z' }),
      person(2),
      person(2, { city: 'Bonn' }),
      { email: 'nobody@example.com', country: 'DE' },
    ];
    assert.deepEqual(await effects(scene, rows.slice(0, 1)), ['unchanged']);
    assert.deepEqual(await effects(scene, rows.slice(1, 2)), ['unchanged'], 'seen again');
    assert.deepEqual(await effects(scene, rows.slice(2, 3)), ['unchanged'], 'older than what is known');
    assert.deepEqual(await effects(scene, rows), ['unchanged', 'unchanged', 'unchanged', 'new, a request', 'new', undefined]);
    assert.deepEqual(await effects(scene, [person(1, { first_name: 'Eve', updated_at: '2026-02-20T00:00:00Z' })]), ['update, a request']);
    assert.deepEqual(await effects(scene, [{ ...known, consent_date: '2026-02-21T00:00:00Z' }]), ['update, a request'], 'newer evidence');
    await scene.batch(rows.slice(0, 3));
    assert.equal(await scene.claim(), null, 'and so it is');
  });

  test('for each field the version that won is named, and why', async (t) => {
    const scene = await Scene.open(t, newHarness, { sourcePriority: ['crm', 'importer'] });
    const alone = await preview(scene, [person(1)]);
    assert.equal(alone[0]?.survivorship, undefined, 'nothing to choose from');
    const [first, second] = await preview(scene, [
      person(1, { first_name: 'Ada', city: 'Bonn', updated_at: '2026-02-01T00:00:00Z' }),
      person(1, { first_name: 'Eve', last_name: 'Roe', updated_at: '2026-02-02T00:00:00Z' }),
    ]);
    assert.partialDeepStrictEqual(first?.survivorship, {
      first_name: { from: 'batch', index: 1, why: 'newest' },
      last_name: { from: 'batch', index: 1, why: 'only' },
      city: { from: 'batch', index: 0, why: 'block' },
      email: { from: 'batch', index: 1, why: 'same' },
    });
    assert.deepEqual([second?.outcome, second?.duplicateOf, second?.effect, second?.survivorship], ['duplicate', 0, 'new', undefined]);
    await scene.store.acceptBatch({
      head: scene.head('from-crm'),
      contacts: [{ ...incoming(person(1, { first_name: 'Ada', external_crm_id: 'crm-1' }), 0), source: 'crm' }],
      metrics: METRICS,
    });
    const expected = { first_name: { from: 'stored', why: 'source' }, external_crm_id: { from: 'stored', why: 'only' }, last_name: { from: 'batch', index: 0, why: 'only' } };
    const later = [person(1, { first_name: 'Eve', last_name: 'Roe' })];
    assert.partialDeepStrictEqual((await preview(scene, later))[0]?.survivorship, expected, 'over what waits');
    await scene.deliver();
    assert.partialDeepStrictEqual((await preview(scene, later))[0]?.survivorship, expected, 'over what CXone holds');
    await scene.batch(later);
    assert.partialDeepStrictEqual((await scene.mustClaim()).contacts, [{ first_name: 'Ada', last_name: 'Roe', external_crm_id: 'crm-1' }], 'and so it is');
  });

  test('who may be the same person is named: by index, or as known', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const rows = [person(1, { phone: PHONE }), person(2, { phone: PHONE }), byPhone(3, PHONE)];
    assert.deepEqual((await preview(scene, rows)).map(({ outcome, possibleDuplicates }) => [outcome, possibleDuplicates]), [
      ['accepted', undefined],
      ['accepted', [{ from: 'batch', index: 0 }]],
      ['accepted', [{ from: 'batch', index: 0 }, { from: 'batch', index: 1 }]],
    ]);
    await scene.batch(rows.slice(0, 1));
    assert.deepEqual((await preview(scene, rows.slice(1, 2)))[0]?.possibleDuplicates, [{ from: 'stored' }]);
  });

  test('an identifier that does not count is told, with its reason', async (t) => {
    const scene = await Scene.open(t, newHarness, { identifierMaxPeople: 2 });
    const found = async (rows: Row[]): Promise<string[][]> => (await preview(scene, rows)).map(({ warnings }) => warnings.map(({ field, code }) => `${field} ${code}`));
    assert.deepEqual(await found([person(1, { email: 'noreply@example.com', phone: '+12025550000000' })]), [['email placeholder_identifier', 'phone placeholder_identifier']]);
    await scene.batch([1, 2, 3].map((n) => person(n, { phone: PHONE })));
    assert.deepEqual(await found([byPhone(4, PHONE), person(5, { phone: PHONE }), person(2, { phone: PHONE })]), [['phone shared_identifier'], ['phone shared_identifier'], ['phone shared_identifier']]);
    const [switchboard, known] = await preview(scene, [byPhone(4, PHONE), person(2, { phone: PHONE })]);
    assert.deepEqual([switchboard?.rule, switchboard?.effect], [undefined, 'new']);
    assert.deepEqual([known?.rule, known?.effect], ['email', 'unchanged'], 'the e-mail tells all the same');
  });

  test('an e-mail names one person, whatever names come with it', async (t) => {
    const scene = await Scene.open(t, newHarness, { identifierMaxPeople: 2 });
    const names = ['Ada', 'Bob', 'Cleo', 'Dan'].map((first_name) => person(1, { first_name, last_name: 'Roe' }));
    assert.deepEqual((await preview(scene, names)).map(({ outcome, duplicateOf }) => [outcome, duplicateOf]), [['accepted', undefined], ['duplicate', 0], ['duplicate', 0], ['duplicate', 0]]);
    await scene.batch(names);
    await scene.store.withdrawConsent({ subject: { email: 'person1@example.com' }, channels: ['email'], reason: 'asked', actor: 'desk', now: scene.now });
    assert.equal(await scene.claim(), null, 'nobody who shares a mailbox is written to after it was withdrawn');
  });

  test('the consent of each contact is told: whether it is needed, and by which channel it may be used', async (t) => {
    const scene = await Scene.open(t, newHarness, { consent: { policy: 'per-channel' } });
    const sms = { communication_preferences: { preferred_channel: 'sms' } };
    const lines = await preview(scene, [person(1, { consent_to_sms: false, ...sms }), { email: 'us@example.com', country: 'US', ...sms }, { email: 'x@example.com', country: 'DE' }]);
    assert.deepEqual(
      lines.map(({ covered, channels, preferredChannelMoved }) => ({ covered, channels, preferredChannelMoved })),
      [
        { covered: true, channels: { email: true, sms: false, phone: true }, preferredChannelMoved: { from: 'sms', to: 'email' } },
        { covered: false, channels: { email: true, sms: true, phone: true }, preferredChannelMoved: undefined },
        { covered: true, channels: { email: false, sms: false, phone: false }, preferredChannelMoved: undefined },
      ],
    );
  });

  test('a preview keeps nothing of what it was shown', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1)]);
    await scene.deliver();
    const before = [await scene.store.auditTree(), await scene.store.stats(), await scene.store.listJobs({ limit: 10 })];
    await preview(scene, [person(1, { first_name: 'Ada', consent_to_email: false }), person(2, { phone: PHONE, external_crm_id: 'crm-2' }), { email: 'faulty@example.com', consent_to_email: false, errors: [{ field: 'city', code: 'x', message: 'x' }] }]);
    assert.deepEqual([await scene.store.auditTree(), await scene.store.stats(), await scene.store.listJobs({ limit: 10 })], before);
    assert.deepEqual((await scene.store.consentsOf({ email: 'person1@example.com' }))?.state, { email: 'granted', sms: 'granted', phone: 'granted' });
    for (const subject of [{ email: 'person2@example.com' }, { phone: PHONE }, { external_crm_id: 'crm-2' }, { email: 'faulty@example.com' }]) assert.equal(await scene.store.consentsOf(subject), null);
    assert.equal(await scene.claim(), null);
  });
}
