/**
 * Runs in a process of its own, which dies at the n-th call that an erasure makes of the store, before or after it.
 * Arguments: path of the database, number of the call, `before` or `after`, id of an erasure to go on with.
 */
import { openSqliteStore } from '../../src/store/sqlite/client.ts';
import type { Store } from '../../src/domain/ports/store.ts';
import { PrivacyService } from '../../src/services/privacy-service.ts';
import { privacyOptions } from './privacy-options.ts';
import { engineOptions } from '../store/sqlite/engine-harness.ts';

const [path = '', at = '', when = ''] = process.argv.slice(2);
const clock = { now: () => Date.parse('2026-03-02T00:00:00Z'), monotonic: () => 0 };
const store = await openSqliteStore({ ...engineOptions(path, clock.now()), onCommitted: () => undefined, onFatal: (message) => process.stderr.write(message) });

const STEPS: ReadonlySet<string | symbol> = new Set(['requestErasure', 'stepErasure', 'wipe', 'claimNotice', 'settleNotice']);
let calls = 0;
const deadly = new Proxy(store, {
  get(target, name) {
    const method = target[name as keyof Store] as (input: unknown) => Promise<unknown>;
    if (!STEPS.has(name)) return method;
    return async (input: unknown) => {
      calls += 1;
      const dies = calls === Number(at);
      if (dies && when === 'before') process.kill(process.pid, 'SIGKILL');
      const value = await method(input);
      if (dies) process.kill(process.pid, 'SIGKILL');
      return value;
    };
  },
});

const service = new PrivacyService(privacyOptions({ store: deadly, clock, tell: () => Promise.resolve({ kind: 'delivered' }) }));
await service.erase({ email: 'person1@example.com' }, { everyone: false, reason: 'art17', actor: 'officer' });
await service.run();
process.stdout.write(`done after ${calls} calls\n`);
await store.close();
