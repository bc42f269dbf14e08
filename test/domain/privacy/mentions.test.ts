import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MENTION_KINDS, callingCodeOf, mentionsIn } from '../../../src/domain/privacy/mentions.ts';
import type { MentionKind } from '../../../src/domain/privacy/mentions.ts';

const foundIn = (value: unknown, kinds: readonly MentionKind[] = MENTION_KINDS, callingCodes = ['49']): string[] =>
  [...mentionsIn(value, { kinds: new Set(kinds), callingCodes })].map(({ kind, value: found }) => `${kind}:${found}`);

describe('what a value mentions', () => {
  const mail = 'email:jan.kowalski@example.net';
  const phone = 'phone:+493012345678';
  const cases: [string, unknown, string][] = [
    ['an address', { spouse: 'jan.kowalski@example.net' }, mail],
    ['an address in another spelling', { spouse: ' Jan.Kowalski@EXAMPLE.net ' }, mail],
    ['an address in a sentence', { note: 'Write to Jan (jan.kowalski@example.net), please.' }, mail],
    ['an address with a name', { spouse: 'Jan <jan.kowalski@example.net>' }, mail],
    ['an address in a URL', { link: 'https://shop.example/?m=jan.kowalski%40example.net&x=1' }, mail],
    ['an address deep within', { family: [{ contacts: [['jan.kowalski@example.net']] }] }, mail],
    ['an address as the name of a member', { family: { 'jan.kowalski@example.net': true } }, mail],
    ['an international number', { phone: '+49 30 12345678' }, phone],
    ['a number with a trunk zero in brackets', { phone: '+49 (0)30 1234-5678' }, phone],
    ['a number behind an international prefix', { phone: '0049 30 12345678' }, phone],
    ['a number as it is dialled at home', { note: 'ring 030 / 12 34 56 78 after six' }, phone],
    ['a number without anything', { phone: '3012345678' }, phone],
    ['a number that is a JSON number', { phone: 493012345678 }, phone],
    ['an external id', { partner: 'crm-4711' }, 'crm:crm-4711'],
    ['an external id in a sentence', { note: 'see crm-4711, (or ask)' }, 'crm:crm-4711'],
    ['an external id with spaces', { partner: ' customer 4711 ' }, 'crm:customer 4711'],
    ['an external id that is a number', { partner: 4711 }, 'crm:4711'],
    ['a profile', { linked: ['4B9F2F6E-1a5e-4a44-9d0f-0f2f3a4d5c6b'] }, 'profile:4b9f2f6e-1a5e-4a44-9d0f-0f2f3a4d5c6b'],
  ];
  for (const [name, value, want] of cases) test(name, () => assert.ok(foundIn(value).includes(want), foundIn(value).join(' ')));

  test('is only looked at for what is looked for', () => {
    const value = { note: 'jan.kowalski@example.net, +49 30 12345678, crm-4711' };
    assert.deepEqual(foundIn(value, ['email']), [mail]);
    assert.deepEqual(foundIn(value, ['phone']), [phone]);
    assert.deepEqual(foundIn(value, []), []);
  });

  test('a number without a code is read in the countries that are asked about, and in no other', () => {
    assert.ok(foundIn({ phone: '030 12345678' }, ['phone'], ['43', '49']).includes(phone));
    assert.ok(!foundIn({ phone: '030 12345678' }, ['phone'], ['43']).includes(phone));
  });

  test('takes time in proportion to the value, whatever is in it', () => {
    const cost = (size: number): number => {
      const value = { a: '1 '.repeat(size), b: 'a@'.repeat(size), c: '(0)-'.repeat(size), d: ' '.repeat(size) };
      const before = process.cpuUsage();
      for (const _ of mentionsIn(value, { kinds: new Set(MENTION_KINDS), callingCodes: ['1', '49'] }));
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    cost(1000);
    assert.ok(cost(40_000) < 20 * cost(10_000) + 50_000);
  });
});

test('a calling code is told from what follows it', () => {
  assert.deepEqual(['+493012345678', '+12025550187', '+35312345678', '+9991'].map(callingCodeOf), ['49', '1', '353', undefined]);
});
