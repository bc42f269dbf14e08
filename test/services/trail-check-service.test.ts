import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emptySum } from '../../src/domain/audit/ref-sum.ts';
import { append, emptyRange, leafHash, rootOf } from '../../src/domain/audit/merkle.ts';
import type { RefSum } from '../../src/domain/audit/ref-sum.ts';
import type { CheckpointState, EntryCheck, RefCursor } from '../../src/domain/ports/checkpoints.ts';
import { TrailCheckService } from '../../src/services/trail-check-service.ts';
import type { TrailReport } from '../../src/services/trail-check-service.ts';

/** A sound trail of so many entries, which tells how often and by how much it was read. */
function soundTrail(size: number) {
  const range = emptyRange();
  const nodes = Array.from({ length: size }, (_, at) => {
    const leaf = leafHash(`entry ${at}`);
    return Buffer.concat([leaf, ...append(range, leaf).map(([, , hash]) => hash)]);
  });
  const reads: [number, number][] = [];
  return {
    reads,
    checkpointState: (): Promise<CheckpointState> => Promise.resolve({ tree: { size, root: rootOf(range) }, last: null, quietAt: 0, keys: [], replacements: [], anchored: [] }),
    prunedTrail: () => Promise.resolve({ size: 0, hashes: [] as Uint8Array[], isStated: true }),
    checkEntries({ from, to }: { from: number; to: number }): Promise<EntryCheck> {
      reads.push([from, to]);
      return Promise.resolve({ nodes: new Uint8Array(Buffer.concat(nodes.slice(from, to))), refs: emptySum(), notes: [] });
    },
    checkRefs: (_input: { after: RefCursor | null }): Promise<{ refs: RefSum; next: RefCursor | null }> => Promise.resolve({ refs: emptySum(), next: null }),
  };
}

function checkOf(store: ReturnType<typeof soundTrail>, bad: TrailReport[] = []): TrailCheckService {
  return new TrailCheckService({ store, trusted: [], last: () => null, onBad: (report) => bad.push(report) });
}

describe('the running check', () => {
  test('reads every entry once, in slices that are short', async () => {
    for (const size of [0, 1, 127, 128, 129, 1000]) {
      const store = soundTrail(size);
      const report = await checkOf(store).check();
      assert.deepEqual([report.ok, report.checked, report.size], [true, size, size]);
      assert.deepEqual(store.reads.flatMap(([from, to]) => Array.from({ length: to - from }, (_, at) => from + at)), Array.from({ length: size }, (_, at) => at));
      assert.ok(store.reads.every(([from, to]) => to - from <= 128));
    }
  });

  test('runs once for all who ask while it runs', async () => {
    const store = soundTrail(300);
    const check = checkOf(store);
    const reports = await Promise.all([check.check(), check.check(), check.check()]);
    assert.equal(store.reads.length, 3);
    assert.equal(reports[0], reports[2]);
    await check.check();
    assert.equal(store.reads.length, 6);
  });

  test('ends when the service stops', async () => {
    const store = soundTrail(300);
    const check = checkOf(store);
    const asked = assert.rejects(check.check(), { code: 'stopping' });
    await check.stop();
    await asked;
    assert.ok(store.reads.length < 3);
  });

  test('reads the index of references in slices, to its end, and looks for each row only where the sums differ', async () => {
    const store = soundTrail(300);
    const asked: (RefCursor | null)[] = [];
    const looks: boolean[] = [];
    const slices: { refs: RefSum; next: RefCursor | null }[] = [{ refs: { rows: 2, low: 5, high: 6 }, next: { run: 0, ref: 'aa', sequence: 7 } }, { refs: { rows: 1, low: 1, high: 2 }, next: null }];
    const withRefs = {
      ...store,
      async checkEntries(input: { from: number; to: number; eachRef?: boolean }) {
        looks.push(input.eachRef === true);
        return { ...(await store.checkEntries(input)), refs: input.from === 0 ? { rows: 3, low: 6, high: 8 } : emptySum() };
      },
      async checkRefs({ after }: { after: RefCursor | null }) {
        asked.push(after);
        return slices[after === null ? 0 : 1]!;
      },
    };
    assert.equal((await checkOf(withRefs).check()).ok, true);
    assert.deepEqual(asked, [null, slices[0]!.next]);
    assert.ok(!looks.includes(true));
    slices[1]!.refs.rows += 1;
    const bad: TrailReport[] = [];
    assert.equal((await checkOf(withRefs, bad).check()).ok, false);
    assert.match(bad[0]?.reason ?? '', /index/);
    assert.ok(looks.includes(true));
  });

  test('tells when the entries do not lead to the root of the tree, although each fits', async () => {
    const bad: TrailReport[] = [];
    const store = soundTrail(10);
    const report = await checkOf({ ...store, checkpointState: soundTrail(10).checkpointState }).check();
    assert.equal(report.ok, true);
    const other = { ...store, checkpointState: async () => ({ ...(await store.checkpointState()), tree: { size: 10, root: Buffer.alloc(32) } }) };
    assert.equal((await checkOf(other, bad).check()).ok, false);
    assert.equal(bad.length, 1);
  });
});
