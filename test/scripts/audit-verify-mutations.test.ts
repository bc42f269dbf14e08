import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { verifyTrail } from '../../scripts/audit-verify/check.ts';
import type { Finding } from '../../scripts/audit-verify/walk.ts';
import { readKey } from '../../scripts/audit-verify/note.ts';
import { buildTrail, checkpointAt, forgeActor, lineOf, VERIFIER_KEY } from './audit-trail.ts';

const MUTATIONS = 200;
const COVERED = 180;
const EVERY = 20;
const trail = buildTrail({ count: 200, checkpointEvery: EVERY });
const lines = trail.entries.map(lineOf);
const original = lines.join('\n');
const checkpoint = { name: 'checkpoint', text: checkpointAt(trail, COVERED) };
const keys = [readKey(VERIFIER_KEY)];
const folder = mkdtempSync(join(tmpdir(), 'audit-verify-mutations-'));
after(() => rmSync(folder, { recursive: true }));

/** A small generator with a seed (mulberry32), so that each run makes the same mutations: whole numbers below `below`. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * below);
  };
}

type Mutation = { kind: string; at: number; content: Buffer; isRehashed: boolean };

function mutate(throwDice: (below: number) => number): Mutation {
  const at = throwDice(COVERED - 1);
  const other = at + 1 + throwDice(COVERED - at - 1);
  const line = lines[at] ?? assert.fail();
  const place = throwDice(line.length);
  const bit = 1 << throwDice(8);
  const flipped = Buffer.from(original);
  const offset = Buffer.byteLength(lines.slice(0, at).join('\n')) + (at > 0 ? 1 : 0) + throwDice(Buffer.byteLength(line));
  flipped[offset] = (flipped[offset] ?? 0) ^ bit;
  const mutations: [kind: string, changed: () => string[] | Buffer, isRehashed?: true][] = [
    ['a flipped bit', () => flipped],
    ['a lost character', () => lines.with(at, line.slice(0, place) + line.slice(place + 1))],
    ['a deleted entry', () => lines.toSpliced(at, 1)],
    ['a deleted stretch', () => lines.toSpliced(at, other - at)],
    ['two swapped entries', () => lines.with(at, lines[other] ?? '').with(other, line)],
    ['a repeated entry', () => lines.toSpliced(other, 0, line)],
    ['a truncated end', () => lines.slice(0, at)],
    ['a rewritten entry', () => lines.with(at, lineOf(forgeActor(trail.entries[at] ?? assert.fail()))), true],
    ['a rewritten entry before a truncated end', () => lines.with(at, lineOf(forgeActor(trail.entries[at] ?? assert.fail()))).slice(0, COVERED - 1), true],
  ];
  const [kind, changed, isRehashed = false] = mutations[throwDice(mutations.length)] ?? assert.fail();
  const content = changed();
  return { kind, at, isRehashed, content: Buffer.isBuffer(content) ? content : Buffer.from(content.join('\n')) };
}

/** Whether two exports say the same, in another spelling (an escape in capitals, say): not a change of the trail. */
function saysTheSame(content: Buffer): boolean {
  try {
    const meaning = (text: string) => text.split('\n').map((line) => JSON.stringify(JSON.parse(line)));
    return meaning(content.toString('utf8')).join('\n') === meaning(original).join('\n');
  } catch {
    return false;
  }
}

function earliest(findings: readonly Finding[]): Finding | undefined {
  return [...findings].sort((left, right) => (left.first ?? Infinity) - (right.first ?? Infinity))[0];
}

describe('audit:verify: random mutations', () => {
  it(`finds ${MUTATIONS} of ${MUTATIONS}, and names where they are`, () => {
    const throwDice = dice(20_261_122);
    const kinds = new Set<string>();
    const exportPath = join(folder, 'export');
    for (let found = 0; found < MUTATIONS; ) {
      const { kind, at, content, isRehashed } = mutate(throwDice);
      if (saysTheSame(content)) continue;
      writeFileSync(exportPath, content);
      const { findings } = verifyTrail({ exportPath, checkpoint, older: [], keys });
      const { first, last = first } = earliest(findings) ?? assert.fail(`${kind} at ${at} was not found`);
      const seen = `${kind} at ${at}: ${JSON.stringify(findings)}`;
      assert.ok(first !== undefined && last !== undefined, seen);
      // Nothing signed covers what was rewritten after the last checkpoint among the entries that are left.
      const isBeyondEvidence = at >= COVERED - EVERY && content.length < Buffer.byteLength(lines.slice(0, COVERED).join('\n'));
      if (isRehashed && isBeyondEvidence) assert.equal(first, COVERED - 1, seen);
      else if (isRehashed) assert.ok(first <= at && at <= last && last - first < EVERY, seen);
      else assert.deepEqual([first, last], [at, at], seen);
      kinds.add(kind);
      found += 1;
    }
    assert.equal(kinds.size, 9, 'each kind of mutation was tried');
  });
});
