import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  parseHttpDate,
  parseRetryAfter,
  RETRY_AFTER_MAX_MS,
  RETRY_AFTER_MIN_MS,
} from '../../../src/domain/delivery/retry-after.ts';

const NOW = Date.UTC(2026, 10, 22, 10, 0, 0);
const DATE = 'Sun, 22 Nov 2026 10:00:00 GMT';

describe('Retry-After', () => {
  const cases: [string, string | string[] | undefined, string | undefined, number | undefined][] = [
    ['seconds', '7', undefined, 7_000],
    ['seconds with a fraction, rounded up to whole ms', '1.0005', undefined, 1_001],
    ['spaces around', ' 30 ', undefined, 30_000],
    ['zero is the shortest wait', '0', undefined, 1_000],
    ['longer than an hour is an hour', '86400', undefined, 3_600_000],
    ['absurdly long', '1000000000000', undefined, 3_600_000],
    ['longer than a number can hold', '9'.repeat(400), undefined, undefined],
    ['exponent', '1e12', undefined, undefined],
    ['negative', '-5', undefined, undefined],
    ['words', 'soon', undefined, undefined],
    ['empty', '', undefined, undefined],
    ['absent', undefined, DATE, undefined],
    ['two headers: the first', ['3', '9'], undefined, 3_000],
    ['IMF-fixdate', 'Sun, 22 Nov 2026 10:00:20 GMT', DATE, 20_000],
    ['RFC 850 date', 'Sunday, 22-Nov-26 10:00:20 GMT', DATE, 20_000],
    ['asctime date', 'Sun Nov 22 10:00:20 2026', DATE, 20_000],
    ['date in the past', 'Sun, 22 Nov 2026 09:00:00 GMT', DATE, 1_000],
    ['date far ahead', 'Sun, 22 Nov 2027 09:00:00 GMT', DATE, 3_600_000],
    ['a server clock a day behind still means 20 s', 'Sat, 21 Nov 2026 10:00:20 GMT', 'Sat, 21 Nov 2026 10:00:00 GMT', 20_000],
    ['without a Date, our clock', 'Sun, 22 Nov 2026 10:00:20 GMT', undefined, 20_000],
    ['with an unreadable Date, our clock', 'Sun, 22 Nov 2026 10:00:20 GMT', 'now', 20_000],
    ['ISO 8601 is no HTTP-date', '2026-11-22T10:00:20Z', DATE, undefined],
    ['no such month', 'Sun, 22 Nix 2026 10:00:20 GMT', DATE, undefined],
    ['no such hour', 'Sun, 22 Nov 2026 25:00:20 GMT', DATE, undefined],
  ];
  for (const [name, value, date, want] of cases) {
    test(name, () => assert.equal(parseRetryAfter(value, date, NOW), want));
  }

  test('a two-digit year more than 50 years ahead is of the last century', () => {
    assert.equal(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT', NOW), Date.UTC(1994, 10, 6, 8, 49, 37));
    assert.equal(parseHttpDate('Sunday, 06-Nov-70 08:49:37 GMT', NOW), Date.UTC(2070, 10, 6, 8, 49, 37));
  });

  test('whatever comes, a wait is a whole number within the bounds, or none', () => {
    const second = fc.integer({ min: -1e6, max: 1e15 }).map(String);
    const date = fc.date({ noInvalidDate: true }).map((at) => at.toUTCString());
    const value = fc.oneof(second, date, fc.string(), fc.double().map(String));
    const now = fc.oneof(fc.integer(), fc.double(), fc.constant(Number.NaN));
    fc.assert(
      fc.property(value, fc.option(value, { nil: undefined }), now, (after, answerDate, at) => {
        const ms = parseRetryAfter(after, answerDate, at);
        assert.ok(ms === undefined || (Number.isInteger(ms) && ms >= RETRY_AFTER_MIN_MS && ms <= RETRY_AFTER_MAX_MS));
      }),
      { numRuns: 2_000 },
    );
  });

  test('every wait of up to an hour survives the trip through an HTTP-date', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_600 }), fc.integer({ min: 0, max: 4e9 }), (wait, at) => {
        const answered = new Date(at * 1000).toUTCString();
        const due = new Date((at + wait) * 1000).toUTCString();
        assert.equal(parseRetryAfter(due, answered, NOW), wait * 1000);
      }),
    );
  });
});
