import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { CodedError } from '../../../src/domain/errors.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { METRICS, LEASE_MS, byPhone, people, person } from '../scene.ts';
import type { Row, Scene } from '../scene.ts';
import { bytesIn, erase, keysIn, open } from './erasing.ts';

const PHONE = '+4930123456';
const AFTER = '2026-03-01T12:00:01Z';

const outcomeOf = async (scene: Scene, row: Row): Promise<string[]> => {
  const [outcome] = await scene.store.previewBatch({ contacts: [{ index: 0, contact: row, raw: {}, errors: [], warnings: [], country: row.country }], now: scene.now });
  return outcome!.outcome === 'rejected' ? outcome!.errors.map(({ code }) => code) : [outcome!.outcome];
};

describe('what an erasure leaves', () => {
  test('of the key no byte in any file, however many people came and went beside it', async (t) => {
    const scene = await open(t);
    for (let round = 0; round < 6; round += 1) {
      await scene.batch(people(150, round * 100));
      await scene.deliver();
    }
    const before = keysIn(scene.files.path);
    for (let n = 0; n < 40; n += 1) await erase(scene, { email: `person${n * 7}@example.com` });
    const after = keysIn(scene.files.path);
    const destroyed = [...before].filter(([id]) => after.get(id)?.every((byte) => byte === 0));
    assert.equal(destroyed.length, 40);
    const bytes = bytesIn(scene.files.folder);
    // The nonce and the tag are random: 28 bytes that occur nowhere else.
    for (const [, wrapped] of destroyed) assert.ok(!bytes.includes(wrapped.subarray(5, 33).toString('latin1')), 'a destroyed key is still in a file');
    const alive = [...before].filter(([id]) => !destroyed.some(([dead]) => dead === id));
    for (const [, wrapped] of alive) assert.ok(bytes.includes(wrapped.subarray(5, 33).toString('latin1')), 'the search finds keys that are there');
    await scene.store.wipe();
    assert.equal(statSync(`${scene.files.path}-wal`).size, 0, 'a wipe empties the write-ahead log');
  });

  test('of the rows nothing but contacts without a person', async (t) => {
    const scene = await open(t);
    const jobId = await scene.batch([person(1, { phone: PHONE, external_crm_id: 'crm-1', consent_source: 'web form' }), person(2)], { idempotency: { key: 'k', bodyHash: 'h', expiresAt: scene.now + 1000 } });
    await scene.deliver();
    await scene.store.claimExport({ now: scene.now, limit: 1, leaseMs: LEASE_MS });
    const view = await erase(scene, { email: 'person1@example.com' });
    assert.equal(view.people, 1);
    const db = openDatabase(scene.files.path);
    const count = (sql: string): number => db.get<{ n: number }>(sql)!.n;
    assert.equal(count('SELECT count(*) AS n FROM persons'), 1);
    assert.equal(count('SELECT count(*) AS n FROM identifiers'), 1);
    assert.equal(count('SELECT count(*) AS n FROM consent_events'), 1);
    assert.equal(count('SELECT count(*) AS n FROM contacts WHERE person_id IS NULL AND payload IS NULL'), 1);
    assert.equal(count('SELECT count(*) AS n FROM tombstones'), 3);
    db.close();
    assert.deepEqual(await scene.statuses(jobId), ['confirmed', 'confirmed']);
    assert.equal((await scene.job(jobId)).confirmed, 2);
  });

  test('the trail with two entries more, and nothing in it changed', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1)]);
    await scene.deliver();
    const before = await scene.audit();
    await erase(scene, { email: 'person1@example.com' });
    const after = await scene.audit();
    assert.deepEqual(after.slice(0, before.length), before);
    assert.deepEqual(after.slice(before.length).map(({ action }) => action), ['erasure_requested', 'erasure_completed']);
    assert.equal((await scene.audit({ subject: { email: 'person1@example.com' } })).at(-1)?.action, 'erasure_completed');
  });

  test('a step that needs a wiped file waits for it', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1)]);
    const step = (wiped: boolean) => scene.store.stepErasure({ erasureId: 'e', wiped, marketing: true, now: scene.now });
    await scene.store.requestErasure({ erasureId: 'e', subject: { email: 'person1@example.com' }, everyone: false, reason: 'art17', actor: 'officer', now: scene.now });
    for (let n = 0; n < 3; n += 1) assert.deepEqual(await step(false), { next: 'wipe' });
    assert.equal((await scene.store.erasureOf({ erasureId: 'e' }))?.legs[0]?.status, 'in_progress');
    assert.deepEqual(await step(true), { next: 'completed' });
    assert.deepEqual(await step(false), { next: 'completed' });
  });

  test('a stored answer says nothing of the person, and one about nobody else is gone', async (t) => {
    const scene = await open(t);
    const expiresAt = scene.now + 1000;
    const head = { jobId: 'mixed', caller: 'importer', requestId: 'r', receivedAt: scene.now, policyVersion: '1' };
    const warned = (n: number, index: number) => ({ index, contact: person(n), raw: {}, errors: [], warnings: [{ field: 'fax', code: 'unknown_field', message: '' }], country: 'DE' });
    await scene.store.acceptBatch({ head, contacts: [warned(1, 0), warned(2, 1)], metrics: METRICS, idempotency: { caller: 'importer', key: 'mixed', bodyHash: 'h', expiresAt } });
    await scene.batch([person(1, { city: 'Bonn' })], { idempotency: { key: 'alone', bodyHash: 'h', expiresAt } });
    await erase(scene, { email: 'person1@example.com' });
    const answer = await scene.store.findAnswer({ caller: 'importer', key: 'mixed', now: scene.now });
    assert.deepEqual((JSON.parse(answer!.body) as { warnings: { index: number }[] }).warnings.map(({ index }) => index), [1]);
    assert.equal(await scene.store.findAnswer({ caller: 'importer', key: 'alone', now: scene.now }), null);
  });
});

describe('work that was under way', () => {
  test('what waits is cancelled at once, before any row is deleted', async (t) => {
    const scene = await open(t);
    const jobId = await scene.batch([person(1), person(2)]);
    await scene.store.requestErasure({ erasureId: 'e', subject: { email: 'person1@example.com' }, everyone: false, reason: 'art17', actor: 'officer', now: scene.now });
    assert.deepEqual(await scene.statuses(jobId), ['cancelled', 'waiting']);
    assert.deepEqual((await scene.mustClaim()).contacts.map(({ email }) => email), ['person2@example.com']);
    assert.equal((await scene.jobPage(jobId)).contacts[0]?.reason, 'erased_subject');
  });

  test('what is in the air is settled by its answer, and the answer still fits the others', async (t) => {
    const scene = await open(t);
    const jobId = await scene.batch(people(3));
    const chunk = await scene.mustClaim();
    await erase(scene, { email: 'person1@example.com' });
    assert.deepEqual(await scene.statuses(jobId), ['in_flight', 'in_flight', 'in_flight']);
    await scene.accept(chunk, true);
    assert.deepEqual(await scene.statuses(jobId), ['confirmed', 'cancelled', 'confirmed']);
    const ids = (await scene.jobPage(jobId)).contacts.map(({ contactId }) => contactId);
    assert.deepEqual(ids, ['cx:person0@example.com', undefined, 'cx:person2@example.com']);
    const { accepted, confirmed, failed, pending } = await scene.job(jobId);
    assert.deepEqual({ accepted, confirmed, failed, pending }, { accepted: 3, confirmed: 2, failed: 1, pending: 0 });
  });

  for (const [name, settle] of [
    ['refused by its place', (scene: Scene, chunk: Awaited<ReturnType<Scene['mustClaim']>>) => scene.reject(chunk, [{ index: 1, reason: 'bad' }])],
    ['refused as a whole', (scene: Scene, chunk: Awaited<ReturnType<Scene['mustClaim']>>) => scene.reject(chunk)],
    ['to be sent again', (scene: Scene, chunk: Awaited<ReturnType<Scene['mustClaim']>>) => scene.retry(chunk, { unknown: true })],
  ] as const) {
    test(`erased in the air and ${name}: never sent again, under a new id for the rest`, async (t) => {
      const scene = await open(t);
      const jobId = await scene.batch(people(3));
      const chunk = await scene.mustClaim();
      await erase(scene, { email: 'person1@example.com' });
      await settle(scene, chunk);
      for (const again of await scene.deliver()) {
        assert.ok(!again.contacts.some(({ email }) => email === 'person1@example.com'));
        assert.notEqual(again.requestId, chunk.requestId);
      }
      assert.deepEqual(await scene.statuses(jobId), ['confirmed', 'cancelled', 'confirmed']);
      assert.equal((await scene.store.listDeadLetters({ limit: 10 })).length, 0);
    });
  }

  test('a chunk that waits to be sent again goes without the person, at its time and with its history', async (t) => {
    const scene = await open(t);
    await scene.batch(people(3));
    const chunk = await scene.mustClaim();
    await scene.retry(chunk, { dueAt: scene.now + 5000, unknown: true });
    await erase(scene, { email: 'person1@example.com' });
    assert.equal(await scene.claim(), null, 'not before its time');
    scene.now += 5000;
    const again = await scene.mustClaim();
    assert.deepEqual(again.contacts.map(({ email }) => email), ['person0@example.com', 'person2@example.com']);
    assert.notEqual(again.requestId, chunk.requestId);
    assert.deepEqual([again.attempts, again.unknown], [1, true]);
  });

  test('a merge that was still to be confirmed is closed, and its webhook finds nobody', async (t) => {
    const scene = await open(t);
    const jobId = await scene.batch([person(1)]);
    await scene.accept(await scene.mustClaim());
    await erase(scene, { email: 'person1@example.com' });
    assert.deepEqual(await scene.statuses(jobId), ['cancelled']);
    assert.deepEqual(await scene.webhook({ contactId: 'cx:person1@example.com' }), { duplicate: false, confirmed: 0 });
    assert.equal((await scene.job(jobId)).status, 'failed');
  });

  test('staged contacts, dead letters and patches of the profile go too', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1)]);
    const chunk = await scene.mustClaim();
    await scene.settle(chunk, { kind: 'accepted', contactIds: ['profile-1'], confirmed: true });
    await scene.batch([person(1, { city: 'Bonn' })]);
    await scene.reject(await scene.mustClaim());
    const staged = await scene.upload([[person(1, { city: 'Köln' })]], { seal: false });
    const patch = { profileId: 'profile-1', attributes: { hobby: 'x' }, mergeStrategy: 'OVERWRITE' as const, sourceSystem: 'crm', tags: [] };
    const facts = { dataHash: '', classification: {}, masked: [], policyVersion: '1' };
    const accept = (n: number) => scene.store.acceptPatch({ jobId: `patch-${n}`, requestId: `r-${n}`, caller: 'desk', patch, facts, now: scene.now, leaseMs: LEASE_MS });
    const { lease } = await accept(1);
    await accept(2);
    await erase(scene, { email: 'person1@example.com' });
    assert.equal((await scene.store.listDeadLetters({ limit: 10 })).length, 0);
    assert.deepEqual(await scene.statuses(staged), ['cancelled']);
    assert.deepEqual(await scene.statuses('patch-2'), ['cancelled']);
    assert.equal(await scene.store.settlePatch({ requestId: 'r-1', fence: lease!.fence, now: scene.now, latencyMs: 1, status: 500, settlement: { kind: 'retry', dueAt: scene.now, countAttempt: true, unknown: true, reason: 'x' } }), null);
    assert.deepEqual(await scene.statuses('patch-1'), ['cancelled']);
    assert.equal((await scene.store.claimPatch({ now: scene.now, leaseMs: LEASE_MS })).lease, null);
    await assert.rejects(accept(3), (error: CodedError) => error.code === 'erased_subject');
  });

  test('what was acknowledged under load and not filed yet is erased as well', async (t) => {
    const scene = await open(t);
    await scene.batch(people(200));
    const jobId = await scene.batch(people(200, 150));
    const view = await erase(scene, { email: 'person180@example.com' });
    assert.equal(view.people, 1);
    const sent = (await scene.deliver()).flatMap((chunk) => chunk.contacts.map(({ email }) => email));
    assert.equal(new Set(sent).size, 349);
    assert.ok(!sent.includes('person180@example.com'));
    assert.equal((await scene.job(jobId)).pending, 0);
  });
});

describe('whom the next import brings', () => {
  const known: Row = person(1, { phone: PHONE, external_crm_id: 'crm-1', first_name: 'Jo', last_name: 'Doe' });
  const cases: [string, Row, string[]][] = [
    ['the same person', known, ['erased_subject']],
    ['by e-mail alone', person(1), ['erased_subject']],
    ['by phone alone', byPhone(1, PHONE), ['erased_subject']],
    ['by external id, with another e-mail', person(9, { external_crm_id: 'crm-1' }), ['erased_subject']],
    ['somebody else with that phone', person(2, { phone: PHONE }), ['accepted']],
    ['somebody else', person(3), ['accepted']],
    ['with an override', { ...person(1), override: 'the law' }, ['erased_subject']],
  ];
  for (const [name, row, want] of cases) {
    test(`${name}: ${want.join()}`, async (t) => {
      const scene = await open(t);
      await scene.batch([known]);
      await scene.deliver();
      await erase(scene, { external_crm_id: 'crm-1' });
      assert.deepEqual(await outcomeOf(scene, row), want);
      await scene.batch([row, person(50)]);
      const sent = (await scene.deliver()).flatMap((chunk) => chunk.contacts.map(({ email, phone }) => email ?? phone));
      assert.equal(sent.length, want[0] === 'accepted' ? 2 : 1);
    });
  }

  test('a rejected import leaves nothing of the person behind, a refusal included', async (t) => {
    const scene = await open(t);
    await erase(scene, { email: 'person1@example.com' });
    await scene.batch([person(1, { consent_to_sms: false, consent_source: 'form' }), person(2)]);
    assert.equal(await scene.store.consentsOf({ email: 'person1@example.com' }), null);
  });

  test('somebody nobody knew is not taken in afterwards', async (t) => {
    const scene = await open(t);
    assert.equal((await erase(scene, { email: 'person1@example.com' })).people, 0);
    assert.deepEqual(await outcomeOf(scene, person(1)), ['erased_subject']);
  });

  test('a housemate known to the store goes on being known by the shared phone', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1, { phone: PHONE }), person(2, { phone: PHONE })]);
    await erase(scene, { email: 'person1@example.com' });
    assert.deepEqual(await outcomeOf(scene, byPhone(2, PHONE)), ['accepted']);
    assert.deepEqual(await outcomeOf(scene, person(1)), ['erased_subject']);
  });

  test('a newer consent brings the person back where that is allowed, and only then', async (t) => {
    for (const [allowed, date, want] of [[true, AFTER, 'accepted'], [true, '2026-02-28T00:00:00Z', 'erased_subject'], [false, AFTER, 'erased_subject']] as const) {
      const scene = await open(t, { erasureAllowReturn: allowed });
      await scene.batch([person(1)]);
      await erase(scene, { email: 'person1@example.com' });
      scene.now += 60_000;
      assert.deepEqual(await outcomeOf(scene, person(1, { consent_date: date })), [want]);
      if (want !== 'accepted') continue;
      await scene.batch([person(1, { consent_date: date })]);
      await scene.deliver();
      assert.deepEqual(await outcomeOf(scene, person(1, { city: 'Bonn' })), ['accepted'], 'who is back stays');
    }
  });
});

describe('who is meant', () => {
  test('a phone that several bear needs a word more', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1, { phone: PHONE }), person(2, { phone: PHONE })]);
    await assert.rejects(erase(scene, { phone: PHONE }), (error: CodedError) => error.code === 'subject_ambiguous');
    assert.equal((await scene.audit({ action: 'erasure_requested' })).length, 0);
    assert.equal((await erase(scene, { phone: PHONE, email: 'person1@example.com' })).people, 1);
    assert.equal((await erase(scene, { phone: PHONE })).people, 1, 'one is left');
  });

  test('everyone means everyone', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1, { phone: PHONE }), person(2, { phone: PHONE })]);
    assert.equal((await erase(scene, { phone: PHONE }, { everyone: true })).people, 2);
  });

  test('an external id means all who bear it', async (t) => {
    const scene = await open(t);
    await scene.batch([person(1, { external_crm_id: 'crm-7' }), person(2, { external_crm_id: 'crm-7' })]);
    assert.equal((await erase(scene, { external_crm_id: 'crm-7' })).people, 2);
  });
});
