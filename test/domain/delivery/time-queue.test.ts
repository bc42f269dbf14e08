import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { TimeQueue } from '../../../src/domain/delivery/time-queue.ts';

it('TimeQueue behaves as a sorted list', () => {
  const command = fc.oneof(
    fc.tuple(fc.constantFrom('push', 'insert', 'remove', 'dropUntil'), fc.nat(30)),
    fc.tuple(fc.constant('shift'), fc.constant(0)),
  );
  const check = fc.property(fc.array(command, { maxLength: 100 }), (commands) => {
    const queue = new TimeQueue();
    let model: number[] = [];
    for (const [name, time] of commands) {
      if (name === 'push') queue.push(time);
      if (name === 'insert') queue.insert(time);
      if (name === 'push' || name === 'insert') model = [...model, time].sort((a, b) => a - b);
      if (name === 'remove') {
        queue.remove(time);
        if (model.includes(time)) model = model.toSpliced(model.indexOf(time), 1);
      }
      if (name === 'dropUntil') {
        queue.dropUntil(time);
        model = model.filter((one) => one > time);
      }
      if (name === 'shift') {
        queue.shift();
        model = model.slice(1);
      }
      assert.deepEqual([queue.size, queue.first, queue.at(2)], [model.length, model[0], model[2]]);
    }
  });
  fc.assert(check);
});

it('TimeQueue keeps its order over many heads taken', () => {
  const queue = new TimeQueue();
  for (let time = 0; time < 10_000; time += 1) {
    queue.push(time);
    if (time < 3) continue;
    assert.equal(queue.first, time - 3);
    queue.shift();
  }
  assert.equal(queue.size, 3);
});
