import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { KeySketch } from '../../../src/store/sqlite/key-sketch.ts';

const KEYS = 100_000;

test('a key that was added is always met, one that was not hardly ever, and none once it was cleared', () => {
  const sketch = new KeySketch();
  const keys = Array.from({ length: KEYS }, () => randomBytes(16).toString('latin1'));
  for (const key of keys) sketch.add(key);
  assert.ok(keys.every((key) => sketch.mayHold(key)));
  const strangers = Array.from({ length: KEYS }, () => randomBytes(16).toString('latin1'));
  const mistaken = strangers.filter((key) => sketch.mayHold(key)).length;
  assert.ok(mistaken < KEYS / 1000, `${mistaken} of ${KEYS}`);
  sketch.clear();
  assert.ok(!keys.some((key) => sketch.mayHold(key)));
});
