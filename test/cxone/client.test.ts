import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { afterEach, describe, test } from 'node:test';
import type { CxoneSettings } from '../../src/cxone/client.ts';
import { PLATFORM } from '../../src/cxone/dialects/platform.ts';
import { mergeBody } from '../../src/cxone/merge-body.ts';
import type { CallResult } from '../../src/domain/ports/cxone.ts';
import { setupClient } from '../support/cxone-client.ts';
import type { ClientSetup } from '../support/cxone-client.ts';
import { json, text } from '../support/http-server.ts';
import type { Reply } from '../support/http-server.ts';
import type { ManualClock } from '../support/manual-clock.ts';

const ID = '0190b0c4-7e0a-7cc0-8a5e-3f1d2c4b5a69';
const REQUEST = '0190b0c4-7e0a-7cc0-8a5e-000000000001';
const ACCEPTED = json(202, { contacts: ['c-1'] });
const PATCHED = { profileId: ID, updatedAttributes: 1, mergeResult: 'SUCCESS', deduplicationTrigger: false };

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function setup(reply: Reply, more?: Partial<CxoneSettings>): Promise<ClientSetup> {
  const made = await setupClient(reply, more);
  open.push(made);
  return made;
}

describe('a merge', () => {
  test('is sent as agreed, and its answer told', async () => {
    const { client, toApi, clock, calls } = await setup(ACCEPTED);
    const contact = { phone: '+15125550123', email: 'a@example.com', consent_to_email: true, updated_at: 'x', secret: 'y', city: undefined };
    const result = await client.merge([contact], REQUEST);
    const [request] = toApi();
    assert.equal(request?.method, 'POST');
    assert.equal(request?.path, '/api/v2/contacts/merge');
    assert.equal(request?.headers.authorization, 'Bearer t1');
    assert.equal(request?.headers['content-type'], 'application/json');
    assert.equal(request?.headers['x-request-id'], REQUEST);
    assert.deepEqual(JSON.parse(request?.body ?? ''), {
      contacts: [{
        email: 'a@example.com', phone: '+15125550123', consent_to_email: true, gdpr_consent: true,
        deduplication_hash: hash('sha256', '{"email":"a@example.com","phone":"+15125550123"}', 'hex'),
      }],
      merge_strategy: 'keep_most_recent',
      deduplication_rules: ['email', 'phone'],
      suppress_duplicates: true,
    });
    const want: CallResult = {
      api: 'contacts',
      operation: 'merge',
      status: 202,
      outcome: { kind: 'accepted', contactIds: ['c-1'] },
      latencyMs: 0,
      sentAt: clock.now(),
      answeredAt: clock.now(),
      requests: 1,
    };
    assert.deepEqual(result, want);
    assert.deepEqual(calls, [want]);
  });

  const CONSENTS: readonly [flags: Record<string, boolean>, wanted: boolean | undefined][] = [
    [{}, undefined],
    [{ consent_to_email: false, consent_to_sms: false, consent_to_phone: false }, false],
    [{ consent_to_phone: true }, true],
    [{ consent_to_email: true, consent_to_sms: false, consent_to_phone: true }, true],
  ];
  for (const [flags, wanted] of CONSENTS) {
    test(`says gdpr_consent ${wanted} of ${JSON.stringify(flags)}, and has a hash for the identifiers alone`, () => {
      const bodyOf = (contact: object) => (mergeBody(PLATFORM, [contact]) as { contacts: Record<string, unknown>[] }).contacts[0];
      const [plain, other] = [bodyOf({ email: 'a@example.com', ...flags }), bodyOf({ city: 'Ulm', email: 'a@example.com', ...flags })];
      assert.equal(plain?.['gdpr_consent'], wanted);
      assert.equal(plain?.['deduplication_hash'], hash('sha256', '{"email":"a@example.com"}', 'hex'));
      assert.equal(other?.['deduplication_hash'], plain?.['deduplication_hash']);
    });
  }

  test('leaves inherited fields where they are', () => {
    const inherited = Object.create({ email: 'proto@example.com' }) as object;
    assert.deepEqual((mergeBody(PLATFORM, [inherited]) as { contacts: unknown }).contacts, [{}]);
  });

  test('tells how long the request took, by the monotonic clock', async () => {
    const holder: { clock?: ManualClock } = {};
    const made = await setup((response, request) => {
      holder.clock?.jump(-3_600_000);
      holder.clock?.advance(250);
      ACCEPTED(response, request);
    });
    holder.clock = made.clock;
    const before = made.clock.now();
    const { latencyMs, sentAt, answeredAt } = await made.client.merge([{}], REQUEST);
    assert.deepEqual({ latencyMs, sentAt, answeredAt }, { latencyMs: 250, sentAt: before, answeredAt: before + 250 });
  });
});

describe('a PATCH', () => {
  test('is sent as it stands, under the base path', async () => {
    const { client, server, toApi } = await setup(json(200, PATCHED));
    const body = { profileId: ID, attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: ['x'] };
    const { outcome, api } = await client.patch(ID, body, REQUEST);
    assert.equal(api, 'profiles');
    assert.equal(outcome.kind, 'patched');
    const [request] = toApi();
    assert.equal(request?.method, 'PATCH');
    assert.equal(request?.path, `/base/api/v2/profiles/${ID}`);
    assert.deepEqual(JSON.parse(request?.body ?? ''), body);
    assert.equal(server.received[0]?.path, '/api/v2/oauth/token');
  });

  for (const id of ['..', '../contacts', `${ID}/x`, '', 'email_x@y.com']) {
    test(`never leaves its place: ${JSON.stringify(id)}`, async () => {
      const { client, server } = await setup(json(200, PATCHED));
      const { outcome, requests, status } = await client.patch(id, {}, REQUEST);
      assert.deepEqual(outcome, {
        kind: 'rejected',
        reason: 'not a profile id',
        at: [{ index: 0, field: 'profileId', reason: 'not a profile id' }],
      });
      assert.deepEqual({ requests, status, sent: server.received.length }, { requests: 0, status: null, sent: 0 });
    });
  }
});

describe('webhooks are registered', () => {
  const webhooks = { urls: { contacts: 'https://us.example/webhooks', profiles: 'https://us.example/cdp' }, secret: 'whsec_x' };

  test('at both APIs, each with its own body', async () => {
    const { client, toApi } = await setup(json(201, {}), { webhooks });
    assert.deepEqual(client.webhookApis, ['contacts', 'profiles']);
    for (const api of client.webhookApis) {
      const { outcome } = await client.registerWebhook(api, REQUEST);
      assert.deepEqual(outcome, { kind: 'registered', existed: false });
    }
    const sent = toApi().map(({ path, body }) => [path, JSON.parse(body) as unknown]);
    assert.deepEqual(sent, [
      ['/api/v2/webhooks', {
        name: 'contact-merge-processor', url: 'https://us.example/webhooks', events: ['contact.merged', 'contact.updated'],
        enabled: true, scope: 'tenant', secret: 'whsec_x',
      }],
      ['/base/api/v2/webhooks', {
        name: 'cxone_profile_enrichment_sync', url: 'https://us.example/cdp', eventTypes: ['PROFILE_UPDATED', 'PROFILE_MERGED'],
        enabled: true, secret: 'whsec_x',
      }],
    ]);
  });

  test('409 says that it is there', async () => {
    const { client } = await setup(json(409, { error: 'exists' }), { webhooks });
    const { outcome } = await client.registerWebhook('contacts', REQUEST);
    assert.deepEqual(outcome, { kind: 'registered', existed: true });
  });

  test('CXone repeating the secret in its refusal does not spread it', async () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const { client } = await setup(json(422, { error: `secret ${secret} too weak` }), { webhooks: { ...webhooks, secret } });
    const { outcome } = await client.registerWebhook('contacts', REQUEST);
    assert.deepEqual(outcome, { kind: 'rejected', reason: 'secret [value] too weak', at: [] });
  });

  test('only where a URL is set', async () => {
    const { client } = await setup(ACCEPTED, { webhooks: { urls: { contacts: 'https://us.example' }, secret: 's' } });
    assert.deepEqual(client.webhookApis, ['contacts']);
    assert.throws(() => client.registerWebhook('profiles', REQUEST), RangeError);
    const without = await setup(ACCEPTED);
    assert.deepEqual(without.client.webhookApis, []);
  });
});

describe('answers', () => {
  const cases: [string, Reply, string, number][] = [
    ['HTML in a 200', text(200, '<html>ok</html>', { 'content-type': 'text/html' }), 'unknown', 200],
    ['204', text(204, ''), 'unknown', 204],
    ['an empty 200', text(200, ''), 'unknown', 200],
    ['JSON cut off', text(202, '{"contacts":["c-'), 'unknown', 202],
    ['not UTF-8', text(202, Buffer.from('{"job_id":"\xff"}', 'latin1')), 'unknown', 202],
    ['UTF-16', text(202, Buffer.from('{"contacts":["c-1"]}', 'utf16le')), 'unknown', 202],
    ['a byte order mark', text(202, '\ufeff{"contacts":["c-1"]}'), 'accepted', 202],
    ['doubled keys', text(202, '{"contacts":[1],"contacts":["c-1"]}'), 'accepted', 202],
    ['a prototype key', text(202, '{"__proto__":{"contacts":["c-9"]},"job_id":"j"}'), 'accepted', 202],
    ['very deep', text(202, '['.repeat(500_000)), 'unknown', 202],
    ['a redirect, not followed', text(307, '', { location: '/elsewhere' }), 'misconfigured', 307],
    ['a redirect to another host', text(301, '', { location: 'http://127.0.0.1:1/' }), 'misconfigured', 301],
    ['400', json(400, { error: 'no' }), 'rejected', 400],
    ['422', json(422, { error: 'no', errors: [{ index: 0 }] }), 'rejected', 422],
    ['a rejection that cannot be read', text(422, '<html>'), 'rejected', 422],
    ['403', json(403, {}), 'forbidden', 403],
    ['409', json(409, {}), 'conflict', 409],
    ['408', json(408, {}), 'failed', 408],
    ['425', json(425, {}), 'failed', 425],
    ['500', json(500, {}), 'failed', 500],
    ['503', json(503, {}), 'failed', 503],
    ['429', json(429, {}), 'throttled', 429],
  ];
  for (const [name, reply, kind, status] of cases) {
    test(name, async () => {
      const { client, toApi } = await setup(reply);
      const result = await client.merge([{}], REQUEST);
      assert.equal(result.outcome.kind, kind);
      assert.equal(result.status, status);
      assert.equal(result.requests, 1);
      assert.equal(toApi().length, 1);
    });
  }

  test('Retry-After is read in both forms', async () => {
    const seconds = await setup(json(429, {}, { 'retry-after': '12' }));
    assert.deepEqual((await seconds.client.merge([{}], REQUEST)).outcome, { kind: 'throttled', retryAfterMs: 12_000 });
    const dates = { date: 'Sun, 22 Nov 2020 10:00:00 GMT', 'retry-after': 'Sun, 22 Nov 2020 10:00:45 GMT' };
    const dated = await setup(json(503, {}, dates));
    assert.deepEqual((await dated.client.merge([{}], REQUEST)).outcome, { kind: 'failed', status: 503, retryAfterMs: 45_000 });
  });
});

test('the environment of a proxy is not heeded', async (t) => {
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
  for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : 'http://127.0.0.1:9';
  t.after(() => {
    for (const name of names) Reflect.deleteProperty(process.env, name);
  });
  const { client } = await setup(ACCEPTED);
  assert.equal((await client.merge([{}], REQUEST)).outcome.kind, 'accepted');
});

test('closing cuts off what is under way, honestly', async () => {
  const { client, server } = await setup(() => {});
  const call = client.merge([{}], REQUEST);
  await server.arrived(2);
  await client.close();
  assert.deepEqual((await call).outcome, { kind: 'unknown', reason: 'the service is stopping' });
  const after = await client.merge([{}], REQUEST);
  assert.deepEqual(after.outcome, { kind: 'unavailable', reason: 'the service is stopping', sent: false });
});
