import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CLOCK_SKEW_MS, isFuture, parseIsoTimestamp } from '../../src/domain/timestamp.ts';

const READ: [string, string][] = [
  ['2026-02-28', '2026-02-28T00:00:00.000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ['2000-02-29', '2000-02-29T00:00:00.000Z'],
  ['1969-12-31', '1969-12-31T00:00:00.000Z'],
  ['0001-01-01', '0001-01-01T00:00:00.000Z'],
  ['2026-02-28T12:30Z', '2026-02-28T12:30:00.000Z'],
  ['2026-02-28T12:30:15', '2026-02-28T12:30:15.000Z'],
  ['2026-02-28T12:30:15.5Z', '2026-02-28T12:30:15.500Z'],
  ['2026-02-28T12:30:15Z', '2026-02-28T12:30:15.000Z'],
  ['2026-02-28T12:30:15.123Z', '2026-02-28T12:30:15.123Z'],
  ['2026-02-28T12:30:15,123Z', '2026-02-28T12:30:15.123Z'],
  ['2026-02-28T12:30:15,123456Z', '2026-02-28T12:30:15.123Z'],
  ['2026-02-28T12:30:15+05:30', '2026-02-28T07:00:15.000Z'],
  ['2026-02-28T23:30:00-0800', '2026-03-01T07:30:00.000Z'],
  ['2026-02-28T12:30:15+02', '2026-02-28T10:30:15.000Z'],
  ['2026-02-28T24:00:00Z', '2026-03-01T00:00:00.000Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
];

for (const [text, iso] of READ) {
  test(`reads ${text}`, () => assert.equal(parseIsoTimestamp(text), Date.parse(iso)));
}

const REFUSED = [
  '', '2026', '2026-02', '2026-2-3', '20260228', '2026-02-30', '2026-13-01', '2026-00-10', '2026-01-00', '2025-02-29',
  '1900-02-29', '2026-02-28 12:30:00Z', '2026-02-28T', '2026-02-28T12', '2026-02-28T25:00:00Z', '2026-02-28T24:00:01Z',
  '2026-02-28T12:60:00Z', '2026-02-28T12:30:61Z', '2026-02-28T12:30:60Z', '2026-02-28T12:30:00+24:00',
  '2026-02-28T12:30:00+05:60', '2026-02-28t12:30:00z', ' 2026-02-28', '2026-02-28\n', '2026-W09-6', '2026-059',
  '+2026-02-28', '28.02.2026', '02/28/2026', '1740700800', '1740700800000', 'yesterday', '２０２６-02-28',
  '2026-02-28T12:30:0aZ', '2026-02-28T1 :30:00Z', '2026-02-28T12-30:00Z', '2026-02-28T12:30:00.12xZ', '202a-02-28T12:30:00Z', '2026/02/28T12:30:00Z', '２026-02-28T12:30:00Z',
  'Sat, 28 Feb 2026 00:00:00 GMT', `2026-02-28T12:30:15.${'1'.repeat(100)}Z`,
];

for (const text of REFUSED) {
  test(`refuses ${JSON.stringify(text).slice(0, 50)}`, () => assert.equal(parseIsoTimestamp(text), undefined));
}

test('every moment of the Gregorian calendar is read back as it was written', () => {
  const date = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });
  fc.assert(fc.property(date, (moment) => {
    assert.equal(parseIsoTimestamp(moment.toISOString()), moment.getTime());
    assert.equal(parseIsoTimestamp(`${moment.toISOString().slice(0, 19)}Z`), Math.floor(moment.getTime() / 1000) * 1000);
    assert.equal(parseIsoTimestamp(moment.toISOString().slice(0, 10)), Math.floor(moment.getTime() / 86_400_000) * 86_400_000);
  }));
});

test('the future begins where a differing clock no longer explains it', () => {
  assert.equal(isFuture(1000 + CLOCK_SKEW_MS, 1000), false);
  assert.equal(isFuture(1001 + CLOCK_SKEW_MS, 1000), true);
});
