import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AuditLog } from '../../../src/store/sqlite/audit-log.ts';
import type { Context } from '../../../src/store/sqlite/context.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import type { Database } from '../../../src/store/sqlite/database.ts';
import { migrate } from '../../../src/store/sqlite/migrate.ts';
import { auditPage } from '../../../src/store/sqlite/ops/audit-read.ts';
import { Pseudonyms } from '../../../src/store/sqlite/pseudonyms.ts';

const NOW = Date.UTC(2026, 0, 15);
const ENTRIES = 300;
/** So many that three runs are begun. */
const SUBJECTS = 500;
const ADA = { email: 'ada@example.org' };

describe('the references of the trail', () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-refs-'));
  const pseudonyms = new Pseudonyms(Buffer.alloc(32, 7));
  const ada = pseudonyms.of('email', ADA.email).toString('hex');
  let db: Database;
  let context: Context;

  const runs = (): number[] => db.all<{ first: number }>('SELECT first FROM audit_ref_runs ORDER BY run').map(({ first }) => first);
  const append = (at: number): void => {
    const others = Array.from({ length: SUBJECTS }, () => randomBytes(16).toString('hex'));
    context.audit.append({ action: 'batch_delivered', actor: 'system', job_id: `job-${at % 7}`, subjects: at % 3 === 0 ? [...others, ada] : others, details: {}, privacy_compliance: {} }, NOW + at);
  };
  const found = (filter: Parameters<typeof auditPage>[1]): number[] => auditPage(context, filter).entries.map(({ sequence }) => sequence);

  before(() => {
    db = openDatabase(join(folder, 'trail.db'));
    migrate(db, NOW, { keyed: (kind, value) => pseudonyms.of(kind as 'event', value).toString('hex'), sealed: (_kind, value) => value });
    context = { db, pseudonyms, audit: new AuditLog(db, pseudonyms) } as unknown as Context;
    db.run('BEGIN');
    for (let at = 0; at < ENTRIES; at += 1) append(at);
    db.run('COMMIT');
  });
  after(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });

  const ofAda = Array.from({ length: ENTRIES }, (_, at) => at).filter((at) => at % 3 === 0);

  test('are found in order over all runs, from any cursor on, and two at once', () => {
    assert.ok(runs().length >= 3, `${runs().length} runs`);
    assert.deepEqual(found({ after: -1, limit: 1000, subject: ADA }), ofAda);
    for (const after of [-1, 0, ...runs().flatMap((first) => [first - 1, first, first + 1]), ENTRIES - 2, ENTRIES]) {
      assert.deepEqual(found({ after, limit: 5, subject: ADA }), ofAda.filter((at) => at > after).slice(0, 5), `after ${after}`);
      assert.deepEqual(found({ after, limit: 5, subject: ADA, jobId: 'job-2' }), ofAda.filter((at) => at > after && at % 7 === 2).slice(0, 5), `both after ${after}`);
    }
  });

  test('go with their entry, from whichever run they are in', () => {
    const { entries } = auditPage(context, { after: -1, limit: 1000, subject: ADA });
    db.run('BEGIN');
    for (const entry of entries.slice(0, 60)) context.audit.forget(entry);
    assert.deepEqual(found({ after: -1, limit: 1000, subject: ADA }), ofAda.slice(60));
    db.run('ROLLBACK');
  });

  test('a transaction that fails takes its run back, and the next one begins it again', () => {
    const before = runs();
    const mark = context.audit.mark();
    const attempt = (): number => {
      let at = context.audit.tree().size;
      for (; runs().length === before.length; at += 1) append(at);
      return at - 1;
    };
    db.run('BEGIN');
    const began = attempt();
    db.run('ROLLBACK');
    context.audit.rollBackTo(mark);
    assert.deepEqual(runs(), before);
    db.run('BEGIN');
    assert.equal(attempt(), began);
    db.run('COMMIT');
    assert.deepEqual(runs(), [...before, began]);
    const again = { ...context, audit: new AuditLog(db, pseudonyms) };
    assert.deepEqual(again.audit.mark().refs, context.audit.mark().refs, 'a process that opens the file goes on where this one stands');
  });
});
