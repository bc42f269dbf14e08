import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { leafOf } from '../../src/domain/audit/entry.ts';
import type { AuditEntry } from '../../src/domain/audit/entry.ts';
import { leafBase64 } from '../../src/services/audit-service.ts';
import type { Service } from '../../src/main.ts';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import type { Database } from '../../src/store/sqlite/database.ts';
import { Premises, sendPeople } from '../support/service-in-process.ts';

const SCRIPT = new URL('../../scripts/audit-verify.ts', import.meta.url).pathname;
const NDJSON = { accept: 'application/x-ndjson' };

type Verdict = { code: number; out: string };

function verify(...args: string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], (error, stdout) => resolve({ code: error === null ? 0 : Number(error.code), out: stdout }));
  });
}

async function text(service: Service, url: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await service.app.inject({ url, headers });
  assert.equal(answer.statusCode, 200, answer.payload);
  return answer.payload;
}

describe('an export of a real service, verified elsewhere', () => {
  const premises = new Premises();
  const file = (name: string): string => join(premises.folder, name);
  const backup = file('older.db');
  let lines: string[];
  let args: string[];

  before(async () => {
    await premises.serve(async (service) => {
      await sendPeople(service, 0, 40);
      writeFileSync(file('older'), await text(service, '/audit-trail/checkpoint'));
      writeFileSync(file('key'), await text(service, '/audit-trail/key'));
    });
    copyFileSync(premises.databasePath, backup);
    await premises.serve((service) => sendPeople(service, 1000, 40));
    await premises.serve(async (service) => {
      await sendPeople(service, 2000, 40);
      writeFileSync(file('checkpoint'), await text(service, '/audit-trail/checkpoint'));
      writeFileSync(file('export'), await text(service, '/audit-trail', NDJSON));
    });
    lines = readFileSync(file('export'), 'utf8').trim().split('\n');
    args = ['--checkpoint', file('checkpoint'), '--key-file', file('key'), '--older', file('older')];
  });
  after(() => premises.remove());

  function changed(name: string, change: (lines: string[]) => string[]): string[] {
    const path = file(`export ${name}`);
    writeFileSync(path, `${change([...lines]).join('\n')}\n`);
    return ['--export', path, ...args];
  }

  function forged(line: string | undefined): string {
    const { leaf: _, ...entry } = JSON.parse(line ?? '') as AuditEntry & { leaf: string };
    const other = { ...entry, actor: 'nobody' };
    return JSON.stringify({ ...other, leaf: leafBase64(other) });
  }

  test('is verified as it came', async () => {
    const { code, out } = await verify('--export', file('export'), ...args);
    assert.equal(code, 0, out);
    assert.match(out, /VERIFIED\n$/);
    assert.match(out, /signature of checkpoint .*: good/);
  });

  const EDITS: [string, (lines: string[]) => string[], RegExp][] = [
    ['edited', (all) => all.with(20, (all[20] ?? '').replace('"actor":"', '"actor":"x')), /first bad sequence 20\n/],
    ['deleted', (all) => all.toSpliced(20, 1), /first bad sequence 20\n/],
    ['inserted', (all) => all.toSpliced(20, 0, all[10] ?? ''), /first bad sequence/],
    ['swapped', (all) => all.with(20, all[21] ?? '').with(21, all[20] ?? ''), /first bad sequence 20\n/],
    ['truncated', (all) => all.slice(0, 30), /first bad sequence 30\n/],
    ['rewritten and hashed anew', (all) => all.with(20, forged(all[20])), /first bad sequence between 1\d and [23]\d;/],
  ];
  for (const [what, edit, message] of EDITS) {
    test(`is found to be ${what}: exit code 2, and the place`, async () => {
      const { code, out } = await verify(...changed(what, edit));
      assert.equal(code, 2, out);
      assert.match(out, message);
    });
  }

  /** What a service tells that was started on a database that somebody has worked on. */
  async function onDatabase(name: string, source: string, work: (db: Database) => void, settle?: (service: Service) => Promise<unknown>): Promise<Verdict & { running: Record<string, unknown> }> {
    const folder = file(name);
    mkdirSync(folder);
    for (const suffix of ['enricher.db.checkpoint', 'audit-signing.key']) copyFileSync(file(suffix), join(folder, suffix));
    copyFileSync(source, join(folder, 'enricher.db'));
    const db = openDatabase(join(folder, 'enricher.db'));
    for (const trigger of ['audit_entries_no_update', 'audit_entries_no_delete']) db.exec(`DROP TRIGGER ${trigger}`);
    work(db);
    db.close();
    return premises.serve(
      async (service) => {
        await settle?.(service);
        const running = JSON.parse(await text(service, '/audit-trail/verify')) as Record<string, unknown>;
        writeFileSync(join(folder, 'export'), await text(service, '/audit-trail', NDJSON));
        return { running, ...(await verify('--export', join(folder, 'export'), ...args)) };
      },
      { DATABASE_URL: `sqlite:${join(folder, 'enricher.db')}` },
    );
  }

  test('tells of a row that was changed in the database, and so does the service itself', async () => {
    const { code, out, running } = await onDatabase('row', premises.databasePath, (db) => {
      const { leaf } = db.get<{ leaf: string }>('SELECT leaf FROM audit_entries WHERE sequence = 23')!;
      db.run('UPDATE audit_entries SET leaf = ? WHERE sequence = 23', leafOf({ ...(JSON.parse(leaf) as AuditEntry), details: { rule: 'none' } }));
    });
    assert.equal(code, 2, out);
    assert.deepEqual([running['ok'], running['first_bad_sequence']], [false, 23]);
  });

  test('tells of a database that was put back, also when it has grown since', async () => {
    const { code, out, running } = await onDatabase('rolled back', backup, () => undefined, (service) => sendPeople(service, 5000, 100));
    assert.equal(code, 2, out);
    assert.equal(running['ok'], false);
  });
});
