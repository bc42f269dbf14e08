import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { KeySketch } from '../../../src/store/sqlite/key-sketch.ts';

const KEYS = 100_000;
const randomKey = (): string => randomBytes(16).toString('latin1');

test('the marks of a key are always met, others hardly ever, and none once it was cleared', () => {
  const sketch = new KeySketch();
  const keys = Array.from({ length: KEYS }, randomKey);
  const marks = (at: number): number => 1 << (at % 3);
  for (const [at, key] of keys.entries()) sketch.add(key, marks(at));
  assert.ok(keys.every((key, at) => sketch.marksOf(key, 0b111) & marks(at)));
  const strangers = Array.from({ length: KEYS }, randomKey);
  const mistaken = strangers.filter((key) => sketch.marksOf(key, 0b111) !== 0).length;
  assert.ok(mistaken < KEYS / 1000, `${mistaken} of ${KEYS}`);
  const confused = keys.filter((key, at) => sketch.marksOf(key, 0b111 & ~marks(at)) !== 0).length;
  assert.ok(confused < KEYS / 1000, `${confused} of ${KEYS}`);
  sketch.clear();
  assert.ok(keys.every((key) => sketch.marksOf(key, 0b111) === 0));
});
