import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEntry } from '../../../src/domain/audit/entry.ts';
import { CodedError } from '../../../src/domain/errors.ts';
import type { Store } from '../../../src/domain/ports/store.ts';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import type { EngineOptions, Reply } from '../../../src/store/sqlite/engine.ts';
import { OPERATIONS } from '../../../src/store/sqlite/operations.ts';
import type { OperationName } from '../../../src/store/sqlite/operations.ts';
import { DEFAULT_RULES, POLICY_VERSION } from '../harness.ts';
import type { Harness, StoreRules } from '../harness.ts';

export const KEY = Buffer.alloc(32, 7).toString('base64');

export function engineOptions(path: string, now: number, rules: StoreRules = DEFAULT_RULES): EngineOptions {
  return { path, encryptionKeys: [KEY], openedAt: now, policy: { policyVersion: POLICY_VERSION, ...rules } };
}

/** A folder of its own with the path of a database in it; removed by `remove`. */
export function temporaryDatabase(): { folder: string; path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-store-'));
  return { folder, path: join(folder, 'enricher.db'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * The store port over an engine of this thread, one call a transaction. What goes in and comes out takes the same
 * form as on its way to the storage thread, whose start costs more than most tests.
 */
export function storeOver(engine: Engine, onCommitted: (entries: AuditEntry[]) => void): Omit<Store, 'close'> {
  const call = (op: OperationName, input: unknown): Promise<unknown> => {
    const group = engine.run([JSON.parse(JSON.stringify({ id: 1, op, input })) as Parameters<Engine['run']>[0][number]]);
    onCommitted(group.entries);
    return new Promise((resolve) => {
      resolve(valueOf(structuredClone(group.replies[0]!)));
    });
  };
  return Object.fromEntries(Object.keys(OPERATIONS).map((op) => [op, (input: unknown) => call(op as OperationName, input)])) as unknown as Omit<Store, 'close'>;
}

function valueOf(reply: Reply): unknown {
  if (!('failure' in reply)) return reply.value;
  const { code, message } = reply.failure;
  throw code === 'internal' ? new Error(message) : new CodedError(code, message);
}

export function engineHarness(): Harness & { folder: string; path: string } {
  const database = temporaryDatabase();
  const entries: AuditEntry[] = [];
  let engine: Engine | undefined;
  const open = (options: { rules: StoreRules; now: number }): Promise<Store> => {
    const opened = new Engine(engineOptions(database.path, options.now, options.rules));
    engine = opened;
    const committed = (more: AuditEntry[]): void => {
      entries.push(...more);
      // As the storage thread does when nothing else waits.
      opened.rest();
    };
    return Promise.resolve({ ...storeOver(opened, committed), close: () => Promise.resolve(opened.close()) });
  };
  return {
    folder: database.folder,
    path: database.path,
    open,
    reopen(options) {
      engine?.close();
      return open(options);
    },
    committed: () => entries,
    close() {
      engine?.close();
      database.remove();
      return Promise.resolve();
    },
  };
}
