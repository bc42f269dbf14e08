import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subdivisionCodes } from '../../../scripts/tables/subdivisions.ts';
import { findSubdivision, subdivisionsContradict } from '../../../src/domain/contact/subdivision.ts';
import { SUBDIVISION_NAMES } from '../../../src/domain/contact/subdivision-names.ts';

const LINES = SUBDIVISION_NAMES.trim()
  .split('\n')
  .map((line) => [line.slice(0, 2), line.slice(3).split('|')] as const);

test('a subdivision is found by code, name, and name with its kind', () => {
  const table: [string, string, string][] = [
    ['US', 'tx', 'TX'], ['US', 'Texas', 'TX'], ['US', 'US-TX', 'TX'], ['US', 'State of Texas', 'TX'], ['US', 'N.Y.', 'NY'], ['US', 'Calif.', 'CA'], ['US', 'D.C.', 'DC'],
    ['CA', 'Québec', 'QC'], ['CA', 'PEI', 'PE'], ['AU', 'New South Wales', 'NSW'], ['IE', 'Co. Donegal', 'DL'], ['GB', 'Bristol, City of', 'BST'], ['GB', 'Scotland', 'SCT'],
    ['JP', '東京都', '13'], ['JP', 'Osaka-fu', '27'], ['CN', '广东省', 'GD'], ['KR', '서울특별시', '11'], ['MX', 'CDMX', 'CMX'], ['MX', 'BC', 'BCN'], ['ES', 'Lleida [Lérida]', 'L'],
    ['TW', 'Chiayi City', 'CYI'], ['TW', 'Chiayi County', 'CYQ'], ['DE', 'Bavaria', 'BY'], ['FR', 'Paris', '75C'], ['IT', 'MI', 'MI'], ['TH', 'กรุงเทพมหานคร', '10'], ['VN', 'HA TINH PROVINCE', '23'],
  ];
  for (const [country, raw, code] of table) assert.equal(findSubdivision(raw, country)?.code, code, `${country} ${raw}`);
});

test('what is none of the country gives none', () => {
  for (const [country, raw] of [['US', 'Ontario'], ['US', ''], ['US', 'State'], ['CA', 'TX'], ['DE', 'Texas'], ['ZZ', 'TX'], ['US', 'x'.repeat(300)]] as const) {
    assert.equal(findSubdivision(raw, country), undefined, `${country} ${raw}`);
  }
});

test('every code is one of ISO 3166-2, and every name leads back to its code', () => {
  // Withdrawn and still written: Aosta as a province, Northamptonshire as one county.
  const withdrawn = new Set(['IT-AO', 'GB-NTH']);
  for (const [country, entries] of LINES) {
    const codes = new Set(subdivisionCodes(country));
    for (const [code = '', names = ''] of entries.map((entry) => entry.split('='))) {
      assert.ok(codes.has(code) || withdrawn.has(`${country}-${code}`), `${country}-${code}`);
      const first = names.split('/')[0] ?? '';
      assert.equal(findSubdivision(first, country)?.code, code, `${country} ${first}`);
    }
  }
});

test('no name of a country means two subdivisions', () => {
  for (const [country, entries] of LINES) {
    const names = entries.flatMap((entry) => (entry.split('=')[1] ?? '').split('/')).map((name) => name.toLowerCase());
    const twice = names.filter((name, index) => names.indexOf(name) !== index);
    assert.deepEqual(twice, [], country);
  }
});

test('two subdivisions contradict each other unless one lies within the other', () => {
  const table: [string, string, string, boolean][] = [
    ['US', 'TX', 'CA', true], ['US', 'TX', 'TX', false], ['GB', 'KEN', 'ENG', false], ['GB', 'ENG', 'KEN', false], ['GB', 'KEN', 'SCT', true],
    ['ES', 'B', 'CT', false], ['ES', 'B', 'AN', true], ['FR', '75C', 'IDF', false], ['US', 'TX', 'somewhere', false], ['ZZ', 'A', 'B', false],
  ];
  for (const [country, one, other, expected] of table) assert.equal(subdivisionsContradict(country, one, other), expected, `${country} ${one} ${other}`);
});
