import { hash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import closeWithGrace from 'close-with-grace';
import type { FastifyInstance } from 'fastify';
import { buildApp } from './app.ts';
import { ConfigError, loadConfig } from './config/config.ts';
import type { Config } from './config/config.ts';
import { readEnv } from './config/read-env.ts';
import { createCxoneClient } from './cxone/client.ts';
import { PLATFORM } from './cxone/dialects/platform.ts';
import { verifyWebhook } from './cxone/webhook-signature.ts';
import { JURISDICTION_VERSION } from './domain/consent/jurisdiction.ts';
import { canonicalJson } from './domain/audit/canonical-json.ts';
import { CallGate } from './domain/delivery/call-gate.ts';
import type { Clock } from './domain/ports/clock.ts';
import type { Api } from './domain/ports/cxone.ts';
import type { Store } from './domain/ports/store.ts';
import { createMarketingExporter } from './exporters/marketing.ts';
import { Agenda } from './queue/agenda.ts';
import { AuditService } from './services/audit-service.ts';
import { ConsentService } from './services/consent-service.ts';
import { DeliveryService } from './services/delivery-service.ts';
import { ExportService } from './services/export-service.ts';
import { IngestService } from './services/ingest-service.ts';
import { JobService } from './services/job-service.ts';
import { OperationsService } from './services/operations-service.ts';
import { ProfileService } from './services/profile-service.ts';
import { WebhookService } from './services/webhook-service.ts';
import { StoreRefusedError, openSqliteStore } from './store/sqlite/client.ts';
import { Events } from './telemetry/events.ts';
import { createLogs } from './telemetry/logger.ts';
import { Metrics } from './telemetry/metrics.ts';

const EXIT_CONFIG = 78;
const EXIT_LOCKED = 75;
const EXIT_STORAGE = 74;
/** The whole stop; calls to CXone in the air get the first part of it to be answered. */
const STOP_DEADLINE_MS = 9000;
const CALLS_DEADLINE_MS = 5000;
const CALLS_WINDOW_MS = 60_000;
const SWEEP_LIMIT = 500;
const WEBHOOK_SECRET_BYTES = 32;

export type Service = { app: FastifyInstance; url: string; stop(): Promise<void> };

type Kind = 'merge' | 'patch' | 'export' | 'sweep' | `register:${Api}`;

const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** Puts the service together and starts it: config → store → services → app → timers. Whoever opens, closes, in reverse. */
export async function startService(config: Config, onFatal: (message: string) => void): Promise<Service> {
  const version = readVersion();
  const logs = createLogs({ level: config.log.level, auditFile: config.log.auditFile, version });
  const metrics = new Metrics();
  const events = new Events(logs, metrics);
  const policyVersion = policyVersionOf(config);
  const store = await openStore(config, policyVersion, events, onFatal);
  const secrets = config.webhooks.secrets.length > 0 ? config.webhooks.secrets : [await store.keepSecret({ name: 'webhook', candidate: newWebhookSecret() })];
  const cxone = createCxoneClient({
    clock,
    dialect: PLATFORM,
    settings: {
      ...config.cxone,
      webhooks: { urls: { ...urlOf('contacts', config.webhooks.url), ...urlOf('profiles', config.webhooks.profilesUrl) }, secret: secrets[0] ?? '' },
    },
    onCall: (result) => events.called(result),
  });
  const gate = new CallGate({ perMinute: config.budget.requestsPerMinute, interactiveShare: config.budget.interactiveShare }, Math.random, (api, change) => events.breakerChanged(api, change));
  await restoreBudget(store, gate);
  const stopping = { now: false };
  const onError = (error: unknown, where = 'queue'): void => events.failed(error, where);
  const common = { store, clock, random: Math.random, retry: config.retry, onError };
  const onAccepted = (): void => agenda.at('merge', clock.now());

  const ingest = new IngestService({
    store,
    clock,
    policyVersion,
    defaultCountry: config.consent.defaultCountry,
    overrideAllowed: config.consent.override === 'allow',
    metrics: () => metrics.answerMetrics(),
    onAccepted,
  });
  const delivery = new DeliveryService({ ...common, cxone, gate, settings: config.delivery, schedule: (at) => agenda.at('merge', at) });
  const profiles = new ProfileService({
    ...common,
    cxone,
    gate,
    policyVersion,
    settings: { ...config.profiles, unknownAppend: config.delivery.patchUnknown, callTimeoutMs: config.delivery.callTimeoutMs },
    accuracyRate: () => metrics.accuracyRate,
    schedule: (at) => agenda.at('patch', at),
  });
  const exporter = config.marketing === undefined ? undefined : createMarketingExporter({ url: config.marketing.url, ...(config.marketing.secret === undefined ? {} : { secret: config.marketing.secret }), timeoutMs: config.cxone.timeoutMs, clock });
  const exports = exporter === undefined ? undefined : new ExportService({ ...common, exporter, events, schedule: (at) => agenda.at('export', at) });
  const webhooks = new WebhookService({
    store,
    cxone,
    gate,
    clock,
    events,
    types: eventTypes(),
    verify: (headers, body, now) => verifyWebhook(config.webhooks.scheme, headers, body, secrets, now),
    onConfirmed: () => {
      agenda.at('export', clock.now());
      agenda.at('merge', clock.now());
    },
    schedule: (api, at) => agenda.at(`register:${api}`, at),
  });
  const sweep = async (): Promise<void> => {
    const { more } = await store.sweep({ now: clock.now(), limit: SWEEP_LIMIT, confirmationTimeoutMs: config.delivery.confirmationTimeoutMs });
    agenda.at('merge', clock.now());
    if (more) agenda.at('sweep', clock.now());
  };
  const agenda = new Agenda<Kind>({
    tickMs: config.retry.tickMs,
    clock,
    onError,
    handlers: {
      merge: () => delivery.run(),
      patch: () => profiles.run(),
      export: async () => exports?.run(),
      sweep,
      'register:contacts': () => webhooks.register('contacts'),
      'register:profiles': () => webhooks.register('profiles'),
    },
    refill: async () => {
      const now = clock.now();
      const [merge, patch] = [await store.mergeWork({ now }), await store.patchWork()];
      const due: [Kind, number][] = [['export', now], ['sweep', now]];
      if (merge !== null) due.push(['merge', merge]);
      if (patch !== null) due.push(['patch', patch]);
      return due;
    },
  });

  const app = await buildApp(
    {
      ingest,
      jobs: new JobService(store, clock, () => {
        onAccepted();
        agenda.at('patch', clock.now());
      }),
      profiles,
      webhooks,
      audit: new AuditService(store),
      consents: new ConsentService(store, clock),
      operations: new OperationsService({ store, gate, clock, chunkSize: config.delivery.chunkSize, lingerMs: config.delivery.lingerMs, onResumed: onAccepted }),
      metrics,
      events,
      stopping,
      apiKeys: config.http.apiKeys,
      rateLimitPerMinute: config.http.rateLimitPerMinute,
      version,
    },
    logs.app,
  );
  await store.appendAudit({ drafts: [{ action: 'config_loaded', actor: 'system', details: { version, policy_version: policyVersion }, privacy_compliance: { jurisdiction_version: JURISDICTION_VERSION } }], now: clock.now() });
  const url = await app.listen({ host: config.http.host, port: config.http.port });
  for (const api of cxone.webhookApis) agenda.at(`register:${api}`, clock.now());
  agenda.start();

  const stop = async (): Promise<void> => {
    stopping.now = true;
    await agenda.stop();
    const cutOff = setTimeout(() => void Promise.all([cxone.close(), exporter?.close()]), CALLS_DEADLINE_MS);
    await Promise.all([delivery.stop(), profiles.stop(), exports?.stop()]);
    clearTimeout(cutOff);
    await app.close();
    await Promise.all([cxone.close(), exporter?.close()]);
    await store.close();
    logs.app.info('stopped');
  };
  return { app, url, stop };
}

function openStore(config: Config, policyVersion: string, events: Events, onFatal: (message: string) => void): Promise<Store> {
  const { policy, maxAgeDays, extraCountries } = config.consent;
  return openSqliteStore({
    path: config.store.path,
    encryptionKeys: [...config.store.encryptionKeys],
    openedAt: clock.now(),
    policy: {
      consent: { policy, extraCountries, ...(maxAgeDays === undefined ? {} : { maxAgeDays }) },
      policyVersion,
      exportOn: config.marketing !== undefined,
      identifierMaxPeople: config.identity.identifierMaxPeople,
      queueMaxContacts: config.store.queueMaxContacts,
      sourcePriority: [...config.identity.sourcePriority],
    },
    onCommitted: (entries) => events.committed(entries),
    onFatal,
  });
}

/** Calls of the process before this one still count in the tenant's window. */
async function restoreBudget(store: Store, gate: CallGate): Promise<void> {
  const sent = await store.recentCalls({ since: clock.now() - CALLS_WINDOW_MS });
  const offset = clock.monotonic() - clock.now();
  gate.restore(sent.map((at) => at + offset), clock.monotonic());
}

/** Names the rules that decisions were made under, so that an entry of the audit trail can be held against them. */
function policyVersionOf(config: Config): string {
  const { extraCountries, ...consent } = config.consent;
  const rules = JSON.parse(JSON.stringify({ consent, extraCountries: [...extraCountries].sort(), profiles: config.profiles, jurisdiction: JURISDICTION_VERSION })) as unknown;
  return hash('sha256', canonicalJson(rules), 'hex').slice(0, 16);
}

/** Event types that we know, and whether they confirm a merge. */
function eventTypes(): ReadonlyMap<string, { confirms: boolean }> {
  const types = new Map<string, { confirms: boolean }>();
  for (const type of PLATFORM.events.confirming) types.set(type, { confirms: true });
  for (const type of PLATFORM.events.informing) types.set(type, { confirms: false });
  return types;
}

function urlOf(api: Api, url: string | undefined): Partial<Record<Api, string>> {
  return url === undefined ? {} : { [api]: url };
}

function newWebhookSecret(): string {
  return `whsec_${randomBytes(WEBHOOK_SECRET_BYTES).toString('base64')}`;
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** One line on standard error, and the exit code that says what kind of trouble it is (sysexits.h). */
function refuse(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`cxone-enricher does not start: ${message}\n`);
  if (error instanceof ConfigError) process.exit(EXIT_CONFIG);
  if (error instanceof StoreRefusedError) process.exit(error.causeName === 'StoreLockedError' ? EXIT_LOCKED : EXIT_STORAGE);
  process.exit(1);
}

async function main(): Promise<void> {
  const config = loadConfig(await readEnv());
  const service = await startService(config, (message) => {
    process.stderr.write(`cxone-enricher stops: ${message}\n`);
    process.exit(EXIT_STORAGE);
  });
  closeWithGrace({ delay: STOP_DEADLINE_MS, logger: false }, async ({ err }) => {
    if (err !== undefined) process.stderr.write(`cxone-enricher stops: ${err.name}\n`);
    await service.stop();
  });
}

if (import.meta.main) await main().catch(refuse);
