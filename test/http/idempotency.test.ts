import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import type { ClientRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { SECRETS, assertProblem, contact, startHarness } from './harness.ts';
import type { Answer, Harness, KeyName } from './harness.ts';

const NDJSON = 'application/x-ndjson';
const CSV = 'text/csv';

describe('Idempotency-Key', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness();
  });
  after(() => harness.close());

  const send = (key: string, body: unknown, type = 'application/json', caller: KeyName = 'all'): Promise<Answer> =>
    harness.send('POST', '/enrich-batch', { body, type, key: caller, headers: { 'idempotency-key': key } });
  const jobs = async (): Promise<number> => (await harness.send('GET', '/jobs?limit=500')).json<{ jobs: unknown[] }>().jobs.length;

  const FORMS: readonly [name: string, type: string, body: string, other: string][] = [
    ['JSON', 'application/json', JSON.stringify({ contacts: [contact(1)] }), JSON.stringify({ contacts: [contact(2)] })],
    ['JSON that differs in a space', 'application/json', JSON.stringify({ contacts: [contact(3)] }), `${JSON.stringify({ contacts: [contact(3)] })} `],
    ['NDJSON', NDJSON, JSON.stringify(contact(4)), JSON.stringify(contact(5))],
    ['CSV', CSV, 'email,country\na@example.com,US\n', 'email,country\nb@example.com,US\n'],
    ['a batch that is refused as a whole', 'application/json', JSON.stringify({ contacts: [{}] }), JSON.stringify({ contacts: [{ a: 1 }] })],
    ['an upload that is refused as a whole', NDJSON, '{}', '{"a":1}'],
  ];
  for (const [name, type, body, other] of FORMS) {
    test(`${name}: the same body gets the same answer, byte for byte, and no second job`, async () => {
      const key = `same ${name}`;
      const first = await send(key, body, type);
      assert.ok([202, 422].includes(first.status), first.text);
      const before = await jobs();
      const again = await send(key, body, type);
      assert.deepEqual([again.status, again.text, again.headers['content-type']], [first.status, first.text, first.headers['content-type']]);
      assert.equal(await jobs(), before);
    });

    test(`${name}: another body under the same key is refused`, async () => {
      const key = `other ${name}`;
      const first = await send(key, body, type);
      const before = await jobs();
      assertProblem(await send(key, other, type), 'idempotency_key_reused');
      assert.equal(await jobs(), before);
      assert.equal((await send(key, body, type)).text, first.text);
    });
  }

  test('keys belong to their caller', async () => {
    const body = { contacts: [contact(20)] };
    const [mine, theirs] = [await send('shared', body), await send('shared', body, 'application/json', 'other')];
    assert.deepEqual([mine.status, theirs.status], [202, 202]);
    assert.notEqual(mine.json()['job_id'], theirs.json()['job_id']);
    assert.equal((await send('shared', { contacts: [contact(21)] }, 'application/json', 'ingest')).status, 202);
  });

  test('without a key each request is a job of its own', async () => {
    const body = { contacts: [contact(22)] };
    const [first, second] = [await harness.batch(body.contacts), await harness.batch(body.contacts)];
    assert.notEqual(first.json()['job_id'], second.json()['job_id']);
  });

  test('a request that failed before it was taken does not use its key up', async () => {
    assertProblem(await send('again', '{"contacts":'), 'invalid_json');
    assertProblem(await send('again', { contacts: [] }), 'contacts_missing');
    assertProblem(await send('again', '', NDJSON), 'contacts_missing');
    assert.equal((await send('again', { contacts: [contact(23)] })).status, 202);
  });

  for (const [name, key] of [['nothing', ''], ['too long', 'x'.repeat(256)], ['letters that are no ASCII', 'k\u00e9y'], ['a control character', 'a\tb']] as const) {
    test(`a key that is ${name} is refused`, async () => {
      const answer = await send(key, { contacts: [contact(24)] });
      assertProblem(answer, 'idempotency_key_invalid');
    });
  }

  test('255 characters are a key', async () => assert.equal((await send('x'.repeat(255), { contacts: [contact(25)] })).status, 202));

  test('many at once under one key are one job', async () => {
    const before = await jobs();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send('at once', { contacts: [contact(30)] })));
    const taken = answers.filter(({ status }) => status === 202);
    assert.ok(taken.length >= 1);
    assert.equal(new Set(taken.map(({ text }) => text)).size, 1);
    for (const answer of answers) if (answer.status !== 202) assertProblem(answer, 'idempotency_in_progress');
    assert.equal(await jobs(), before + 1);
  });

  for (const type of [NDJSON, 'application/json']) {
    test(`while ${type} under a key still arrives, another request under it is told to wait`, async () => {
      const key = `slow ${type}`;
      const body = type === NDJSON ? `${JSON.stringify(contact(31))}\n` : JSON.stringify({ contacts: [contact(31)] });
      const slow = openUpload(harness, type, key);
      slow.request.write(body.slice(0, 20));
      if (type === NDJSON) {
        await harness.untilUploadsOpen(1);
        assertProblem(await send(key, body, type), 'idempotency_in_progress');
      }
      slow.request.end(body.slice(20));
      const { status, text } = await slow.answer;
      assert.equal(status, 202, text);
      const again = await send(key, body, type);
      assert.deepEqual([again.status, again.text], [202, text]);
    });
  }

  test('an upload whose caller went away frees its key', async () => {
    const slow = openUpload(harness, NDJSON, 'gone');
    slow.answer.catch(() => undefined);
    slow.request.write('{"email":');
    await harness.untilUploadsOpen(1);
    assertProblem(await send('gone', JSON.stringify(contact(32)), NDJSON), 'idempotency_in_progress');
    slow.request.destroy();
    await harness.untilUploadsOpen(0);
    // The key is free a moment after the store has taken the upload back.
    let answer = await send('gone', JSON.stringify(contact(32)), NDJSON);
    for (const deadline = AbortSignal.timeout(20_000); answer.status === 409; deadline.throwIfAborted()) answer = await send('gone', JSON.stringify(contact(32)), NDJSON);
    assert.equal(answer.status, 202);
  });
});

function openUpload(harness: Harness, type: string, key: string): { request: ClientRequest; answer: Promise<{ status: number; text: string }> } {
  const request = httpRequest(`${harness.service.url}/enrich-batch`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${SECRETS.all}`, 'content-type': type, 'idempotency-key': key },
  });
  const answer = new Promise<{ status: number; text: string }>((resolve, reject) => {
    request.on('response', (response) => {
      response.setEncoding('utf8').toArray().then((parts) => resolve({ status: response.statusCode ?? 0, text: parts.join('') }), reject);
    });
    request.on('error', reject);
  });
  return { request, answer };
}
