import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse, validate, version } from 'uuid';
import { TimedIds } from '../../../src/store/sqlite/timed-ids.ts';

function timeIn(id: string): number {
  return Buffer.from(parse(id)).readUIntBE(0, 6);
}

describe('ids for given times', () => {
  test('are UUIDv7 that carry the time', () => {
    const ids = new TimedIds();
    for (const at of [0, 1, 1_795_000_000_000, 2 ** 48 - 1]) {
      const id = ids.at(at);
      assert.ok(validate(id));
      assert.equal(version(id), 7);
      assert.equal(timeIn(id), at);
    }
  });

  test('are in the order in which they were made, also within a millisecond, and never the same', () => {
    const ids = new TimedIds();
    const made = Array.from({ length: 20_000 }, (_, at) => ids.at(1_795_000_000_000 + Math.floor(at / 5000)));
    assert.deepEqual(made, made.toSorted());
    assert.equal(new Set(made).size, made.length);
  });

  test('of two makers differ', () => {
    const [left, right] = [new TimedIds(), new TimedIds()];
    const made = Array.from({ length: 2000 }, () => [left.at(5), right.at(5)]).flat();
    assert.equal(new Set(made).size, made.length);
  });
});
