import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isUsableSecret, SECRETS_MAX, SIGNATURES_MAX, verifyWebhook } from '../../src/cxone/webhook-signature.ts';
import type { WebhookScheme } from '../../src/cxone/webhook-signature.ts';
import { signStandard } from '../../src/domain/delivery/standard-webhooks.ts';

type Vector = {
  id: string;
  name: string;
  kind: 'verify' | 'secret_error' | 'secret_format' | 'sign_error';
  secret: string;
  headers?: Record<string, string>;
  payload?: string;
  now?: number;
  want: string;
};

const vectors = readFileSync(new URL('../fixtures/webhooks/vectors.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const TIME = 1_614_265_330;
const NOW = TIME * 1000;
const BODY = Buffer.from('{"type":"contact.merged","contact_id":"c-1"}');

function signed(id = 'msg_1', secret = SECRET, time = TIME): Record<string, string> {
  return signStandard(id, time, BODY, secret);
}

function verify(headers: Record<string, string | string[]>, { body = BODY, secrets = [SECRET], now = NOW } = {}): string {
  const verdict = verifyWebhook('standard', headers, body, secrets, now);
  return verdict.ok ? 'ok' : verdict.reason;
}

describe('published vectors of Standard Webhooks', () => {
  assert.equal(vectors.length, 20);
  for (const { id, name, kind, secret, headers = {}, payload = '', now = 0, want } of vectors) {
    test(`${id} ${name}`, () => {
      if (kind === 'secret_format') {
        assert.equal(isUsableSecret('standard', secret), want === 'secret_ok');
        return;
      }
      const verdict = verifyWebhook('standard', headers, Buffer.from(payload), [secret], now * 1000);
      assert.equal(verdict.ok, want === 'valid');
      if (kind === 'secret_error') assert.deepEqual(verdict, { ok: false, reason: 'no_usable_secret' });
      if (kind === 'sign_error') {
        assert.throws(() => signStandard('msg_1', Number(`${headers['webhook-timestamp']}1`), payload, secret), RangeError);
      }
    });
  }

  test('our own signature of a published message is the published one', () => {
    const vector = vectors.find(({ name }) => name === 'published vector') as Required<Vector>;
    const headers = signStandard(vector.headers['webhook-id'] ?? '', vector.now, vector.payload, vector.secret);
    assert.deepEqual(headers, vector.headers);
  });
});

describe('standard scheme', () => {
  test('gives the id and time that were signed', () => {
    assert.deepEqual(verifyWebhook('standard', signed(), BODY, [SECRET], NOW), { ok: true, id: 'msg_1', timestamp: TIME });
  });

  const times: [string, string, string][] = [
    ['exponent', '1e9', 'malformed_header'],
    ['negative', '-1', 'malformed_header'],
    ['fraction', '1614265330.0', 'malformed_header'],
    ['text behind', '1614265330abc', 'malformed_header'],
    ['zero in front', '01614265330', 'malformed_header'],
    ['hexadecimal', '0x60378b72', 'malformed_header'],
    ['2^63', '9223372036854775808', 'malformed_header'],
    ['milliseconds', '1614265330000', 'malformed_header'],
    ['301 s ago', String(TIME - 301), 'too_old'],
    ['301 s ahead', String(TIME + 301), 'too_new'],
  ];
  for (const [name, time, want] of times) {
    test(`time: ${name}`, () => {
      const key = Buffer.from(SECRET.slice(6), 'base64');
      const signature = createHmac('sha256', key).update(`msg_1.${time}.`).update(BODY).digest('base64');
      assert.equal(verify({ 'webhook-id': 'msg_1', 'webhook-timestamp': time, 'webhook-signature': `v1,${signature}` }), want);
    });
  }

  test('300 s either way is still in time', () => {
    assert.equal(verify(signed('m', SECRET, TIME - 300), { now: NOW + 999 }), 'ok');
    assert.equal(verify(signed('m', SECRET, TIME + 300)), 'ok');
  });

  test('rotation: old and new secret, and neither once it is revoked', () => {
    assert.equal(verify(signed('m', OTHER), { secrets: [SECRET, OTHER] }), 'ok');
    assert.equal(verify(signed('m', SECRET), { secrets: [SECRET, OTHER] }), 'ok');
    assert.equal(verify(signed('m', OTHER)), 'no_match');
  });

  test('only so many secrets are tried', () => {
    const others = Array.from({ length: SECRETS_MAX - 1 }, () => OTHER);
    assert.equal(verify(signed(), { secrets: [...others, SECRET] }), 'ok');
    assert.equal(verify(signed(), { secrets: [...others, OTHER, SECRET] }), 'no_match');
  });

  test('a bad secret among good ones is passed over; bad ones alone let nothing in', () => {
    assert.equal(verify(signed(), { secrets: ['whsec_%', SECRET] }), 'ok');
    assert.equal(verify(signed(), { secrets: ['whsec_%'] }), 'no_usable_secret');
    assert.equal(verify(signed(), { secrets: [] }), 'no_usable_secret');
  });

  const { 'webhook-signature': good = '' } = signed();
  const forged: [string, Record<string, string | string[]>, string][] = [
    ['no signature', { 'webhook-signature': '' }, 'missing_header'],
    ['no id', { 'webhook-id': '' }, 'missing_header'],
    ['no time', { 'webhook-timestamp': '' }, 'missing_header'],
    ['v0', { 'webhook-signature': good.replace('v1,', 'v0,') }, 'no_match'],
    ['v1a', { 'webhook-signature': good.replace('v1,', 'v1a,') }, 'no_match'],
    ['no version', { 'webhook-signature': good.slice(3) }, 'no_match'],
    ['cut short', { 'webhook-signature': good.slice(0, 20) }, 'no_match'],
    ['without padding', { 'webhook-signature': good.replace('=', '') }, 'no_match'],
    ['other spelling of the same bytes', { 'webhook-signature': respelled(good) }, 'no_match'],
    ['unicode', { 'webhook-signature': `v1,${'é'.repeat(44)}` }, 'no_match'],
    ['header twice, joined', { 'webhook-signature': `${good}, ${good}` }, 'malformed_header'],
    ['header twice, as a list', { 'webhook-signature': [good, good] }, 'malformed_header'],
    ['id twice', { 'webhook-id': 'msg_1, msg_1' }, 'malformed_header'],
    ['another id', { 'webhook-id': 'msg_2' }, 'no_match'],
    ['another time', { 'webhook-timestamp': String(TIME + 1) }, 'no_match'],
    ['good one behind too many', { 'webhook-signature': `${'v1,x '.repeat(SIGNATURES_MAX)}${good}` }, 'no_match'],
    ['a thousand', { 'webhook-signature': 'v1,x '.repeat(1000) }, 'no_match'],
  ];
  for (const [name, change, want] of forged) {
    test(`forged: ${name}`, () => assert.equal(verify({ ...signed(), ...change }), want));
  }

  test('an id with a dot is refused though it is signed: the dot divides what is signed', () => {
    const key = Buffer.from(SECRET.slice(6), 'base64');
    const signature = createHmac('sha256', key).update(`a.1.${TIME}.`).update(BODY).digest('base64');
    const headers = { 'webhook-id': 'a.1', 'webhook-timestamp': String(TIME), 'webhook-signature': `v1,${signature}` };
    assert.equal(verify(headers), 'malformed_header');
    assert.throws(() => signStandard('a.1', TIME, BODY, SECRET), RangeError);
  });

  test('the bytes count, not what they mean', () => {
    const headers = signed();
    const reformatted = Buffer.from(JSON.stringify(JSON.parse(BODY.toString()), null, 1));
    assert.equal(verify(headers, { body: reformatted }), 'no_match');
    const invalidUtf8 = Buffer.from([0xff, 0xfe, 0x00]);
    assert.equal(verify(signStandard('m', TIME, invalidUtf8, SECRET), { body: invalidUtf8 }), 'ok');
    assert.equal(verify(signStandard('m', TIME, invalidUtf8, SECRET), { body: Buffer.from('��\0') }), 'no_match');
  });

  test('what we sign is accepted; with any one byte changed it is not', () => {
    const flip = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), flip, (bytes, [place, mask]) => {
        const body = Buffer.from(bytes);
        const headers = signStandard('m', TIME, body, SECRET);
        assert.equal(verify(headers, { body }), 'ok');
        const at = place % body.length;
        body[at] = (body[at] ?? 0) ^ mask;
        assert.equal(verify(headers, { body }), 'no_match');
      }),
    );
  });
});

/** Base64 of 32 bytes has two idle bits in its last digit. */
function respelled(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const last = alphabet.indexOf(signature.at(-2) ?? '');
  const other = `${signature.slice(0, -2)}${alphabet[last ^ 1]}=`;
  assert.deepEqual(Buffer.from(other.slice(3), 'base64'), Buffer.from(signature.slice(3), 'base64'));
  return other;
}

describe('secrets of the standard scheme', () => {
  const key = (bytes: number): string => Buffer.alloc(bytes, 0xab).toString('base64');
  const cases: [string, string, boolean][] = [
    ['24 bytes', key(24), true],
    ['with prefix', `whsec_${key(32)}`, true],
    ['75 bytes', key(75), true],
    ['without its padding', key(25).replace(/=+$/, ''), true],
    ['23 bytes', key(23), false],
    ['76 bytes', key(76), false],
    ['half a padding', key(25).slice(0, -1), false],
    ['a digit too many', `${key(24)}A`, false],
    ['URL alphabet', Buffer.alloc(33, 0xff).toString('base64url'), false],
    ['prefix alone', 'whsec_', false],
    ['plain words', 'my marketing secret, long enough', false],
    ['a public key', `whpk_${key(32)}`, false],
  ];
  for (const [name, secret, want] of cases) test(name, () => assert.equal(isUsableSecret('standard', secret), want));
});

describe('sha256-header scheme', () => {
  const secret = 'a plain text secret';
  const hex = createHmac('sha256', secret).update(BODY).digest('hex');
  const check = (header: string | undefined, secrets = [secret], body = BODY): string => {
    const verdict = verifyWebhook('sha256-header', { 'x-cxone-signature': header }, body, secrets, NOW);
    return verdict.ok ? 'ok' : verdict.reason;
  };
  const cases: [string, string | undefined, string][] = [
    ['right', `sha256=${hex}`, 'ok'],
    ['upper case hex', `sha256=${hex.toUpperCase()}`, 'ok'],
    ['absent', undefined, 'missing_header'],
    ['no algorithm', hex, 'malformed_header'],
    ['another algorithm', `sha1=${hex}`, 'malformed_header'],
    ['too short', `sha256=${hex.slice(2)}`, 'malformed_header'],
    ['too long', `sha256=${hex}00`, 'malformed_header'],
    ['one digit off', `sha256=${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}`, 'no_match'],
  ];
  for (const [name, header, want] of cases) test(name, () => assert.equal(check(header), want));
  test('rotation and empty secrets', () => {
    assert.equal(check(`sha256=${hex}`, ['new', secret]), 'ok');
    assert.equal(check(`sha256=${hex}`, ['new']), 'no_match');
    const unkeyed = createHmac('sha256', '').update(BODY).digest('hex');
    assert.equal(check(`sha256=${unkeyed}`, ['']), 'no_usable_secret');
  });
  test('another body', () => assert.equal(check(`sha256=${hex}`, [secret], Buffer.from('{}')), 'no_match'));
});

describe('nexus scheme', () => {
  const secret = randomBytes(16).toString('hex');
  const headers = (time: string, id?: string): Record<string, string> => ({
    'x-nexus-timestamp': time,
    'x-nexus-signature-256': `sha256=${createHmac('sha256', secret).update(`${time}.`).update(BODY).digest('hex')}`,
    ...(id === undefined ? {} : { 'x-nexus-delivery-id': id }),
  });
  const check = (given: Record<string, string>): unknown => verifyWebhook('nexus', given, BODY, [secret], NOW);

  test('right, with and without a delivery id', () => {
    assert.deepEqual(check(headers(String(TIME), 'd-1')), { ok: true, id: 'd-1', timestamp: TIME });
    assert.deepEqual(check(headers(String(TIME))), { ok: true, timestamp: TIME });
  });
  test('time is signed, whole and near', () => {
    assert.deepEqual(check({ ...headers(String(TIME)), 'x-nexus-timestamp': String(TIME + 1) }), { ok: false, reason: 'no_match' });
    assert.deepEqual(check(headers('1.6e9')), { ok: false, reason: 'malformed_header' });
    assert.deepEqual(check(headers(String(TIME - 301))), { ok: false, reason: 'too_old' });
    assert.deepEqual(check(headers(String(TIME + 301))), { ok: false, reason: 'too_new' });
  });
  test('a header is missing', () => {
    for (const name of ['x-nexus-timestamp', 'x-nexus-signature-256']) {
      const { [name]: _dropped, ...rest } = headers(String(TIME), 'd-1');
      assert.deepEqual(check(rest), { ok: false, reason: 'missing_header' });
    }
  });
});

test('no scheme accepts what another one signed', () => {
  const schemes: WebhookScheme[] = ['sha256-header', 'nexus'];
  for (const scheme of schemes) assert.equal(verifyWebhook(scheme, signed(), BODY, [SECRET], NOW).ok, false);
});
