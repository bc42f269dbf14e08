/**
 * Half a million contacts in one streamed upload, then waiting: memory all the while, and how long a start takes
 * after the process was killed. Usage: node bench/scale.ts [--contacts 500000]
 */
import { request } from 'node:http';
import { parseArgs } from 'node:util';
import { contact } from './support/contacts.ts';
import { machineLine } from './support/machine.ts';
import { BENCH_KEY, startService } from './support/processes.ts';

const { values } = parseArgs({ options: { contacts: { type: 'string', default: '500000' } } });
const CONTACTS = Number(values.contacts);
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

console.log(machineLine());
const service = await startService();
console.log(`idle: RSS ${service.rssMb().toFixed(0)} MB`);
let peak = 0;
const sampler = setInterval(() => (peak = Math.max(peak, service.rssMb())), SAMPLE_MS);
const start = performance.now();
const { status, body } = await upload(service.url);
const seconds = (performance.now() - start) / 1000;
console.log(`upload: ${status} ${body.slice(0, 120)}…`);
console.log(`${CONTACTS} contacts in ${seconds.toFixed(0)} s (${Math.round(CONTACTS / seconds)}/s), peak RSS ${peak.toFixed(0)} MB`);
console.log(`waiting: ${await waiting(service.url)} contacts, RSS ${service.rssMb().toFixed(0)} MB`);
const restarted = performance.now();
clearInterval(sampler);
await service.kill();
const again = await service.restart();
console.log(`ready ${((performance.now() - restarted) / 1000).toFixed(2)} s after kill -9, waiting ${await waiting(again.url)}, RSS ${again.rssMb().toFixed(0)} MB`);
await again.stop();
