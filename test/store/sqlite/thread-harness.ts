import type { AuditEntry } from '../../../src/domain/audit/entry.ts';
import type { Store } from '../../../src/domain/ports/store.ts';
import { openSqliteStore } from '../../../src/store/sqlite/client.ts';
import type { Harness, StoreRules } from '../harness.ts';
import { engineOptions, temporaryDatabase } from './engine-harness.ts';

/** The store as the service has it, on a thread of its own. */
export function threadHarness(): Harness {
  const database = temporaryDatabase();
  const entries: AuditEntry[] = [];
  let store: Store | undefined;
  const open = async ({ rules, now }: { rules: StoreRules; now: number }): Promise<Store> => {
    store = await openSqliteStore({
      ...engineOptions(database.path, now, rules),
      onCommitted: (committed) => entries.push(...committed),
      onFatal: (message) => {
        throw new Error(message);
      },
    });
    return store;
  };
  return {
    open,
    async reopen(options) {
      await store?.close();
      return open(options);
    },
    committed: () => entries,
    async close() {
      await store?.close();
      database.remove();
    },
  };
}
