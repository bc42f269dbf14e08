import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { HttpCaller } from '../../src/cxone/http.ts';
import {
  BACKOFF_MIN_MS,
  LIFETIME_DEFAULT_MS,
  LIFETIME_MAX_MS,
  LIFETIME_MIN_MS,
  lifetimeMs,
  RECHECK_MS,
  scopesOf,
  TOKEN_ANSWER_MAX_BYTES,
  TokenSource,
} from '../../src/cxone/token.ts';
import type { Token, TokenResult } from '../../src/cxone/token.ts';
import { json, startHttpServer, text } from '../support/http-server.ts';
import type { FakeServer, Reply } from '../support/http-server.ts';
import { ManualClock } from '../support/manual-clock.ts';

const SECRET = 'S3cr+t&= value/';
const patience = (): AbortSignal => AbortSignal.timeout(5_000);

type Setup = { source: TokenSource; server: FakeServer; clock: ManualClock; reply: { now: Reply } };
const open: { close(): Promise<void> }[] = [];

async function setup(reply: Reply, timeoutMs = 2_000): Promise<Setup> {
  const holder = { now: reply };
  const server = await startHttpServer((response, request) => holder.now(response, request));
  const http = new HttpCaller(timeoutMs);
  const clock = new ManualClock();
  const settings = { tokenUrl: `${server.url}/oauth2/token`, clientId: 'client-7', clientSecret: SECRET, scopes: ['contact:write', 'contact:read'] };
  open.push(http, server);
  return { source: new TokenSource({ settings, http, clock, timeoutMs }), server, clock, reply: holder };
}

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** Answers with t1, t2, … */
function counting(extra: Record<string, unknown> = { expires_in: 3600 }): Reply {
  let count = 0;
  return (response, request) => {
    count += 1;
    json(200, { access_token: `t${count}`, token_type: 'Bearer', ...extra })(response, request);
  };
}

function value(result: TokenResult): string {
  return result.ok ? result.token.value : JSON.stringify(result.outcome);
}

async function granted(source: TokenSource): Promise<Token> {
  const result = await source.get(patience());
  assert.ok(result.ok);
  return result.token;
}

describe('asking for a token', () => {
  test('sends the credentials in a form body, and nothing in the URL', async () => {
    const { source, server } = await setup(json(200, { access_token: 'abc', expires_in: 3600, scope: 'contact:write contact:read' }));
    const token = await granted(source);
    assert.deepEqual([...(token.scopes ?? [])], ['contact:write', 'contact:read']);
    const [request] = server.received;
    assert.equal(request?.method, 'POST');
    assert.equal(request?.path, '/oauth2/token');
    assert.equal(request?.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.equal(request?.headers.authorization, undefined);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(request?.body)), {
      grant_type: 'client_credentials',
      client_id: 'client-7',
      client_secret: SECRET,
      scope: 'contact:write contact:read',
    });
  });

  test('once, however many wait', async () => {
    const { source, server } = await setup(counting());
    const results = await Promise.all(Array.from({ length: 50 }, () => source.get(patience())));
    assert.deepEqual(new Set(results.map(value)), new Set(['t1']));
    assert.equal(server.received.length, 1);
  });

  test('again 60 s before it expires, by the monotonic clock', async () => {
    const { source, server, clock } = await setup(counting());
    assert.equal(value(await source.get(patience())), 't1');
    clock.jump(86_400_000);
    clock.advance(3_539_000);
    assert.equal(value(await source.get(patience())), 't1');
    clock.advance(1_000);
    assert.equal(value(await source.get(patience())), 't2');
    assert.equal(server.received.length, 2);
  });

  for (const expiresIn of [undefined, 0, -1, '0', 'soon', '', null, {}, 'NaN', 1e12]) {
    test(`never in a storm, with expires_in ${JSON.stringify(expiresIn)}`, async () => {
      const { source, server, clock } = await setup(counting({ expires_in: expiresIn }));
      for (let ms = 0; ms < 4_000; ms += 100) {
        assert.equal(value(await source.get(patience())), 't1');
        clock.advance(100);
      }
      assert.equal(server.received.length, 1);
    });
  }
});

describe('a token that was refused', () => {
  test('is forgotten once, also when many calls report it', async () => {
    const { source, server } = await setup(counting());
    const old = await granted(source);
    source.invalidate(old);
    assert.equal(value(await source.get(patience())), 't2');
    source.invalidate(old);
    assert.equal(value(await source.get(patience())), 't2');
    assert.equal(server.received.length, 2);
  });

  test('is asked for anew when it lacks a right, but not at every call', async () => {
    const { source, clock } = await setup(counting());
    const token = await granted(source);
    source.recheck(token);
    assert.equal(value(await source.get(patience())), 't1');
    clock.advance(RECHECK_MS);
    source.recheck(token);
    assert.equal(value(await source.get(patience())), 't2');
  });
});

describe('a token endpoint that fails', () => {
  const encoded = new URLSearchParams({ secret: SECRET }).toString();
  const cases: [string, Reply, string, RegExp][] = [
    ['400 with the form in its words', json(400, { error: `bad form: ${encoded}` }), 'unauthorized', /bad form: secret=\[value\]$/],
    ['400 with words', json(400, { error: 'invalid_client', error_description: `bad secret ${SECRET}` }), 'unauthorized', /^the token endpoint answered 400: invalid_client: bad secret \[value\]$/],
    ['401', json(401, {}), 'unauthorized', /answered 401$/],
    ['403', json(403, { error: 'ip_not_allowed' }), 'forbidden', /answered 403: ip_not_allowed$/],
    ['404', text(404, 'no'), 'unauthorized', /answered 404$/],
    ['a redirect', text(302, '', { location: 'http://127.0.0.1:1/' }), 'unauthorized', /answered 302$/],
    ['429', json(429, {}), 'unavailable', /answered 429$/],
    ['503', json(503, {}), 'unavailable', /answered 503$/],
    ['HTML', text(200, '<html>', { 'content-type': 'text/html' }), 'unavailable', /answered 200 without a token$/],
    ['JSON null', json(200, null), 'unavailable', /without a token$/],
    ['no token in it', json(200, { expires_in: 3600 }), 'unavailable', /without a token$/],
    ['a token that would break the header', json(200, { access_token: 'a\r\nb: c' }), 'unavailable', /without a token$/],
    ['204', text(204, ''), 'unavailable', /answered 204 without a token$/],
    ['larger than allowed', text(200, `{"access_token":"${'a'.repeat(TOKEN_ANSWER_MAX_BYTES)}"}`), 'unavailable', /without a token$/],
    ['cut off', (response) => response.destroy(), 'unavailable', /connection/],
  ];
  for (const [name, reply, kind, reason] of cases) {
    test(name, async () => {
      const { source } = await setup(reply);
      const result = await source.get(patience());
      assert.ok(!result.ok);
      assert.equal(result.outcome.kind, kind);
      assert.match(result.outcome.reason, reason);
      assert.ok(!JSON.stringify(result).includes(SECRET.slice(0, 6)));
    });
  }

  test('is left alone for a while, and its failure shared', async () => {
    const { source, server, clock, reply } = await setup(json(503, {}));
    for (let call = 0; call < 20; call += 1) assert.equal((await source.get(patience())).ok, false);
    assert.equal(server.received.length, 1);
    clock.advance(BACKOFF_MIN_MS);
    await source.get(patience());
    assert.equal(server.received.length, 2);
    clock.advance(BACKOFF_MIN_MS);
    await source.get(patience());
    assert.equal(server.received.length, 2, 'the second wait is longer');
    clock.advance(BACKOFF_MIN_MS);
    reply.now = counting();
    assert.equal(value(await source.get(patience())), 't1');
  });

  test('that asks for a wait gets it, and says how long it still is', async () => {
    const { source, server, clock } = await setup(json(503, {}, { 'retry-after': '90' }));
    await source.get(patience());
    clock.advance(60_000);
    const result = await source.get(patience());
    assert.deepEqual(result, {
      ok: false,
      outcome: { kind: 'unavailable', reason: 'the token endpoint answered 503', sent: false, retryAfterMs: 30_000 },
    });
    assert.equal(server.received.length, 1);
  });

  test('does not stop calls while the old token lives', async () => {
    const { source, clock, reply } = await setup(counting());
    await source.get(patience());
    reply.now = json(503, {});
    clock.advance(3_541_000);
    assert.equal(value(await source.get(patience())), 't1');
    assert.equal(value(await source.get(patience())), 't1');
    clock.advance(60_000);
    assert.equal((await source.get(patience())).ok, false);
  });

  test('that hangs ends with the time allowed', async () => {
    const { source } = await setup(() => {}, 60);
    const result = await source.get(patience());
    assert.deepEqual(result.ok ? {} : result.outcome.reason, 'the token endpoint: no answer within 60 ms');
  });

  test('a caller who cannot wait leaves; the others get the token', async () => {
    const gate = Promise.withResolvers<void>();
    const { source, server } = await setup((response, request) => {
      void gate.promise.then(() => json(200, { access_token: 'late' })(response, request));
    });
    const impatient = new AbortController();
    const first = source.get(impatient.signal);
    const second = source.get(patience());
    await server.arrived(1);
    impatient.abort(new Error('no time'));
    const left = await first;
    assert.equal(left.ok ? '' : left.outcome.reason, 'the token endpoint: no time');
    gate.resolve();
    assert.equal(value(await second), 'late');
  });
});

test('lifetimes', () => {
  const cases: [unknown, number][] = [
    [3600, 3_600_000],
    ['3600', 3_600_000],
    [' 120.5 ', 120_500],
    [0, LIFETIME_MIN_MS],
    [1e12, LIFETIME_MAX_MS],
    [Number.POSITIVE_INFINITY, LIFETIME_MAX_MS],
    [Number.NaN, LIFETIME_DEFAULT_MS],
    [-5, LIFETIME_DEFAULT_MS],
    ['1e3', LIFETIME_DEFAULT_MS],
    [undefined, LIFETIME_DEFAULT_MS],
    [null, LIFETIME_DEFAULT_MS],
    [true, LIFETIME_DEFAULT_MS],
  ];
  for (const [given, want] of cases) assert.equal(lifetimeMs(given), want, String(given));
  fc.assert(
    fc.property(fc.anything(), (given) => {
      const ms = lifetimeMs(given);
      assert.ok(ms >= LIFETIME_MIN_MS && ms <= LIFETIME_MAX_MS);
    }),
  );
});

test('scopes', () => {
  const cases: [unknown, string[] | undefined][] = [
    ['a b', ['a', 'b']],
    [' a,  b ', ['a', 'b']],
    [['a', 'b c', 1], ['a', 'b', 'c']],
    ['', []],
    [[], []],
    [undefined, undefined],
    [7, undefined],
  ];
  for (const [given, want] of cases) {
    const scopes = scopesOf(given);
    assert.deepEqual(scopes && [...scopes], want, JSON.stringify(given));
  }
});
