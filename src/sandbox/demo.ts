import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkSteps, type Evidence, type Step } from './demo/checks.ts';
import { createClient, type Client } from './demo/client.ts';
import { links, PAGES, ProgressView, report, shareOf, summary } from './demo/screen.ts';
import { freePort, startService, type ServiceProcess } from './demo/service-process.ts';
import { enrichProfiles, progressOf, sendBatches, type BatchResult, type Expectation, type SampleContact } from './demo/work.ts';
import { startSandbox, type Sandbox } from './sandbox.ts';
import { apiKeyOf, serviceSettings } from './service-settings.ts';
import { systemNow } from './timers.ts';

const BATCHES = 6;
const REQUESTS_PER_MINUTE = 100;
const REGISTERED_WITHIN_MS = 10_000;
const DONE_WITHIN_MS = 45_000;
const JOBS_WITHIN_MS = 5_000;
const JOBS_POLL_MS = 100;
const MAIN = new URL('../main.ts', import.meta.url);

const HELP = `The whole job on this machine: a sandbox tenant, a marketing sink and the service; a sample of dirty contacts goes in,
and what came out is asked of the tenant. Stays up until Ctrl-C.

npm run demo -- [--once]
  --once   end by itself: exit 0 when every step was seen to happen, else 1 and the step that was not
`;

type Stage = { sandbox: Sandbox; service: ServiceProcess; client: Client; apiKey: string };

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { once: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const interrupted = untilInterrupted();
  const folder = mkdtempSync(join(tmpdir(), 'cxone-enricher-demo-'));
  const marketingSecret = `whsec_${randomBytes(32).toString('base64')}`;
  const sandbox = await startSandbox({ requestsPerWindow: REQUESTS_PER_MINUTE, marketingSecret });
  try {
    const stage = await raise(sandbox, marketingSecret, folder);
    try {
      return await perform(stage, values.once === true, interrupted);
    } finally {
      await stage.service.stop();
    }
  } finally {
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts the service against the sandbox and waits until it may be called back. */
async function raise(sandbox: Sandbox, marketingSecret: string, folder: string): Promise<Stage> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const traits = { signature: 'standard', requestsPerMinute: REQUESTS_PER_MINUTE, mergeMode: 'async', marketingSecret } as const;
  const settings = { ...serviceSettings(sandbox, url, randomBytes, traits), DATABASE_URL: `sqlite:${join(folder, 'enricher.db')}` };
  console.log(`Starting a tenant at ${sandbox.url} and the service at ${url} …`);
  const service = await startService(MAIN, settings, folder);
  const apiKey = apiKeyOf(settings);
  return { sandbox, service, client: createClient(service.url, apiKey), apiKey };
}

async function perform(stage: Stage, once: boolean, interrupted: Promise<void>): Promise<number> {
  const { sandbox, service, apiKey } = stage;
  const crashed = service.ended.then((code) => fail(`the service ended with ${code}:\n${service.lastLog()}`));
  const evidence = await Promise.race([run(stage), crashed, interrupted.then(() => undefined)]);
  if (evidence === undefined) return 1;
  const steps = checkSteps(evidence);
  console.log(`\n${summary(evidence)}\n\n${report(steps)}`);
  if (!once) {
    console.log(`\nEverything stays up until Ctrl-C:\n${links(service.url, sandbox.url, apiKey)}\n`);
    await Promise.race([interrupted, service.ended]);
  }
  const code = await service.stop();
  const stopped: Step = { name: 'the service stopped when it was told to', problems: code === 0 ? [] : [`it ended with ${code}`] };
  // Nothing may have slipped out after the first look.
  const last = [...checkSteps(evidence), stopped];
  console.log(report([stopped]));
  const missed = last.filter(({ problems }) => problems.length > 0);
  if (missed.length > 0) console.error(`\nNot seen to happen:\n${report(missed)}`);
  return missed.length === 0 ? 0 : 1;
}

/** Sends the sample, waits until the tenant and the sink have all of it, and collects what there is to judge. */
async function run({ sandbox, client }: Stage): Promise<Evidence> {
  const { contacts } = readSample<{ contacts: SampleContact[] }>('contacts');
  const { expected } = readSample<{ expected: Expectation[] }>('expected');
  await sandbox.waitFor(({ registrations }) => registrations.length > 0, REGISTERED_WITHIN_MS, 'the service register its webhook');
  console.log(`\nSending ${contacts.length} contacts, and five profiles to enrich:`);
  const batches = await sendBatches(client, contacts, BATCHES, ({ answer: { status, body } }) => {
    const { accepted, duplicates, rejected } = body;
    console.log(`  ${status}  ${String(accepted)} accepted, ${String(duplicates)} duplicates, ${String(rejected)} rejected`);
  });
  const [profiles] = await Promise.all([enrichProfiles(client, systemNow()), watchUntilDone(sandbox, expected)]);
  const jobs = await settledJobs(client, batches);
  const pages = await Promise.all(PAGES.map(async (path) => ({ path, status: (await client.get(path)).status })));
  return { sandbox, expected, batches, profiles, jobs, pages, audit: await auditRoot(client) };
}

async function watchUntilDone(sandbox: Sandbox, expected: readonly Expectation[]): Promise<void> {
  const view = new ProgressView(process.stdout);
  const done = (): boolean => {
    const progress = progressOf(sandbox, expected);
    view.show(progress);
    return shareOf(progress) === 1;
  };
  // What is missing when the time is up is named by the checks, which say it better than a timeout.
  await sandbox.waitFor(done, DONE_WITHIN_MS).catch(() => {});
  view.end();
}

/** Every job as it is once none is under way, or when the time is up. */
async function settledJobs(client: Client, batches: readonly BatchResult[]): Promise<Record<string, unknown>[]> {
  const deadline = performance.now() + JOBS_WITHIN_MS;
  for (;;) {
    const jobs = await Promise.all(batches.map(async ({ jobId }) => (await client.get(`/jobs/${jobId}?limit=1`)).body));
    const isOver = jobs.every(({ status }) => ['completed', 'partially_failed', 'failed'].includes(String(status)));
    if (isOver || performance.now() > deadline) return jobs;
    await new Promise((resolve) => {
      setTimeout(resolve, JOBS_POLL_MS);
    });
  }
}

async function auditRoot(client: Client): Promise<Evidence['audit']> {
  const { tree } = (await client.get('/audit-trail?limit=1')).body as { tree?: { size?: number; root_hash?: string } };
  return { size: Number(tree?.size ?? 0), root: String(tree?.root_hash ?? '') };
}

async function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function readSample<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./sample/${name}.json`, import.meta.url), 'utf8')) as T;
}

function fail(message: string): never {
  throw new Error(message);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
