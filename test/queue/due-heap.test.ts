import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { DueHeap, type QueueItem } from '../../src/queue/due-heap.ts';

const item = (key: number, dueAt: number): QueueItem => ({ key: `${key}`, kind: 'merge', dueAt });

it('DueHeap gives what a sorted map would', () => {
  const command = fc.tuple(fc.constantFrom('set', 'set', 'delete', 'pop', 'trim'), fc.nat(15), fc.nat(100));
  const check = fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
    const heap = new DueHeap();
    const model = new Map<string, number>();
    const earliest = (): number | undefined => (model.size === 0 ? undefined : Math.min(...model.values()));
    for (const [name, key, dueAt] of commands) {
      if (name === 'set') {
        heap.set(item(key, dueAt));
        model.set(`${key}`, dueAt);
      }
      if (name === 'delete') assert.equal(heap.delete(`${key}`), model.delete(`${key}`));
      if (name === 'pop') {
        const popped = heap.pop();
        assert.equal(popped?.dueAt, earliest());
        if (popped !== undefined) assert.ok(model.delete(popped.key));
      }
      if (name === 'trim') {
        const before = [...model.values()].sort((a, b) => a - b);
        assert.equal(heap.trim(key), before.slice(0, key).at(-1));
        for (const kept of model.keys()) if (!heap.has(kept)) model.delete(kept);
        assert.deepEqual([...model.values()].sort((a, b) => a - b), before.slice(0, key));
      }
      assert.equal(heap.size, model.size);
      assert.equal(heap.first?.dueAt, earliest());
    }
  });
  fc.assert(check, { numRuns: 300 });
});

it('DueHeap empties in order of due time', () => {
  const heap = new DueHeap();
  for (let key = 0; key < 1_000; key += 1) heap.set(item(key, (key * 7_919) % 1_000));
  for (let key = 0; key < 1_000; key += 2) heap.set(item(key, (key * 104_729) % 1_000));
  const due: number[] = [];
  for (let first = heap.pop(); first !== undefined; first = heap.pop()) due.push(first.dueAt);
  assert.equal(due.length, 1_000);
  assert.deepEqual(due, due.toSorted((a, b) => a - b));
});
