import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { verifyTrail } from '../../../scripts/audit-verify/check.ts';
import { readKey } from '../../../scripts/audit-verify/note.ts';
import { formatCheckpoint, formatVerifierKey, parseVerifierKey, signNote } from '../../../src/domain/audit/checkpoint.ts';
import { leafOf } from '../../../src/domain/audit/entry.ts';
import { leafHash, verifyInclusion } from '../../../src/domain/audit/merkle.ts';
import type { CheckpointStore, SignedHead } from '../../../src/domain/ports/checkpoints.ts';
import type { AuditStore } from '../../../src/domain/ports/record-store.ts';
import { AuditService, leafBase64 } from '../../../src/services/audit-service.ts';
import { TrailCheckService } from '../../../src/services/trail-check-service.ts';
import { AuditLog } from '../../../src/store/sqlite/audit-log.ts';
import type { Context } from '../../../src/store/sqlite/context.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import type { Database } from '../../../src/store/sqlite/database.ts';
import { migrate } from '../../../src/store/sqlite/migrate.ts';
import { pruneTrail, prunedTrail } from '../../../src/store/sqlite/ops/audit-prune.ts';
import { auditPage, auditProof, auditTree } from '../../../src/store/sqlite/ops/audit-read.ts';
import { checkpointState, recordCheckpoint } from '../../../src/store/sqlite/ops/checkpoints.ts';
import { checkEntries, checkRefs } from '../../../src/store/sqlite/ops/trail-check.ts';
import { Pseudonyms } from '../../../src/store/sqlite/pseudonyms.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2025, 0, 1);
const DAYS = 100;
const KEEP_FROM = START + 60 * DAY_MS;
const NOW = START + DAYS * DAY_MS;
const ORIGIN = 'enricher.example/audit';
const { privateKey } = generateKeyPairSync('ed25519');
const key = formatVerifierKey(ORIGIN, privateKey);

describe('old entries of the trail', () => {
  let folder: string;
  let db: Database;
  let context: Context;
  let head: SignedHead;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'audit-prune-'));
    db = openDatabase(join(folder, 'trail.db'));
    migrate(db, START);
    const pseudonyms = new Pseudonyms(Buffer.alloc(32, 7));
    context = { db, pseudonyms, audit: new AuditLog(db, pseudonyms), policy: { policyVersion: 'policy-1' } } as unknown as Context;
    db.run('BEGIN');
    // Three entries a day.
    for (let at = 0; at < DAYS * 3; at += 1) {
      context.audit.append(
        { action: 'contact_rejected', actor: 'crm', job_id: `job-${at % 50}`, subject: pseudonyms.of('email', `person${at}@example.com`).toString('hex'), details: { job_ids: ['a', 'b'] }, privacy_compliance: {} },
        START + Math.floor(at / 3) * DAY_MS,
      );
    }
    head = sign();
    db.run('COMMIT');
  });
  afterEach(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });

  function sign(): SignedHead {
    const { size, root } = context.audit.tree();
    const signed = { size, note: signNote(formatCheckpoint(ORIGIN, size, root), ORIGIN, privateKey) };
    recordCheckpoint(context, { head: signed, rootHash: '', inTrail: false, now: NOW });
    return signed;
  }

  function prune(limit = 1000, before = KEEP_FROM): boolean {
    return pruneTrail(context, { before, limit, now: NOW }).more;
  }

  function count(table: string): number {
    return db.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)!.n;
  }

  const store = {
    checkpointState: async () => checkpointState(context),
    checkEntries: async (input: Parameters<typeof checkEntries>[1]) => checkEntries(context, input), checkRefs: async (input: Parameters<typeof checkRefs>[1]) => checkRefs(context, input),
    prunedTrail: async () => prunedTrail(context),
    auditPage: async (filter: Parameters<AuditStore['auditPage']>[0]) => auditPage(context, filter),
    auditTree: async () => auditTree(context),
  } as unknown as AuditStore & CheckpointStore;

  function checkRunning() {
    return new TrailCheckService({ store, trusted: [parseVerifierKey(key)], last: () => head, onBad: () => undefined }).check();
  }

  test('go in small steps, and an entry of each says which', () => {
    let steps = 1;
    while (prune(50)) steps += 1;
    assert.equal(steps, 4);
    assert.equal(prunedTrail(context).size, 180);
    const { entries } = auditPage(context, { after: -1, limit: 1000 });
    assert.equal(entries[0]?.sequence, 180);
    const said = entries.filter(({ action }) => action === 'retention_swept').map(({ details }) => [details['from'], details['to']]);
    assert.deepEqual(said, [[0, 50], [50, 100], [100, 150], [150, 180]]);
    assert.equal(prune(50), false);
    assert.equal(context.audit.tree().size, 304, 'nothing to do leaves no entry');
  });

  test('leave nothing by which they were found', () => {
    prune();
    assert.equal(count('audit_entries'), 121);
    assert.equal(db.get<{ n: number }>('SELECT count(*) AS n FROM audit_refs WHERE sequence < 180')!.n, 0);
    assert.deepEqual(auditPage(context, { after: -1, limit: 10, subject: { email: 'person7@example.com' } }).entries, []);
    assert.equal(auditPage(context, { after: -1, limit: 10, subject: { email: 'person207@example.com' } }).entries.length, 1);
    assert.equal(auditPage(context, { after: -1, limit: 10, from: START + 70 * DAY_MS }).entries[0]?.sequence, 210);
    assert.equal(auditPage(context, { after: -1, limit: 10, from: START }).entries[0]?.sequence, 180);
  });

  test('go only as far as a checkpoint covers them, and only where they are over their time', () => {
    db.run('UPDATE audit_head SET size = 100');
    assert.equal(prune(), false);
    assert.equal(prunedTrail(context).size, 100);
    assert.equal(prune(), false);
    db.run('UPDATE audit_head SET size = 301');
    // A day of slack, so that not every sweep leaves an entry of its own.
    prune(1000, START + 34 * DAY_MS);
    assert.equal(prunedTrail(context).size, 100);
    prune(1000, START + 35 * DAY_MS);
    assert.equal(prunedTrail(context).size, 105);
  });

  test('leave the tree, its proofs and the running check as they were', async () => {
    const entry = auditPage(context, { after: 249, limit: 1 }).entries[0]!;
    const gone = auditPage(context, { after: 9, limit: 1 }).entries[0]!;
    const { size, root } = context.audit.tree();
    while (prune(50));
    for (const kept of [entry, gone]) {
      const proof = auditProof(context, { kind: 'inclusion', sequence: kept.sequence, size })?.hashes ?? [];
      assert.ok(verifyInclusion({ leafHash: leafHash(leafOf(kept)), index: kept.sequence, size, root, proof }));
    }
    const report = await checkRunning();
    assert.deepEqual([report.ok, report.size, report.checked, report.checkpoint], [true, 304, 124, { size: 300, agrees: true }]);
    const again = new AuditLog(db, context.pseudonyms).tree();
    assert.deepEqual(Buffer.from(again.root), Buffer.from(context.audit.tree().root));
  });

  test('leave an export that verifies elsewhere, and shows what is wrong in what is kept', async () => {
    while (prune(50));
    head = sign();
    const audit = new AuditService(store);
    const lines = [JSON.stringify({ pruned: await audit.pruned() })];
    for await (const entry of audit.stream({})) lines.push(JSON.stringify({ ...entry, leaf: leafBase64(entry) }));
    const exportPath = join(folder, 'export');
    const verify = (text: string[]) => {
      writeFileSync(exportPath, text.join('\n'));
      return verifyTrail({ exportPath, checkpoint: { name: 'checkpoint', text: head.note }, older: [], keys: [readKey(key)] });
    };
    assert.deepEqual(verify(lines).findings, []);
    assert.deepEqual(verify(lines).open, []);
    assert.equal(verify(lines.toSpliced(40, 1)).findings[0]?.first, 219);
    assert.ok(verify(lines.slice(1)).findings.length > 0, 'without the first line it does not pass');
  });

  test('are said to be gone however many other sweeps came since', async () => {
    prune();
    db.run('BEGIN');
    for (let n = 0; n < 6000; n += 1) context.audit.append({ action: 'retention_swept', actor: 'system', details: { swept: { webhook_events: 1 } }, privacy_compliance: {} }, NOW);
    db.run('COMMIT');
    assert.equal(prunedTrail(context).isStated, true);
    assert.equal((await checkRunning()).ok, true);
  });

  test('that no entry says were let go are missed', async () => {
    prune();
    db.run('UPDATE audit_pruned SET size = size + 1');
    assert.equal(prunedTrail(context).isStated, false);
    assert.equal((await checkRunning()).ok, false);
  });

  test('are protected while they are kept, and what is gone stays gone', () => {
    assert.throws(() => db.run('DELETE FROM audit_entries WHERE sequence = 0'), /append-only/);
    prune();
    assert.throws(() => db.run('DELETE FROM audit_entries WHERE sequence = 180'), /append-only/);
    assert.throws(() => db.run('UPDATE audit_pruned SET size = 10'), /stays pruned/);
  });

  test('that went while a check ran are no fault', async () => {
    const slow = { ...store, checkEntries: async (input: Parameters<typeof checkEntries>[1]) => (input.from === 0 ? (prune(), checkEntries(context, input)) : checkEntries(context, input)) };
    const report = await new TrailCheckService({ store: slow, trusted: [parseVerifierKey(key)], last: () => head, onBad: () => undefined }).check();
    assert.equal(report.ok, true);
  });
});
