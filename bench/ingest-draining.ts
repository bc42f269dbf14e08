/**
 * How long a batch of 50 waits for its answer while the queue drains at its full budget, beside the same with
 * deliveries paused, in turns. Usage: node bench/ingest-draining.ts [--seconds 5] [--rounds 4] [--per-minute 1200]
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startSandbox } from '../src/sandbox/sandbox.ts';
import { serviceSettings } from '../src/sandbox/service-settings.ts';
import { contact } from './support/contacts.ts';
import { postBatches } from './support/load.ts';
import { machineLine, median } from './support/machine.ts';
import { BENCH_KEY, freePort, startService } from './support/processes.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' }, rounds: { type: 'string', default: '4' }, 'per-minute': { type: 'string', default: '1200' } } });
const PER_MINUTE = Number(values['per-minute']);
const SIZE = 50;
const BACKLOG_BATCHES = 400;
const BATCHES = 1600;
const load = { connections: 10, seconds: Number(values.seconds) };

const sandbox = await startSandbox({ requestsPerWindow: PER_MINUTE, windowMs: 60_000, mergeMode: 'sync' });
const port = await freePort();
const settings = serviceSettings(sandbox, `http://127.0.0.1:${port}`, randomBytes, { signature: 'standard', requestsPerMinute: PER_MINUTE, mergeMode: 'sync' });
const service = await startService({ ...settings, API_KEYS: `bench:${BENCH_KEY}`, RATE_LIMIT_PER_MINUTE: '0' });
console.log(machineLine());

let next = 0;
const bodies = (count: number): string[] => Array.from({ length: count }, () => JSON.stringify({ contacts: Array.from({ length: SIZE }, () => contact(next++)) }));
const headers = { authorization: `Bearer ${BENCH_KEY}`, 'content-type': 'application/json' };
const turnDelivery = async (on: boolean): Promise<void> => void (await fetch(`${service.url}/admin/${on ? 'resume' : 'pause'}?api=contacts`, { method: 'POST', headers }));

await turnDelivery(false);
for (const body of bodies(BACKLOG_BATCHES)) await fetch(`${service.url}/enrich-batch`, { method: 'POST', headers, body });
const idle: number[] = [];
const draining: number[] = [];
let calls = 0;
for (let round = 0; round < Number(values.rounds); round++) {
  idle.push((await postBatches(service.url, bodies(BATCHES), load)).p99);
  await turnDelivery(true);
  const before = sandbox.stats().mergeCalls;
  draining.push((await postBatches(service.url, bodies(BATCHES), load)).p99);
  calls += sandbox.stats().mergeCalls - before;
  await turnDelivery(false);
}
const ratio = median(draining.map((value, i) => value / (idle[i] ?? Number.NaN)));
console.log(
  `10 × ${SIZE}: p99 ${median(idle)} ms idle, ${median(draining)} ms while draining (${calls} merge calls, ${((calls * 6000) / (PER_MINUTE * load.seconds * draining.length)).toFixed(0)} % of the budget): ratio ${ratio.toFixed(2)} (target 2${ratio <= 2 ? '' : ', ABOVE'})`,
);
await service.stop();
await sandbox.close();
