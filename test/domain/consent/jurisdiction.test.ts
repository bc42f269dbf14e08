import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JURISDICTION_VERSION, isCovered } from '../../../src/domain/consent/jurisdiction.ts';

const COVERED = `AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO GB CH
  AX GP GF MQ RE YT MF BL PM WF PF NC TF SJ GI GG JE IM AD MC SM VA FO GL`.split(/\s+/);
const NOT_COVERED = 'US CA MX BR AR AU NZ JP KR CN IN SG ZA NG KE AE IL TR UA RU RS XK BM KY PR GU'.split(' ');

test('every country of the table is covered', () => {
  assert.equal(COVERED.length, 56);
  assert.deepEqual(COVERED.filter((country) => !isCovered(country)), []);
});

test('other countries are not', () => {
  assert.deepEqual(NOT_COVERED.filter((country) => isCovered(country)), []);
});

test('a country that is not known counts as covered', () => {
  for (const unknown of [undefined, '', 'USA', 'us', 'U', 'ZZ', 'XX', 'QM', 'AB', 'WW', 'IC', 'EA', 'EU', 'UK', 'EL', '840', 'United States']) {
    assert.equal(isCovered(unknown), true, String(unknown));
  }
});

test('an operator can add countries and cannot take any away', () => {
  assert.equal(isCovered('BR', new Set(['BR'])), true);
  assert.equal(isCovered('US', new Set(['BR'])), false);
  assert.equal(isCovered('DE', new Set()), true);
});

test('the table is dated', () => assert.match(JURISDICTION_VERSION, /^\d{4}-\d\d-\d\d$/));
