import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { getCountries, getExampleNumber, isValidPhoneNumber } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import { normalizePhone, phoneFitsCountry } from '../../../src/domain/contact/phone.ts';
import { MAX_PHONE_CHARS, readPhoneText } from '../../../src/domain/contact/phone-text.ts';
import { cpuMs } from '../../support/cpu-time.ts';

const VALID: [raw: string, country: string | undefined, e164: string, extension?: string][] = [
  ['+15125550123', undefined, '+15125550123'],
  ['(512) 555-0123', 'US', '+15125550123'],
  ['512.555.0123 x77', 'US', '+15125550123', '77'],
  ['1-512-555-0123', 'US', '+15125550123'],
  ['011 44 20 7946 0958', 'US', '+442079460958'],
  ['0044 20 7946 0958', 'DE', '+442079460958'],
  ['+44 (0)20 7946 0958', undefined, '+442079460958'],
  ['020 7946 0958', 'GB', '+442079460958'],
  ['++44 20 7946 0958', undefined, '+442079460958'],
  ['+0044 20 7946 0958', 'DE', '+442079460958'],
  ['tel:+44-20-7946-0958;ext=12', undefined, '+442079460958', '12'],
  ['tel:7946-0958;phone-context=+44-20', undefined, '+442079460958'],
  ['TEL:020-7946-0958;phone-context=example.com', 'GB', '+442079460958'],
  ['tel:2079460958;ext=456;phone-context=+44', undefined, '+442079460958', '456'],
  ['tel:+44-20-7946-0958;x-line=a%20b', undefined, '+442079460958'],
  ['+442079460958\uff45\uff58\uff54\uff4e456', 'GB', '+442079460958', '456'],
  ['+44 2079460958  X 456 ', 'GB', '+442079460958', '456'],
  ['1-800-FLOWERS', 'US', '+18003569377'],
  ['+1 800 FLOWERS ext. 5', undefined, '+18003569377', '5'],
  ['604 662 6000 (mobile)', 'CA', '+16046626000'],
  ['604-662-6000 cell', 'CA', '+16046626000'],
  ['Phone: 604 662 6000', 'CA', '+16046626000'],
  ['\uff0b\uff14\uff14\u3000\uff12\uff10\u3000\uff17\uff19\uff14\uff16\u3000\uff10\uff19\uff15\uff18', undefined, '+442079460958'],
  ['\u0660\u0665\u0660 \u0661\u0662\u0663 \u0664\u0665\u0666\u0667', 'SA', '+966501234567'],
  ['\u202a+44 20 7946 0958\u202c', undefined, '+442079460958'],
  ['+49 89\u00ad 1234\u200b567', undefined, '+49891234567'],
  ['+800 1234 5678', undefined, '+80012345678'],
];

for (const [raw, country, e164, extension] of VALID) {
  test(`reads ${JSON.stringify(raw)} in ${country ?? 'no country'}`, () => {
    const result = normalizePhone(raw, country);
    assert.ok(result.ok);
    assert.equal(result.e164, e164);
    assert.equal(result.extension, extension);
  });
}

const REFUSED: [raw: string, country: string | undefined, reason: string][] = [
  ['', 'US', 'not_a_number'],
  ['n/a', 'US', 'not_a_number'],
  ['5', 'US', 'not_a_number'],
  ['123-456-7890', 'US', 'invalid'],
  ['+1 123 456 7890', undefined, 'invalid'],
  ['512 555 0123', undefined, 'country_unknown'],
  ['512 555 0123', 'ZZ', 'country_unknown'],
  ['650+253+1234', 'US', 'not_a_number'],
  ['2014-04-12 04:04 PM', 'US', 'not_a_number'],
  ['+0731234567', 'SE', 'invalid'],
  ['tel:+442079460958;ext=012345678901234567890', 'GB', 'not_a_number'],
  ['Tel: 020 7946 0958; Fax: 020 7946 0959', 'GB', 'not_a_number'],
  ['1 Still not a number', 'NZ', 'not_a_number'],
  ['+---', 'DE', 'not_a_number'],
  ['tel:020-7946-0958;phone-context=', 'GB', 'not_a_number'],
  [`+1${'5'.repeat(MAX_PHONE_CHARS)}`, 'US', 'not_a_number'],
];

for (const [raw, country, reason] of REFUSED) {
  test(`refuses ${JSON.stringify(raw.slice(0, 40))} in ${country ?? 'no country'}`, () => {
    assert.deepEqual(normalizePhone(raw, country), { ok: false, reason });
  });
}

test('a number behind an international prefix is surer than a guess and less sure than one read by a plan', () => {
  const national = normalizePhone('512 555 0123', 'US');
  const prefixed = normalizePhone('0044 20 7946 0958');
  assert.ok(national.ok && prefixed.ok);
  assert.ok(national.national && !prefixed.national);
  assert.ok(national.confidence > prefixed.confidence && prefixed.confidence >= 0.8);
  assert.equal(prefixed.e164, '+442079460958');
});

test('territories without a numbering plan use that of their neighbour', () => {
  const result = normalizePhone('09 373 7999', 'PN');
  assert.ok(result.ok);
  assert.equal(result.e164, '+6493737999');
});

test('countries that share a calling code are told apart where the plan does', () => {
  assert.equal(phoneFitsCountry('+16046626000', 'CA'), true);
  assert.equal(phoneFitsCountry('+16046626000', 'US'), false);
  assert.equal(phoneFitsCountry('+18003569377', 'CA'), true);
  assert.equal(phoneFitsCountry('+442079460958', 'US'), false);
  assert.equal(phoneFitsCountry('+442079460958', 'ZZ'), false);
});

const exampleNumber = fc
  .constantFrom(...getCountries())
  .map((country) => getExampleNumber(country, examples))
  .filter((number) => number !== undefined);

test('every way of writing a number gives the same E.164 form', () => {
  fc.assert(
    fc.property(exampleNumber, fc.constantFrom('NATIONAL', 'INTERNATIONAL', 'RFC3966', 'E.164', 'IDD'), (number, format) => {
      const raw = number.format(format, { fromCountry: 'DE' });
      const result = normalizePhone(raw, format === 'IDD' ? 'DE' : number.country);
      assert.ok(result.ok, raw);
      assert.equal(result.e164, number.number);
    }),
  );
});

test('what it gives is valid and stays as it is when read again', () => {
  const raw = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'0123456789+-(). x#,;ext=*/~'), maxLength: 30 }),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.tuple(fc.constantFrom('+', '00', ''), fc.nat({ max: 999_999_999_999 })).map(([prefix, digits]) => prefix + digits),
  );
  fc.assert(
    fc.property(raw, fc.constantFrom('US', 'DE', 'IT', 'AR', undefined), (text, country) => {
      const result = normalizePhone(text, country);
      if (!result.ok) return;
      assert.ok(isValidPhoneNumber(result.e164));
      const again = normalizePhone(result.e164);
      assert.ok(again.ok);
      assert.equal(again.e164, result.e164);
    }),
    { numRuns: 2_000 },
  );
});

test('the digits of every script are read by their value', () => {
  for (const zero of [0x0660, 0x06f0, 0x0966, 0x0e50, 0xff10, 0x1d7ce, 0x1d7d8]) {
    const digits = Array.from({ length: 10 }, (_, value) => String.fromCodePoint(zero + value)).join('');
    assert.equal(readPhoneText(digits)?.digits, '0123456789');
  }
});

test('reading takes linear time', () => {
  const hostile = ['ext', '1 x ', ',,,,', '1;ext=', '((((', '- - ', 'tel:', ';phone-context=+1', '1a-'].map((part) =>
    `1234${part.repeat(100)}`.slice(0, MAX_PHONE_CHARS),
  );
  for (const raw of hostile) {
    const start = cpuMs();
    normalizePhone(raw, 'US');
    assert.ok(cpuMs() - start < 50, raw.slice(0, 20));
  }
});
