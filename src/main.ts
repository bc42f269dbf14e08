import { setFlagsFromString } from 'node:v8';
import closeWithGrace from 'close-with-grace';
import type { FastifyInstance } from 'fastify';
import { buildApp } from './app.ts';
import { composeAgenda } from './compose/agenda.ts';
import { openGround } from './compose/ground.ts';
import type { Ground, World } from './compose/ground.ts';
import { composeServices } from './compose/services.ts';
import type { Services } from './compose/services.ts';
import { startEntries } from './compose/start-entries.ts';
import { ConfigError, loadConfig } from './config/config.ts';
import type { Config } from './config/config.ts';
import { readEnv } from './config/read-env.ts';
import { StoreRefusedError } from './store/sqlite/client.ts';

const EXIT_CONFIG = 78;
const EXIT_LOCKED = 75;
const EXIT_STORAGE = 74;
/** The whole stop; calls to CXone in the air get the first part of it to be answered. */
const STOP_DEADLINE_MS = 9000;
const CALLS_DEADLINE_MS = 5000;
/** Then a client that has stopped in the middle of its request is hung up on. */
const REQUESTS_DEADLINE_MS = 6500;
const ANCHORS_DEADLINE_MS = 1500;

/** A heap may double before it is collected. Left to itself V8 lets it grow further, and a long upload takes 100 MB more. */
const HEAP_GROWTH_PERCENT = 100;

export type Service = { app: FastifyInstance; url: string; stop(): Promise<void> };

const world: World = { clock: { now: () => Date.now(), monotonic: () => performance.now() }, random: Math.random };

/** Puts the service together and starts it: config → store → services → app → timers. Whoever opens, closes, in reverse. */
export async function startService(config: Config, onFatal: (message: string) => void): Promise<Service> {
  const ground = await openGround(config, world, onFatal);
  const { store, cxone, clock, logs } = ground;
  const stopping = { now: false };
  const services = composeServices(ground, (kind, at) => agenda.at(kind, at));
  const { delivery, profiles, exports, privacy, exporter, checkpoints, anchors, trailCheck, access } = services;
  const agenda = composeAgenda(ground, services);
  const closeAll = async (): Promise<void> => {
    await Promise.all([cxone.close(), exporter?.close()]);
    await store.close();
  };
  try {
    const app = await buildApp(httpDepsOf(ground, services, stopping), logs.app);
    await store.appendAudit({ drafts: startEntries(ground), now: clock.now() });
    await checkpoints.open();
    await anchors.open();
    const url = await app.listen({ host: config.http.host, port: config.http.port });
    for (const api of cxone.webhookApis) agenda.at(`register:${api}`, clock.now());
    agenda.at('checkpoint', clock.now());
    agenda.start();
    const stop = async (): Promise<void> => {
      stopping.now = true;
      const hangUp = setTimeout(() => app.server.closeAllConnections(), REQUESTS_DEADLINE_MS);
      await agenda.stop();
      const cutOff = setTimeout(() => void Promise.all([cxone.close(), exporter?.close()]), CALLS_DEADLINE_MS);
      await Promise.all([delivery.stop(), profiles.stop(), exports?.stop(), privacy.stop(), trailCheck.stop()]);
      clearTimeout(cutOff);
      await app.close();
      clearTimeout(hangUp);
      await access.stop();
      await checkpoints.stop();
      await anchors.stop(ANCHORS_DEADLINE_MS);
      await closeAll();
      logs.app.info('stopped');
    };
    return { app, url, stop };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function httpDepsOf({ config, metrics, events, version, newId }: Ground, services: Services, stopping: { now: boolean }): Parameters<typeof buildApp>[0] {
  const { apiKeys, rateLimitPerMinute } = config.http;
  return { ...services, metrics, events, stopping, apiKeys, rateLimitPerMinute, version, newId };
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
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
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
