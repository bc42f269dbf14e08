import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parsePhoneNumber } from 'libphonenumber-js/max';
import { buildSample, SAMPLE_SEED, type Sample } from '../../scripts/sample/build.ts';
import { COUNTRIES } from '../../scripts/sample/places.ts';

const read = (name: string): Record<string, unknown[]> =>
  JSON.parse(readFileSync(new URL(`../../src/sandbox/sample/${name}.json`, import.meta.url), 'utf8')) as Record<string, unknown[]>;
const { contacts, expected }: Sample = buildSample(SAMPLE_SEED);
const plainJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const count = (matches: (contact: Record<string, unknown>, index: number) => boolean): number => contacts.filter(matches).length;

describe('the sample', () => {
  it('is what the committed files hold, and another seed gives another one', () => {
    assert.deepEqual(read('contacts')['contacts'], plainJson(contacts));
    assert.deepEqual(read('expected')['expected'], plainJson(expected));
    assert.notDeepEqual(buildSample(SAMPLE_SEED + 1).contacts, contacts);
  });

  it('has at least 500 contacts of at least 12 countries', () => {
    const codeOf = new Map(COUNTRIES.flatMap(({ code, spellings }) => spellings.map((spelling) => [spelling, code])));
    const codes = new Set(contacts.map((contact) => codeOf.get(String(contact['country']))));
    assert.ok(contacts.length >= 500, String(contacts.length));
    assert.ok(codes.size >= 12, String(codes.size));
    assert.ok(!codes.has(undefined));
  });

  it('is dirty in every way it is meant to be', () => {
    const kinds: Record<string, number> = {
      'one-line addresses': count((one) => 'address' in one),
      'Windows zones': count((one) => String(one['timezone']).endsWith(' Standard Time')),
      'country names': count((one) => String(one['country']).length > 3),
      'shouted e-mails': count((one) => String(one['email']).startsWith(' ')),
      'unknown fields': count((one) => 'favourite_colour' in one),
      'wrong postal codes': count((one) => ['0', 'XXXXX', '999999999', 'unknown'].includes(String(one['postal_code']))),
      'unusable phones': count((one) => ['n/a', '12', 'call the office', '+999 000', '555'].includes(String(one['phone']))),
      'phones only': count((one) => !('email' in one) && 'phone' in one),
      'consent as text': count((one) => one['consent_to_email'] === 'true'),
      'sloppy consent': count((one) => one['consent_to_email'] === 1),
      households: count((one) => String(one['email']).startsWith('partner.of.')),
      'same person again': expected.filter(({ outcome }) => outcome === 'same_person').length,
    };
    for (const code of ['consent_missing', 'consent_refused', 'consent_withdrawn', 'identifier_missing']) {
      kinds[code] = expected.filter((one) => one.code === code).length;
    }
    for (const [kind, found] of Object.entries(kinds)) assert.ok(found >= 2, `${kind}: ${found}`);
  });

  it('writes to nobody: documentation domains, and numbers that are valid and of the ranges for fiction', () => {
    for (const { email } of contacts) {
      if (email !== undefined) assert.match(String(email).trim().toLowerCase(), /^[a-z.-]+@(?:mail\.)?example\.(?:com|org|net)$/);
    }
    const ranges = COUNTRIES.flatMap(({ phones }) => phones.map(({ e164 }) => new RegExp(`^\\${e164.replaceAll('#', '\\d')}$`)));
    for (const { phone } of expected) {
      if (phone === undefined) continue;
      assert.ok(parsePhoneNumber(phone).isValid(), phone);
      assert.ok(ranges.some((range) => range.test(phone)), phone);
    }
  });

  it('expects nobody to be both delivered and rejected, and joins only those who are there', () => {
    const outcomes = new Map<string, Set<string>>();
    for (const { email, phone, outcome } of expected) {
      const key = email ?? phone;
      if (key !== undefined) outcomes.set(key, (outcomes.get(key) ?? new Set()).add(outcome));
    }
    for (const [key, set] of outcomes) {
      assert.ok(!(set.has('rejected') && set.size > 1), key);
      assert.ok(!set.has('same_person') || set.has('delivered'), key);
    }
  });
});
