/** Opens the store at the path given and keeps it until it is killed. Says `open`, or why it could not. */
import { openSqliteStore } from '../../../src/store/sqlite/client.ts';
import { engineOptions } from './engine-harness.ts';

const path = process.argv[2];
if (path === undefined) throw new Error('a path is needed');
try {
  await openSqliteStore({ ...engineOptions(path, 0), onCommitted: () => undefined, onFatal: () => undefined });
  process.stdout.write('open\n');
  setInterval(() => undefined, 60_000);
} catch (error) {
  process.stdout.write(`${(error as { causeName?: string }).causeName ?? ''}: ${(error as Error).message}\n`);
  process.exit(1);
}
