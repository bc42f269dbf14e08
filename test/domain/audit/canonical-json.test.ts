import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CanonicalJsonError, canonicalJson } from '../../../src/domain/audit/canonical-json.ts';

function rows<Row>(name: string): Row[] {
  const text = readFileSync(new URL(`../../fixtures/jcs/${name}.jsonl`, import.meta.url), 'utf8');
  return text.trimEnd().split('\n').map((line) => JSON.parse(line) as Row);
}

function refusal(value: unknown): string {
  try {
    return `accepted: ${canonicalJson(value)}`;
  } catch (error) {
    assert.ok(error instanceof CanonicalJsonError);
    return error.code;
  }
}

describe('canonicalJson: published vectors', () => {
  it('writes every document byte for byte', () => {
    const documents = rows<{ id: string; input: string; expected_hex: string; sha256: string }>('documents');
    assert.ok(documents.length > 10);
    for (const { id, input, expected_hex, sha256 } of documents) {
      const bytes = Buffer.from(canonicalJson(JSON.parse(input)));
      assert.equal(bytes.toString('hex'), expected_hex, id);
      assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, id);
    }
  });

  it('writes every number, and refuses what is none', () => {
    const numbers = rows<{ id: string; hex: string; expected: string | null }>('numbers');
    assert.ok(numbers.length > 400);
    for (const { id, hex, expected } of numbers) {
      const number = Buffer.from(hex, 'hex').readDoubleBE();
      if (expected === null) assert.equal(refusal(number), 'canonical_number_not_finite', id);
      else assert.equal(canonicalJson(number), expected, id);
    }
  });

  // A canonicalizer sees values. What only a text can show is the concern of whoever parses it: syntax and byte order
  // marks (which JSON.parse refuses), and duplicate names (which it does not: the last one wins).
  it('leaves of the texts to refuse only what a value cannot show, and what one library refuses by choice', () => {
    const left = new Set<string>();
    for (const { id, input, reason, policy } of rows<{ id: string; input: string; reason: string; policy?: string }>('reject')) {
      let value: unknown;
      try {
        value = JSON.parse(input);
      } catch {
        continue;
      }
      if (policy === undefined && reason !== 'duplicate_name') assert.match(refusal(value), /^canonical_/u, id);
      else left.add(reason);
    }
    assert.deepEqual([...left].sort(), ['duplicate_name', 'integer_unrepresentable', 'negative_zero', 'noncharacter']);
  });
});

describe('canonicalJson: what is no JSON data', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const withHole: unknown[] = [1];
  withHole[2] = 3;
  const cases: [name: string, value: unknown, code: string][] = [
    ['undefined', undefined, 'canonical_not_json'],
    ['NaN', { a: [Number.NaN] }, 'canonical_number_not_finite'],
    ['an infinity', { a: -Infinity }, 'canonical_number_not_finite'],
    ['a lone high surrogate', 'x\uD800', 'canonical_lone_surrogate'],
    ['a lone low surrogate in a name', { '\uDC00': 1 }, 'canonical_lone_surrogate'],
    ['surrogates in the wrong order', '\uDC00\uD800', 'canonical_lone_surrogate'],
    ['undefined in an array', [undefined], 'canonical_not_json'],
    ['a hole in an array', withHole, 'canonical_not_json'],
    ['a function', { a: () => 1 }, 'canonical_not_json'],
    ['a symbol', Symbol('s'), 'canonical_not_json'],
    ['a bigint', 1n, 'canonical_not_json'],
    ['a Map, which JSON would write as {}', { a: new Map([['b', 1]]) }, 'canonical_not_json'],
    ['a Date', new Date(0), 'canonical_not_json'],
    ['its own way to write itself', { toJSON: () => 'other' }, 'canonical_not_json'],
    ['a cycle', cycle, 'canonical_too_deep'],
  ];
  for (const [name, value, code] of cases) it(`refuses ${name}`, () => assert.equal(refusal(value), code));

  it('names the place but not the value', () => {
    assert.throws(() => canonicalJson({ a: { b: [0, 'secret\uD800'] } }), (error: Error) => error.message.includes('a.b.1') && !error.message.includes('secret'));
  });

  it('leaves out properties that are undefined, and takes objects without prototype', () => {
    assert.equal(canonicalJson({ b: undefined, a: 1 }), '{"a":1}');
    assert.equal(canonicalJson(Object.assign(Object.create(null), { b: 1, a: null })), '{"a":null,"b":1}');
  });
});

describe('canonicalJson: properties', () => {
  const json = fc.jsonValue({ maxDepth: 5 });

  it('means the same as the value, and is its own canonical form', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
        assert.equal(canonicalJson(JSON.parse(text)), text);
      }),
    );
  });

  it('does not depend on the order in which names were put in', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), json), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        assert.equal(canonicalJson(reversed), canonicalJson(object));
      }),
    );
  });
});
