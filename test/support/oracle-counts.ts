import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import type { Claims, Entry, JobLine } from './oracle.ts';
import type { ServiceProcess } from './service-process.ts';
import { until } from './until.ts';
import type { Workplace } from './workplace.ts';

/** What a service holds once all is done: the most seen is about half of either, over every suite. */
const RSS_MAX_MB = 500;
const FDS_MAX = 160;
const SETTLED_WITHIN_MS = 10_000;
const CALLS = new Set(['merge', 'patch', 'webhooks']);

type Jobs = ReadonlyMap<string, JobLine[]>;

/** O5: what the entries say in sum is what became of the contacts, and what the tenant did. */
export function auditCountsAgree(place: Workplace, claims: Claims, entries: readonly Entry[], jobs: Jobs): void {
  const lines = [...jobs.values()].flat();
  const count = (...statuses: string[]): number => lines.filter(({ status }) => statuses.includes(status)).length;
  const of = (action: string): Entry[] => entries.filter((entry) => entry.action === action);
  const contacts = (action: string): number => of(action).reduce((sum, { details }) => sum + Number(details['contacts'] ?? 0), 0);
  const ofThese = (action: string): number => of(action).filter(({ job_id: job = '' }) => jobs.has(job)).length;
  assert.equal(ofThese('contact_rejected'), count('rejected'), 'an entry for each rejected contact');
  assert.equal(ofThese('contact_deduplicated'), count('duplicate'), 'an entry for each duplicate');
  assert.equal(contacts('contact_unchanged'), count('unchanged'), 'contacts unchanged');
  assert.equal(contacts('batch_delivered'), count('confirmed', 'unconfirmed'), 'contacts delivered');
  if (claims.withoutConfirmation !== true) assert.equal(contacts('merge_confirmed'), count('confirmed'), 'contacts confirmed');
  const patches = of('PROFILE_ENRICHMENT');
  const applied = new Set([...place.sandbox.ledger().profiles.values()].flatMap(({ requestIds }) => requestIds));
  // A patch that is in the air when its profile is erased ends without a word of what became of it.
  const isAnybodyErased = entries.some(({ action }) => action === 'erasure_requested');
  for (const id of isAnybodyErased ? [] : applied) assert.ok(patches.some((entry) => entry.request_id === id), 'a patch took effect and no entry says so');
  for (const { request_id: id = '', details } of patches) if (details['result'] === 'SUCCESS') assert.ok(applied.has(id), 'an entry of a patch that never took effect');
}

/** Every counter of a process that lived through the whole run is what the ledger counted of the same thing. */
export async function countersAgree(place: Workplace, claims: Claims, entries: readonly Entry[], jobs: Jobs): Promise<void> {
  const differs = async (): Promise<unknown> => {
    const samples = samplesOf((await place.service.call('GET', '/metrics')).text);
    try {
      compare(samples, place, claims, entries, jobs);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  let last: unknown;
  // A callback that confirms nothing may still be on its way when all is done.
  await until(async () => (last = await differs()) === undefined, SETTLED_WITHIN_MS, 'the counters').catch(() => {
    throw last;
  });
}

function compare(samples: readonly Sample[], place: Workplace, claims: Claims, entries: readonly Entry[], jobs: Jobs): void {
  const sum = (name: string, labels: Record<string, string> = {}): number =>
    samples.filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value)).reduce((total, { value }) => total + value, 0);
  const ledger = place.sandbox.ledger();
  for (const api of ['contacts', 'profiles'] as const) {
    const calls = ledger.requests.filter((call) => call.api === api && CALLS.has(call.endpoint));
    assert.equal(sum('enricher_cxone_requests_total', { api }), calls.length, `requests of ${api}`);
    if (claims.hadUnknown === true) continue;
    for (const status of new Set(calls.map((call) => String(call.status ?? 'none')))) {
      assert.equal(sum('enricher_cxone_requests_total', { api, status }), calls.filter((call) => String(call.status ?? 'none') === status).length, `requests of ${api} answered ${status}`);
    }
  }
  for (const action of new Set(entries.map((entry) => entry.action))) {
    const [counted, told] = [sum('enricher_audit_entries_total', { action }), entries.filter((entry) => entry.action === action).length];
    // To ask for the counters is itself a use of a key, which may be the first of its kind.
    assert.ok(counted === told || (action === 'key_used' && counted > told), `entries of ${action}: ${told} in the trail, ${counted} counted`);
  }
  const lines = [...jobs.values()].flat();
  for (const outcome of ['confirmed', 'unchanged', 'unconfirmed']) {
    if (claims.withoutConfirmation === true) continue;
    assert.equal(sum('enricher_contacts_total', { outcome }), lines.filter(({ status }) => status === outcome).length, `contacts ${outcome}`);
  }
  assert.equal(sum('enricher_merge_latency_seconds_count'), entries.filter((entry) => entry.action === 'merge_confirmed').length);
  const tries = ledger.callbacks.filter(({ url }) => url?.startsWith(place.service.url) === true).flatMap(({ statuses }) => statuses);
  assert.equal(sum('enricher_webhooks_total') - sum('enricher_webhooks_total', { outcome: 'refused' }), tries.filter((status) => status === 200).length, 'webhooks taken');
  assert.equal(sum('enricher_webhooks_total', { outcome: 'refused' }), tries.filter((status) => status === 401).length, 'webhooks refused');
  const taken = ledger.marketing.filter((delivery) => !delivery.repeated).reduce((total, { body }) => total + ((body as { contacts?: unknown[] }).contacts?.length ?? 0), 0);
  if (claims.exports !== false) assert.equal(sum('enricher_exports_total', { outcome: 'delivered' }), taken, 'contacts exported');
  assert.equal(sum('enricher_queue_depth'), 0);
  assert.equal(sum('enricher_unconfirmed'), lines.filter(({ status }) => status === 'unconfirmed').length);
  assert.ok(sum('enricher_rate_budget_tokens') <= place.sandbox.stats().requestsPerWindow);
}

/** O8: memory and file descriptors are those of a service at rest, whatever it went through. */
export async function resourcesAreBounded(service: ServiceProcess): Promise<{ rssMb: number; fds: number }> {
  const pid = service.nodePid;
  const fds = (): number => readdirSync(`/proc/${pid}/fd`).length;
  // Connections of callbacks and callers close a little after the last word.
  await until(() => fds() <= FDS_MAX, SETTLED_WITHIN_MS, `at most ${FDS_MAX} descriptors`);
  const rssMb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  assert.ok(rssMb <= RSS_MAX_MB, `${rssMb.toFixed(0)} MB`);
  return { rssMb, fds: fds() };
}

/** O12: each fault that was set was met. */
export function faultsFired(place: Workplace): void {
  for (const fault of place.sandbox.faults.list()) assert.ok(fault.fired > 0, `the fault ${fault.name} never fired`);
}

type Sample = { name: string; labels: Record<string, string>; value: number };

function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null) return [];
    const labels = Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
    return [{ name: match[1] ?? '', labels, value: Number(match[3]) }] as Sample[];
  });
}
