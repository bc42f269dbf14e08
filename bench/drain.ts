/**
 * Drains a backlog through the whole service into a sandbox tenant: how much of the budget is used, how full the
 * chunks are, how many refusals it costs, how long a profile patch waits meanwhile, and CPU a contact.
 * Usage: node bench/drain.ts [--per-minute 1200] [--seconds 60] [--latency 0-0] [--contacts 80000] [--confirm response|webhook]
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startSandbox } from '../src/sandbox/sandbox.ts';
import { serviceSettings } from '../src/sandbox/service-settings.ts';
import { contact } from './support/contacts.ts';
import { machineLine, percentile } from './support/machine.ts';
import { BENCH_KEY, freePort, startService } from './support/processes.ts';

const { values } = parseArgs({
  options: {
    'per-minute': { type: 'string', default: '1200' },
    seconds: { type: 'string', default: '60' },
    latency: { type: 'string', default: '0-0' },
    contacts: { type: 'string', default: '80000' },
    confirm: { type: 'string', default: 'response' },
  },
});
const PER_MINUTE = Number(values['per-minute']);
const SECONDS = Number(values.seconds);
const BATCH = 1000;
const PATCH_EVERY_MS = 1000;
const headers = { authorization: `Bearer ${BENCH_KEY}`, 'content-type': 'application/json' };

const mergeMode = values.confirm === 'response' ? 'sync' : 'async';
const [min = 0, max = 0] = values.latency.split('-').map(Number);
const sandbox = await startSandbox({ requestsPerWindow: PER_MINUTE, windowMs: 60_000, latency: { minMs: min, maxMs: max }, mergeMode });
const port = await freePort();
const settings = serviceSettings(sandbox, `http://127.0.0.1:${port}`, randomBytes, { signature: 'standard', requestsPerMinute: PER_MINUTE, mergeMode });
const service = await startService({ ...settings, API_KEYS: `bench:${BENCH_KEY}`, RATE_LIMIT_PER_MINUTE: '0' });
console.log(`${machineLine()}`);

const call = (path: string, body: object): Promise<Response> => fetch(`${service.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
await call('/admin/pause?api=contacts', {});
for (let n = 0; n < Number(values.contacts); n += BATCH) {
  await call('/enrich-batch', { contacts: Array.from({ length: BATCH }, (_, i) => contact(n + i)) });
}
await call('/admin/resume?api=contacts', {});

const waits: number[] = [];
const patching = setInterval(() => {
  const asked = performance.now();
  const body = { attributes: { score: 1 }, mergeStrategy: 'OVERWRITE', sourceSystem: 'bench' };
  void call(`/profiles/${randomUUID()}/enrich`, body).then((answer) => waits.push(answer.status === 200 ? performance.now() - asked : Number.POSITIVE_INFINITY));
}, PATCH_EVERY_MS);
const before = { ...sandbox.stats(), cpu: service.cpuSeconds() };
await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
clearInterval(patching);
const after = { ...sandbox.stats(), cpu: service.cpuSeconds() };

const used = after.budgetRequests - before.budgetRequests;
const sent = after.contactsApplied - before.contactsApplied;
console.log(`${PER_MINUTE} a minute, latency ${values.latency} ms, ${SECONDS} s: ${used} requests = ${((used / ((PER_MINUTE * SECONDS) / 60)) * 100).toFixed(1)} % of the budget, ${after.limited - before.limited} refused (429)`);
console.log(`chunks: ${(sent / Math.max(1, after.mergeCalls - before.mergeCalls)).toFixed(1)} contacts on average; ${(((after.cpu - before.cpu) * 1e6) / Math.max(1, sent)).toFixed(0)} µs CPU a contact (claim, send, answer, confirmation by ${values.confirm}, export)`);
console.log(`profile patches meanwhile: ${waits.length}, p95 ${percentile(waits, 0.95).toFixed(0)} ms`);
await service.stop();
await sandbox.close();
