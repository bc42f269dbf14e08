import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { AuditAction, AuditEntry } from '../../../src/domain/audit/entry.ts';
import type { AuditFilter } from '../../../src/domain/ports/record-store.ts';
import { AuditLog } from '../../../src/store/sqlite/audit-log.ts';
import type { Context } from '../../../src/store/sqlite/context.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { migrate } from '../../../src/store/sqlite/migrate.ts';
import { auditPage } from '../../../src/store/sqlite/ops/audit-read.ts';
import { Pseudonyms } from '../../../src/store/sqlite/pseudonyms.ts';

const ENTRIES = 500;
const NOW = Date.UTC(2026, 0, 15);
const ACTIONS: readonly AuditAction[] = ['contact_rejected', 'merge_confirmed', 'contact_rejected', 'admin_action'];
const ACTORS = ['crm', 'system', 'crm', 'crm', 'import'];

describe('a page of the trail', () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-read-'));
  const db = openDatabase(join(folder, 'trail.db'));
  const pseudonyms = new Pseudonyms(Buffer.alloc(32, 7));
  const people = ['ada@example.com', 'grace@example.com', 'alan@example.com'].map((email) => ({ email, subject: pseudonyms.of('email', email).toString('hex') }));
  let context: Context;
  let all: AuditEntry[];

  before(() => {
    migrate(db, NOW);
    const audit = new AuditLog(db, pseudonyms);
    context = { db, audit, pseudonyms } as unknown as Context;
    db.run('BEGIN');
    all = Array.from({ length: ENTRIES }, (_, at) => {
      const subject = people[at % 7]?.subject;
      // Several entries have the same time, and some of the drafts come with an earlier one.
      return audit.append(
        {
          action: at === 333 ? 'key_rotated' : ACTIONS[at % ACTIONS.length]!,
          actor: ACTORS[(at * 7) % ACTORS.length]!,
          job_id: `job-${at % 11}`,
          ...(at % 5 === 0 ? { profile_id: `profile-${at % 3}` } : {}),
          ...(subject === undefined ? {} : { subject }),
          details: {},
          privacy_compliance: {},
        },
        NOW + Math.floor(at / 4) * 10 - (at % 13 === 0 ? 500 : 0),
      );
    });
    db.run('COMMIT');
  });
  after(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });

  /** The rule itself, without an index. */
  function expected(filter: AuditFilter): AuditEntry[] {
    return all.filter((entry) => {
      const at = Date.parse(entry.created_at);
      const person = people.find(({ email }) => email === filter.subject?.email);
      return (
        entry.sequence > filter.after &&
        (filter.from === undefined || at >= filter.from) &&
        (filter.to === undefined || at < filter.to) &&
        (filter.action === undefined || entry.action === filter.action) &&
        (filter.actor === undefined || entry.actor === filter.actor) &&
        (filter.jobId === undefined || entry.job_id === filter.jobId) &&
        (filter.profileId === undefined || entry.profile_id === filter.profileId) &&
        (filter.subject === undefined || entry.subject === person?.subject)
      );
    });
  }

  test('holds what the filters say, whichever are combined, in order, and knows whether there is more', () => {
    // Times of entries, and times between them.
    const time = fc.oneof(fc.integer({ min: 0, max: 130 }).map((step) => NOW + step * 10), fc.integer({ min: NOW - 600, max: NOW + 1400 }));
    const every = fc.record({
      from: time,
      to: time,
      action: fc.constantFrom('contact_rejected', 'admin_action', 'key_rotated', 'erasure_requested'),
      actor: fc.constantFrom('crm', 'import', 'nobody'),
      jobId: fc.constantFrom('job-3', 'job-4', 'job-99'),
      profileId: fc.constantFrom('profile-0', 'profile-1'),
      subject: fc.constantFrom(...people.map(({ email }) => ({ email }))),
      after: fc.oneof(fc.constant(-1), fc.integer({ min: -1, max: ENTRIES })),
      limit: fc.integer({ min: 1, max: ENTRIES }),
    });
    // Few at a time, so that most selections hold something.
    const chosen = fc.subarray(['from', 'to', 'action', 'actor', 'jobId', 'profileId', 'subject'], { maxLength: 3 });
    const filters = fc.tuple(every, chosen).map(([all, names]) => Object.fromEntries(Object.entries(all).filter(([name]) => name === 'after' || name === 'limit' || names.includes(name))) as unknown as AuditFilter);
    let found = 0;
    fc.assert(
      fc.property(filters, (filter) => {
        const wanted = expected(filter);
        const page = auditPage(context, filter);
        if (wanted.length > 0) found += 1;
        assert.deepEqual(page.entries.map(({ sequence }) => sequence), wanted.slice(0, filter.limit).map(({ sequence }) => sequence));
        assert.equal(page.more, wanted.length > filter.limit);
      }),
      { numRuns: 400 },
    );
    assert.ok(found > 100, `only ${found} selections held anything`);
  });

  test('never looks at every entry for a filter that has an index', () => {
    const filters: Partial<AuditFilter>[] = [{ action: 'admin_action' }, { actor: 'crm' }, { action: 'key_rotated', actor: 'crm' }, { jobId: 'job-1' }, { profileId: 'profile-1', action: 'admin_action' }, { from: NOW }];
    const seen: string[] = [];
    const watched = new Proxy(db, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name !== 'all' || typeof value !== 'function') return typeof value === 'function' ? value.bind(target) : value;
        return (sql: string, ...values: never[]) => {
          seen.push(...target.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values).map(({ detail }) => detail));
          return target.all(sql, ...values);
        };
      },
    });
    for (const filter of filters) auditPage({ ...context, db: watched }, { after: -1, limit: 10, ...filter });
    assert.ok(seen.length >= filters.length);
    assert.deepEqual(seen.filter((detail) => !detail.startsWith('SEARCH')), []);
  });
});
