import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Harness } from '../harness.ts';
import { START, Scene, byPhone, incoming, people, person } from '../scene.ts';
import type { Row } from '../scene.ts';

const BAD_EMAIL = { field: 'email', code: 'email_invalid', message: 'Not an e-mail address.' };
const MIXED: Row[] = [person(1), person(2), person(1, { first_name: 'Ada' }), { email: 'x', errors: [BAD_EMAIL] }, person(3, { consent_to_sms: false })];

/** Batches that are there as a whole: what is decided of each contact, and what is kept of the decision. */
export function intakeTests(newHarness: () => Harness): void {
  test('a batch is counted contact by contact, in its answer, its job and its audit entry', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { status, body } = await scene.answer(MIXED, {}, 'mixed');
    assert.equal(status, 202);
    const counts = { received: 5, accepted: 2, duplicates: 1, rejected: 2 };
    assert.partialDeepStrictEqual(body, { success: true, job_id: 'mixed', ...counts });
    assert.deepEqual(
      (body['errors'] as { index: number; code: string }[]).map(({ index, code }) => [index, code]),
      [[3, 'email_invalid'], [4, 'consent_refused']],
    );
    assert.partialDeepStrictEqual(await scene.job('mixed'), { status: 'accepted', pending: 2, submitted: 0, confirmed: 0, failed: 0, createdAt: START, ...counts });
    assert.deepEqual((await scene.jobPage('mixed')).contacts, [
      { index: 0, status: 'waiting' },
      { index: 1, status: 'waiting' },
      { index: 2, status: 'duplicate', duplicateOf: 0 },
      { index: 3, status: 'rejected', reason: 'email_invalid' },
      { index: 4, status: 'rejected', reason: 'consent_refused' },
    ]);
    await scene.store.fileBacklog();
    const entries = await scene.audit();
    const decided = entries.filter(({ action }) => action !== 'consent_recorded');
    assert.deepEqual(decided.map(({ action }) => action).sort(), ['batch_submitted', 'contact_deduplicated', 'contact_rejected', 'contact_rejected']);
    assert.deepEqual(decided.map(({ audit_id }) => audit_id).sort(), (body['audit_ids'] as string[]).toSorted());
    assert.equal(entries.length, decided.length + 1);
    assert.deepEqual(entries.find(({ action }) => action === 'batch_submitted')?.details, counts);
    assert.ok(entries.every((entry) => entry.actor === 'importer' && entry.job_id === 'mixed' && entry.request_id === 'http-mixed'));
    assert.deepEqual(await scene.store.stats(), { waiting: 2, inFlight: 0, submitted: 0, unconfirmed: 0, deadLetters: 0, patchesWaiting: 0, exportsWaiting: 0, oldestWaitingSince: START });
  });

  test('a preview decides as the batch does and keeps nothing', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(2)]);
    await scene.store.fileBacklog();
    const before = await scene.store.auditTree();
    const outcomes = await scene.store.previewBatch({ contacts: MIXED.map(incoming), now: scene.now });
    assert.deepEqual(
      outcomes.map(({ index, outcome, duplicateOf, rule, errors }) => ({ index, outcome, duplicateOf, rule, codes: errors.map(({ code }) => code) })),
      [
        { index: 0, outcome: 'accepted', duplicateOf: undefined, rule: undefined, codes: [] },
        { index: 1, outcome: 'accepted', duplicateOf: undefined, rule: 'email', codes: [] },
        { index: 2, outcome: 'duplicate', duplicateOf: 0, rule: 'email', codes: [] },
        { index: 3, outcome: 'rejected', duplicateOf: undefined, rule: undefined, codes: ['email_invalid'] },
        { index: 4, outcome: 'rejected', duplicateOf: undefined, rule: undefined, codes: ['consent_refused'] },
      ],
    );
    assert.deepEqual(await scene.store.auditTree(), before);
    assert.equal((await scene.store.stats()).waiting, 1);
    assert.equal((await scene.store.listJobs({ limit: 10 })).length, 1);
    assert.equal(await scene.store.consentsOf({ email: 'person1@example.com' }), null);
  });

  test('a refusal in the last row bars the first one', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const { status, body } = await scene.answer([person(1), person(1, { consent_to_sms: false, consent_date: '2026-02-01T00:00:00Z' })]);
    assert.equal(status, 422);
    assert.deepEqual((body['errors'] as { code: string }[]).map(({ code }) => code), ['consent_withdrawn', 'consent_refused']);
    assert.equal(await scene.claim(), null);
  });

  test('a refusal in an earlier batch bars an older grant, and a newer grant supersedes it', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([person(1, { consent_to_email: false, consent_date: '2026-02-01T00:00:00Z' })]);
    const older = await scene.answer([person(1, { consent_date: '2026-01-31T00:00:00Z' })]);
    if (scene.harness.filesLater !== true) {
      assert.equal(older.status, 422);
      assert.deepEqual((older.body['errors'] as { code: string }[]).map(({ code }) => code), ['consent_withdrawn']);
    }
    assert.equal(await scene.claim(), null);
    assert.equal((await scene.answer([person(1, { consent_date: '2026-02-02T00:00:00Z' })])).status, 202);
    assert.equal((await scene.mustClaim()).contacts[0]?.consent_to_email, true);
  });

  test('a household shares a phone and stays apart; one person with two records of it is one', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const phone = '+4930123456';
    const outcomes = await scene.store.previewBatch({
      contacts: [
        person(1, { phone, first_name: 'Ada', last_name: 'Roe' }),
        person(2, { phone, first_name: 'Bob', last_name: 'Roe' }),
        person(3, { phone: '+4930999999', first_name: 'Eve', last_name: 'Doe' }),
        byPhone(0, '+4930999999', { first_name: 'Eve', last_name: 'Doe' }),
      ].map(incoming),
      now: scene.now,
    });
    assert.deepEqual(outcomes.map(({ outcome }) => outcome), ['accepted', 'accepted', 'accepted', 'duplicate']);
    assert.equal(outcomes[3]?.rule, 'phone');
    assert.deepEqual(outcomes[1]?.warnings.map(({ code }) => code), ['possible_duplicate']);
  });

  test('an identifier that too many people share joins nobody', async (t) => {
    const scene = await Scene.open(t, newHarness, { identifierMaxPeople: 2 });
    const phone = '+4930777777';
    await scene.batch([1, 2, 3].map((n) => person(n, { phone })));
    const [outcome] = await scene.store.previewBatch({ contacts: [incoming(byPhone(0, phone), 0)], now: scene.now });
    assert.equal(outcome?.outcome, 'accepted');
    assert.equal(outcome?.rule, undefined);
  });

  test('a placeholder says nothing about who somebody is', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const rows = [person(1, { email: 'noreply@example.com' }), person(2, { email: 'noreply@example.com' })];
    const outcomes = await scene.store.previewBatch({ contacts: rows.map(incoming), now: scene.now });
    assert.deepEqual(outcomes.map(({ outcome }) => outcome), ['accepted', 'accepted']);
    assert.ok(outcomes.every(({ warnings }) => warnings.some(({ code }) => code === 'placeholder_identifier')));
  });

  test('an override sends one contact without consent, and says who, why and for whom', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const silent: Row = { email: 'silent@example.com', country: 'DE' };
    const { body } = await scene.answer(
      [{ ...silent, override: 'contract 4711 of silent@example.com' }, { email: 'other@example.com', country: 'DE', overrideRefused: true }, person(3)],
      { caller: 'chief' },
      'overridden',
    );
    assert.partialDeepStrictEqual(body, { accepted: 2, rejected: 1 });
    assert.deepEqual((body['errors'] as { code: string }[]).map(({ code }) => code), ['consent_override_refused', 'consent_missing']);
    const [entry] = await scene.audit({ action: 'consent_overridden' });
    assert.equal(entry?.actor, 'chief');
    assert.match(String(entry?.details['reason']), /contract 4711/);
    assert.ok(!JSON.stringify(entry).includes('silent@'), 'the address in the reason is not kept');
    assert.deepEqual((await scene.audit({ action: 'consent_overridden', subject: { email: 'silent@example.com' } })).length, 1);
    const chunk = await scene.mustClaim();
    assert.deepEqual(chunk.contacts.map(({ email }) => email), ['silent@example.com', 'person3@example.com']);
    await scene.accept(chunk, true);
    const { lease } = await scene.store.claimExport({ now: scene.now, limit: 50, leaseMs: 1000 });
    assert.deepEqual(lease?.contacts.map(({ email }) => email), ['person3@example.com'], 'an override is no consent to marketing');
  });

  test('an answer is kept under its key: for its caller, with its body, for its time', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const claim = { key: 'key-1', bodyHash: 'abc', expiresAt: START + 1000 };
    const accepted = await scene.answer([person(1)], { idempotency: claim });
    const rejected = await scene.answer([{ email: 'x', errors: [BAD_EMAIL] }], { idempotency: { ...claim, key: 'key-2' } });
    const find = (key: string, caller = 'importer', now = START) => scene.store.findAnswer({ caller, key, bodyHash: 'abc', now });
    const found = await find('key-1');
    assert.deepEqual({ ...found, body: JSON.parse(found?.body ?? '') }, { isSameBody: true, ...accepted });
    for (const other of [{ bodyHash: 'abd' }, {}]) assert.equal((await scene.store.findAnswer({ caller: 'importer', key: 'key-1', now: START, ...other }))?.isSameBody, false);
    assert.equal((await find('key-2'))?.status, 422);
    assert.equal(rejected.status, 422);
    assert.equal(await find('key-3'), null);
    assert.equal(await find('key-1', 'somebody else'), null);
    assert.equal(await find('key-1', 'importer', START + 1000), null);
    await scene.reopen();
    assert.equal((await find('key-1'))?.isSameBody, true);
  });

  test('a full queue takes no more, changes nothing, and takes again when there is room', async (t) => {
    const scene = await Scene.open(t, newHarness, { queueMaxContacts: 3 });
    await scene.batch(people(2));
    const before = await scene.store.auditTree();
    const full = { code: 'queue_full' };
    await assert.rejects(scene.batch(people(2, 10)), full);
    assert.deepEqual(await scene.store.auditTree(), before);
    assert.equal((await scene.store.listJobs({ limit: 10 })).length, 1);
    await scene.batch([person(3)]);
    await assert.rejects(scene.store.openBatch(scene.head('late')), full);
    await scene.deliver();
    await scene.store.openBatch(scene.head('late'));
    await assert.rejects(scene.store.stageSlice({ jobId: 'late', contacts: people(4, 20).map(incoming), now: scene.now }), full);
    await scene.store.stageSlice({ jobId: 'late', contacts: people(3, 20).map(incoming), now: scene.now });
    assert.equal((await scene.store.stats()).waiting, 3);
  });

  test('a batch of which nothing is accepted is over at once', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const jobId = await scene.batch([{ email: 'x', errors: [BAD_EMAIL] }]);
    assert.partialDeepStrictEqual(await scene.job(jobId), { status: 'failed', accepted: 0, pending: 0, completedAt: START });
  });
}
