import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { WEBHOOK_SECRET, assertProblem, startHarness } from './harness.ts';
import type { Answer, Harness } from './harness.ts';

const PATH = '/webhooks/cxone-merge';
const MAX_BYTES = 256 * 1024;
const PLAIN_SECRET = 'plain-secret-of-a-tenant-0123456789';
const SECOND_SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

type Scheme = 'standard' | 'sha256-header' | 'nexus';
type Signing = { secret?: string; at?: number; id?: string };

const hmac = (key: string | Buffer, text: string, encoding: 'hex' | 'base64'): string => createHmac('sha256', key).update(text).digest(encoding);
let counter = 0;

/** Headers as the tenant makes them; `at` in seconds from now. */
function sign(scheme: Scheme, body: string, { secret, at = 0, id = `evt-${(counter += 1)}` }: Signing = {}): Record<string, string> {
  const seconds = String(Math.floor(Date.now() / 1000) + at);
  if (scheme === 'standard') {
    const key = Buffer.from((secret ?? WEBHOOK_SECRET).slice('whsec_'.length), 'base64');
    return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${hmac(key, `${id}.${seconds}.${body}`, 'base64')}` };
  }
  const key = secret ?? PLAIN_SECRET;
  if (scheme === 'sha256-header') return { 'x-cxone-signature': `sha256=${hmac(key, body, 'hex')}` };
  return { 'x-nexus-timestamp': seconds, 'x-nexus-delivery-id': id, 'x-nexus-signature-256': `sha256=${hmac(key, `${seconds}.${body}`, 'hex')}` };
}

const event = (more: Record<string, unknown> = {}): string => JSON.stringify({ type: 'contact.merged', contact_id: `c-${(counter += 1)}`, ...more });

for (const scheme of ['standard', 'sha256-header', 'nexus'] as const) {
  describe(`webhooks signed as ${scheme}`, () => {
    let harness: Harness;
    before(async () => {
      const secrets = scheme === 'standard' ? `${WEBHOOK_SECRET},${SECOND_SECRET}` : PLAIN_SECRET;
      harness = await startHarness({ WEBHOOK_SIGNATURE: scheme, WEBHOOK_SECRETS: secrets, RATE_LIMIT_PER_MINUTE: '1' });
    });
    after(() => harness.close());

    const send = (body: string | Buffer, headers: Record<string, string>, type = 'application/json'): Promise<Answer> => harness.send('POST', PATH, { key: null, body, headers, type });
    const signed = (body: string, signing: Signing = {}): Promise<Answer> => send(body, sign(scheme, body, signing));

    test('are acknowledged once they are stored', async () => {
      const answer = await signed(event());
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.json(), { acknowledged: true, event_type: 'contact.merged' });
    });

    for (const type of ['contact.updated', 'PROFILE_UPDATED', 'PROFILE_MERGED']) {
      test(`${type} is known`, async () => {
        assert.deepEqual((await signed(event({ type, profileId: 'p-1' }))).json(), { acknowledged: true, event_type: type });
      });
    }

    test('are told apart from their repetition', async () => {
      const body = event({ id: `same-${scheme}` });
      const headers = sign(scheme, body, { id: `dup-${scheme}` });
      assert.deepEqual((await send(body, headers)).json(), { acknowledged: true, event_type: 'contact.merged' });
      for (let n = 0; n < 3; n += 1) assert.deepEqual((await send(body, headers)).json(), { acknowledged: true, event_type: 'contact.merged', duplicate: true });
    });

    test('are told apart by the very end of a long id', async () => {
      const [one, other] = ['1', '2'].map((end) => event({ id: `${scheme}${'x'.repeat(300)}${end}` }));
      for (const body of [one!, other!]) assert.equal((await signed(body)).json()['duplicate'], undefined);
      if (scheme === 'sha256-header') assert.equal((await signed(one!)).json()['duplicate'], true);
    });

    test('of a type that nobody knows are acknowledged and ignored', async () => {
      assert.deepEqual((await signed(event({ type: 'agent.moved' }))).json(), { acknowledged: true, event_type: 'agent.moved', ignored: true });
    });

    test('are never slowed down by the limit for callers', async () => {
      for (let n = 0; n < 10; n += 1) assert.equal((await signed(event())).status, 200);
    });

    const body = event();
    const good = sign(scheme, body);
    const [signatureHeader = ''] = Object.keys(good).filter((name) => name.includes('signature'));
    const REFUSED: readonly [name: string, body: string, headers: Record<string, string>][] = [
      ['unsigned', body, {}],
      ['signed with another secret', body, sign(scheme, body, { secret: scheme === 'standard' ? `whsec_${Buffer.alloc(32, 1).toString('base64')}` : 'another' })],
      ['signed for another body', body, sign(scheme, event())],
      ['changed by a space', `${body} `, good],
      ['signed with nothing', body, { ...good, [signatureHeader]: '' }],
      ['signed with noise', body, { ...good, [signatureHeader]: 'sha256=zz v1,!!' }],
      ['signed as another scheme has it', body, sign(scheme === 'standard' ? 'nexus' : 'standard', body)],
    ];
    if (scheme !== 'sha256-header') {
      for (const [name, at] of [['too old', -301], ['too new', 330]] as const) {
        test(`${name} are refused`, async () => {
          assertProblem(await signed(event(), { at }), 'signature_invalid');
        });
      }
      test('a little late is in time', async () => {
        assert.equal((await signed(event(), { at: -280 })).status, 200);
      });
    }
    for (const [name, text, headers] of REFUSED) {
      test(`${name} are refused`, async () => {
        const answer = await send(text, headers);
        const { detail } = assertProblem(answer, 'signature_invalid');
        assert.ok(!detail.includes(Object.values(good).at(-1) ?? 'x'));
      });
    }

    test('with an API key in place of a signature are refused', async () => {
      assertProblem(await harness.send('POST', PATH, { key: 'all', body }), 'signature_invalid');
    });

    const UNREADABLE: readonly [name: string, body: string, code: 'invalid_json' | 'invalid_request'][] = [
      ['no JSON', 'type=contact.merged', 'invalid_json'],
      ['nothing', '', 'invalid_json'],
      ['a list', '[]', 'invalid_request'],
      ['null', 'null', 'invalid_request'],
      ['no type', '{"contact_id":"c"}', 'invalid_request'],
      ['a type that is no text', '{"type":5}', 'invalid_request'],
      ['a poisoned key', '{"type":"contact.merged","__proto__":{"a":1}}', 'invalid_json'],
      ['a bomb', '['.repeat(100_000), 'invalid_json'],
    ];
    for (const [name, text, code] of UNREADABLE) {
      test(`signed, but ${name}: ${code}`, async () => {
        assertProblem(await signed(text), code);
      });
    }

    test('signed, but no UTF-8, is refused', async () => {
      const bytes = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
      assertProblem(await send(bytes, signBytes(scheme, bytes)), 'invalid_json');
    });

    test('over 256 KiB are refused before anything is looked at', async () => {
      const large = event({ note: 'x'.repeat(MAX_BYTES) });
      assertProblem(await send(large, sign(scheme, large)), 'body_too_large');
      const fits = JSON.stringify({ type: 'contact.merged', contact_id: 'c-large', note: '' });
      const padded = JSON.stringify({ type: 'contact.merged', contact_id: 'c-large', note: 'x'.repeat(MAX_BYTES - fits.length) });
      assert.equal(padded.length, MAX_BYTES);
      assert.equal((await signed(padded)).status, 200);
    });

    test('may come with any content type, since only the bytes count', async () => {
      for (const type of ['text/plain', 'application/octet-stream', 'application/cloudevents+json']) {
        const one = event();
        assert.equal((await send(one, sign(scheme, one), type)).status, 200, type);
      }
    });

    test('ids and subjects of any length and script are stored', async () => {
      for (const id of ['x'.repeat(5000), '😀', 'a\u0000b', '\ud800', "'; DROP TABLE contacts; --"]) {
        const one = event({ id, contact_id: id, request_id: id });
        const answer = await signed(one);
        assert.ok(answer.status === 200 || answer.status === 400, `${answer.status} ${answer.text}`);
      }
    });
  });
}

describe('several secrets and signatures', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness({ WEBHOOK_SECRETS: `${WEBHOOK_SECRET},${SECOND_SECRET}` });
  });
  after(() => harness.close());

  test('any secret may have signed', async () => {
    const body = event();
    assert.equal((await harness.send('POST', PATH, { key: null, body, headers: sign('standard', body, { secret: SECOND_SECRET }) })).status, 200);
  });

  test('one of several signatures is enough', async () => {
    const body = event();
    const headers = sign('standard', body);
    headers['webhook-signature'] = `v1,${Buffer.alloc(32).toString('base64')} v1a,xx ${headers['webhook-signature'] ?? ''}`;
    assert.equal((await harness.send('POST', PATH, { key: null, body, headers })).status, 200);
  });

  test('what became of webhooks is counted', async () => {
    const text = (await harness.send('GET', '/metrics')).text;
    assert.match(text, /^enricher_webhooks_total\{outcome="stored"\} 2$/m);
  });
});

function signBytes(scheme: Scheme, bytes: Buffer): Record<string, string> {
  const headers = sign(scheme, '');
  const mac = (key: string | Buffer, head: string, encoding: 'hex' | 'base64'): string => createHmac('sha256', key).update(head).update(bytes).digest(encoding);
  if (scheme === 'standard') {
    const key = Buffer.from(WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
    return { ...headers, 'webhook-signature': `v1,${mac(key, `${headers['webhook-id']}.${headers['webhook-timestamp']}.`, 'base64')}` };
  }
  if (scheme === 'sha256-header') return { 'x-cxone-signature': `sha256=${mac(PLAIN_SECRET, '', 'hex')}` };
  return { ...headers, 'x-nexus-signature-256': `sha256=${mac(PLAIN_SECRET, `${headers['x-nexus-timestamp']}.`, 'hex')}` };
}
