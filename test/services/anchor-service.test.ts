import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { AnchorPort, SignedHead } from '../../src/domain/ports/checkpoints.ts';
import { AnchorService } from '../../src/services/anchor-service.ts';
import { ManualClock } from '../support/manual-clock.ts';

function head(size: number): SignedHead {
  return { size, note: `note ${size}` };
}

/** A place that answers when the test lets it. */
class Place implements AnchorPort {
  readonly place: string;
  readonly got: string[] = [];
  isClosed = false;
  answer: (note: string) => Promise<void> = () => Promise.resolve();

  constructor(place: string) {
    this.place = place;
  }

  put(note: string): Promise<void> {
    this.got.push(note);
    return this.answer(note);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

describe('anchors', () => {
  let clock: ManualClock;
  let said: string[];
  let runs: number[];
  let known: { last: SignedHead | null; anchored: { place: string; size: number }[] };

  beforeEach(() => {
    clock = new ManualClock();
    said = [];
    runs = [];
    known = { last: null, anchored: [] };
  });

  function service(...anchors: AnchorPort[]): AnchorService {
    return new AnchorService({
      store: {
        checkpointState: () => Promise.resolve({ tree: { size: 0, root: Buffer.alloc(32) }, quietAt: 0, keys: [], replacements: [], ...known }),
        recordAnchor({ place, size }) {
          known.anchored = [...known.anchored.filter((other) => other.place !== place), { place, size }];
          return Promise.resolve();
        },
      },
      anchors,
      clock,
      random: () => 1,
      events: {
        checkpointAnchored: (place, size) => said.push(`${place} has ${size}`),
        anchorFailed: (place, reason) => said.push(`${place} failed: ${reason}`),
      },
      onError: (error) => said.push(String(error)),
      schedule: (at) => runs.push(at - clock.now()),
    });
  }

  /** Lets everything that has been started come to its end. */
  function settled(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  test('take each checkpoint to each place, and remember it', async () => {
    const [net, disk] = [new Place('url'), new Place('file')];
    const anchors = service(net, disk);
    await anchors.open();
    anchors.offer(head(5));
    assert.deepEqual(runs, [0]);
    await anchors.run();
    await settled();
    assert.deepEqual([net.got, disk.got], [['note 5'], ['note 5']]);
    assert.deepEqual(known.anchored, [{ place: 'url', size: 5 }, { place: 'file', size: 5 }]);
    await anchors.run();
    await settled();
    assert.equal(net.got.length, 1, 'nothing new, nothing sent');
  });

  test('let no place hold up another, and give a late one the newest only', async () => {
    const [slow, quick] = [new Place('url'), new Place('file')];
    const { promise, resolve } = Promise.withResolvers<void>();
    slow.answer = () => promise;
    const anchors = service(slow, quick);
    for (const size of [1, 2, 3]) {
      anchors.offer(head(size));
      await anchors.run();
      await settled();
    }
    assert.deepEqual([slow.got, quick.got], [['note 1'], ['note 1', 'note 2', 'note 3']]);
    resolve();
    await settled();
    await anchors.run();
    await settled();
    assert.deepEqual(slow.got, ['note 1', 'note 3']);
  });

  test('try again later and later, say so once, and come back', async () => {
    const place = new Place('url');
    place.answer = () => Promise.reject(new Error('answered 503'));
    const anchors = service(place);
    anchors.offer(head(7));
    const waits: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      runs = [];
      await anchors.run();
      await settled();
      waits.push(runs[0] ?? -1);
      await anchors.run();
      assert.equal(place.got.length, i + 1, 'not before its time');
      clock.advance(runs[0] ?? 0);
    }
    assert.deepEqual(waits, [2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000]);
    place.answer = () => Promise.resolve();
    await anchors.run();
    await settled();
    assert.deepEqual(said, ['url failed: answered 503', 'url has 7']);
  });

  test('pick up what the process before had not brought', async () => {
    known = { last: head(9), anchored: [{ place: 'file', size: 9 }, { place: 'url', size: 4 }] };
    const [net, disk] = [new Place('url'), new Place('file')];
    const anchors = service(net, disk);
    await anchors.open();
    await anchors.run();
    await settled();
    assert.deepEqual([net.got, disk.got], [['note 9'], []]);
  });

  test('bring the last one at the end, and close', async () => {
    const place = new Place('file');
    const anchors = service(place);
    anchors.offer(head(3));
    await anchors.stop(60_000);
    assert.deepEqual(place.got, ['note 3']);
    assert.ok(place.isClosed);
    anchors.offer(head(4));
    await anchors.run();
    assert.equal(place.got.length, 1);
  });

  test('do not hold up the end of the process', async () => {
    const place = new Place('url');
    const { promise, reject } = Promise.withResolvers<void>();
    place.answer = () => promise;
    const close = place.close.bind(place);
    place.close = () => {
      reject(new Error('closed'));
      return close();
    };
    const anchors = service(place);
    anchors.offer(head(3));
    await anchors.stop(1);
    assert.deepEqual(known.anchored, []);
  });
});
