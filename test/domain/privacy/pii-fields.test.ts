import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPolicy } from '../../../src/domain/privacy/pii.ts';
import { fieldsOf } from '../../../src/domain/privacy/pii-fields.ts';

test('fields are told of by name, with classes and counts, and without a value', () => {
  const { hits } = applyPolicy({ contact: { mail: 'ada@example.org', more: ['bob@example.org', '4111 1111 1111 1111'] }, note: 'eve@example.org', tier: 'gold' }, {});
  assert.deepEqual(fieldsOf(hits), [
    { field: 'contact', classes: ['EMAIL', 'CREDIT_CARD'], found: 3 },
    { field: 'note', classes: ['EMAIL'], found: 1 },
  ]);
});

test('a name that may be personal data itself is not told', () => {
  const { hits } = applyPolicy({ 'ada@example.org': 'eve@example.org', '+4930901820': 'eve@example.org', 'Ada Lovelace': 'eve@example.org', mail_2: 'eve@example.org' }, {});
  const fields = fieldsOf(hits);
  assert.deepEqual(fields.map(({ field }) => field), ['[other]', 'mail_2']);
  assert.deepEqual(fields[0], { field: '[other]', classes: ['EMAIL'], found: 3 });
});

test('more than 50 fields are told of together', () => {
  const { hits } = applyPolicy(Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`field_${n}`, 'eve@example.org'])), {});
  const fields = fieldsOf(hits);
  assert.equal(fields.length, 51);
  assert.equal(fields.reduce((sum, { found }) => sum + found, 0), 60);
});
