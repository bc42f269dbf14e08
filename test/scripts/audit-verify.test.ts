import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { verifyTrail } from '../../scripts/audit-verify/check.ts';
import type { Report } from '../../scripts/audit-verify/check.ts';
import { readKey } from '../../scripts/audit-verify/note.ts';
import { formatCheckpoint, formatKeyReplacement, formatVerifierKey, signNote } from '../../src/domain/audit/checkpoint.ts';
import { leafOf } from '../../src/domain/audit/entry.ts';
import type { AuditEntry } from '../../src/domain/audit/entry.ts';
import { append, consistencyProof, copyRange, emptyRange, leafHash } from '../../src/domain/audit/merkle.ts';
import { nodeReader } from '../../src/domain/audit/tree-store.ts';
import { buildTrail, checkpointAt, fixedKey, forgeActor, KEY, lineOf, NEXT_KEY, NEXT_VERIFIER_KEY, ORIGIN, prunedLine, VERIFIER_KEY } from './audit-trail.ts';
import type { Trail } from './audit-trail.ts';

const SIZE = 500;
const COVERED = 450;
const EVERY = 50;
const trail = buildTrail({ count: SIZE, checkpointEvery: EVERY });
const lines = trail.entries.map(lineOf);
const checkpoint = checkpointAt(trail, COVERED);

const folder = mkdtempSync(join(tmpdir(), 'audit-verify-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function fileOf(content: string | Buffer): string {
  files += 1;
  const path = join(folder, String(files));
  writeFileSync(path, content);
  return path;
}

type Given = { lines?: readonly string[]; content?: Buffer; checkpoint?: string; older?: string[]; keys?: string[]; proof?: Buffer[] };

function verify(given: Given): Report {
  const exportPath = fileOf(given.content ?? `${(given.lines ?? lines).join('\n')}\n`);
  const report = verifyTrail({
    exportPath,
    checkpoint: { name: 'checkpoint', text: given.checkpoint ?? checkpoint },
    older: (given.older ?? []).map((text, index) => ({ name: `older ${index}`, text })),
    keys: (given.keys ?? [VERIFIER_KEY]).map(readKey),
    ...(given.proof === undefined ? {} : { proof: given.proof }),
  });
  rmSync(exportPath);
  return report;
}

/** The first bad sequence that a report names, as [first, last]; nothing when none is named. */
function firstBad({ findings }: Report): [number, number] | undefined {
  const named = findings.filter(({ first }) => first !== undefined).sort((left, right) => (left.first ?? 0) - (right.first ?? 0));
  const [worst] = named;
  return worst?.first === undefined ? undefined : [worst.first, worst.last ?? worst.first];
}

function assertSound(report: Report): void {
  assert.deepEqual(report.findings, []);
  assert.deepEqual(report.open, []);
}

const entryAt = (sequence: number): AuditEntry => trail.entries[sequence] ?? assert.fail();
const rewritten = (sequence: number): string => lineOf(forgeActor(entryAt(sequence)));
const withLine = (sequence: number, ...instead: string[]): string[] => lines.toSpliced(sequence, 1, ...instead);

/** A trail of these entries, as they are. */
function rebuild(entries: AuditEntry[]): Trail {
  const range = emptyRange();
  const ranges = [copyRange(range)];
  for (const entry of entries) {
    append(range, leafHash(leafOf(entry)));
    ranges.push(copyRange(range));
  }
  return { entries, ranges };
}

/** The trail after somebody rewrote one entry and everything that follows from it, but for the signatures. */
function forge(sequence: number): Trail {
  return rebuild(trail.entries.with(sequence, forgeActor(entryAt(sequence))));
}

describe('audit:verify: exports that are in order', () => {
  it('verify, and the report says what was checked and what is not covered', () => {
    const report = verify({ older: [checkpointAt(trail, 120)] });
    assertSound(report);
    const text = report.checked.join('\n');
    assert.match(text, /entries: 500 in order/u);
    assert.match(text, /signature of checkpoint: good/u);
    assert.match(text, /root of checkpoint: recomputed over 450 entries, agrees/u);
    assert.match(text, /root of older 0: recomputed over 120 entries, agrees/u);
    assert.match(text, /not covered: 50 entries \(450 to 499\)/u);
  });

  it('verify at every size, also of nothing', () => {
    for (let size = 0; size <= 70; size += 1) {
      assertSound(verify({ lines: lines.slice(0, 70), checkpoint: checkpointAt(trail, size), older: [checkpointAt(trail, size >> 1)] }));
    }
    assertSound(verify({ content: Buffer.alloc(0), checkpoint: checkpointAt(trail, 0) }));
  });

  it('verify without a final newline, and whatever the spacing and order of names', () => {
    assertSound(verify({ content: Buffer.from(lines.join('\n')) }));
    const respelled = lines.map((line) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line) as object).reverse()), null, 1).replaceAll('\n', ' '));
    assertSound(verify({ lines: respelled }));
  });

  it('verify from a pruned prefix on', () => {
    for (const size of [1, 2, 100, 127, 128, 449, 450, 460]) {
      const pruned = [prunedLine(trail, size), ...lines.slice(size)];
      const report = verify({ lines: pruned, checkpoint: checkpointAt(trail, Math.max(size, COVERED)) });
      assertSound(report);
      assert.match(report.checked.join('\n'), /root of checkpoint: recomputed/u);
    }
  });

  it('say plainly that a signature was not checked when no key was given', () => {
    const report = verify({ keys: [] });
    assertSound(report);
    assert.match(report.checked.join('\n'), /NOT CHECKED/u);
  });

  it('follow a rotation of keys that both keys signed', () => {
    const rotated = buildTrail({ count: 40, rotateAt: 20 });
    const exported = rotated.entries.map(lineOf);
    const newest = checkpointAt(rotated, 40, NEXT_KEY);
    assertSound(verify({ lines: exported, checkpoint: newest, keys: [VERIFIER_KEY] }));
    assertSound(verify({ lines: exported, checkpoint: newest, keys: [NEXT_VERIFIER_KEY] }));
    const report = verify({ lines: lines.slice(0, 40), checkpoint: checkpointAt(trail, 40, NEXT_KEY) });
    assert.match(report.findings[0]?.what ?? '', /not signed by a trusted key/u);
  });
});

describe('audit:verify: tampering', () => {
  const K = 217;
  const tampered: [name: string, given: Given, first: number, last: number, what: RegExp][] = [
    ['an edited field', { lines: withLine(K, (lines[K] ?? '').replace('"encrypted":true', '"encrypted":false')) }, K, K, /edited: privacy_compliance/u],
    ['an added field', { lines: withLine(K, (lines[K] ?? '').replace('{', '{"extra":1,')) }, K, K, /edited: extra/u],
    ['a removed field', { lines: withLine(K, (lines[K] ?? '').replace(/"job_id":"[^"]*",/u, '')) }, K, K, /edited: job_id/u],
    ['an edited leaf', { lines: withLine(K, (lines[K] ?? '').replace(/"leaf":"..../u, '"leaf":"AAAA')) }, K, K, /edited/u],
    ['a removed leaf', { lines: withLine(K, JSON.stringify(entryAt(K))) }, K, K, /no leaf/u],
    ['a name given twice', { lines: withLine(K, (lines[K] ?? '').replace('{', '{"actor":"nobody",')) }, K, K, /twice/u],
    ['a cut line', { lines: withLine(K, (lines[K] ?? '').slice(0, 80)) }, K, K, /not JSON/u],
    ['an empty line', { lines: withLine(K, '', lines[K] ?? '') }, K, K, /not JSON/u],
    ['a line that is no object', { lines: withLine(K, '17') }, K, K, /not a JSON object/u],
    ['endless nesting', { lines: withLine(K, `{"sequence":${K},"details":${'['.repeat(5000)}${']'.repeat(5000)}}`) }, K, K, /nested/u],
    ['a deleted entry', { lines: withLine(K) }, K, K, /deleted/u],
    ['a deleted beginning', { lines: lines.slice(5) }, 0, 0, /deleted/u],
    ['a repeated entry', { lines: withLine(K, lines[K] ?? '', lines[K] ?? '') }, K, K, /inserted or repeated/u],
    ['an inserted entry under a number that exists', { lines: withLine(K, rewritten(K), lines[K] ?? '') }, K, K, /inserted or repeated/u],
    ['two swapped entries', { lines: withLine(K, lines[K + 1] ?? '').with(K + 1, lines[K] ?? '') }, K, K, /out of order/u],
    ['a truncated end', { lines: lines.slice(0, 400) }, 400, 400, /truncated/u],
    ['everything gone', { content: Buffer.alloc(0) }, 0, 0, /truncated/u],
    ['an entry rewritten with its leaf: narrowed down by checkpoints in the trail', { lines: withLine(K, rewritten(K)) }, 200, 249, /rewritten/u],
    ['an entry rewritten with its leaf: narrowed down by older checkpoints', { lines: withLine(K, rewritten(K)), older: [checkpointAt(trail, 217), checkpointAt(trail, 218)] }, K, K, /rewritten/u],
    ['an entry rewritten with its leaf, no key given', { lines: withLine(K, rewritten(K)), keys: [] }, 0, COVERED - 1, /rewritten/u],
    ['a rewritten entry before an edited one', { lines: withLine(K, rewritten(K)).with(300, 'x') }, 200, 249, /rewritten/u],
    ['an edited entry before a rewritten one', { lines: withLine(K, 'x').with(300, rewritten(300)) }, K, K, /not JSON/u],
    ['a rollback to an older database', { lines: lines.slice(0, 200), checkpoint: checkpointAt(trail, 200), older: [checkpoint] }, 200, 200, /rolled back/u],
    ['a pruned prefix that never was', { lines: [prunedLine(forge(10), 64), ...lines.slice(64)] }, 0, 99, /rewritten/u],
    ['a pruned prefix and a gap', { lines: [prunedLine(trail, 64), ...lines.slice(65)] }, 64, 64, /deleted/u],
    ['an entry in the statement of a pruned prefix', { lines: [`{"sequence":0,${prunedLine(trail, 3).slice(1)}`, ...lines.slice(3)] }, 0, 0, /malformed/u],
    ['a pruned prefix stated with too few hashes', { lines: ['{"pruned":{"size":3,"hashes":[]}}', ...lines.slice(3)] }, 0, 0, /malformed/u],
  ];
  for (const [name, given, first, last, what] of tampered) {
    it(`finds ${name}`, () => {
      const report = verify(given);
      assert.deepEqual(firstBad(report), [first, last], JSON.stringify(report.findings));
      assert.ok(report.findings.some((finding) => finding.first === first && what.test(finding.what)), JSON.stringify(report.findings));
    });
  }

  it('finds bytes that are no UTF-8 where a reader would show the replacement character', () => {
    const line = Buffer.from(lineOf({ ...entryAt(K), actor: '\uFFFD' }));
    const at = line.indexOf('\uFFFD');
    const broken = Buffer.concat([line.subarray(0, at), Buffer.of(0xff), line.subarray(at + 3)]);
    const content = Buffer.concat([Buffer.from(`${lines.slice(0, K).join('\n')}\n`), broken, Buffer.from(`\n${lines.slice(K + 1).join('\n')}`)]);
    assert.match(verify({ content }).findings[0]?.what ?? '', /not UTF-8/u);
  });

  it('finds a forged trail with the true key only against an older checkpoint, which it then contradicts', () => {
    const forged = forge(K);
    const exported = forged.entries.map(lineOf);
    const report = verify({ lines: exported, checkpoint: checkpointAt(forged, COVERED, KEY), older: [checkpointAt(trail, 300)] });
    assert.deepEqual(firstBad(report), [200, 249]);
    const fork = verify({ checkpoint, older: [checkpointAt(forged, COVERED, KEY)] });
    assert.ok(fork.findings.some(({ what }) => what.startsWith('fork')));
  });

  it('believes no checkpoint that a trusted key did not sign', () => {
    for (const forged of [checkpointAt(trail, COVERED, NEXT_KEY), checkpoint.replace('\n450\n', '\n449\n'), checkpoint.replace(/ [^ ]+\n$/u, ' AAAA\n'), '', 'text\n']) {
      assert.notDeepEqual(verify({ checkpoint: forged }).findings, []);
      assert.notDeepEqual(verify({ older: [forged] }).findings, []);
    }
    const otherLog = verify({ older: [checkpointAt(trail, 10).replace('enricher.example', 'another.example')], keys: [] });
    assert.ok(otherLog.findings.some(({ what }) => what.includes('another log')));
  });

  it('draws no conclusion from a checkpoint that is not believed', () => {
    const forged = forge(K);
    for (const older of [checkpointAt(trail, SIZE, NEXT_KEY), checkpointAt(forged, COVERED, NEXT_KEY), checkpointAt(forged, 300, NEXT_KEY)]) {
      const { findings } = verify({ older: [older] });
      assert.deepEqual(findings, [{ what: 'older 0: not signed by a trusted key' }]);
    }
  });

  it('draws no conclusion from checkpoints of another log among the entries', () => {
    const root = Buffer.alloc(32);
    const foreign = signNote(formatCheckpoint('another.example/audit', K, root), ORIGIN, KEY);
    const entries = buildTrail({ count: 300 }).entries;
    const entry = entries[250] ?? assert.fail();
    Object.assign(entry, { action: 'checkpoint_signed', details: { note: foreign } });
    const sound = rebuild(entries);
    const report = verify({ lines: sound.entries.map(lineOf).slice(0, 280), checkpoint: checkpointAt(sound, 300) });
    assert.deepEqual(report.findings.map(({ first }) => first), [280]);
  });

  it('does not follow a rotation from a key that is not trusted', () => {
    const rotated = buildTrail({ count: 40, rotateAt: 20 });
    const newest = checkpointAt(rotated, 40, NEXT_KEY);
    const stranger = formatVerifierKey(ORIGIN, fixedKey(3));
    const report = verify({ lines: rotated.entries.map(lineOf), checkpoint: newest, keys: [stranger] });
    assert.deepEqual(report.findings, [{ what: 'checkpoint: not signed by a trusted key' }]);
  });

  it('does not follow a rotation that the trusted key did not sign', () => {
    const rotated = buildTrail({ count: 40, rotateAt: 20 });
    const [entry] = rotated.entries.filter(({ action }) => action === 'key_rotated');
    assert.ok(entry !== undefined);
    entry.details = { note: String(entry.details.note).replace(/— [^\n]+\n/u, '') };
    const report = verify({ lines: rotated.entries.map(lineOf), checkpoint: checkpointAt(rotated, 40, NEXT_KEY) });
    assert.ok(report.findings.some(({ what }) => what.includes('not signed by a trusted key')));
  });
});

describe('audit:verify: a key that took over from a lost one', () => {
  const replaced = buildTrail({ count: 40, replaceAt: 20 });
  const exported = replaced.entries.map(lineOf);
  const newest = checkpointAt(replaced, 40, NEXT_KEY);
  const said = ({ checked }: Report): string | undefined => checked.find((line) => line.startsWith('key: '));

  it('is named with the old one, from which entry it speaks, and what the rest rests on', () => {
    const report = verify({ lines: exported, checkpoint: newest, keys: [VERIFIER_KEY, NEXT_VERIFIER_KEY], older: [checkpointAt(replaced, 15)] });
    assertSound(report);
    const [from, to] = [VERIFIER_KEY, NEXT_VERIFIER_KEY].map((key) => key.split('+', 2).join('+'));
    assert.equal(said(report), `key: from entry 20 on ${to} speaks, which replaced ${from} without its signature; that the 20 entries before are what ${from} signed rests on its checkpoints kept elsewhere (--older)`);
  });

  it('gets no trust from the old one', () => {
    const report = verify({ lines: exported, checkpoint: newest, keys: [VERIFIER_KEY] });
    assert.deepEqual(report.findings, [{ what: 'checkpoint: not signed by a trusted key' }]);
    assert.match(said(report) ?? '', /is not among those given/);
  });

  it('takes trust from the old one, for what comes after', () => {
    const keys = [VERIFIER_KEY, NEXT_VERIFIER_KEY];
    const report = verify({ lines: exported, checkpoint: checkpointAt(replaced, 30), keys });
    assert.match(report.findings[0]?.what ?? '', /^checkpoint: signed by .*, which was replaced at entry 20/);
    assertSound(verify({ lines: exported, checkpoint: newest, keys, older: [checkpointAt(replaced, 20)] }));
  });

  it('says nothing by a note that it did not sign, or of another entry', () => {
    const text = formatKeyReplacement(ORIGIN, VERIFIER_KEY, NEXT_VERIFIER_KEY, 20);
    for (const note of [signNote(text, ORIGIN, KEY), signNote(text.replace('\n20\n', '\n19\n'), ORIGIN, NEXT_KEY), 'no note']) {
      const { entries } = buildTrail({ count: 40, replaceAt: 20 });
      Object.assign(entries[20] ?? assert.fail(), { details: { note } });
      const forged = rebuild(entries);
      const report = verify({ lines: forged.entries.map(lineOf), checkpoint: checkpointAt(forged, 40, KEY), keys: [VERIFIER_KEY, NEXT_VERIFIER_KEY] });
      assertSound(report);
      assert.doesNotMatch(said(report) ?? '', /rests on its checkpoints/);
    }
  });
});

describe('audit:verify: an older checkpoint inside a pruned prefix', () => {
  const nodes = trail.entries.map(leafOf).map(leafHash);
  const range = emptyRange();
  const getNode = nodeReader(nodes.flatMap((leaf, index) => [[0, index, leaf] as const, ...append(range, leaf)]));
  const pruned = [prunedLine(trail, 300), ...lines.slice(300)];
  const proof = consistencyProof(123, COVERED, getNode).map((hash) => Buffer.from(hash));

  it('stays open without a proof, and is checked with one', () => {
    assert.equal(verify({ lines: pruned, older: [checkpointAt(trail, 123)] }).open.length, 1);
    assertSound(verify({ lines: pruned, older: [checkpointAt(trail, 123)], proof }));
  });

  it('is refused with a proof that any change was made to', () => {
    const changes = [proof.slice(1), proof.slice(0, -1), [...proof, proof[0] ?? assert.fail()], proof.toReversed()];
    for (const changed of changes) assert.equal(verify({ lines: pruned, older: [checkpointAt(trail, 123)], proof: changed }).findings.length, 1);
    assert.equal(verify({ lines: pruned, older: [checkpointAt(trail, 124)], proof }).findings.length, 1);
  });
});
