import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  append,
  consistencyProof,
  copyRange,
  coverOf,
  EMPTY_ROOT,
  emptyRange,
  inclusionProof,
  leafHash,
  MerkleError,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../../../src/domain/audit/merkle.ts';
import type { GetNode, Range } from '../../../src/domain/audit/merkle.ts';
import { nodeReader } from '../../../src/domain/audit/tree-store.ts';

type Vector = {
  id: string;
  kind: string;
  name: string;
  wantErr: boolean;
  proof: string[] | null;
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  leaf_hex: string;
  left_hex: string;
  right_hex: string;
  leaves_hex: string[];
  expected_hash_hex: string;
  expected_root_hex: string;
};

const vectors = readFileSync(new URL('../../fixtures/merkle/vectors.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);

const hex = (text: string) => Buffer.from(text, 'hex');
const base64 = (text: string) => Buffer.from(text, 'base64');
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The tree head straight from the definition (RFC 9162, section 2.1.1): what the tree is compared with. */
function definedRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(definedRoot(leaves.slice(0, split)), definedRoot(leaves.slice(split)));
}

const MAX_SIZE = 300;
const leaves = Array.from({ length: MAX_SIZE }, (_, index) => leafHash(`leaf ${index}`));
const roots: Uint8Array[] = [];
const getNode: GetNode = (() => {
  const range = emptyRange();
  const nodes = leaves.flatMap((leaf, index) => {
    roots.push(rootOf(range));
    return [[0, index, leaf] as const, ...append(range, leaf)];
  });
  roots.push(rootOf(range));
  return nodeReader(nodes);
})();
const rootAt = (size: number): Uint8Array => roots[size] ?? assert.fail();
const leafAt = (index: number): Uint8Array => leaves[index] ?? assert.fail();

describe('merkle: published vectors', () => {
  const of = (kind: string) => vectors.filter((vector) => vector.kind === kind);

  it('hashes leaves and nodes', () => {
    assert.ok(of('leaf_hash').length > 0 && of('node_hash').length > 0);
    for (const { leaf_hex, expected_hash_hex } of of('leaf_hash')) assert.equal(hexOf(leafHash(hex(leaf_hex))), expected_hash_hex);
    for (const { left_hex, right_hex, expected_hash_hex } of of('node_hash')) {
      assert.equal(hexOf(nodeHash(hex(left_hex), hex(right_hex))), expected_hash_hex);
    }
  });

  it('has the roots', () => {
    assert.ok(of('root').length > 0);
    for (const { leaves_hex, expected_root_hex, id } of of('root')) {
      const range = emptyRange();
      for (const leaf of leaves_hex) append(range, leafHash(hex(leaf)));
      assert.equal(hexOf(rootOf(range)), expected_root_hex, id);
    }
  });

  it('accepts and refuses inclusion proofs as published', () => {
    assert.ok(of('inclusion').length > 40);
    for (const vector of of('inclusion')) {
      const claim = { leafHash: base64(vector.leafHash), index: vector.leafIdx, size: vector.treeSize, root: base64(vector.root), proof: (vector.proof ?? []).map(base64) };
      assert.equal(verifyInclusion(claim), !vector.wantErr, `${vector.id} ${vector.name}`);
    }
  });

  it('accepts and refuses consistency proofs as published', () => {
    assert.ok(of('consistency').length > 40);
    for (const vector of of('consistency')) {
      const claim = { from: vector.size1, to: vector.size2, fromRoot: base64(vector.root1), toRoot: base64(vector.root2), proof: (vector.proof ?? []).map(base64) };
      assert.equal(verifyConsistency(claim), !vector.wantErr, `${vector.id} ${vector.name}`);
    }
  });
});

describe('merkle: appending', () => {
  it('has at every size the root of the definition', () => {
    for (let size = 0; size <= MAX_SIZE; size += 1) assert.equal(hexOf(rootAt(size)), hexOf(definedRoot(leaves.slice(0, size))));
  });

  it('gives each complete subtree once, as the definition hashes it', () => {
    const range = emptyRange();
    const seen = new Set<string>();
    for (const leaf of leaves) {
      for (const [level, index, hash] of append(range, leaf)) {
        const width = 2 ** level;
        assert.equal(hexOf(hash), hexOf(definedRoot(leaves.slice(index * width, (index + 1) * width))));
        assert.ok(!seen.has(`${level}/${index}`));
        seen.add(`${level}/${index}`);
      }
    }
    const complete = [1, 2, 3, 4, 5, 6, 7, 8].reduce((sum, level) => sum + Math.floor(MAX_SIZE / 2 ** level), 0);
    assert.equal(seen.size, complete);
  });

  it('leaves the original of a copy alone', () => {
    const range: Range = { size: 3, hashes: [getNode(1, 0), getNode(0, 2)] };
    append(copyRange(range), leafAt(3));
    assert.equal(hexOf(rootOf(range)), hexOf(rootAt(3)));
  });

  it('takes text as its UTF-8 bytes', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.equal(hexOf(leafHash(text)), hexOf(leafHash(Buffer.from(text))))));
  });

  it('refuses a hash of another length, a range that contradicts itself, and a full tree', () => {
    assert.throws(() => append(emptyRange(), Buffer.alloc(31)), { code: 'merkle_bad_hash' });
    assert.throws(() => append({ size: 1, hashes: [] }, leafAt(0)), { code: 'merkle_bad_size' });
    assert.throws(() => append({ size: Number.MAX_SAFE_INTEGER, hashes: [] }, leafAt(0)), { code: 'merkle_bad_size' });
  });
});

describe('merkle: proofs', () => {
  const size = fc.integer({ min: 1, max: MAX_SIZE });
  const pair = size.chain((to) => fc.tuple(fc.integer({ min: 1, max: to }), fc.constant(to)));
  const place = size.chain((total) => fc.tuple(fc.integer({ min: 0, max: total - 1 }), fc.constant(total)));

  it('verify for every leaf of every size up to 40', () => {
    for (let total = 1; total <= 40; total += 1) {
      for (let index = 0; index < total; index += 1) {
        const proof = inclusionProof(index, total, getNode);
        assert.ok(verifyInclusion({ leafHash: leafAt(index), index, size: total, root: rootAt(total), proof }), `${index} of ${total}`);
        const consistency = consistencyProof(index + 1, total, getNode);
        assert.ok(verifyConsistency({ from: index + 1, to: total, fromRoot: rootAt(index + 1), toRoot: rootAt(total), proof: consistency }), `${index + 1} to ${total}`);
      }
    }
  });

  it('verify at random sizes, and for no other leaf, size or root', () => {
    fc.assert(
      fc.property(place, size, ([index, total], other) => {
        const claim = { leafHash: leafAt(index), index, size: total, root: rootAt(total), proof: inclusionProof(index, total, getNode) };
        assert.ok(verifyInclusion(claim));
        if (other !== total) assert.ok(!verifyInclusion({ ...claim, root: rootAt(other) }));
        if (other - 1 !== index) assert.ok(!verifyInclusion({ ...claim, leafHash: leafAt(other - 1) }));
        if (other - 1 !== index) assert.ok(!verifyInclusion({ ...claim, index: other - 1 }));
      }),
    );
  });

  it('of consistency verify at random sizes, and for no other root', () => {
    fc.assert(
      fc.property(pair, size, ([from, to], other) => {
        const claim = { from, to, fromRoot: rootAt(from), toRoot: rootAt(to), proof: consistencyProof(from, to, getNode) };
        assert.ok(verifyConsistency(claim));
        if (other !== to) assert.ok(!verifyConsistency({ ...claim, toRoot: rootAt(other) }));
        if (other !== from) assert.ok(!verifyConsistency({ ...claim, fromRoot: rootAt(other) }));
      }),
    );
  });

  it('with any one bit changed, one hash more or less, or two swapped, are never accepted', () => {
    fc.assert(
      fc.property(place, fc.nat(), fc.nat(), ([index, total], at, bit) => {
        const inclusion = { leafHash: leafAt(index), index, size: total, root: rootAt(total) };
        const proof = inclusionProof(index, total, getNode);
        for (const changed of changesOf(proof, at, bit)) assert.ok(!verifyInclusion({ ...inclusion, proof: changed }));
        const consistency = { from: index + 1, to: total, fromRoot: rootAt(index + 1), toRoot: rootAt(total) };
        const path = consistencyProof(index + 1, total, getNode);
        for (const changed of changesOf(path, at, bit)) assert.ok(!verifyConsistency({ ...consistency, proof: changed }));
      }),
      { numRuns: 300 },
    );
  });

  it('with a byte moved from one hash to the next, which hashes alike, are not accepted', () => {
    const [left, right] = [leafAt(0), leafAt(1)];
    const short = left.subarray(0, 31);
    const long = Buffer.concat([left.subarray(31), right]);
    const root = rootAt(2);
    assert.deepEqual(nodeHash(short, long), root);
    assert.ok(!verifyInclusion({ leafHash: short, index: 0, size: 2, root, proof: [long] }));
    assert.ok(!verifyConsistency({ from: 1, to: 2, fromRoot: short, toRoot: root, proof: [long] }));
  });

  it('work at sizes beyond 32 bits', () => {
    // A tree of 2^40 + 1 equal leaves: every complete subtree of a level has the same hash.
    const levels = [leafAt(0)];
    for (let level = 1; level <= 40; level += 1) levels.push(nodeHash(levels[level - 1] ?? assert.fail(), levels[level - 1] ?? assert.fail()));
    const equalLeaves: GetNode = (level) => levels[level] ?? assert.fail();
    const total = 2 ** 40 + 1;
    const root = nodeHash(equalLeaves(40, 0), leafAt(0));
    for (const index of [0, 2 ** 33 + 5, 2 ** 40 - 1, 2 ** 40]) {
      assert.ok(verifyInclusion({ leafHash: leafAt(0), index, size: total, root, proof: inclusionProof(index, total, equalLeaves) }));
    }
    const from = 2 ** 35 + 3;
    const fromRoot = rootOf({ size: from, hashes: coverOf(0, from).map(([level]) => equalLeaves(level, 0)) });
    assert.ok(verifyConsistency({ from, to: total, fromRoot, toRoot: root, proof: consistencyProof(from, total, equalLeaves) }));
  });

  it('are not made for sizes that cannot be, nor accepted', () => {
    const root = rootAt(4);
    for (const [index, total] of [[4, 4], [-1, 4], [0.5, 4], [0, 0], [0, Number.NaN], [0, 2 ** 53]] as const) {
      assert.throws(() => inclusionProof(index, total, getNode), MerkleError);
      assert.equal(verifyInclusion({ leafHash: leafAt(0), index, size: total, root, proof: [] }), false);
    }
    for (const [from, to] of [[0, 4], [0, 0], [5, 4], [-1, 4], [1.5, 4], [1, Infinity]] as const) {
      assert.throws(() => consistencyProof(from, to, getNode), MerkleError);
      assert.equal(verifyConsistency({ from, to, fromRoot: root, toRoot: root, proof: [] }), false);
    }
  });
});

function changesOf(proof: readonly Uint8Array[], at: number, bit: number): Uint8Array[][] {
  const longer = [...proof, leafAt(0)];
  if (proof.length === 0) return [longer];
  const place = at % proof.length;
  const flipped = proof.map((hash) => Buffer.from(hash));
  const target = flipped[place] ?? assert.fail();
  const byte = (bit >> 3) % target.length;
  target[byte] = (target[byte] ?? 0) ^ (1 << (bit & 7));
  const changes: Uint8Array[][] = [flipped, longer, proof.slice(0, -1), proof.slice(1)];
  changes.push(proof.map((hash, index) => (index === place ? hash.subarray(1) : hash)));
  if (proof.length > 1) {
    const other = (place + 1) % proof.length;
    changes.push(proof.map((hash, index) => (index === place ? (proof[other] ?? hash) : index === other ? (proof[place] ?? hash) : hash)));
  }
  return changes;
}
