import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { append, consistencyProof, emptyRange, inclusionProof, leafHash, rootOf } from '../../../src/domain/audit/merkle.ts';
import type { GetNode, NodeAddress, TreeNode } from '../../../src/domain/audit/merkle.ts';
import { appendAll, consistencyNodes, inclusionNodes, nodeReader, rangeAt, rangeNodes } from '../../../src/domain/audit/tree-store.ts';

const TOTAL = 200;
const leaves = Array.from({ length: TOTAL }, (_, index) => leafHash(`leaf ${index}`));
const { nodes, range } = appendAll(emptyRange(), leaves);
const stored = nodeReader(nodes);

/** A reader that knows only what was asked for beforehand, as one that fetched rows does. */
function fetched(addresses: readonly NodeAddress[]): GetNode {
  return nodeReader(addresses.map(([level, index]): TreeNode => [level, index, stored(level, index)]));
}

const size = fc.integer({ min: 1, max: TOTAL });

describe('tree store', () => {
  it('goes on from stored nodes as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TOTAL - 1 }), (stop) => {
        const resumed = rangeAt(stop, fetched(rangeNodes(stop)));
        const rest = appendAll(resumed, leaves.slice(stop));
        assert.deepEqual(rest.range, range);
        assert.deepEqual(rest.nodes, nodes.slice(nodes.length - rest.nodes.length));
      }),
    );
  });

  it('leaves the given range alone, so that a failed transaction costs nothing', () => {
    const before = rangeAt(5, stored);
    appendAll(before, leaves.slice(5, 9));
    assert.deepEqual(before, rangeAt(5, stored));
  });

  it('names exactly the nodes that a proof reads', () => {
    fc.assert(
      fc.property(size, fc.nat(), (to, at) => {
        const index = at % to;
        const cases: [NodeAddress[], (getNode: GetNode) => Uint8Array[]][] = [
          [inclusionNodes(index, to), (getNode) => inclusionProof(index, to, getNode)],
          [consistencyNodes(index + 1, to), (getNode) => consistencyProof(index + 1, to, getNode)],
        ];
        for (const [addresses, prove] of cases) {
          assert.deepEqual(prove(fetched(addresses)), prove(stored));
          for (const missing of addresses) {
            assert.throws(() => prove(fetched(addresses.filter((address) => address !== missing))), { code: 'merkle_node_missing' });
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('reads few nodes, also of large trees', () => {
    const large = 2 ** 40 - 1;
    assert.ok(rangeNodes(large).length <= 40);
    assert.ok(inclusionNodes(123_456_789_012, large).length <= 80);
    assert.ok(consistencyNodes(987_654_321, large).length <= 80);
  });

  it('refuses sizes that cannot be', () => {
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 53]) assert.throws(() => rangeNodes(bad), { code: 'merkle_bad_size' });
  });

  it('writes every node once: less than two a leaf', () => {
    assert.equal(new Set(nodes.map(([level, index]) => `${level}/${index}`)).size, nodes.length);
    assert.ok(nodes.length < 2 * TOTAL);
    const single = emptyRange();
    for (const leaf of leaves) append(single, leaf);
    assert.deepEqual(rootOf(single), rootOf(range));
  });
});
