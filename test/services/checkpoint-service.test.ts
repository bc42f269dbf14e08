import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { formatVerifierKey, parseCheckpoint, parseVerifierKey, verifyNote } from '../../src/domain/audit/checkpoint.ts';
import { append, consistencyProof, emptyRange, leafHash, rootOf } from '../../src/domain/audit/merkle.ts';
import { CodedError } from '../../src/domain/errors.ts';
import type { CheckpointState, SignedHead } from '../../src/domain/ports/checkpoints.ts';
import { CheckpointService } from '../../src/services/checkpoint-service.ts';
import type { CheckpointOptions } from '../../src/services/checkpoint-service.ts';
import { ManualClock } from '../support/manual-clock.ts';

const ORIGIN = 'enricher.example/audit';
const KEY = keyOf(1);
const VERIFIER = formatVerifierKey(ORIGIN, KEY);

function keyOf(seed: number) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** A tree in memory with the operations that checkpoints need. */
class Trail {
  leaves: string[] = [];
  last: SignedHead | null = null;
  quietAt = 0;
  entries: number[] = [];

  grow(count: number, what = 'entry'): void {
    for (let i = 0; i < count; i += 1) this.leaves.push(`${what} ${this.leaves.length}`);
  }

  range(begin = 0, end = this.leaves.length) {
    const range = emptyRange();
    for (const leaf of this.leaves.slice(begin, end)) append(range, leafHash(leaf));
    return range;
  }

  checkpointState(): Promise<CheckpointState> {
    return Promise.resolve({ tree: { size: this.leaves.length, root: rootOf(this.range()) }, last: this.last, quietAt: this.quietAt, keys: [VERIFIER], replacements: [], anchored: [] });
  }

  recordCheckpoint({ head, inTrail }: { head: SignedHead; rootHash: string; inTrail: boolean; now: number }): Promise<void> {
    this.last = head;
    if (inTrail) {
      this.entries.push(this.leaves.length);
      this.grow(1, 'checkpoint');
      this.quietAt = this.leaves.length === head.size + 1 ? head.size + 1 : head.size;
    }
    return Promise.resolve();
  }

  auditProof(request: { kind: string; from?: number; to?: number }): Promise<{ hashes: Uint8Array[] } | null> {
    const { from = 0, to = 0 } = request;
    if (from < 1 || from > to || to > this.leaves.length) return Promise.resolve(null);
    return Promise.resolve({ hashes: consistencyProof(from, to, (level, index) => rootOf(this.range(index * 2 ** level, (index + 1) * 2 ** level))) });
  }
}

describe('checkpoints', () => {
  let trail: Trail;
  let clock: ManualClock;
  let kept: string | null;
  let said: string[];
  let runs: number[];

  beforeEach(() => {
    trail = new Trail();
    clock = new ManualClock();
    kept = null;
    said = [];
    runs = [];
  });
  afterEach(() => assert.ok(trail.entries.every((at, i) => i === 0 || at > (trail.entries[i - 1] ?? 0))));

  function service(changes: Partial<CheckpointOptions> = {}): CheckpointService {
    return new CheckpointService({
      store: trail,
      file: {
        read: () => Promise.resolve(kept),
        write(note) {
          kept = note;
          return Promise.resolve();
        },
      },
      signer: { origin: ORIGIN, privateKey: KEY, verifierKeys: [VERIFIER], replacements: [] },
      clock,
      events: {
        checkpointSigned: ({ size }) => said.push(`signed ${size}`),
        checkpointFileMissing: (size) => said.push(`file missing at ${size}`),
        integrityLost: ({ reason }) => said.push(`lost: ${reason}`),
      },
      onSigned: () => undefined,
      onError: (error, where) => said.push(`${where}: ${String(error)}`),
      schedule: (at) => runs.push(at - clock.now()),
      ...changes,
    });
  }

  function refused(checkpoints: CheckpointService) {
    return assert.rejects(checkpoints.current(), (error) => error instanceof CodedError && error.code === 'audit_integrity');
  }

  test('are signed over all there is, and say what the tree says', async () => {
    trail.grow(5);
    const root = rootOf(trail.range());
    const checkpoints = service();
    await checkpoints.open();
    await checkpoints.run();
    const verdict = verifyNote(kept ?? '', [parseVerifierKey(VERIFIER)]);
    assert.ok(verdict.ok);
    const head = parseCheckpoint(verdict.text);
    assert.deepEqual([head.origin, head.size, Buffer.from(head.root)], [ORIGIN, 5, Buffer.from(root)]);
    assert.deepEqual(runs, [60_000]);
  });

  test('are not signed again because of their own entry', async () => {
    trail.grow(5);
    const checkpoints = service();
    await checkpoints.open();
    for (let i = 0; i < 4; i += 1) await checkpoints.run();
    assert.deepEqual(said, ['signed 5']);
    trail.grow(1);
    await checkpoints.run();
    await checkpoints.run();
    assert.deepEqual(said, ['signed 5', 'signed 7']);
    assert.deepEqual(trail.entries, [5, 7]);
  });

  test('on demand cover every entry, and asking adds none', async () => {
    trail.grow(3);
    const checkpoints = service();
    await checkpoints.open();
    await checkpoints.run();
    const [first, again] = await Promise.all([checkpoints.current(), checkpoints.current()]);
    assert.equal(first.size, 4);
    assert.deepEqual(first, again);
    assert.equal(trail.leaves.length, 4);
    trail.grow(2);
    assert.equal((await checkpoints.current()).size, 6);
    // The next regular one says in the trail what was signed on demand, without signing it twice.
    await checkpoints.run();
    assert.deepEqual(said, ['signed 3', 'signed 4', 'signed 6']);
    assert.deepEqual(trail.entries, [3, 6]);
  });

  test('are asked for once a thousand entries are new, once', async () => {
    const checkpoints = service();
    await checkpoints.open();
    checkpoints.grown(999);
    assert.deepEqual(runs, []);
    checkpoints.grown(1000);
    checkpoints.grown(1200);
    assert.deepEqual(runs, [0]);
    trail.grow(1200);
    await checkpoints.run();
    checkpoints.grown(2000);
    assert.deepEqual(runs, [0, 60_000]);
    checkpoints.grown(2201);
    assert.deepEqual(runs, [0, 60_000, 0]);
  });

  test('go on from those of the process before', async () => {
    trail.grow(5);
    const before = service();
    await before.open();
    await before.run();
    trail.grow(4);
    const after = service();
    await after.open();
    assert.deepEqual(after.integrity(), { ok: true });
    assert.equal((await after.current()).size, 10);
  });

  const BREAKS: [string, () => void, string][] = [
    ['a tree with fewer entries', () => (trail.leaves.length = 4), 'shrunk'],
    ['another entry among those that were signed', () => (trail.leaves[2] = 'forged'), 'forked'],
    ['an older tree that has grown differently', () => (trail.leaves.splice(3), trail.grow(9, 'other')), 'forked'],
    ['a note that is not signed by us', () => (kept = (kept ?? '').replace('5\n', '4\n')), 'not_signed'],
    ['a note that is none', () => (kept = 'hello'), 'not_signed'],
  ];
  for (const [what, change, reason] of BREAKS) {
    test(`are refused at the start for ${what}, which is said once`, async () => {
      trail.grow(5);
      const before = service();
      await before.open();
      await before.run();
      change();
      const evidence = kept;
      const after = service();
      await after.open();
      assert.deepEqual(after.integrity(), { ok: false, reason });
      await refused(after);
      trail.grow(100);
      await after.run();
      await after.stop();
      await refused(after);
      assert.deepEqual(said, ['signed 5', `lost: ${reason}`]);
      assert.equal(kept, evidence, 'the evidence is not written over');
      assert.deepEqual(trail.entries, [5]);
    });
  }

  test('are refused while running as well, whatever the store claims was signed', async () => {
    trail.grow(5);
    const checkpoints = service();
    await checkpoints.open();
    await checkpoints.run();
    trail.leaves[0] = 'forged';
    trail.last = null;
    trail.grow(1);
    await refused(checkpoints);
    assert.deepEqual(said, ['signed 5', 'lost: forked']);
  });

  test('are refused after an older database, of which only the file tells', async () => {
    trail.grow(5);
    const before = service();
    await before.open();
    await before.run();
    trail.last = null;
    trail.quietAt = 0;
    trail.leaves.splice(3);
    const after = service();
    await after.open();
    assert.deepEqual(after.integrity(), { ok: false, reason: 'shrunk' });
  });

  test('survive the loss of the file beside the database, which is said', async () => {
    trail.grow(5);
    const before = service();
    await before.open();
    await before.run();
    kept = null;
    const after = service();
    await after.open();
    trail.grow(1);
    await after.run();
    assert.deepEqual(said, ['signed 5', 'file missing at 5', 'signed 7']);
    assert.ok(kept !== null);
  });

  test('go on where a crash came between the store and the file', async () => {
    trail.grow(5);
    const before = service();
    await before.open();
    await before.run();
    const older = kept;
    trail.grow(3);
    await before.run();
    kept = older;
    const after = service();
    await after.open();
    assert.deepEqual(after.integrity(), { ok: true });
    assert.equal(after.last?.size, 9);
    trail.grow(1);
    await after.run();
    assert.equal(after.last?.size, 11);
    assert.equal(kept, trail.last?.note);
  });

  test('are kept in the store also when the file cannot be written', async () => {
    trail.grow(2);
    const checkpoints = service({ file: { read: () => Promise.resolve(null), write: () => Promise.reject(new Error('EROFS')) } });
    await checkpoints.open();
    assert.equal((await checkpoints.current()).size, 2);
    assert.equal(trail.last?.size, 2);
    assert.deepEqual(said, ['checkpoint file: Error: EROFS', 'signed 2']);
  });

  test('are not blamed for a store that does not answer', async () => {
    trail.grow(5);
    const checkpoints = service();
    await checkpoints.open();
    await checkpoints.run();
    trail.grow(1);
    const answer = trail.auditProof.bind(trail);
    trail.auditProof = () => Promise.reject(new CodedError('storage_unavailable', 'closed'));
    await assert.rejects(checkpoints.current(), { code: 'storage_unavailable' });
    assert.deepEqual(checkpoints.integrity(), { ok: true });
    trail.auditProof = answer;
    assert.equal((await checkpoints.current()).size, 7);
    trail.grow(1);
    trail.auditProof = () => Promise.reject(new Error('node 3/0 is missing'));
    await refused(checkpoints);
    assert.deepEqual(checkpoints.integrity(), { ok: false, reason: 'damaged' });
  });

  test('sign a last time at the end', async () => {
    trail.grow(5);
    const checkpoints = service();
    await checkpoints.open();
    await checkpoints.stop();
    assert.deepEqual(said, ['signed 5']);
  });
});
