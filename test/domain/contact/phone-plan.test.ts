import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { getCountries, getCountryCallingCode, getExampleNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { CountryCode } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import { planInternational, planNational } from '../../../src/domain/contact/phone-plan.ts';

type Answer = { e164: string; country: string | undefined } | undefined;

function library(text: string, defaultCountry?: CountryCode): Answer {
  const parsed = parsePhoneNumberFromString(text, { defaultCountry, extract: false });
  return parsed?.isValid() === true ? { e164: parsed.number, country: parsed.country } : undefined;
}

const country = fc.constantFrom(...getCountries());
const digits = (min: number, max: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });

/** Digits that are nearly a number of the country: an example with its tail redrawn, in front of it what may be dialled. */
const nearly = country.chain((region) => {
  const example = getExampleNumber(region, examples)?.nationalNumber ?? '';
  return fc
    .tuple(fc.nat({ max: example.length }), fc.constantFrom('', '', '0', '1', '8', '00', '011', getCountryCallingCode(region)), digits(0, 10))
    .map(([kept, prefix, tail]) => ({ region, text: prefix + example.slice(0, kept) + tail.slice(0, Math.max(0, example.length - kept + 1)) }));
});
const anything = fc.record({ region: country, text: digits(2, 15) });

let answered = 0;
let asked = 0;

function agrees(text: string, short: { e164: string; country: string } | undefined, long: Answer): void {
  if (long !== undefined) asked += 1;
  if (short === undefined) return;
  answered += 1;
  assert.deepEqual({ e164: short.e164, country: short.country }, long, text);
}

test('whatever the short way answers, the library answers', () => {
  fc.assert(
    fc.property(fc.oneof({ weight: 4, arbitrary: nearly }, { weight: 1, arbitrary: anything }), ({ region, text }) => {
      agrees(`${text} in ${region}`, planNational(text, region), library(text, region));
      const international = getCountryCallingCode(region) + text;
      agrees(`+${international}`, planInternational(international), library(`+${international}`));
    }),
    { numRuns: 4_000 },
  );
  // A short way that answers nothing would agree with everything.
  assert.ok(answered > asked * 0.7, `${answered} of ${asked}`);
});

test('an example number of each country comes out of both ways alike', () => {
  for (const region of getCountries()) {
    const example = getExampleNumber(region, examples);
    if (example === undefined) continue;
    const national = example.formatNational().replace(/\D/g, '');
    agrees(`${national} in ${region}`, planNational(national, region), library(national, region));
    agrees(example.number, planInternational(example.number.slice(1)), library(example.number));
  }
});

test('numbers of no country, and too long ones, are left to the library', () => {
  assert.equal(planInternational('80012345678'), undefined);
  assert.equal(planInternational('1'.repeat(20)), undefined);
  assert.equal(planNational('2'.repeat(20), 'US'), undefined);
});
