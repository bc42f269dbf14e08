/**
 * Durable ingest beside a bare Fastify + zod route on the same bodies, alternating in one run.
 * Usage: node bench/ingest.ts [--seconds 4] [--rounds 3]
 */
import { parseArgs } from 'node:util';
import { contact } from './support/contacts.ts';
import { machineLine, median } from './support/machine.ts';
import { postBatches } from './support/load.ts';
import { startBare, startService } from './support/processes.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '3' }, sizes: { type: 'string', default: '50,500,1' } } });
const TARGETS: Readonly<Record<number, number>> = { 1: 0.2, 50: 0.25, 500: 0.25 };
const CONNECTIONS = 10;
const load = { connections: CONNECTIONS, seconds: Number(values.seconds) };
/** Contacts in the bodies that a run goes through; afterwards they come again, as updates of known people. */
const POOL = 60_000;

let next = 0;

function bodies(size: number): string[] {
  const count = Math.min(Math.ceil(POOL / size), 4000);
  return Array.from({ length: count }, () => JSON.stringify({ contacts: Array.from({ length: size }, () => contact(next++)) }));
}

console.log(machineLine());
for (const size of values.sizes.split(',').map(Number)) {
  const runs = { ours: [] as number[], bare: [] as number[], cpu: [] as number[] };
  for (let round = 0; round < Number(values.rounds); round++) {
    const pool = bodies(size);
    const bare = await startBare();
    runs.bare.push((await postBatches(bare.url, pool, load)).perSecond);
    await bare.stop();
    const ours = await startService();
    await postBatches(ours.url, pool.slice(0, Math.ceil(pool.length / 10)), { connections: CONNECTIONS, seconds: 1 });
    const before = ours.cpuSeconds();
    const { perSecond } = await postBatches(ours.url, pool.slice(Math.ceil(pool.length / 10)), load);
    runs.ours.push(perSecond);
    runs.cpu.push(((ours.cpuSeconds() - before) * 1e6) / (perSecond * load.seconds * size));
    await ours.stop();
  }
  const share = median(runs.ours.map((value, i) => value / (runs.bare[i] ?? Number.NaN)));
  const target = TARGETS[size] ?? 0;
  console.log(
    `${CONNECTIONS} × ${size}: ours ${Math.round(median(runs.ours) * size)} contacts/s, bare ${Math.round(median(runs.bare) * size)}, share ${(share * 100).toFixed(1)} % (target ${target * 100} %${share >= target ? '' : ', BELOW'}), ${median(runs.cpu).toFixed(1)} µs CPU a contact`,
  );
}
