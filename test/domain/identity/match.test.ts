import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideMatch, nameKeyOf } from '../../../src/domain/identity/match.ts';
import type { KnownPerson, RecordKeys } from '../../../src/domain/identity/match.ts';

const NAMES: [string | undefined, string | undefined, string | undefined][] = [
  ['José', "O'Neill", 'jose neill o'],
  ["O'NEILL", 'jose', 'jose neill o'],
  ['Zoë', 'Weiß', 'weiss zoe'],
  ['ＡＮＡ', 'Silva ', 'ana silva'],
  ['明', '王', '明 王'],
  ['İpek', undefined, 'ipek'],
  ['', ' - ', undefined],
  [undefined, undefined, undefined],
];

for (const [first, last, key] of NAMES) {
  test(`name key of ${first} ${last}`, () => {
    assert.equal(nameKeyOf({ ...(first === undefined ? {} : { first_name: first }), ...(last === undefined ? {} : { last_name: last }) }), key);
  });
}

test('a name has the same key in either order and either normal form', () => {
  assert.equal(nameKeyOf({ first_name: 'Ana', last_name: 'Núñez' }), nameKeyOf({ first_name: 'Nu\u0301n\u0303ez', last_name: 'ANA' }));
});

const P = '+15125550123';
const person = (id: string, emailKey?: string, nameKey?: string): KnownPerson => ({
  id, phoneKeys: [P], ...(emailKey === undefined ? {} : { emailKey }), ...(nameKey === undefined ? {} : { nameKey }),
});

const CASES: { name: string; record: RecordKeys; byEmail?: KnownPerson; byPhone?: KnownPerson[]; expect: string }[] = [
  { name: 'nobody known', record: { emailKey: 'a@x' }, expect: 'new' },
  { name: 'same e-mail', record: { emailKey: 'a@x', phoneKey: P }, byEmail: person('1', 'a@x'), expect: 'same 1 email' },
  { name: 'same e-mail, other name', record: { emailKey: 'a@x', nameKey: 'bo li' }, byEmail: person('1', 'a@x', 'jo li'), expect: 'same 1 email' },
  { name: 'e-mail goes before phone', record: { emailKey: 'a@x', phoneKey: P }, byEmail: person('1', 'a@x'), byPhone: [person('2')], expect: 'same 1 email' },
  { name: 'same phone, nothing against it', record: { phoneKey: P }, byPhone: [person('1', 'a@x', 'jo li')], expect: 'same 1 phone' },
  { name: 'same phone and name, one e-mail missing', record: { phoneKey: P, nameKey: 'jo li' }, byPhone: [person('1', 'a@x', 'jo li')], expect: 'same 1 phone' },
  { name: 'same phone, other e-mail', record: { emailKey: 'b@x', phoneKey: P, nameKey: 'jo li' }, byPhone: [person('1', 'a@x', 'jo li')], expect: 'possible 1 phone_other_email' },
  { name: 'same phone, other name', record: { phoneKey: P, nameKey: 'ana li' }, byPhone: [person('1', 'a@x', 'jo li')], expect: 'possible 1 phone_other_name' },
  { name: 'same phone, a middle name more', record: { phoneKey: P, nameKey: 'ana li maria' }, byPhone: [person('1', undefined, 'ana li')], expect: 'same 1 phone' },
  { name: 'same phone, an initial', record: { phoneKey: P, nameKey: 'j smith' }, byPhone: [person('1', undefined, 'john smith')], expect: 'same 1 phone' },
  { name: 'same phone, another initial', record: { phoneKey: P, nameKey: 'k smith' }, byPhone: [person('1', undefined, 'john smith')], expect: 'possible 1 phone_other_name' },
  { name: 'same phone, initials alone', record: { phoneKey: P, nameKey: 'j s' }, byPhone: [person('1', undefined, 'john smith')], expect: 'possible 1 phone_other_name' },
  { name: 'same phone, the family name alone', record: { phoneKey: P, nameKey: 'smith' }, byPhone: [person('1', undefined, 'john smith')], expect: 'possible 1 phone_other_name' },
  { name: 'an initial does not take the place of a full word', record: { phoneKey: P, nameKey: 'j jo' }, byPhone: [person('1', undefined, 'jack jo')], expect: 'same 1 phone' },
  { name: 'same phone, several people', record: { phoneKey: P, nameKey: 'jo li' }, byPhone: [person('1', undefined, 'jo li'), person('2')], expect: 'possible 1,2 phone_several_people' },
];

for (const { name, record, byEmail, byPhone = [], expect } of CASES) {
  test(`match: ${name}`, () => {
    const match = decideMatch(record, byEmail, byPhone);
    const who = match.kind === 'same' ? match.id : match.kind === 'possible' ? match.ids.join(',') : '';
    assert.equal(match.kind === 'new' ? 'new' : `${match.kind} ${who} ${match.rule}`, expect);
  });
}
