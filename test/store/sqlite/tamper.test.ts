import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { verifyTrail } from '../../../scripts/audit-verify/check.ts';
import { readKey } from '../../../scripts/audit-verify/note.ts';
import { formatCheckpoint, formatVerifierKey, parseVerifierKey, signNote } from '../../../src/domain/audit/checkpoint.ts';
import { leafOf } from '../../../src/domain/audit/entry.ts';
import type { AuditEntry } from '../../../src/domain/audit/entry.ts';
import { leafHash, nodeHash } from '../../../src/domain/audit/merkle.ts';
import type { SignedHead } from '../../../src/domain/ports/checkpoints.ts';
import { leafBase64 } from '../../../src/services/audit-service.ts';
import { TrailCheckService } from '../../../src/services/trail-check-service.ts';
import type { TrailReport } from '../../../src/services/trail-check-service.ts';
import { AuditLog } from '../../../src/store/sqlite/audit-log.ts';
import type { Context } from '../../../src/store/sqlite/context.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import type { Database } from '../../../src/store/sqlite/database.ts';
import { migrate } from '../../../src/store/sqlite/migrate.ts';
import { auditPage } from '../../../src/store/sqlite/ops/audit-read.ts';
import { prunedTrail } from '../../../src/store/sqlite/ops/audit-prune.ts';
import { checkpointState, recordCheckpoint } from '../../../src/store/sqlite/ops/checkpoints.ts';
import { checkEntries, checkRefs } from '../../../src/store/sqlite/ops/trail-check.ts';
import { Pseudonyms } from '../../../src/store/sqlite/pseudonyms.ts';

const MUTATIONS = 200;
const ENTRIES = 600;
const SIGNED_EVERY = 50;
const ORIGIN = 'enricher.example/audit';
const NOW = Date.UTC(2026, 0, 15);
const TRIGGERS = ['audit_entries_no_update', 'audit_entries_no_delete', 'audit_nodes_no_update', 'audit_nodes_no_delete'];
const { privateKey } = generateKeyPairSync('ed25519');
const verifierKey = formatVerifierKey(ORIGIN, privateKey);

/** A small generator with a seed (mulberry32): whole numbers below `below`. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** What somebody does who may write to the database, and would rather that an entry said something else. */
type Attack = (db: Database, at: number, other: number) => void;

function entryAt(db: Database, sequence: number): AuditEntry {
  return JSON.parse(db.get<{ leaf: string }>('SELECT leaf FROM audit_entries WHERE sequence = ?', sequence)!.leaf) as AuditEntry;
}

function forge(db: Database, sequence: number): string {
  const leaf = leafOf({ ...entryAt(db, sequence), actor: 'nobody' });
  db.run('UPDATE audit_entries SET leaf = ?, actor = ? WHERE sequence = ?', leaf, 'nobody', sequence);
  return leaf;
}

/** Where a node of the tree is: with the entry that completed it, so many bytes in. */
function placeOf(level: number, index: number): [sequence: number, offset: number] {
  return [(index + 1) * 2 ** level - 1, level * 32];
}

function storedNode(db: Database, level: number, index: number): Uint8Array | undefined {
  const [sequence, offset] = placeOf(level, index);
  return db.get<{ hashes: Uint8Array }>('SELECT hashes FROM audit_nodes WHERE sequence = ?', sequence)?.hashes.subarray(offset, offset + 32);
}

function forgeNode(db: Database, level: number, index: number, hash: Uint8Array): void {
  const [sequence, offset] = placeOf(level, index);
  const { hashes } = db.get<{ hashes: Uint8Array }>('SELECT hashes FROM audit_nodes WHERE sequence = ?', sequence)!;
  hashes.set(hash, offset);
  db.run('UPDATE audit_nodes SET hashes = ? WHERE sequence = ?', hashes, sequence);
}

/** Makes the tree fit a forged leaf again, up to the root. */
function rehash(db: Database, sequence: number, leaf: string): void {
  let [level, index, hash] = [0, sequence, leafHash(leaf)];
  for (;;) {
    forgeNode(db, level, index, hash);
    const sibling = storedNode(db, level, index % 2 === 0 ? index + 1 : index - 1);
    if (sibling === undefined || storedNode(db, level + 1, Math.floor(index / 2)) === undefined) return;
    hash = index % 2 === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash);
    level += 1;
    index = Math.floor(index / 2);
  }
}

/** Checkpoints are found by nothing: the entry before one is. */
function withRefs(at: number): number {
  return at % SIGNED_EVERY === SIGNED_EVERY - 1 ? at - 1 : at;
}

const RETENTION = 'a beginning taken away as if by retention';
const ATTACKS: Readonly<Record<string, Attack>> = {
  [RETENTION](db, at) {
    db.run('UPDATE audit_pruned SET size = ?', at + 1);
    db.run('DELETE FROM audit_entries WHERE sequence <= ?', at);
  },
  'an edited entry': (db, at) => void forge(db, at),
  'an entry rewritten up to the root': (db, at) => rehash(db, at, forge(db, at)),
  'a deleted entry': (db, at) => void db.run('DELETE FROM audit_entries WHERE sequence = ?', at),
  'a deleted stretch': (db, at, other) => void db.run('DELETE FROM audit_entries WHERE sequence >= ? AND sequence <= ?', at, other),
  'a deleted entry and its leaf, closed up'(db, at) {
    db.run('DELETE FROM audit_entries WHERE sequence = ?', at);
    db.run('UPDATE audit_entries SET sequence = -sequence WHERE sequence > ?', at);
    db.run('UPDATE audit_entries SET sequence = -sequence - 1 WHERE sequence < ?', 0);
  },
  'two swapped entries'(db, at, other) {
    const [first, second] = [entryAt(db, at), entryAt(db, other)];
    db.run('UPDATE audit_entries SET leaf = ? WHERE sequence = ?', leafOf({ ...second, sequence: at }), at);
    db.run('UPDATE audit_entries SET leaf = ? WHERE sequence = ?', leafOf({ ...first, sequence: other }), other);
  },
  'a truncated end': (db, at) => void db.run('DELETE FROM audit_entries WHERE sequence >= ?', at),
  'a truncated end, tree and all'(db, at) {
    db.run('DELETE FROM audit_entries WHERE sequence >= ?', at);
    db.run('DELETE FROM audit_nodes WHERE sequence >= ?', at);
  },
  'a forged leaf in the tree': (db, at) => forgeNode(db, 0, at, Buffer.alloc(32, 1)),
  'an entry hidden from its job': (db, at) => void db.run('DELETE FROM audit_refs WHERE sequence = ?', withRefs(at)),
  'an entry put in the place of another in the index'(db, at) {
    const ref = db.get<{ ref: Uint8Array }>('SELECT ref FROM audit_refs WHERE sequence = ?', withRefs(at))!.ref;
    db.run('UPDATE audit_refs SET sequence = ? WHERE ref = ? AND sequence = ?', ENTRIES - 1, ref, withRefs(at));
  },
  'an entry hidden from its index': (db, at) => void db.run(`UPDATE audit_entries SET action = 'nothing' WHERE sequence = ?`, at),
};
/** What only the store knows of, and an export does not hold. */
const INSIDE: ReadonlySet<string> = new Set([RETENTION, 'a forged leaf in the tree', 'an entry hidden from its job', 'an entry put in the place of another in the index', 'an entry hidden from its index']);

describe('a trail that was tampered with', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tamper-'));
  const db = openDatabase(join(folder, 'trail.db'));
  const pseudonyms = new Pseudonyms(Buffer.alloc(32, 7));
  let head: SignedHead;

  /** As a process that opens the database now. */
  function contextOf(): Context {
    return { db, pseudonyms, audit: new AuditLog(db, pseudonyms) } as unknown as Context;
  }

  before(() => {
    migrate(db, NOW);
    const context = contextOf();
    db.run('BEGIN IMMEDIATE');
    for (let at = 0; at < ENTRIES; at = context.audit.tree().size) {
      if (at % SIGNED_EVERY === SIGNED_EVERY - 1) sign(context, true);
      else context.audit.append({ action: 'contact_rejected', actor: 'crm', job_id: `job-${at >> 4}`, details: { rule: 'consent_missing', index: at }, privacy_compliance: { jurisdiction: 'DE' } }, NOW + at);
    }
    head = sign(context, false);
    db.run('COMMIT');
    for (const trigger of TRIGGERS) db.exec(`DROP TRIGGER ${trigger}`);
  });
  after(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });

  function sign(context: Context, inTrail: boolean): SignedHead {
    const { size, root } = context.audit.tree();
    const signed = { size, note: signNote(formatCheckpoint(ORIGIN, size, root), ORIGIN, privateKey) };
    recordCheckpoint(context, { head: signed, rootHash: Buffer.from(root).toString('base64'), inTrail, now: NOW });
    return signed;
  }

  function checkRunning(context: Context): Promise<TrailReport> {
    const store = { checkpointState: async () => checkpointState(context), checkEntries: async (input: Parameters<typeof checkEntries>[1]) => checkEntries(context, input), checkRefs: async (input: Parameters<typeof checkRefs>[1]) => checkRefs(context, input), prunedTrail: async () => prunedTrail(context) };
    return new TrailCheckService({ store, trusted: [parseVerifierKey(verifierKey)], last: () => head, onBad: () => undefined }).check();
  }

  function checkExport(context: Context): number | undefined {
    const { entries } = auditPage(context, { after: -1, limit: 10_000 });
    const path = join(folder, 'export.ndjson');
    writeFileSync(path, entries.map((entry) => `${JSON.stringify({ ...entry, leaf: leafBase64(entry) })}\n`).join(''));
    const { findings, open } = verifyTrail({ exportPath: path, checkpoint: { name: 'checkpoint', text: head.note }, older: [], keys: [readKey(verifierKey)] });
    assert.deepEqual(open, []);
    return findings.length === 0 ? undefined : Math.min(...findings.map(({ first }) => first ?? Infinity));
  }

  /** Works on a trail with the attack in it, and takes the attack back. */
  async function under(attack: Attack, at: number, other: number, work: (context: Context) => Promise<void>): Promise<void> {
    db.run('BEGIN');
    try {
      attack(db, at, other);
      await work(contextOf());
    } finally {
      db.run('ROLLBACK');
    }
  }

  test('is told from one that was not', async () => {
    const context = contextOf();
    const report = await checkRunning(context);
    assert.deepEqual([report.ok, report.checked, report.checkpoint], [true, ENTRIES, { size: ENTRIES, agrees: true }]);
    assert.equal(checkExport(context), undefined);
  });

  test(`is found out: ${MUTATIONS} of ${MUTATIONS} random changes, never later than where they begin`, async () => {
    const throwDice = dice(20_260_115);
    const names = Object.keys(ATTACKS);
    const seen = new Set<string>();
    for (let round = 0; round < MUTATIONS; round += 1) {
      const name = names[throwDice(names.length)]!;
      const at = throwDice(ENTRIES - 2);
      const other = at + 1 + throwDice(ENTRIES - at - 1);
      const what = `${name} at ${at} (${other}), round ${round}`;
      seen.add(name);
      await under(ATTACKS[name]!, at, other, async (context) => {
        const report = await checkRunning(context);
        assert.equal(report.ok, false, what);
        assert.ok(report.firstBad !== undefined && report.firstBad <= at && (name === RETENTION || withRefs(at) <= (report.lastBad ?? report.firstBad)), `${what}: ${JSON.stringify(report)}`);
        if (INSIDE.has(name)) return;
        const first = checkExport(context);
        assert.ok(first !== undefined && first <= at, `${what}: export says ${first}`);
      });
    }
    assert.equal(seen.size, names.length, 'each kind was tried');
  });

  test('is found out where only the tree above the entries was changed', async () => {
    await under((trail) => forgeNode(trail, 3, 20, Buffer.alloc(32, 1)), 0, 0, async (context) => {
      const report = await checkRunning(context);
      assert.deepEqual([report.ok, report.firstBad], [false, 167]);
    });
  });

  test('is found out where its index names what no entry names, or somebody else’s', async () => {
    const reason = /names entries that do not name them/;
    await under((trail) => trail.run(`INSERT INTO audit_refs (run, ref, sequence) VALUES (0, x'00112233445566778899aabbccddeeff', 300)`), 0, 0, async (context) => {
      const report = await checkRunning(context);
      assert.deepEqual([report.ok, report.firstBad], [false, undefined]);
      assert.match(report.reason ?? '', reason);
    });
    // As many rows, of the same jobs and the same entries: two were exchanged.
    await under(
      (trail) => {
        const [one, other] = [100, 200].map((sequence) => trail.get<{ ref: Uint8Array }>('SELECT ref FROM audit_refs WHERE sequence = ?', sequence)!.ref);
        trail.run('UPDATE audit_refs SET sequence = -1 WHERE ref = ? AND sequence = 100', one!);
        trail.run('UPDATE audit_refs SET sequence = 100 WHERE ref = ? AND sequence = 200', other!);
        trail.run('UPDATE audit_refs SET sequence = 200 WHERE sequence = -1');
      },
      0,
      0,
      async (context) => assert.equal((await checkRunning(context)).firstBad, 100),
    );
  });

  test('is narrowed down by the checkpoints in it, where leaves and tree were rewritten alike', async () => {
    await under(ATTACKS['an entry rewritten up to the root']!, 275, 0, async (context) => {
      const report = await checkRunning(context);
      assert.deepEqual([report.firstBad, report.lastBad], [249, 298]);
      assert.match(report.reason ?? '', /^rewritten/);
    });
  });

  test('is appended to all the same, and nothing takes the place of what was taken out', async () => {
    await under(ATTACKS['a truncated end']!, 590, 0, async (context) => {
      const entry = context.audit.append({ action: 'admin_action', actor: 'crm', details: {}, privacy_compliance: {} }, NOW);
      assert.equal(entry.sequence, ENTRIES);
      assert.equal((await checkRunning(context)).firstBad, 590);
    });
    const { root } = contextOf().audit.tree();
    await under((trail) => trail.run('DELETE FROM audit_nodes WHERE sequence = 511'), 0, 0, async (context) => {
      assert.deepEqual(Buffer.from(context.audit.tree().root), Buffer.from(root), 'what is above the leaves can be told from them');
      context.audit.append({ action: 'admin_action', actor: 'crm', details: {}, privacy_compliance: {} }, NOW);
      assert.equal((await checkRunning(context)).firstBad, 511);
    });
  });
});
