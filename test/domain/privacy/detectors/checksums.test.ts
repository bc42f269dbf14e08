import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { iban97, isDay, luhn, mod1110, nhs11, verhoeff } from '../../../../src/domain/privacy/detectors/checksums.ts';

const SPECIMENS: [name: string, check: (digits: string) => boolean, valid: string][] = [
  ['luhn', luhn, '79927398713'],
  ['verhoeff', verhoeff, '2363'],
  ['verhoeff', verhoeff, '312345678909'],
  ['nhs11', nhs11, '9434765919'],
  ['mod1110', mod1110, '94577403194'],
  ['iban97', iban97, 'GB29NWBK60161331926819'],
  ['iban97', iban97, 'MT84MALT011000012345MTLCAST001S'],
];

for (const [name, check, valid] of SPECIMENS) {
  test(`${name} holds for ${valid} and for no neighbour of it`, () => {
    assert.ok(check(valid));
    fc.assert(fc.property(fc.nat({ max: valid.length - 1 }), fc.integer({ min: 1, max: 9 }), (place, step) => {
      if (!/\d/.test(valid[place]!)) return;
      const changed = valid.slice(0, place) + String((Number(valid[place]) + step) % 10) + valid.slice(place + 1);
      assert.equal(check(changed), false, changed);
    }));
  });
}

test('Verhoeff sees every swap of neighbours', () => {
  const valid = '312345678909';
  for (let place = 0; place < valid.length - 1; place += 1) {
    const swapped = valid.slice(0, place) + valid[place + 1]! + valid[place]! + valid.slice(place + 2);
    if (swapped !== valid) assert.equal(verhoeff(swapped), false, swapped);
  }
});

test('days of the calendar', () => {
  assert.ok(isDay(2024, 2, 29) && isDay(2000, 2, 29) && isDay(0, 2, 29) && isDay(1999, 12, 31));
  assert.ok(!isDay(2023, 2, 29) && !isDay(1900, 2, 29) && !isDay(2024, 13, 1) && !isDay(2024, 0, 1) && !isDay(2024, 4, 31) && !isDay(2024, 4, 0));
});
