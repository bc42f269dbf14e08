import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setupClient } from '../support/cxone-client.ts';
import type { ClientSetup } from '../support/cxone-client.ts';
import { json } from '../support/http-server.ts';
import type { Reply } from '../support/http-server.ts';

const ID = '0190b0c4-7e0a-7cc0-8a5e-3f1d2c4b5a69';
const REQUEST = '0190b0c4-7e0a-7cc0-8a5e-000000000001';
const ACCEPTED = json(202, { contacts: ['c-1'] });

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function setup(reply: Reply): Promise<ClientSetup> {
  const made = await setupClient(reply);
  open.push(made);
  return made;
}

describe('tokens', () => {
  test('one for many calls, one for each API', async () => {
    const { client, server } = await setup(ACCEPTED);
    await Promise.all(Array.from({ length: 6 }, () => client.merge([{}], REQUEST)));
    await client.patch(ID, {}, REQUEST);
    assert.deepEqual(server.received.filter(({ path }) => path.endsWith('/token')).map(({ path }) => path), [
      '/oauth2/token',
      '/api/v2/oauth/token',
    ]);
  });

  test('401: refreshed once, repeated once under the same request id', async () => {
    const { client, toApi } = await setup((response, request) => {
      const reply = request.headers.authorization === 'Bearer t1' ? json(401, {}) : ACCEPTED;
      reply(response, request);
    });
    const { outcome, requests, status } = await client.merge([{}], REQUEST);
    assert.deepEqual({ kind: outcome.kind, requests, status }, { kind: 'accepted', requests: 2, status: 202 });
    assert.deepEqual(toApi().map(({ headers }) => [headers.authorization, headers['x-request-id']]), [
      ['Bearer t1', REQUEST],
      ['Bearer t2', REQUEST],
    ]);
  });

  test('401 again: said, and not repeated again', async () => {
    const { client, toApi } = await setup(json(401, { message: 'clock skew' }));
    const { outcome, requests, status } = await client.merge([{}], REQUEST);
    assert.deepEqual(outcome, { kind: 'unauthorized', reason: 'a fresh token was refused: clock skew' });
    assert.deepEqual({ requests, status, sent: toApi().length }, { requests: 2, status: 401, sent: 2 });
  });

  test('a token refused to many calls at once is renewed once', async () => {
    const { client, server } = await setup((response, request) => {
      const reply = request.headers.authorization === 'Bearer t1' ? json(401, {}) : ACCEPTED;
      reply(response, request);
    });
    const results = await Promise.all(Array.from({ length: 8 }, () => client.merge([{}], REQUEST)));
    assert.deepEqual(new Set(results.map(({ outcome }) => outcome.kind)), new Set(['accepted']));
    assert.equal(server.received.filter(({ path }) => path.endsWith('/token')).length, 2);
  });

  test('401, then no token to be had: nothing was applied', async () => {
    const { client, token } = await setup((response, request) => {
      token.reply = json(503, {});
      json(401, {})(response, request);
    });
    const { outcome, requests } = await client.merge([{}], REQUEST);
    assert.equal(outcome.kind, 'unavailable');
    assert.equal(requests, 1);
  });

  test('a missing scope is named before the call', async () => {
    const { client, toApi, token } = await setup(ACCEPTED);
    token.reply = json(200, { access_token: 't', expires_in: 3600, scope: 'contact:read' });
    const { outcome, requests } = await client.merge([{}], REQUEST);
    assert.deepEqual(outcome, {
      kind: 'forbidden',
      reason: 'the token lacks the scope contact:write, which merging contacts needs; it has: contact:read',
    });
    assert.deepEqual({ requests, sent: toApi().length }, { requests: 0, sent: 0 });
  });

  test('a scope granted later is found without a restart', async () => {
    const { client, token, clock } = await setup(ACCEPTED);
    token.reply = json(200, { access_token: 't', expires_in: 3600, scope: 'contact:read' });
    assert.equal((await client.merge([{}], REQUEST)).outcome.kind, 'forbidden');
    token.reply = json(200, { access_token: 'u', expires_in: 3600, scope: 'contact:write' });
    assert.equal((await client.merge([{}], REQUEST)).outcome.kind, 'forbidden', 'a fresh token is not asked for again');
    clock.advance(30_000);
    assert.equal((await client.merge([{}], REQUEST)).outcome.kind, 'accepted');
  });

  test('a role granted later is found without a restart', async () => {
    const { client, clock } = await setup((response, request) => {
      const reply = request.headers.authorization === 'Bearer t1' ? json(403, { message: 'role missing' }) : ACCEPTED;
      reply(response, request);
    });
    assert.equal((await client.merge([{}], REQUEST)).outcome.kind, 'forbidden');
    assert.equal((await client.merge([{}], REQUEST)).outcome.kind, 'forbidden');
    clock.advance(30_000);
    assert.equal((await client.merge([{}], REQUEST)).outcome.kind, 'forbidden');
    assert.equal((await client.merge([{}], REQUEST)).outcome.kind, 'accepted');
  });

  test('a refused client is no attempt at the API', async () => {
    const { client, toApi, token } = await setup(ACCEPTED);
    token.reply = json(401, { error: 'invalid_client' });
    const { outcome, requests, status } = await client.merge([{}], REQUEST);
    assert.deepEqual(outcome, { kind: 'unauthorized', reason: 'the token endpoint answered 401: invalid_client' });
    assert.deepEqual({ requests, status, sent: toApi().length }, { requests: 0, status: null, sent: 0 });
  });
});
