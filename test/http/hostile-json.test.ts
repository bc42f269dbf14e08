import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertProblem, contact, startHarness } from './harness.ts';
import type { Answer, Harness } from './harness.ts';

type Case = { id: string; name: string; expect: 'accept' | 'reject' | 'either'; utf8?: string; base64?: string; repeat?: { unit: string; times: number; suffix: string } };
type Naughty = { id: string; category: string; text: string };

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'json');
const SUITE = rows<Case>('json-test-suite.jsonl');
const NAUGHTY = rows<Naughty>('naughty-strings.jsonl');
const UUID = '0190a7c5-1f6b-7c3a-8d2e-0123456789ab';
const MIB = 1024 * 1024;

let harness: Harness;
before(async () => {
  harness = await startHarness({ PII_POLICY: '' });
});
after(() => harness.close());
afterEach(() => assert.deepEqual(Object.keys(Object.prototype), []));

const raw = (body: string | Buffer, query = '?dry_run=true'): Promise<Answer> => harness.send('POST', `/enrich-batch${query}`, { body });

/** Never 5xx, and an error is a problem document. */
function assertSane(answer: Answer): void {
  assert.ok(answer.status < 500, `${answer.status} ${answer.text.slice(0, 200)}`);
  if (answer.status >= 400) assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/);
}

describe('a body that is one of JSONTestSuite', () => {
  for (const one of SUITE) {
    test(`${one.name}: ${one.expect}`, async () => {
      const answer = await raw(bytesOf(one));
      assertSane(answer);
      const { code } = answer.json<{ code?: string }>();
      if (one.expect === 'accept') assert.equal(code, 'contacts_missing');
      if (one.expect === 'reject') assert.equal(code, 'invalid_json');
    });
  }
});

describe('JSONTestSuite inside a contact, a row and an attribute', () => {
  for (const one of SUITE.filter(({ repeat }) => repeat === undefined)) {
    test(one.name, async () => {
      const text = bytesOf(one);
      const around = (left: string, right: string): Buffer => Buffer.concat([Buffer.from(left), text, Buffer.from(right)]);
      const inside = await raw(around('{"contacts":[{"email":"a@example.com","country":"US","interaction_history":', '}]}'));
      assertSane(inside);
      if (one.expect === 'reject' && !isRepairedByNeighbours(one.name)) assert.equal(inside.status, 400, inside.text.slice(0, 200));
      const row = await harness.send('POST', '/enrich-batch?dry_run=true', { type: 'application/x-ndjson', body: around('', `\n${JSON.stringify(contact(1))}\n`) });
      assertSane(row);
      const attribute = await harness.send('POST', `/profiles/${UUID}/enrich?dry_run=true`, { body: around('{"mergeStrategy":"OVERWRITE","sourceSystem":"s","attributes":{"a":', '}}') });
      assertSane(attribute);
    });
  }
});

/** Texts that are broken by themselves and whole where something follows or stands before. */
function isRepairedByNeighbours(name: string): boolean {
  return /^n_(?:structure_open|structure_unclosed|single_space|structure_no_data|object_trailing|structure_trailing)/.test(name);
}

describe('naughty strings', () => {
  const FIELDS = ['email', 'phone', 'first_name', 'last_name', 'address', 'city', 'state', 'postal_code', 'country', 'timezone', 'external_crm_id', 'consent_source', 'updated_at'] as const;

  test('in any field cause no error, and come back as they were or not at all', async () => {
    for (const field of FIELDS) {
      const contacts = NAUGHTY.map(({ text }, n) => contact(n, { [field]: text }));
      const answer = await harness.batch(contacts, { query: '?dry_run=true' });
      assert.equal(answer.status, 200);
      const { results } = answer.json<{ results: { outcome: string; contact: Record<string, unknown>; warnings: unknown[]; errors: unknown[] }[] }>();
      assert.equal(results.length, NAUGHTY.length);
      if (field !== 'first_name') continue;
      for (const [n, { contact: normalized, errors, warnings }] of results.entries()) {
        const text = NAUGHTY[n]?.text ?? '';
        const found = normalized['first_name'];
        const squeezed = (one: string): string => one.normalize('NFKC').replaceAll(/[\s\p{C}]+/gu, '');
        if (typeof found === 'string') assert.equal(squeezed(found), squeezed(text), NAUGHTY[n]?.id ?? '');
        else assert.equal(squeezed(text) === '' || errors.length + warnings.length > 0, true, `${NAUGHTY[n]?.id} was lost in silence`);
      }
    }
  });

  test('are taken for good, and found again as they were', async () => {
    const contacts = NAUGHTY.map(({ text }, n) => contact(n, { email: `naughty${n}@example.com`, first_name: text, consent_source: text }));
    const answer = await harness.batch(contacts);
    assert.equal(answer.status, 202, answer.text.slice(0, 200));
    const { rejected, job_id: job } = answer.json<{ rejected: number; job_id: string }>();
    const { contacts: listed } = (await harness.send('GET', `/jobs/${job}?limit=1000`)).json<{ contacts: { status: string }[] }>();
    assert.equal(listed.length, NAUGHTY.length);
    assert.equal(listed.filter(({ status }) => status === 'rejected').length, rejected);
  });

  test('as keys, in headers and in the query are only words', async () => {
    for (const { text } of NAUGHTY) {
      assertSane(await harness.batch([{ ...contact(1), [text]: text }], { query: '?dry_run=true' }));
      assertSane(await harness.send('GET', `/audit-trail?limit=1&action=${inUrl(text, 60)}&cursor=${inUrl(text, 20)}`));
      assertSane(await harness.send('GET', `/consents?external_crm_id=${inUrl(text, 100)}`));
      assertSane(await harness.send('GET', `/dead-letters?reason=${inUrl(text, 300)}`));
      assertSane(await harness.send('POST', `/profiles/${UUID}/enrich?dry_run=true`, { body: { attributes: { [text.slice(0, 100) || 'a']: text }, mergeStrategy: 'OVERWRITE', sourceSystem: text.slice(0, 64) || 's' } }));
    }
  });
});

describe('keys that aim at a prototype', () => {
  const POISON: readonly [name: string, text: string][] = [
    ['__proto__', '{"__proto__":{"polluted":1}}'],
    ['__proto__ in a contact', '{"contacts":[{"__proto__":{"polluted":1}}]}'],
    ['__proto__ deep down', '{"contacts":[{"interaction_history":[{"a":{"__proto__":{"polluted":1}}}]}]}'],
    ['__proto__ that is null', '{"contacts":[{"__proto__":null}]}'],
    ['escaped', '{"contacts":[{"\\u005f_proto__":{"polluted":1}}]}'],
    ['escaped in full', `{"contacts":[{"${[...'__proto__'].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')}":{"polluted":1}}]}`],
    ['escaped in capitals', '{"contacts":[{"\\u005F\\u005Fproto__":{"polluted":1}}]}'],
    ['constructor.prototype', '{"contacts":[{"constructor":{"prototype":{"polluted":1}}}]}'],
    ['constructor.prototype, escaped', '{"contacts":[{"\\u0063onstructor":{"protot\\u0079pe":{"polluted":1}}}]}'],
    ['twice', '{"contacts":[{"email":"a@example.com","__proto__":{"a":1},"__proto__":{"polluted":1}}]}'],
  ];
  for (const [name, text] of POISON) {
    test(`${name} are refused`, async () => {
      assertProblem(await raw(text, ''), 'invalid_json');
      const attributes = text.replace('{"contacts":[', '{"mergeStrategy":"OVERWRITE","sourceSystem":"s","attributes":').replace(/\]\}$/, '}');
      assertProblem(await harness.send('POST', `/profiles/${UUID}/enrich`, { body: attributes }), 'invalid_json');
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    });
  }

  test('words that only look like them are taken', async () => {
    const text = '{"contacts":[{"email":"a@example.com","country":"US","first_name":"__proto__","last_name":"constructor","constructor":"Builder","prototype":{"a":1},"toString":"x","hasOwnProperty":1,"valueOf":null}]}';
    const { results } = (await raw(text)).json<{ results: { outcome: string; contact: Record<string, unknown>; warnings: { field: string }[] }[] }>();
    assert.deepEqual([results[0]?.outcome, results[0]?.contact['first_name']], ['accepted', '__proto__']);
    assert.deepEqual(results[0]?.warnings.map(({ field }) => field).sort(), ['constructor', 'hasOwnProperty', 'prototype', 'toString', 'valueOf']);
  });
});

describe('bodies that are too much', () => {
  const BOMBS: readonly [name: string, text: string][] = [
    ['500,000 lists', '['.repeat(500_000)],
    ['500,000 lists that are closed', '['.repeat(500_000) + ']'.repeat(500_000)],
    ['500,000 objects', `${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}`],
    ['a contact 100 deep', `{"contacts":[{"email":"a@example.com","interaction_history":${'['.repeat(100)}${']'.repeat(100)}}]}`],
  ];
  for (const [name, text] of BOMBS) {
    test(`${name} are refused`, async () => {
      assertProblem(await raw(text), 'invalid_json');
      const row = await harness.send('POST', '/enrich-batch?dry_run=true', { type: 'application/x-ndjson', body: `${text.slice(0, 200_000)}\n${JSON.stringify(contact(1))}\n` });
      assert.deepEqual(row.json<{ results: { outcome: string }[] }>().results.map(({ outcome }) => outcome), ['rejected', 'accepted']);
    });
  }

  test('many keys and long texts cost no more than their length', async () => {
    const keys = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, n]));
    assertSane(await raw(JSON.stringify({ contacts: [{ ...contact(1), ...keys }] })));
    assertSane(await raw(JSON.stringify({ contacts: [contact(1, { first_name: 'x'.repeat(MIB), address: ', '.repeat(MIB / 4), phone: '1'.repeat(MIB), email: `${'a@'.repeat(MIB / 4)}example.com` })] })));
    assertSane(await raw(`{"contacts":[{"a":1e999999,"b":-1e999999,"c":${'9'.repeat(100_000)}}]}`));
  });
});

describe('texts that no store keeps', () => {
  const BAD: readonly [name: string, url: string, body: Record<string, unknown>][] = [
    ['a reason', '/consents/withdraw', { email: 'a@example.com', reason: 'a\ud800' }],
    ['an external id', '/consents/withdraw', { external_crm_id: 'a\u0000', reason: 'asked to' }],
    ['a source', `/profiles/${UUID}/enrich`, { attributes: { a: 1 }, mergeStrategy: 'OVERWRITE', sourceSystem: 'a\udc00' }],
    ['a tag', `/profiles/${UUID}/enrich`, { attributes: { a: 1 }, mergeStrategy: 'OVERWRITE', sourceSystem: 's', tags: ['\u0000'] }],
    ['a name', `/profiles/${UUID}/enrich`, { attributes: { 'a\ud800': 1 }, mergeStrategy: 'OVERWRITE', sourceSystem: 's' }],
  ];
  for (const [name, url, body] of BAD) {
    test(`${name} with one of them is refused`, async () => {
      assertProblem(await harness.send('POST', url, { body }), 'invalid_request');
    });
  }
  for (const [name, value] of [['a lone surrogate', '"\\ud800"'], ['a number that is not finite', '1e999'], ['one of them deep down', '[{"b":["\\udfff"]}]']] as const) {
    test(`an attribute with ${name} has no canonical form`, async () => {
      const body = `{"attributes":{"a":${value}},"mergeStrategy":"OVERWRITE","sourceSystem":"s"}`;
      assertProblem(await harness.send('POST', `/profiles/${UUID}/enrich`, { body }), 'not_canonical');
    });
  }
});

describe('bytes that are no text', () => {
  for (const [name, bytes] of [
    ['a byte that begins nothing', Buffer.from([0x22, 0xff, 0x22])],
    ['a letter cut short', Buffer.from([0x22, 0xe2, 0x82, 0x22])],
    ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['UTF-16', Buffer.from('{"contacts":[]}', 'utf16le')],
    ['a byte order mark', Buffer.from('\uFEFF{"contacts":[]}')],
  ] as const) {
    test(`${name} is refused`, async () => {
      assertProblem(await raw(bytes), 'invalid_json');
    });
  }
});

function inUrl(text: string, max: number): string {
  return encodeURIComponent(text.slice(0, max).toWellFormed());
}

function bytesOf({ utf8, base64, repeat }: Case): Buffer {
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  if (repeat !== undefined) return Buffer.from(repeat.unit.repeat(repeat.times) + repeat.suffix);
  return Buffer.from(utf8 ?? '');
}

function rows<T>(file: string): T[] {
  return readFileSync(join(FIXTURES, file), 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as T);
}
