import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { parse, validate, version } from 'uuid';
import { TimedIds } from '../../src/domain/timed-ids.ts';

function timeIn(id: string): number {
  return Buffer.from(parse(id)).readUIntBE(0, 6);
}

describe('ids for given times', () => {
  test('are UUIDv7 that carry the time', () => {
    const ids = new TimedIds(randomFillSync);
    for (const at of [0, 1, 1_795_000_000_000, 2 ** 48 - 1]) {
      const id = ids.at(at);
      assert.ok(validate(id));
      assert.equal(version(id), 7);
      assert.equal(timeIn(id), at);
    }
  });

  test('are in the order in which they were made, also within a millisecond, and never the same', () => {
    const ids = new TimedIds(randomFillSync);
    const made = Array.from({ length: 20_000 }, (_, at) => ids.at(1_795_000_000_000 + Math.floor(at / 5000)));
    assert.deepEqual(made, made.toSorted());
    assert.equal(new Set(made).size, made.length);
  });

  test('hold the random bits of the generator where RFC 9562 has them, and no others', () => {
    const idOf = (byte: number): Buffer => Buffer.from(parse(new TimedIds((bytes) => bytes.fill(byte)).at(0)));
    assert.equal(idOf(0).toString('hex'), '00000000000070008000000000000000');
    // The count starts in its lower half: the highest two of its 32 bits are 0.
    assert.equal(idOf(0xff).toString('hex'), '00000000000073ffbfffffffffffffff');
  });

  test('of two makers differ', () => {
    const [left, right] = [new TimedIds(randomFillSync), new TimedIds(randomFillSync)];
    const made = Array.from({ length: 2000 }, () => [left.at(5), right.at(5)]).flat();
    assert.equal(new Set(made).size, made.length);
  });
});
