import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { QueueItem } from '../../src/queue/due-heap.ts';
import { RetryQueue, type RetryQueueOptions } from '../../src/queue/retry-queue.ts';
import { EventLoop } from '../support/events.ts';

const START = 1_800_000_000_000;

/** A queue in virtual time: `due` gathers what it handed over and when, `refills` when it asked the store. */
function makeQueue(options: Partial<RetryQueueOptions> = {}) {
  const loop = new EventLoop();
  const seen = {
    due: [] as [number, string[]][],
    refills: [] as number[],
    errors: [] as unknown[],
    delays: [] as number[],
    clockJump: 0,
    timers: 0,
  };
  const queue = new RetryQueue({
    tickMs: 5_000,
    maxItems: 1_000,
    clock: { now: () => START + seen.clockJump + loop.now, monotonic: () => loop.now },
    timers: {
      set(fn, ms) {
        seen.timers += 1;
        seen.delays.push(ms);
        return loop.after(ms, () => {
          seen.timers -= 1;
          fn();
        });
      },
      clear(timer) {
        seen.timers -= 1;
        loop.cancel(timer as number);
      },
    },
    onTick: () => {
      seen.refills.push(loop.now);
      return Promise.resolve([]);
    },
    onDue: (items) => {
      seen.due.push([loop.now, items.map((one) => one.key)]);
      return Promise.resolve();
    },
    onError: (error) => seen.errors.push(error),
    ...options,
  });
  return { loop, queue, seen, until: (time: number) => runUntil(loop, time) };
}

/** Runs virtual time, letting promises settle after each event. */
async function runUntil(loop: EventLoop, time: number): Promise<void> {
  while ((loop.nextAt ?? Number.POSITIVE_INFINITY) <= time) {
    loop.step();
    await settled();
  }
  loop.runUntil(time);
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

const item = (key: string, inMs: number): QueueItem => ({ key, kind: 'merge', dueAt: START + inMs });

describe('RetryQueue', () => {
  it('hands over each item when it is due, in order', async () => {
    const { queue, seen, until } = makeQueue();
    queue.start();
    for (const [key, inMs] of [['c', 300], ['a', 100], ['b', 200], ['now', 0], ['past', -50]] as const) {
      queue.add(item(key, inMs));
    }
    await until(1_000);
    assert.deepEqual(seen.due, [[1, ['past', 'now']], [100, ['a']], [200, ['b']], [300, ['c']]]);
    assert.equal(queue.size, 0);
  });

  it('moves an item that is added again, and forgets one that is removed', async () => {
    const { queue, seen, until } = makeQueue();
    queue.start();
    queue.add(item('later', 100));
    queue.add(item('later', 400));
    queue.add(item('sooner', 400));
    queue.add(item('sooner', 50));
    queue.add(item('gone', 60));
    assert.equal(queue.nextDueAt, START + 50);
    assert.equal(queue.remove('gone'), true);
    assert.equal(queue.remove('gone'), false);
    await until(1_000);
    assert.deepEqual(seen.due, [[50, ['sooner']], [400, ['later']]]);
  });

  it('refills at once, at each tick, and soon after it is woken, however often', async () => {
    const { loop, queue, seen, until } = makeQueue();
    queue.start();
    await until(5_100);
    loop.at(5_200, () => {
      for (let call = 0; call < 100; call += 1) queue.wake();
    });
    loop.at(5_205, () => queue.wake());
    loop.at(5_210, () => queue.wake());
    await until(9_000);
    assert.deepEqual(seen.refills, [1, 5_001, 5_201, 5_221]);
  });

  it('sets one timer at a time', async () => {
    const { queue, seen, until } = makeQueue();
    queue.start();
    for (let key = 0; key < 50; key += 1) {
      queue.add(item(`${key}`, 1_000 - key));
      assert.equal(seen.timers, 1);
    }
    await until(1_001);
    assert.equal(seen.timers, 1);
    assert.equal(seen.due.flatMap(([, keys]) => keys).length, 50);
  });

  it('runs never overlap; what comes due meanwhile waits for the next', async () => {
    let running = 0;
    let most = 0;
    let release = (): void => {};
    const handed: string[][] = [];
    const { loop, queue, until } = makeQueue({
      onDue: async (items) => {
        running += 1;
        most = Math.max(most, running);
        handed.push(items.map((one) => one.key));
        await new Promise<void>((resolve) => (release = resolve));
        running -= 1;
      },
    });
    queue.start();
    queue.add(item('a', 10));
    queue.add(item('b', 20));
    await until(50);
    queue.add(item('c', 5));
    queue.wake();
    await until(6_000);
    assert.deepEqual(handed, [['a']]);
    release();
    await settled();
    await until(loop.now + 10);
    assert.deepEqual(handed, [['a'], ['c', 'b']]);
    assert.equal(most, 1);
  });

  it('goes on after errors, and tells them', async () => {
    let calls = 0;
    const { queue, seen, until } = makeQueue({
      onTick: () => Promise.reject(new Error('store')),
      onDue: () => {
        calls += 1;
        throw new Error('send');
      },
    });
    queue.start();
    queue.add(item('a', 10));
    queue.add(item('b', 20));
    await until(11_000);
    assert.equal(calls, 2);
    assert.deepEqual(seen.errors.map(String), ['Error: store', 'Error: send', 'Error: send', 'Error: store', 'Error: store']);
  });

  it('goes on when nobody listens to errors, or the listener throws', async () => {
    const onError = (): never => {
      throw new Error('log');
    };
    for (const listener of [{}, { onError }]) {
      const { queue, seen, until } = makeQueue({ onTick: () => Promise.reject(new Error('store')), ...listener });
      queue.start();
      await until(12_000);
      queue.add(item('a', 12_100));
      await until(12_200);
      assert.equal(seen.due.length, 1);
    }
  });

  it('keeps within its size: the latest wait in the store, and the next refill is at hand when the rest is done', async () => {
    const store = new Map(Array.from({ length: 100 }, (_, index) => [`${index}`, item(`${index}`, 10 * index)]));
    let largest = 0;
    const handed: string[] = [];
    const { queue, until } = makeQueue({
      maxItems: 16,
      onTick: () => Promise.resolve([...store.values()].toReversed()),
      onDue: (items) => {
        for (const { key } of items) {
          handed.push(key);
          store.delete(key);
        }
        return Promise.resolve();
      },
    });
    queue.start();
    for (let time = 10; time < 1_500; time += 10) {
      await until(time);
      largest = Math.max(largest, queue.size);
      if (time === 10) assert.ok(queue.truncated);
    }
    assert.ok(largest > 0 && largest <= 16, `${largest}`);
    assert.deepEqual(handed, Array.from({ length: 100 }, (_, index) => `${index}`));
    assert.equal(queue.truncated, false);
  });

  it('drops an item that is moved beyond what it keeps', async () => {
    const { queue, seen, until } = makeQueue({ maxItems: 8 });
    for (let key = 0; key < 9; key += 1) queue.add(item(`${key}`, key));
    assert.equal(queue.size, 7);
    queue.add(item('0', 4_000));
    assert.equal(queue.size, 6);
    queue.start();
    await until(4_500);
    assert.ok(!seen.due.flatMap(([, keys]) => keys).includes('0'));
  });

  it('sleeps no longer than a tick, so that a jump of the wall clock is noticed', async () => {
    const { loop, queue, seen, until } = makeQueue();
    queue.start();
    queue.add(item('a', 86_400_000));
    queue.add(item('b', 2 ** 52));
    loop.at(1_000, () => (seen.clockJump = 86_400_000));
    await until(5_100);
    assert.deepEqual(seen.due, [[5_001, ['a']]]);
    assert.ok(seen.delays.every((ms) => ms >= 1 && ms <= 5_000));
  });

  it('clamps a tick that no timer can sleep', async () => {
    const { queue, seen } = makeQueue({ tickMs: 2 ** 40 });
    queue.start();
    await settled();
    queue.stop().catch(assert.fail);
    assert.ok(seen.delays.every((ms) => ms >= 1 && ms < 2 ** 31));
  });

  it('stops: waits for the run under way, and sets no timer any more', async () => {
    let release = (): void => {};
    const { loop, queue, seen, until } = makeQueue({ onDue: () => new Promise<void>((resolve) => (release = resolve)) });
    queue.start();
    queue.add(item('a', 10));
    await until(20);
    let stopped = false;
    const stopping = queue.stop().then(() => (stopped = true));
    await settled();
    assert.equal(stopped, false);
    queue.add(item('b', 30));
    release();
    await stopping;
    assert.equal(seen.timers, 0);
    assert.equal(loop.step(), false);
  });

  it('starts once, and again after it was stopped', async () => {
    const { queue, seen, until } = makeQueue();
    queue.start();
    queue.start();
    assert.equal(seen.timers, 1);
    await queue.stop();
    assert.equal(seen.timers, 0);
    queue.add(item('a', 10));
    assert.equal(seen.timers, 0);
    queue.start();
    await until(20);
    assert.deepEqual(seen.due, [[10, ['a']]]);
  });

  it('refuses what no timer understands', () => {
    const { queue } = makeQueue();
    for (const dueAt of [Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => queue.add({ key: 'a', kind: 'merge', dueAt }), RangeError);
    }
    assert.throws(() => makeQueue({ tickMs: Number.NaN }), RangeError);
    assert.throws(() => makeQueue({ maxItems: 0 }), RangeError);
  });

  it('runs on real timers by default', async () => {
    const first = Promise.withResolvers<string>();
    const queue = new RetryQueue({
      tickMs: 1_000,
      maxItems: 10,
      clock: { now: () => Date.now(), monotonic: () => performance.now() },
      onTick: () => Promise.resolve([{ key: 'a', kind: 'merge', dueAt: Date.now() + 5 }]),
      onDue: ([one]) => Promise.resolve(first.resolve(one?.key ?? '')),
    });
    queue.start();
    assert.equal(await first.promise, 'a');
    await queue.stop();
  });
});
