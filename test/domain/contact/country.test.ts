import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countryNameOf, findCountry } from '../../../src/domain/contact/country.ts';
import { COUNTRY_CODES } from '../../../src/domain/contact/tables/countries.ts';

const CODES = COUNTRY_CODES.split('|').map((line) => line.split(' '));

test('a country is found by code, name, long form and common variant', () => {
  const table: [string, string][] = [
    ['de', 'DE'], ['DEU', 'DE'], ['276', 'DE'], ['ger', 'DE'], [' Deutschland ', 'DE'], ['Federal Republic of Germany', 'DE'],
    ['U.S.A.', 'US'], ['United States of America', 'US'], ['アメリカ', 'US'], ['EUA', 'US'],
    ['uk', 'GB'], ['England', 'GB'], ['Northern Ireland', 'GB'], ['Republic of Ireland', 'IE'],
    ['Korea, Republic of', 'KR'], ['Korea, Democratic People’s Republic of', 'KP'], ['Republic of China', 'TW'], ["People's Republic of China", 'CN'],
    ['Congo, Dem. Rep.', 'CD'], ['Republic of the Congo', 'CG'], ['Guinea', 'GN'], ['Republic of Guinea-Bissau', 'GW'], ['Equatorial Guinea', 'GQ'],
    ['Dominican Republic', 'DO'], ['Commonwealth of Dominica', 'DM'], ['Niger', 'NE'], ['Nigeria', 'NG'],
    ['Côte d’Ivoire', 'CI'], ["COTE D'IVOIRE", 'CI'], ['Ivory Coast', 'CI'], ['St. Kitts & Nevis', 'KN'], ['Saint Kitts and Nevis', 'KN'],
    ['Bahamas, The', 'BS'], ['The Netherlands', 'NL'], ['Россия', 'RU'], ['ＵＳＡ', 'US'], ['Germany (DE)', 'DE'], ['Greenland (Denmark)', 'GL'], ['Česká republika', 'CZ'], ['República del Perú', 'PE'], ['République démocratique du Congo', 'CD'], ['République du Congo', 'CG'], ['República Dominicana', 'DO'], ['جمهورية مصر العربية', 'EG'], ['Российская Федерация', 'RU'], ['臺灣', 'TW'], ['Cote D Ivoire', 'CI'], ['Ελλάδα', 'GR'], ['4', 'AF'],
  ];
  for (const [raw, alpha2] of table) assert.equal(findCountry(raw)?.alpha2, alpha2, raw);
});

test('what names no country, or two, gives none', () => {
  for (const raw of ['', ' ', '-', 'N/A', 'none', 'unknown', 'Republic', 'Popular', 'Democratic Republic', 'Eastern', 'The', 'Islands', 'Texas', 'New Jersey', 'XX', '999', 'Germany (FR)', 'x'.repeat(500)]) {
    assert.equal(findCountry(raw), undefined, raw);
  }
});

test('every code of the table finds its country, in any case of letters, and its English name leads back', () => {
  for (const [alpha2 = '', alpha3 = '', numeric = ''] of CODES) {
    for (const code of [alpha2, alpha2.toLowerCase(), alpha3, numeric]) if (code !== '-') assert.equal(findCountry(code)?.alpha2, alpha2, code);
    assert.equal(findCountry(countryNameOf(alpha2) ?? '')?.alpha2, alpha2, alpha2);
  }
});

test('case, spaces around and the article before a name do not matter', () => {
  const names = CODES.map(([alpha2 = '']) => [alpha2, countryNameOf(alpha2) ?? ''] as const);
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.constantFrom('', ' ', '\t'), fc.constantFrom('', 'the ', 'The '), fc.boolean(), ([alpha2, name], space, article, upper) => {
      const spelled = `${space}${article}${upper ? name.toUpperCase() : name.toLowerCase()}${space}`;
      assert.equal(findCountry(spelled)?.alpha2, alpha2, spelled);
    }),
  );
});

test('any text is answered without an error, the same twice, with a known code', () => {
  const known = new Set(CODES.map(([alpha2]) => alpha2));
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (raw) => {
      const match = findCountry(raw);
      assert.deepEqual(findCountry(raw), match);
      assert.ok(match === undefined || (known.has(match.alpha2) && match.confidence > 0 && match.confidence <= 1));
    }),
  );
});
