/** Runs every benchmark, one after the other. Usage: npm run bench [-- name …] */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCHES = ['normalize', 'ingest', 'ingest-draining', 'pacing', 'queue', 'drain', 'audit', 'audit-trail', 'scale'];
const wanted = process.argv.slice(2);
for (const name of BENCHES.filter((bench) => wanted.length === 0 || wanted.includes(bench))) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
