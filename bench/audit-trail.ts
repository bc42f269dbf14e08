/**
 * The audit trail in its store: what an append costs within its transaction, pages at several sizes, and the running
 * check with what it leaves to others. `node bench/audit-trail.ts [sizes, comma separated]`
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { AuditAction } from '../src/domain/audit/entry.ts';
import type { AuditDraft, AuditFilter } from '../src/domain/ports/record-store.ts';
import { TrailCheckService } from '../src/services/trail-check-service.ts';
import { AuditLog } from '../src/store/sqlite/audit-log.ts';
import { openSqliteStore } from '../src/store/sqlite/client.ts';
import type { Context } from '../src/store/sqlite/context.ts';
import { openDatabase } from '../src/store/sqlite/database.ts';
import { migrate } from '../src/store/sqlite/migrate.ts';
import { auditPage } from '../src/store/sqlite/ops/audit-read.ts';
import { Pseudonyms } from '../src/store/sqlite/pseudonyms.ts';
import { machineLine, percentile } from './support/machine.ts';
import { Vault } from '../src/store/sqlite/vault.ts';

const SIZES = (process.argv[2] ?? '10000,100000,1000000').split(',').map(Number);
const TRANSACTION = 1000;
const PAGE = 100;
const ROUNDS = 300;
const START = Date.UTC(2026, 0, 1);
const STEP_MS = 100;
const JOB_ENTRIES = 60;
const PEOPLE = 50_000;
const RARE_EVERY = 100_000;
const COMMON: readonly AuditAction[] = ['contact_rejected', 'consent_withdrawn', 'batch_delivered', 'merge_confirmed', 'contact_deduplicated'];
const MASTER_KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const FACTS = { jurisdiction: 'DE', legal_basis: 'consent', retained_until: '2027-01-01', encrypted: true };

console.log(machineLine());
const folder = mkdtempSync(join(tmpdir(), 'audit-trail-bench-'));
const path = join(folder, 'trail.db');
const db = openDatabase(path);
migrate(db, START);
// The key under which the store will look for its references.
const { key, wrapped } = new Vault([MASTER_KEY]).newPersonKey();
db.run(`INSERT INTO secrets (name, wrapped) VALUES ('pseudonyms', ?)`, wrapped);
const pseudonyms = new Pseudonyms(key.key);
const subjects = Array.from({ length: PEOPLE }, (_, at) => pseudonyms.of('email', `person${at}@example.com`).toString('hex'));
const audit = new AuditLog(db, pseudonyms);
const context = { db, audit, pseudonyms } as unknown as Context;

function draftAt(at: number): AuditDraft {
  return {
    action: at % RARE_EVERY === 77 ? 'admin_action' : (COMMON[at % COMMON.length] ?? 'contact_rejected'),
    actor: at % 3 === 0 ? 'system' : 'crm',
    job_id: `job-${Math.floor(at / JOB_ENTRIES)}`,
    ...(at % 2 === 0 ? { subject: subjects[(at * 7919) % PEOPLE] ?? '' } : {}),
    details: { rule: 'same_email', index: at % 50, latency_ms: at / 8, classes: ['EMAIL', 'PHONE'] },
    privacy_compliance: FACTS,
  };
}

function appendUpTo(size: number): void {
  const micros: number[] = [];
  while (audit.tree().size < size) {
    const first = audit.tree().size;
    const drafts = Array.from({ length: Math.min(TRANSACTION, size - first) }, (_, at) => draftAt(first + at));
    db.run('BEGIN IMMEDIATE');
    const startedAt = performance.now();
    for (const [at, draft] of drafts.entries()) audit.append(draft, START + (first + at) * STEP_MS);
    micros.push(((performance.now() - startedAt) * 1000) / drafts.length);
    db.run('COMMIT');
    audit.takeCommitted();
  }
  console.log(`append up to ${size.toLocaleString('en')}: ${percentile(micros, 0.1).toFixed(1)} µs p10, ${percentile(micros, 0.5).toFixed(1)} p50, ${percentile(micros, 0.9).toFixed(1)} p90 an entry (${TRANSACTION} a transaction)`);
}

function pagesAt(size: number): void {
  const middle = Math.floor(size / 2);
  const filters: Record<string, Partial<AuditFilter>> = {
    'the first': {},
    'from the middle': { after: middle },
    'a common action': { action: 'merge_confirmed', after: middle },
    'a rare action': { action: 'admin_action' },
    'an action that never was': { action: 'key_rotated' },
    'a rare action of a common actor': { action: 'admin_action', actor: 'crm' },
    'a rare action in a span of time': { action: 'admin_action', from: START + size * 10, to: START + size * 90 },
    'a span of time': { from: START + middle * STEP_MS },
    'one job': { jobId: `job-${Math.floor(middle / JOB_ENTRIES)}` },
    'one person': { subject: { email: 'person78@example.com' } },
  };
  for (const [name, filter] of Object.entries(filters)) {
    const times: number[] = [];
    let found = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const startedAt = performance.now();
      found = auditPage(context, { after: -1, limit: PAGE, ...filter }).entries.length;
      times.push(performance.now() - startedAt);
    }
    console.log(`  page at ${size.toLocaleString('en')}, ${name} (${found}):`.padEnd(64), `${percentile(times, 0.5).toFixed(2)} ms p50, ${percentile(times, 0.99).toFixed(2)} p99`);
  }
}

async function checkRunning(): Promise<void> {
  const store = await openSqliteStore({
    path,
    encryptionKeys: [MASTER_KEY.toString('base64')],
    openedAt: START,
    policy: { consent: { policy: 'all' }, policyVersion: 'bench', exportOn: false, identifierMaxPeople: 5, queueMaxContacts: 1_000_000, sourcePriority: [] },
    onCommitted: () => undefined,
    onFatal: (message) => console.error(message),
  });
  try {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const waits: number[] = [];
    const state = { isRunning: true };
    const startedAt = performance.now();
    delay.enable();
    const check = new TrailCheckService({ store, trusted: [], last: () => null, onBad: () => undefined }).check().finally(() => (state.isRunning = false));
    while (state.isRunning) {
      const askedAt = performance.now();
      await store.auditTree();
      waits.push(performance.now() - askedAt);
    }
    const report = await check;
    delay.disable();
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(`running check: ${report.ok ? 'ok' : 'NOT OK'}, ${Math.round(report.checked / seconds).toLocaleString('en')} entries a second; others waited ${percentile(waits, 0.5).toFixed(2)} ms p50, ${percentile(waits, 0.99).toFixed(2)} p99 for the store; event loop ${(delay.percentile(99) / 1e6).toFixed(1)} ms p99`);
  } finally {
    await store.close();
  }
}

try {
  for (const size of SIZES) {
    appendUpTo(size);
    pagesAt(size);
  }
  console.log(`database ${Math.round(statSync(path).size / 1024 / 1024)} MB`);
  db.close();
  await checkRunning();
} finally {
  rmSync(folder, { recursive: true });
}
