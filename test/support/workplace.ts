import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault, FaultState } from '../../src/sandbox/fault-catalogue.ts';
import { apiKeyOf, serviceSettings } from '../../src/sandbox/service-settings.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { SandboxOptions } from '../../src/sandbox/types.ts';
import { ServiceProcess, freePort } from './service-process.ts';

/** High enough that pacing does not slow a test down, low enough that a burst would be refused. */
const PER_MINUTE = 6000;
const MARKETING_SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;

export type WorkplaceOptions = {
  sandbox?: SandboxOptions;
  settings?: Readonly<Record<string, string>>;
  /** Where the data folder is to be; a fresh temporary folder when left out. */
  folder?: string;
};

/** A sandbox tenant, a data folder and a service to be started on them, as often as a test likes. */
export class Workplace {
  readonly sandbox: Sandbox;
  readonly folder: string;
  readonly settings: Record<string, string>;
  readonly key: string;
  /** Lives of the service so far. */
  readonly lives: ServiceProcess[] = [];
  readonly #ownsFolder: boolean;

  constructor(sandbox: Sandbox, settings: Record<string, string>, folder: string, ownsFolder: boolean) {
    this.sandbox = sandbox;
    this.settings = settings;
    this.folder = folder;
    this.key = apiKeyOf(settings);
    this.#ownsFolder = ownsFolder;
  }

  get databasePath(): string {
    return join(this.folder, 'enricher.db');
  }

  /** The service of the moment. */
  get service(): ServiceProcess {
    const service = this.lives.at(-1);
    if (service === undefined) throw new Error('no service was started');
    return service;
  }

  /** Starts the service without waiting for it. */
  launch(settings: Readonly<Record<string, string>> = {}, wrap: readonly string[] = []): ServiceProcess {
    const service = new ServiceProcess({ settings: { ...this.settings, ...settings }, folder: this.folder, key: this.key, wrap });
    this.lives.push(service);
    return service;
  }

  start(settings: Readonly<Record<string, string>> = {}, wrap: readonly string[] = []): Promise<ServiceProcess> {
    return this.launch(settings, wrap).ready();
  }

  /** How often the faults whose name this is have fired. */
  fired(name: FaultState['name']): number {
    return this.sandbox.faults.list().filter((fault) => fault.name === name).reduce((sum, fault) => sum + fault.fired, 0);
  }

  fault(fault: Fault): ReturnType<Sandbox['faults']['add']> {
    return this.sandbox.faults.add(fault);
  }

  async close(): Promise<void> {
    for (const service of this.lives) if (service.isAlive) await service.kill9();
    await this.sandbox.close();
    if (this.#ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs a piece of work with a tenant and a data folder; everything ends afterwards, however the work ends. */
export async function withWorkplace(options: WorkplaceOptions, work: (place: Workplace) => Promise<void>): Promise<void> {
  const sandbox = await startSandbox({
    requestsPerWindow: PER_MINUTE,
    callbackBackoffMs: 50,
    callbackAttempts: 12,
    marketingSecret: MARKETING_SECRET,
    ...options.sandbox,
  });
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'cxone-enricher-'));
  const traits = {
    signature: options.sandbox?.signature ?? 'standard',
    requestsPerMinute: options.sandbox?.requestsPerWindow ?? PER_MINUTE,
    mergeMode: options.sandbox?.mergeMode ?? 'async',
    marketingSecret: MARKETING_SECRET,
  } as const;
  const settings = {
    ...serviceSettings(sandbox, `http://127.0.0.1:${await freePort()}`, randomBytes, traits),
    DATABASE_URL: `sqlite:${join(folder, 'enricher.db')}`,
    RETRY_TICK_MS: '200',
    RETRY_BASE_MS: '50',
    RETRY_MAX_MS: '400',
    MERGE_LINGER_MS: '20',
    CXONE_TIMEOUT_MS: '2000',
    RATE_LIMIT_PER_MINUTE: '0',
    ...options.settings,
  };
  const place = new Workplace(sandbox, settings, folder, options.folder === undefined);
  try {
    await work(place);
  } finally {
    await place.close();
  }
}
