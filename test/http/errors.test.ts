import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { buildApp } from '../../src/app.ts';
import { CodedError, ERRORS } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import type { Problem } from '../../src/domain/problem.ts';
import type { HttpDeps } from '../../src/http/deps.ts';
import { assertProblem, contact, startHarness } from './harness.ts';

/** An app whose services fail as they are told; nothing is opened. */
async function failing(thrown: unknown, more: Partial<HttpDeps> = {}): Promise<{ answer(url?: string): ReturnType<typeof inject>; unexpected: unknown[] }> {
  const unexpected: unknown[] = [];
  const fail = (): Promise<never> => Promise.reject(thrown);
  const facts = {
    jobs: { list: fail },
    operations: { stats: fail, gate: () => ({ apis: { contacts: { breaker: 'closed', paused: false }, profiles: { breaker: 'closed', paused: false } } }) },
    checkpoints: { integrity: () => ({ ok: true }) },
    events: { failed: (...args: unknown[]) => unexpected.push(args) },
    access: { used: () => undefined },
    stopping: { now: false },
    apiKeys: undefined,
    rateLimitPerMinute: 0,
    version: '0.0.0',
    newId: () => '01890000-0000-7000-8000-000000000000',
    ...more,
  };
  const app = await buildApp(facts as unknown as HttpDeps, pino({ level: 'silent' }));
  return { answer: (url = '/jobs') => inject(app, url), unexpected };
}

async function inject(app: Awaited<ReturnType<typeof buildApp>>, url: string) {
  const answer = await app.inject({ url });
  return { status: answer.statusCode, headers: answer.headers as Record<string, string | undefined>, text: answer.body, json: <T>() => answer.json<T>() };
}

describe('every error of the catalogue', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    test(`${code} is answered ${ERRORS[code].status} as a problem document`, async () => {
      const { answer, unexpected } = await failing(new CodedError(code, 'What happened this time.', { errors: [{ index: 3, field: 'email', code: 'x', message: 'y' }] }));
      const problem = assertProblem(await answer(), code);
      assert.equal(problem.detail, 'What happened this time.');
      assert.deepEqual(problem.errors, [{ index: 3, field: 'email', code: 'x', message: 'y' }]);
      assert.equal(unexpected.length, code === 'internal_error' ? 1 : 0);
    });
  }

  test('Retry-After is said where it is known', async () => {
    const { answer } = await failing(new CodedError('queue_full', 'The queue is full.', { retryAfterSeconds: 10 }));
    assert.equal((await answer()).headers['retry-after'], '10');
  });

  test('titles and types are each their own', () => {
    const codes = Object.values(ERRORS);
    assert.equal(new Set(codes.map(({ title }) => title)).size, codes.length);
    for (const { status } of codes) assert.ok(status >= 400 && status < 600);
  });
});

describe('what nobody expected', () => {
  const SECRET = 'ann@example.com';
  const UNEXPECTED: readonly [name: string, error: unknown][] = [
    ['an error', new Error(`UNIQUE constraint failed for ${SECRET}`)],
    ['an error with a status', Object.assign(new Error(SECRET), { statusCode: 500 })],
    ['an error with a code', Object.assign(new TypeError(SECRET), { code: 'ERR_X' })],
    ['an error that says it is the caller’s', Object.assign(new Error(SECRET), { statusCode: 418 })],
    ['an error with a cause', new Error('outer', { cause: new Error(SECRET) })],
  ];
  for (const [name, error] of UNEXPECTED) {
    test(`${name} tells nothing of what is inside`, async () => {
      const { answer } = await failing(error);
      const found = await answer();
      const { code } = found.json<Problem>();
      assertProblem(found, code);
      assert.ok(['internal_error', 'invalid_request'].includes(code));
      assert.ok(!found.text.includes(SECRET) && !found.text.includes('constraint'));
    });
  }

  test('is handed on to be logged, with the route it happened at', async () => {
    const error = new Error('broken');
    const { answer, unexpected } = await failing(error);
    await answer();
    assert.deepEqual(unexpected, [[error, '/jobs']]);
  });

  test('readiness says so instead of failing', async () => {
    const { answer } = await failing(new CodedError('storage_unavailable', 'The storage is closed.'));
    const found = await answer('/health/ready');
    assert.equal(found.status, 503);
    assert.deepEqual([found.json<{ status: string }>().status, found.json<{ store: boolean }>().store], ['unavailable', false]);
    assert.equal((await answer('/health/live')).status, 200);
  });
});

describe('while stopping', () => {
  test('new work is refused with Retry-After, health still answers, and connections are let go', async () => {
    const { answer } = await failing(new Error('not reached'), { stopping: { now: true } });
    const refused = await answer();
    assertProblem(refused, 'stopping');
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.equal(refused.headers['connection'], 'close');
    const ready = await answer('/health/ready');
    assert.deepEqual([ready.status, ready.json<{ status: string }>().status], [503, 'stopping']);
    assert.equal((await answer('/health/live')).status, 200);
  });
});

describe('limits', () => {
  test('a caller over its rate is told when to come back; others, health and webhooks are not slowed', async () => {
    const harness = await startHarness({ RATE_LIMIT_PER_MINUTE: '5' });
    try {
      for (let n = 0; n < 5; n += 1) assert.equal((await harness.send('GET', '/jobs', { key: 'read' })).status, 200);
      const refused = await harness.send('GET', '/jobs', { key: 'read' });
      assertProblem(refused, 'rate_limited');
      const wait = Number(refused.headers['retry-after']);
      assert.ok(wait >= 1 && wait <= 60, String(wait));
      assert.equal((await harness.send('GET', '/metrics', { key: 'read' })).status, 429);
      assert.equal((await harness.send('GET', '/jobs', { key: 'all' })).status, 200);
      for (let n = 0; n < 20; n += 1) {
        assert.equal((await harness.send('GET', '/health/live', { key: null })).status, 200);
        assert.equal((await harness.send('GET', '/health/ready', { key: 'read' })).status, 200);
        assert.equal((await harness.send('POST', '/webhooks/cxone-merge', { key: null, body: '{}' })).status, 401);
        assert.equal((await harness.send('GET', '/jobs', { key: null })).status, 401);
      }
    } finally {
      await harness.close();
    }
  });

  test('0 is no limit', async () => {
    const harness = await startHarness({ RATE_LIMIT_PER_MINUTE: '0' });
    try {
      for (let n = 0; n < 50; n += 1) assert.equal((await harness.send('GET', '/jobs')).status, 200);
    } finally {
      await harness.close();
    }
  });

  test('a queue that is full takes no more, and says when to try again', async () => {
    const harness = await startHarness({ QUEUE_MAX_CONTACTS: '3' });
    try {
      assert.equal((await harness.batch([contact(1), contact(2)])).status, 202);
      const refused = await harness.batch([contact(3), contact(4)]);
      assertProblem(refused, 'queue_full');
      assert.ok(Number(refused.headers['retry-after']) >= 1);
      const rows = [contact(3), contact(4), contact(5)].map((row) => JSON.stringify(row)).join('\n');
      assertProblem(await harness.send('POST', '/enrich-batch', { type: 'application/x-ndjson', body: rows }), 'queue_full');
      assert.equal((await harness.send('GET', '/consents', { headers: { 'x-subject': 'person3@example.com' } })).status, 404);
      assert.equal((await harness.batch([contact(6)])).status, 202);
    } finally {
      await harness.close();
    }
  });
});
