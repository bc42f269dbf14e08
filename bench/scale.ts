/**
 * A million contacts in one streamed upload, then waiting: memory all the while, how long a start takes after the
 * process was killed, and what it costs to drain from a queue of that length.
 * Usage: node bench/scale.ts [--contacts 1000000] [--drain-seconds 30] [--per-minute 1200]
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSandbox } from '../src/sandbox/sandbox.ts';
import { serviceSettings } from '../src/sandbox/service-settings.ts';
import { contact } from './support/contacts.ts';
import { machineLine } from './support/machine.ts';
import { BENCH_KEY, freePort, startService } from './support/processes.ts';
import type { Running } from './support/processes.ts';

const { values } = parseArgs({
  options: {
    contacts: { type: 'string', default: '1000000' },
    'drain-seconds': { type: 'string', default: '30' },
    'per-minute': { type: 'string', default: '1200' },
  },
});
const CONTACTS = Number(values.contacts);
const DRAIN_SECONDS = Number(values['drain-seconds']);
const PER_MINUTE = Number(values['per-minute']);
const SAMPLE_MS = 250;
const headers = { authorization: `Bearer ${BENCH_KEY}` };

async function upload(url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(`${url}/enrich-batch`, { method: 'POST', headers: { ...headers, 'content-type': 'application/x-ndjson' } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part)).on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    call.once('error', reject);
    let n = 0;
    const more = (): void => {
      while (n < CONTACTS) if (!call.write(`${JSON.stringify(contact(n++))}\n`)) return void call.once('drain', more);
      call.end();
    };
    more();
  });
}

async function waiting(url: string): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { ...headers, accept: 'application/json' } });
  return ((await answer.json()) as { queue_depth: number }).queue_depth;
}

/** Looks at the memory of a process until it is asked for the most of it. */
function watchMemory(process: Running): { peakMb(): number } {
  let peak = 0;
  const sampler = setInterval(() => (peak = Math.max(peak, process.rssMb())), SAMPLE_MS);
  return {
    peakMb() {
      clearInterval(sampler);
      return peak;
    },
  };
}

console.log(machineLine());
const watch = mkdtempSync(join(tmpdir(), 'loop-watch-'));
const turns = join(watch, 'longest');
const sandbox = await startSandbox({ requestsPerWindow: PER_MINUTE, windowMs: 60_000, mergeMode: 'sync' });
const port = await freePort();
const settings = serviceSettings(sandbox, `http://127.0.0.1:${port}`, randomBytes, { signature: 'standard', requestsPerMinute: PER_MINUTE, mergeMode: 'sync' });
const service = await startService({ ...settings, API_KEYS: `bench:${BENCH_KEY}`, RATE_LIMIT_PER_MINUTE: '0', LOOP_WATCH: turns, NODE_OPTIONS: `--import=${join(import.meta.dirname, 'support/loop-watch.ts')}` });
await fetch(`${service.url}/admin/pause?api=contacts`, { method: 'POST', headers });
console.log(`idle: RSS ${service.rssMb().toFixed(0)} MB`);
const filling = watchMemory(service);
const start = performance.now();
const { status, body } = await upload(service.url);
const seconds = (performance.now() - start) / 1000;
console.log(`upload: ${status} ${body.slice(0, 120)}…`);
console.log(`${CONTACTS} contacts in ${seconds.toFixed(0)} s (${Math.round(CONTACTS / seconds)}/s), peak RSS ${filling.peakMb().toFixed(0)} MB`);
console.log(`waiting: ${await waiting(service.url)} contacts, RSS ${service.rssMb().toFixed(0)} MB`);

const killed = performance.now();
await service.kill();
const again = await service.restart();
const draining = watchMemory(again);
console.log(`ready ${((performance.now() - killed) / 1000).toFixed(2)} s after kill -9, waiting ${await waiting(again.url)}, RSS ${again.rssMb().toFixed(0)} MB`);

// The first seconds show what was in the air when it was killed, and warm up the code.
await sleep(3000);
rmSync(turns);
const before = { ...sandbox.stats(), cpu: again.cpuSeconds() };
await sleep(DRAIN_SECONDS * 1000);
const after = { ...sandbox.stats(), cpu: again.cpuSeconds() };
const sent = after.contactsApplied - before.contactsApplied;
const used = after.budgetRequests - before.budgetRequests;
console.log(
  `draining for ${DRAIN_SECONDS} s: ${used} requests = ${((used * 6000) / (PER_MINUTE * DRAIN_SECONDS)).toFixed(1)} % of the budget, ${after.limited - before.limited} refused, ` +
    `${(sent / Math.max(1, used)).toFixed(1)} contacts a request, ${(((after.cpu - before.cpu) * 1e6) / Math.max(1, sent)).toFixed(0)} µs CPU a contact with confirmation and export`,
);
console.log(`longest turn of the event loop ${readFileSync(turns, 'utf8')} ms, peak RSS ${draining.peakMb().toFixed(0)} MB`);
await again.stop();
await sandbox.close();
rmSync(watch, { recursive: true });
