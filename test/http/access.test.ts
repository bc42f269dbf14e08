import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SECRETS, assertProblem, startHarness } from './harness.ts';
import type { Harness, KeyName, Method } from './harness.ts';

const UUID = '0190a7c5-1f6b-7c3a-8d2e-0123456789ab';

/** Every route that asks for a key: its scope, and a request that a key of that scope gets past the door with. */
const GUARDED: readonly [method: 'GET' | 'POST', url: string, scope: KeyName, body?: unknown][] = [
  ['POST', '/enrich-batch?dry_run=true', 'ingest', { contacts: [{ email: 'a@example.com' }] }],
  ['POST', `/profiles/${UUID}/enrich?dry_run=true`, 'ingest', { attributes: { a: 1 }, mergeStrategy: 'OVERWRITE', sourceSystem: 's' }],
  ['POST', '/consents/withdraw', 'ingest', { email: 'nobody@example.com', reason: 'asked to' }],
  ['GET', '/consents?external_crm_id=x', 'read'],
  ['GET', '/jobs', 'read'],
  ['GET', `/jobs/${UUID}`, 'read'],
  ['GET', '/dead-letters', 'read'],
  ['GET', '/metrics', 'read'],
  ['POST', `/dead-letters/${UUID}/retry`, 'admin'],
  ['POST', '/dead-letters/retry', 'admin'],
  ['GET', '/admin/queue', 'admin'],
  ['POST', '/admin/pause', 'admin'],
  ['POST', '/admin/resume', 'admin'],
  ['GET', '/audit-trail', 'audit'],
  ['GET', '/audit-trail/proof/inclusion?sequence=0', 'audit'],
  ['GET', '/audit-trail/proof/consistency?from=1', 'audit'],
  ['GET', '/audit-trail/checkpoint', 'audit'],
  ['GET', '/audit-trail/key', 'audit'],
  ['GET', '/audit-trail/verify', 'audit'],
  ['POST', '/privacy/erasure', 'admin', { email: 'nobody@example.com', reason: 'art17' }],
  ['GET', `/privacy/erasure/${UUID}`, 'admin'],
  ['POST', '/privacy/access', 'admin', { email: 'nobody@example.com', reason: 'art15' }],
  ['POST', '/admin/keys', 'admin'],
];
const OPEN: readonly [method: Method, url: string][] = [
  ['GET', '/health/live'],
  ['GET', '/health/ready'],
  ['GET', '/openapi.json'],
  ['GET', '/docs'],
];
const SCOPES: readonly KeyName[] = ['ingest', 'read', 'audit', 'admin'];

describe('who may do what', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness();
  });
  after(() => harness.close());

  for (const [method, url, scope, body] of GUARDED) {
    for (const key of [...SCOPES, 'all' as const]) {
      const may = key === scope || key === 'all';
      test(`${method} ${url.split('?')[0]} with the scope ${key}: ${may ? 'let in' : 'refused'}`, async () => {
        const answer = await harness.send(method, url, { key, body });
        if (!may) {
          assert.match(assertProblem(answer, 'forbidden').detail, new RegExp(`"${scope}"`));
          return;
        }
        assert.ok(![401, 403].includes(answer.status), answer.text);
        assert.ok(answer.status < 500, answer.text);
      });
    }

    test(`${method} ${url.split('?')[0]} without a key`, async () => {
      const answer = await harness.send(method, url, { key: null, body });
      assertProblem(answer, 'unauthorized');
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
    });
  }

  test('the table speaks of every route that asks for a key', () => {
    const { paths } = harness.service.app.swagger() as unknown as { paths: Record<string, Record<string, { security: unknown[] }>> };
    const guarded = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).flatMap(([method, { security }]) => (security.length > 0 ? [`${method.toUpperCase()} ${path}`] : [])));
    const spoken = GUARDED.map(([method, url]) => `${method} ${(url.split('?')[0] ?? '').replace(UUID, '{id}')}`);
    assert.deepEqual(guarded.toSorted(), spoken.toSorted());
  });

  for (const [method, url] of OPEN) {
    test(`${method} ${url} is open`, async () => {
      const answer = await harness.send(method, url, { key: null });
      assert.ok([200, 302].includes(answer.status), String(answer.status));
    });
  }

  const WRONG: readonly [name: string, authorization: string][] = [
    ['another secret', 'Bearer k-none-000000'],
    ['a secret cut short', `Bearer ${SECRETS.all.slice(0, -1)}`],
    ['a secret with more behind it', `Bearer ${SECRETS.all}x`],
    ['a secret in capitals', `Bearer ${SECRETS.all.toUpperCase()}`],
    ['the name and the secret', `Bearer all:${SECRETS.all}`],
    ['Basic', `Basic ${Buffer.from(`all:${SECRETS.all}`).toString('base64')}`],
    ['no scheme', SECRETS.all],
    ['nothing behind the scheme', 'Bearer '],
    ['two secrets', `Bearer ${SECRETS.all} ${SECRETS.all}`],
    ['a very long one', `Bearer ${'x'.repeat(5000)}`],
    ['bytes that are no ASCII', 'Bearer k\u00e9y'],
  ];
  for (const [name, authorization] of WRONG) {
    test(`a key that is ${name} is none`, async () => {
      const answer = await harness.send('GET', '/jobs', { key: null, headers: { authorization } });
      assertProblem(answer, 'unauthorized');
      assert.ok(!answer.text.includes('k-all'));
    });
  }

  test('the scheme is read in any case, as RFC 9110 says', async () => {
    assert.equal((await harness.send('GET', '/jobs', { key: null, headers: { authorization: `bEARER ${SECRETS.read}` } })).status, 200);
  });

  test('a key in the URL is not looked at', async () => {
    assertProblem(await harness.send('GET', `/jobs?access_token=${SECRETS.all}`, { key: null }), 'unauthorized');
  });
});

describe('what is not there', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness();
  });
  after(() => harness.close());

  const NOWHERE: readonly [method: Method, url: string, code: 'not_found' | 'method_not_allowed' | 'invalid_request', allow?: string][] = [
    ['GET', '/', 'not_found'],
    ['GET', '/jobs/', 'invalid_request'],
    ['GET', '/%2e%2e/etc/passwd', 'not_found'],
    ['POST', '/nope', 'not_found'],
    ['GET', '/enrich-batch', 'method_not_allowed', 'POST'],
    ['DELETE', '/jobs', 'method_not_allowed', 'GET'],
    ['POST', '/jobs', 'method_not_allowed', 'GET'],
    ['PUT', '/enrich-batch', 'method_not_allowed', 'POST'],
    ['PATCH', '/audit-trail', 'method_not_allowed', 'GET'],
    ['DELETE', '/audit-trail', 'method_not_allowed', 'GET'],
    ['OPTIONS', '/jobs', 'method_not_allowed', 'GET'],
    ['TRACE', '/jobs', 'method_not_allowed', 'GET'],
    ['DELETE', `/jobs/${UUID}`, 'method_not_allowed', 'GET'],
    ['GET', `/profiles/${UUID}/enrich`, 'method_not_allowed', 'POST'],
    ['GET', '/jobs/%zz', 'invalid_request'],
    ['GET', '/jobs/not-a-uuid', 'invalid_request'],
    ['GET', `/jobs/${'x'.repeat(500)}`, 'not_found'],
  ];
  for (const [method, url, code, allow] of NOWHERE) {
    test(`${method} ${url.slice(0, 40)}: ${code}`, async () => {
      const answer = await harness.send(method, url);
      assertProblem(answer, code);
      if (allow !== undefined) assert.ok(answer.headers['allow']?.split(/, ?/).includes(allow), answer.headers['allow'] ?? 'no allow');
    });
  }

  test('HEAD is GET without a body', async () => {
    const [get, head] = [await harness.send('GET', '/jobs'), await harness.send('HEAD', '/jobs')];
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    assert.equal(head.headers['content-type'], get.headers['content-type']);
    assert.equal((await harness.send('HEAD', '/jobs', { key: null })).status, 401);
  });

  test('every answer names its request, and two have two names', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await harness.send('GET', '/nope', { headers: { 'x-request-id': 'mine', 'request-id': 'mine' } })).headers['x-request-id']));
    assert.equal(new Set(ids).size, 5);
    for (const id of ids) assert.match(id ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test('answers carry the headers that browsers are kept in line with', async () => {
    const { headers } = await harness.send('GET', '/jobs');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-frame-options'], 'SAMEORIGIN');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.match(headers['strict-transport-security'] ?? '', /^max-age=31536000/);
    assert.equal((await harness.send('GET', '/nope')).headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-powered-by'], undefined);
    assert.equal(headers['server'], undefined);
  });
});

describe('a service without keys', () => {
  test('lets everybody in, on loopback only, and says who that is', async () => {
    const harness = await startHarness({ AUTH_DISABLED: 'true', API_KEYS: '' });
    try {
      for (const [method, url, , body] of GUARDED) assert.ok(![401, 403].includes((await harness.send(method, url, { key: null, body })).status), url);
      assert.ok(harness.auditLines().some(({ action, actor }) => action === 'admin_action' && actor === 'anonymous'));
    } finally {
      await harness.close();
    }
  });
});
