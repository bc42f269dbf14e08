import { randomBytes, randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../config/config.ts';
import type { Config } from '../config/config.ts';
import { createCxoneClient } from '../cxone/client.ts';
import type { CxoneClient } from '../cxone/client.ts';
import { PLATFORM } from '../cxone/dialects/platform.ts';
import { CallGate } from '../domain/delivery/call-gate.ts';
import type { Clock, Random } from '../domain/ports/clock.ts';
import type { Api } from '../domain/ports/cxone.ts';
import type { Store } from '../domain/ports/store.ts';
import { TimedIds } from '../domain/timed-ids.ts';
import type { LogSigner } from '../services/checkpoint-service.ts';
import { openSqliteStore } from '../store/sqlite/client.ts';
import { Events } from '../telemetry/events.ts';
import { createLogs } from '../telemetry/logger.ts';
import type { Logs } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { policyVersionOf } from './policy-version.ts';
import { openSigner } from './signer.ts';
import { storePolicyOf } from './store-policy.ts';

const CALLS_WINDOW_MS = 60_000;
const WEBHOOK_SECRET_BYTES = 32;

/** What comes from outside the program's own rules. */
export type World = { clock: Clock; random: Random };

/** What all services stand on: opened before them, closed after them. */
export type Ground = World & {
  config: Config;
  version: string;
  policyVersion: string;
  logs: Logs;
  metrics: Metrics;
  events: Events;
  store: Store;
  /** Secrets that webhooks may be signed with, the first for registration. */
  webhookSecrets: readonly string[];
  cxone: CxoneClient;
  gate: CallGate;
  /** Name and key that the audit trail is signed with. */
  signer: LogSigner;
  /** A UUIDv7 of now. */
  newId(): string;
};

function openLogs({ log }: Config, version: string): Logs {
  try {
    return createLogs({ ...log, version });
  } catch (error) {
    throw new ConfigError(`AUDIT_LOG_FILE cannot be written: ${(error as Error).message}`);
  }
}

/** Opens the store and what needs it. `onFatal` is told when the store can no longer be trusted. */
export async function openGround(config: Config, world: World, onFatal: (message: string) => void): Promise<Ground> {
  const version = readVersion();
  const policyVersion = policyVersionOf(config);
  const logs = openLogs(config, version);
  const metrics = new Metrics();
  const events = new Events(logs, metrics);
  const store = await openStore(config, world.clock, events, onFatal);
  try {
    const kept = config.webhooks.secrets.length > 0 ? undefined : await store.keepSecret({ name: 'webhook', candidate: newWebhookSecret() });
    const webhookSecrets = kept === undefined ? config.webhooks.secrets : [kept];
    const cxone = createCxoneClient({
      clock: world.clock,
      dialect: PLATFORM,
      settings: {
        ...config.cxone,
        webhooks: { urls: { ...urlOf('contacts', config.webhooks.url), ...urlOf('profiles', config.webhooks.profilesUrl) }, secret: webhookSecrets[0] ?? '' },
      },
      onCall: (result) => events.called(result),
    });
    const { requestsPerMinute: perMinute, interactiveShare } = config.budget;
    const gate = new CallGate({ perMinute, interactiveShare }, world.random, (api, change) => events.breakerChanged(api, change));
    await restoreBudget(store, gate, world.clock);
    const ids = new TimedIds(randomFillSync);
    const signer = await openSigner(config, store, world.clock.now());
    return { ...world, config, version, policyVersion, logs, metrics, events, store, webhookSecrets, cxone, gate, signer, newId: () => ids.at(world.clock.now()) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function openStore(config: Config, clock: Clock, events: Events, onFatal: (message: string) => void): Promise<Store> {
  return openSqliteStore({
    path: config.store.path,
    encryptionKeys: [...config.store.encryptionKeys],
    openedAt: clock.now(),
    policy: storePolicyOf(config),
    onCommitted: (entries) => events.committed(entries),
    onFatal,
    onTrouble: (change, reason) => events.storageChanged(change, reason),
    now: () => clock.now(),
  });
}

/** Calls of the process before this one still count in the tenant's window. */
async function restoreBudget(store: Store, gate: CallGate, clock: Clock): Promise<void> {
  const sent = await store.recentCalls({ since: clock.now() - CALLS_WINDOW_MS });
  const offset = clock.monotonic() - clock.now();
  gate.restore(sent.map((at) => at + offset), clock.monotonic());
}

function urlOf(api: Api, url: string | undefined): Partial<Record<Api, string>> {
  return url === undefined ? {} : { [api]: url };
}

function newWebhookSecret(): string {
  return `whsec_${randomBytes(WEBHOOK_SECRET_BYTES).toString('base64')}`;
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as { version: string };
  return version;
}
