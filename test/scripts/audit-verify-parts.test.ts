import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalText } from '../../scripts/audit-verify/canonical.ts';
import { hasDuplicateName } from '../../scripts/audit-verify/names.ts';
import { checkSignatures, readKey, readNote, readTreeHead } from '../../scripts/audit-verify/note.ts';
import { growTree, isConsistent, subtreeCount } from '../../scripts/audit-verify/tree.ts';
import { canonicalJson } from '../../src/domain/audit/canonical-json.ts';
import { append, consistencyProof, emptyRange, leafHash, rootOf, verifyConsistency } from '../../src/domain/audit/merkle.ts';
import { nodeReader } from '../../src/domain/audit/tree-store.ts';
import { buildTrail, checkpointAt, VERIFIER_KEY } from './audit-trail.ts';

// The verifier shares no code with the service. Here both are held to the published vectors and to each other.

function rows<Row>(path: string): Row[] {
  const text = readFileSync(new URL(`../fixtures/${path}.jsonl`, import.meta.url), 'utf8');
  return text.trimEnd().split('\n').map((line) => JSON.parse(line) as Row);
}

describe('audit:verify: its canonical JSON', () => {
  it('writes the published documents and numbers', () => {
    for (const { id, input, expected } of rows<{ id: string; input: string; expected: string }>('jcs/documents')) {
      assert.equal(canonicalText(JSON.parse(input)), expected, id);
    }
    for (const { id, hex, expected } of rows<{ id: string; hex: string; expected: string | null }>('jcs/numbers')) {
      const number = Buffer.from(hex, 'hex').readDoubleBE();
      if (expected === null) assert.throws(() => canonicalText(number), Error, id);
      else assert.equal(canonicalText(number), expected, id);
    }
  });

  it('refuses the published texts that RFC 8785 refuses', () => {
    for (const { id, input, policy } of rows<{ id: string; input: string; policy?: string }>('jcs/reject')) {
      const read = (): void => {
        canonicalText(JSON.parse(input));
        if (hasDuplicateName(input)) throw new Error('a name occurs twice');
      };
      if (policy === undefined) assert.throws(read, Error, id);
    }
  });

  it('is that of the service', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => assert.equal(canonicalText(JSON.parse(JSON.stringify(value))), canonicalJson(value))));
  });

  it('leaves out the one name asked for, in the outermost object only', () => {
    assert.equal(canonicalText({ leaf: 1, a: { leaf: 2 } }, 'leaf'), '{"a":{"leaf":2}}');
  });
});

describe('audit:verify: names given twice', () => {
  const cases: [text: string, expected: boolean][] = [
    ['{"a":1,"a":2}', true],
    ['{"a":1,"\\u0061":2}', true],
    ['{ "a" : 1 , "b" : {"c":1,"c":2} }', true],
    ['[{"a":1},{"x":[{"b":1,"b":1}]}]', true],
    ['{"a\\"":1,"a\\"":2}', true],
    ['{"a":1,"A":2}', false],
    ['{"a":{"a":1},"b":[{"a":1},{"a":1}]}', false],
    ['{"a":"a","b":"a"}', false],
    ['["a","a"]', false],
    ['{"a":"{\\"b\\":1,\\"b\\":2}"}', false],
    ['{"a":["b","b"],"b":"\\\\"}', false],
    ['"a"', false],
  ];
  for (const [text, expected] of cases) it(`${expected ? 'are' : 'are not'} in ${text}`, () => assert.equal(hasDuplicateName(text), expected));

  it('are in no text that was written from a value', () => {
    fc.assert(fc.property(fc.json(), (text) => assert.equal(hasDuplicateName(text), false)));
  });
});

describe('audit:verify: its tree', () => {
  type Vector = { kind: string; id: string; size1: number; size2: number; root1: string; root2: string; proof: string[] | null; wantErr: boolean };
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');

  it('accepts and refuses the published consistency proofs', () => {
    for (const vector of rows<Vector>('merkle/vectors').filter(({ kind }) => kind === 'consistency')) {
      const proof = (vector.proof ?? []).map(bytes);
      assert.equal(isConsistent(vector.size1, bytes(vector.root1), vector.size2, bytes(vector.root2), proof), !vector.wantErr, vector.id);
    }
  });

  it('does not take hashes of another length, though they hash alike', () => {
    const grown = growTree();
    grown.add('left');
    const left = grown.root();
    grown.add('right');
    const right = growTree();
    right.add('right');
    assert.ok(isConsistent(1, left, 2, grown.root(), [right.root()]));
    assert.ok(!isConsistent(1, left.subarray(0, 31), 2, grown.root(), [Buffer.concat([left.subarray(31), right.root()])]));
  });

  it('has the roots of the service, from any size on, and agrees about proofs', () => {
    const total = 140;
    const range = emptyRange();
    const grown = growTree();
    const states = [{ size: 0, hashes: [] as Uint8Array[] }];
    const nodes = Array.from({ length: total }, (_, index) => {
      grown.add(`leaf ${index}`);
      const leaf = leafHash(`leaf ${index}`);
      const completed = append(range, leaf);
      states.push({ size: range.size, hashes: [...range.hashes] });
      assert.deepEqual(grown.root(), Buffer.from(rootOf(range)));
      return [[0, index, leaf] as const, ...completed];
    });
    const getNode = nodeReader(nodes.flat());
    const stateAt = (size: number) => states[size] ?? assert.fail();
    const rootAt = (size: number) => Buffer.from(rootOf(stateAt(size)));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: total }), fc.nat(), fc.nat(), (to, at, bit) => {
        const from = 1 + (at % to);
        const resumed = growTree(from, stateAt(from).hashes.map((hash) => Buffer.from(hash)));
        assert.equal(subtreeCount(from), stateAt(from).hashes.length);
        for (let index = from; index < to; index += 1) resumed.add(`leaf ${index}`);
        assert.deepEqual([resumed.size, resumed.root()], [to, rootAt(to)]);
        const proof = consistencyProof(from, to, getNode).map((hash) => Buffer.from(hash));
        assert.ok(isConsistent(from, rootAt(from), to, rootAt(to), proof));
        const target = proof[at % Math.max(1, proof.length)];
        if (target === undefined) return;
        target[(bit >> 3) % 32] = (target[(bit >> 3) % 32] ?? 0) ^ (1 << (bit & 7));
        const verdicts = [
          isConsistent(from, rootAt(from), to, rootAt(to), proof),
          verifyConsistency({ from, to, fromRoot: rootAt(from), toRoot: rootAt(to), proof }),
        ];
        assert.deepEqual(verdicts, [false, false]);
      }),
    );
  });
});

describe('audit:verify: its notes', () => {
  const key = readKey(VERIFIER_KEY);
  const note = checkpointAt(buildTrail({ count: 5 }), 5);

  it('are read as the service wrote them', () => {
    const head = readTreeHead(note);
    assert.equal(head.size, 5);
    assert.deepEqual(checkSignatures(head.note, [key]), { state: 'good', by: [key] });
  });

  it('with one bit changed anywhere are never believed', () => {
    const bytes = Buffer.from(note);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let state = 'unreadable';
      try {
        ({ state } = checkSignatures(readNote(changed.toString('utf8')), [key]));
      } catch {
        continue;
      }
      assert.notEqual(state, 'good', `bit ${bit}`);
    }
  });

  it('and keys of another form are refused', () => {
    for (const text of ['', 'a', 'a+b', 'a+b+c', `x${VERIFIER_KEY}`, VERIFIER_KEY.slice(0, -1), `${VERIFIER_KEY}=`]) assert.throws(() => readKey(text));
    for (const text of ['', '\n', 'a\n', 'a\n\n', 'a\n\nb\n', note.slice(0, -1), `\t${note}`]) assert.throws(() => readNote(text));
    for (const size of ['05', '-5', '5.0', '', '9007199254740993']) assert.throws(() => readTreeHead(note.replace('\n5\n', `\n${size}\n`)));
  });
});
