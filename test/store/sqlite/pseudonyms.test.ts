import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Pseudonyms } from '../../../src/store/sqlite/pseudonyms.ts';

const KEY = randomBytes(32);
const expected = (kind: string, value: string): string => createHmac('sha256', KEY).update(`${kind}:${value}`, 'utf8').digest('hex').slice(0, 32);

test('a pseudonym is the first half of an HMAC-SHA-256, whatever came before it and however long the value is', () => {
  const pseudonyms = new Pseudonyms(KEY);
  fc.assert(
    fc.property(fc.constantFrom('email', 'phone', 'crm'), fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 300, maxLength: 2000, unit: 'grapheme' })), (kind, value) => {
      assert.equal(pseudonyms.of(kind, value).toString('hex'), expected(kind, value));
      assert.equal(Buffer.from(pseudonyms.latin1(kind, value), 'latin1').toString('hex'), expected(kind, value));
    }),
  );
});

test('the kind is part of what is hashed, and so is the key', () => {
  const pseudonyms = new Pseudonyms(KEY);
  assert.notEqual(pseudonyms.latin1('email', 'x'), pseudonyms.latin1('phone', 'x'));
  assert.notEqual(pseudonyms.latin1('email', 'x'), new Pseudonyms(randomBytes(32)).latin1('email', 'x'));
});
