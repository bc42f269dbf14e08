import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkFreshness } from '../../../src/domain/privacy/freshness.ts';

const NOW = Date.parse('2026-06-15T12:00:00Z');
const EXEMPT = ['birth*', '*_anniversary', 'expir*', '*_due*', 'valid_until'];

const CASES: [attribute: string, value: unknown, verdict: string | undefined][] = [
  ['last_seen', '2026-06-15T11:59:59Z', 'fresh'],
  ['last_seen', '2026-05-16T12:00:00Z', 'fresh'],
  ['last_seen', '2026-05-16T11:59:59Z', 'stale_data'],
  ['last_seen', '2026-06-15T12:30:00Z', 'future_timestamp'],
  ['last_seen', '2026-06-15T12:00:30Z', 'fresh'],
  ['last_seen', '2026-06-15T14:00:00+02:00', 'fresh'],
  ['last_login', 'yesterday', 'invalid_timestamp'],
  ['last_login', 1_780_000_000, 'invalid_timestamp'],
  ['last_login', '', 'invalid_timestamp'],
  ['last_login', null, 'not_a_timestamp'],
  ['lastLogin', '2020-01-01', 'stale_data'],
  ['purchase_date', '2026-02-30', 'invalid_timestamp'],
  ['purchaseDate', '15/06/2026', 'invalid_timestamp'],
  ['date', '2026-06-15', 'fresh'],
  ['timestamp', '2020-01-01T00:00:00Z', 'stale_data'],
  ['event_timestamp', '2026-06-14', 'fresh'],
  ['updated_at', '2026-06-14T00:00:00Z', 'fresh'],
  ['Updated-At', '2026-06-16T00:00:00Z', 'future_timestamp'],
  ['update_count', 'x', undefined],
  ['candidate', 'x', undefined],
  ['format', 'x', undefined],
  ['dated', 'x', undefined],
  ['at', 'home', undefined],
  ['attribute', '2020-01-01', undefined],
  ['last', 'x', undefined],
  ['last_name', 'Silva', 'not_a_timestamp'],
  ['last_order_total', 12.5, 'not_a_timestamp'],
  ['last_order_id', '2020-01-01', 'stale_data'],
  ['birth_date', '1980-02-29', 'exempt'],
  ['birthday', '1980-02-30', 'invalid_timestamp'],
  ['birthplace', 'Porto', undefined],
  ['child_birth_date', '2010-01-01', 'exempt'],
  ['wedding_anniversary', '2010-06-20', 'exempt'],
  ['card_expiry_date', '2031-01-01', 'exempt'],
  ['expires_at', 'soon', 'invalid_timestamp'],
  ['is_expired', true, undefined],
  ['payment_due_date', '2027-01-01', 'exempt'],
  ['due_date', '2027-01-01', 'exempt'],
  ['valid_until', '2027-01-01', 'exempt'],
  ['valid_until', null, 'not_a_timestamp'],
];

for (const [attribute, value, verdict] of CASES) {
  test(`${attribute} = ${JSON.stringify(value)}: ${verdict ?? 'not looked at'}`, () => {
    const verdicts = checkFreshness({ [attribute]: value }, { maxAgeDays: 30, exempt: EXEMPT }, NOW);
    assert.deepEqual(verdicts, verdict === undefined ? [] : [{ attribute, verdict }]);
  });
}

test('an operator may exempt further names, with signs in them taken as they stand', () => {
  const options = { maxAgeDays: 30, exempt: ['hire*', 'a.c_*'] };
  const verdicts = checkFreshness({ hire_date: '1999-01-01', abc_date: '1999-01-01' }, options, NOW);
  assert.deepEqual(verdicts.map(({ verdict }) => verdict), ['exempt', 'stale_data']);
});

test('the age decides, whatever the clock and the limit', () => {
  const age = fc.integer({ min: 0, max: 4000 * 86_400_000 });
  fc.assert(fc.property(age, fc.integer({ min: 0, max: 3650 }), (milliseconds, maxAgeDays) => {
    const value = new Date(NOW - milliseconds).toISOString();
    const [verdict] = checkFreshness({ seen_at: value }, { maxAgeDays, exempt: [] }, NOW);
    assert.equal(verdict?.verdict, milliseconds > maxAgeDays * 86_400_000 ? 'stale_data' : 'fresh');
  }));
});
