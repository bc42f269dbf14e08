import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addRef, addSum, emptySum, isSameSum } from '../../../src/domain/audit/ref-sum.ts';
import type { RefSeed, RefSum } from '../../../src/domain/audit/ref-sum.ts';

const ref = fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat({ max: 2 ** 40 }));
const seeds = fc.tuple(fc.nat({ max: 2 ** 32 - 1 }), fc.nat({ max: 2 ** 32 - 1 }));

function sumOf(refs: readonly (readonly [Uint8Array, number])[], seed: RefSeed): RefSum {
  const sum = emptySum();
  for (const [hash, sequence] of refs) addRef(sum, hash, sequence, seed);
  return sum;
}

test('a sum is the same in any order and in any parts', () => {
  fc.assert(
    fc.property(fc.array(ref), seeds, fc.nat(50), (refs, seed, cut) => {
      const parts = sumOf(refs.slice(cut), seed);
      addSum(parts, sumOf(refs.slice(0, cut), seed));
      assert.ok(isSameSum(sumOf(refs.toReversed(), seed), parts));
      assert.ok(isSameSum(sumOf(refs, seed), parts));
    }),
  );
});

test('a sum is another when a reference is taken out, put in, or moved to another sequence or hash', () => {
  fc.assert(
    fc.property(fc.array(ref, { minLength: 2 }), ref, seeds, (refs, other, seed) => {
      const whole = sumOf(refs, seed);
      assert.ok(!isSameSum(sumOf(refs.slice(1), seed), whole));
      assert.ok(!isSameSum(sumOf([...refs, other], seed), whole));
      const [[hash, sequence], [second, next]] = [refs[0]!, refs[1]!];
      assert.ok(!isSameSum(sumOf([[hash, sequence + 1], ...refs.slice(1)], seed), whole));
      if (Buffer.compare(hash, second) === 0 || sequence === next) return;
      assert.ok(!isSameSum(sumOf([[hash, next], [second, sequence], ...refs.slice(2)], seed), whole), 'exchanged');
    }),
  );
});
