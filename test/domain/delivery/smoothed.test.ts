import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Smoothed } from '../../../src/domain/delivery/smoothed.ts';

it('Smoothed is 0 before anything was seen, and the value itself while nothing varies', () => {
  const smoothed = new Smoothed();
  assert.equal(smoothed.upper, 0);
  for (let call = 0; call < 10; call += 1) smoothed.add(250);
  assert.equal(smoothed.upper, 250);
});

it('Smoothed lies above the mean of what varies, and forgets what was', () => {
  const smoothed = new Smoothed();
  for (let call = 0; call < 200; call += 1) smoothed.add(call % 2 === 0 ? 100 : 300);
  assert.ok(smoothed.upper > 200 && smoothed.upper < 400, `${smoothed.upper}`);
  for (let call = 0; call < 200; call += 1) smoothed.add(20);
  assert.ok(Math.abs(smoothed.upper - 20) < 0.01, `${smoothed.upper}`);
});
