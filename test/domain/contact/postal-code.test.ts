import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalizePostalCode, postalShape, subdivisionOfPostalCode } from '../../../src/domain/contact/postal-code.ts';
import { POSTAL_REGIONS } from '../../../src/domain/contact/postal-regions.ts';
import { POSTAL_SHAPES } from '../../../src/domain/contact/postal-shapes.ts';
import { SUBDIVISION_NAMES } from '../../../src/domain/contact/subdivision-names.ts';

const COUNTRIES = POSTAL_SHAPES.trim().split('\n').map((line) => line.slice(0, 2));

test('a code is brought to its canonical form', () => {
  const table: [string, string, string][] = [
    ['US', '94105', '94105'], ['US', '941051234', '94105-1234'], ['US', ' 9 4 1 05 ', '94105'], ['US', '94105 - 1234', '94105-1234'],
    ['GB', 'sw1a1aa', 'SW1A 1AA'], ['GB', 'CH65YJ', 'CH6 5YJ'], ['GB', 'gir0aa', 'GIR 0AA'], ['CA', 'k1a-0b1', 'K1A 0B1'], ['IE', 'd6wxy00', 'D6W XY00'],
    ['JP', '〒１００－８１１１', '100-8111'], ['DE', 'D-10115', '10115'], ['CH', 'CH-9000', '9000'], ['SE', 'S-114 55', '114 55'], ['PT', '1049.001', '1049-001'],
    ['LV', 'lv1050', 'LV-1050'], ['LV', '1050', 'LV-1050'], ['MD', '2012', 'MD-2012'], ['VG', '1120', 'VG1120'], ['HT', '6140HT', 'HT6140'], ['NL', '1012ab', '1012 AB'],
    ['SG', 'S(522489)', '522489'], ['BD', 'Dhaka 1000', '1000'], ['GH', 'wh14356447', 'WH-1435-6447'], ['KY', 'ky11100', 'KY1-1100'], ['LK', '13', '01300'], ['TH', '10110\u200b', '10110'], ['FR', '75 001', '75001'], ['IN', '560 001', '560001'], ['GB', 'SW1A', 'SW1A'], ['CA', 't1y', 'T1Y'],
  ];
  for (const [country, raw, expected] of table) {
    const check = normalizePostalCode(raw, country);
    assert.equal(check.ok && check.postalCode, expected, `${country} ${raw}`);
  }
});

test('letters and digits that look alike are put right, as a guess where they are only similar, and only where the code then exists', () => {
  const mended = normalizePostalCode('C04 0HW', 'GB');
  assert.deepEqual(mended, { ok: true, postalCode: 'CO4 0HW', rule: 'postal.lookalike', confidence: 0.85 });
  const guesses: [string, string, string][] = [['IT', '6io3z', '61032'], ['CA', 'JSU OCO', 'J5V 0C0'], ['FR', '7OO1l', '70011']];
  for (const [country, raw, postalCode] of guesses) {
    assert.deepEqual(normalizePostalCode(raw, country), { ok: true, postalCode, rule: 'postal.lookalike', confidence: 0.7 }, raw);
  }
  assert.equal(normalizePostalCode('XX120', 'IT').ok, false);
});

test('a code of no country, of another one, or for a country without codes is reported', () => {
  const table: [string, string, string][] = [
    ['US', '9021', 'other_country'], ['US', 'abc', 'shape'], ['US', '', 'shape'], ['US', '1'.repeat(60), 'shape'], ['US', 'K1A 1A1', 'other_country'],
    ['GB', '90210', 'other_country'], ['GB', 'QQ1 1QQ', 'shape'], ['GB', 'GY9 3TD', 'other_country'], ['CA', 'Z1A 0B1', 'shape'],
    ['FR', '97400', 'other_country'], ['FR', '98000', 'other_country'], ['FR', '010 01', 'other_country'], ['CH', '9490', 'other_country'], ['NO', '9170', 'other_country'],
    ['PL', '123', 'other_country'], ['IE', 'A65T F12', 'shape'], ['AE', '00000', 'no_postal_codes'], ['HK', '999077', 'no_postal_codes'], ['ZZ', '12345', 'no_postal_codes'],
    ['KY', '33126', 'other_country'], ['LC', '33126', 'other_country'], ['AF', 'BFPO 1234', 'other_country'], ['BB', '123-45', 'other_country'], ['GB', 'DT 44', 'shape'],
  ];
  for (const [country, raw, reason] of table) {
    const check = normalizePostalCode(raw, country);
    assert.equal(check.ok ? check.postalCode : check.reason, reason, `${country} ${raw}`);
  }
});

test('a canonical code stays as it is, whatever separators and case it is given with', () => {
  fc.assert(
    fc.property(fc.constantFrom(...COUNTRIES), fc.stringMatching(/^[A-Z0-9 -]{3,10}$/), fc.constantFrom('', ' ', '-'), fc.boolean(), (country, raw, joint, lower) => {
      const check = normalizePostalCode(raw, country);
      if (!check.ok) return;
      const again = normalizePostalCode(check.postalCode, country);
      assert.equal(again.ok && again.postalCode, check.postalCode);
      const spelled = check.postalCode.replace(/[ -]+/g, joint);
      const other = normalizePostalCode(lower ? spelled.toLowerCase() : spelled, country);
      assert.equal(other.ok && other.postalCode, check.postalCode);
    }),
    { numRuns: 2000 },
  );
});

test('a code is found within a line', () => {
  assert.equal(postalShape('GB')?.exec('10 DOWNING STREET LONDON SW1A 2AA')?.[0], 'SW1A 2AA');
  assert.equal(postalShape('NL')?.exec('DAM 1, 1012 JS AMSTERDAM')?.[0], '1012 JS');
  assert.equal(postalShape('DE')?.exec('WEG 123456 STADT'), null);
  assert.equal(postalShape('AE'), undefined);
});

test('a code tells its subdivision where that is certain', () => {
  const table: [string, string, string | undefined][] = [
    ['US', '94105', 'CA'], ['US', '94105-1234', 'CA'], ['US', '00601', 'PR'], ['US', '06390', 'NY'], ['US', '06391', 'CT'], ['US', '20500', 'DC'], ['US', '96799', 'AS'], ['US', '09001', undefined],
    ['CA', 'K1A 0B1', 'ON'], ['CA', 'X0A 0H0', 'NU'], ['CA', 'X1A 1N5', 'NT'], ['GB', 'BT3 9EP', 'NIR'], ['GB', 'CH1 1AA', undefined], ['IE', 'T12 AB34', 'CO'],
    ['AU', '2600', 'ACT'], ['AU', '2000', 'NSW'], ['BR', '72800-000', 'GO'], ['ES', '28039', 'M'], ['FR', '13001', '13'], ['FR', '75001', '75C'], ['FR', '20000', '2A'], ['TR', '34000', '34'], ['DE', '10115', undefined],
  ];
  for (const [country, code, expected] of table) assert.equal(subdivisionOfPostalCode(code, country), expected, `${country} ${code}`);
});

test('every subdivision that a code tells is one that we know by name', () => {
  const known = new Map(SUBDIVISION_NAMES.trim().split('\n').map((line) => [line.slice(0, 2), new Set(line.slice(3).split('|').map((entry) => entry.split('=')[0]))]));
  for (const line of POSTAL_REGIONS.trim().split('\n')) {
    for (const code of line.slice(3).split('|').map((entry) => entry.slice(0, entry.indexOf('=', 1)))) {
      assert.ok(code === '=' || known.get(line.slice(0, 2))?.has(code), `${line.slice(0, 2)}-${code}`);
    }
  }
});

test('no prefix, however hostile the text around it, takes long or fails', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), fc.constantFrom(...COUNTRIES), (raw, country) => {
      const check = normalizePostalCode(raw, country);
      assert.equal(typeof check.ok, 'boolean');
    }),
  );
});
