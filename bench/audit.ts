/**
 * What the audit trail costs: making a leaf, appending it, proofs, and the offline verifier over a large export.
 * `node bench/audit.ts [entries]`
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyTrail } from '../scripts/audit-verify/check.ts';
import { readKey } from '../scripts/audit-verify/note.ts';
import { formatCheckpoint, signNote } from '../src/domain/audit/checkpoint.ts';
import { leafOf } from '../src/domain/audit/entry.ts';
import { append, consistencyProof, emptyRange, inclusionProof, leafHash, rootOf, verifyInclusion } from '../src/domain/audit/merkle.ts';
import type { GetNode } from '../src/domain/audit/merkle.ts';
import { buildTrail, KEY, lineOf, ORIGIN, VERIFIER_KEY } from '../test/scripts/audit-trail.ts';
import { machineLine } from './support/machine.ts';

const count = Number(process.argv[2] ?? 200_000);
const SAMPLE = 20_000;

function show(what: string, runs: number, work: () => void): number {
  const start = performance.now();
  work();
  const milliseconds = performance.now() - start;
  console.log(`${what.padEnd(34)} ${((milliseconds * 1000) / runs).toFixed(2).padStart(8)} µs  ${Math.round((runs / milliseconds) * 1000).toLocaleString('en').padStart(10)} a second`);
  return milliseconds;
}

console.log(machineLine());
const { entries } = buildTrail({ count: SAMPLE });
const leaves = entries.map(leafOf);
const hashes = leaves.map(leafHash);
for (const round of ['first', 'second']) {
  console.log(`\n${round} round`);
  show('leaf of an entry', SAMPLE, () => entries.forEach((entry) => leafOf(entry)));
  show('leaf hash', SAMPLE, () => leaves.forEach((leaf) => leafHash(leaf)));
  const range = emptyRange();
  show('append to the range', count, () => {
    for (let index = 0; index < count; index += 1) append(range, hashes[index % SAMPLE] ?? Buffer.alloc(32));
  });
  show('leaf, hash and append', SAMPLE, () => {
    const own = emptyRange();
    for (const entry of entries) append(own, leafHash(leafOf(entry)));
  });
  // The shape of a proof does not depend on the hashes, so a tree of 2^20 equal nodes serves.
  const getNode: GetNode = () => hashes[0] ?? Buffer.alloc(32);
  const size = 1_000_000;
  show('inclusion proof of 1,000,000', 2000, () => {
    for (let index = 0; index < 2000; index += 1) inclusionProof(index * 499, size, getNode);
  });
  show('consistency proof of 1,000,000', 2000, () => {
    for (let index = 0; index < 2000; index += 1) consistencyProof(index * 499 + 1, size, getNode);
  });
  const proof = inclusionProof(123_456, size, getNode);
  show('verify an inclusion proof', 2000, () => {
    for (let index = 0; index < 2000; index += 1) verifyInclusion({ leafHash: hashes[0] ?? Buffer.alloc(32), index: 123_456, size, root: hashes[1] ?? Buffer.alloc(32), proof });
  });
}

const folder = mkdtempSync(join(tmpdir(), 'audit-bench-'));
try {
  const path = join(folder, 'export.ndjson');
  const file = openSync(path, 'w');
  const range = emptyRange();
  for (let sequence = 0; sequence < count; sequence += 1) {
    const entry = { ...(entries[sequence % SAMPLE] ?? entries[0]), sequence } as (typeof entries)[number];
    append(range, leafHash(leafOf(entry)));
    writeSync(file, `${lineOf(entry)}\n`);
  }
  closeSync(file);
  const text = signNote(formatCheckpoint(ORIGIN, count, rootOf(range)), ORIGIN, KEY);
  writeFileSync(join(folder, 'checkpoint'), text);
  console.log(`\noffline verifier over ${count.toLocaleString('en')} entries`);
  for (const round of ['first', 'second']) {
    show(`verify, ${round} round`, count, () => {
      const { findings } = verifyTrail({ exportPath: path, checkpoint: { name: 'checkpoint', text }, older: [], keys: [readKey(VERIFIER_KEY)] });
      if (findings.length > 0) throw new Error('the export should verify');
    });
  }
  console.log(`resident memory ${Math.round(process.memoryUsage().rss / 1024 / 1024)} MB`);
} finally {
  rmSync(folder, { recursive: true });
}
