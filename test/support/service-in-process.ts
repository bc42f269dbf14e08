import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/config.ts';
import { startService } from '../../src/main.ts';
import type { Service } from '../../src/main.ts';

/** A port on which nothing answers: CXone is down. */
const NOBODY = 'http://127.0.0.1:9';

/** A data folder and a service on it, to be started again as often as a test likes. CXone is down for it. */
export class Premises {
  readonly folder = mkdtempSync(join(tmpdir(), 'cxone-enricher-'));
  readonly settings: Record<string, string> = {
    PORT: '0',
    AUTH_DISABLED: 'true',
    LOG_LEVEL: 'silent',
    AUDIT_LOG_FILE: join(this.folder, 'audit.log'),
    DATABASE_URL: `sqlite:${join(this.folder, 'enricher.db')}`,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    CXONE_CLIENT_ID: 'client',
    CXONE_CLIENT_SECRET: 'not-a-secret',
    CXONE_BASE_URL: NOBODY,
    CXONE_PROFILES_BASE_URL: NOBODY,
    MERGE_CONFIRMATION: 'response',
    RATE_LIMIT_PER_MINUTE: '0',
  };

  get databasePath(): string {
    return join(this.folder, 'enricher.db');
  }

  get checkpointPath(): string {
    return `${this.databasePath}.checkpoint`;
  }

  start(settings: Readonly<Record<string, string>> = {}): Promise<Service> {
    return startService(loadConfig({ ...this.settings, ...settings }), (message) => {
      throw new Error(message);
    });
  }

  /** Runs a piece of work with a started service, and stops it. */
  async serve<T>(work: (service: Service) => Promise<T>, settings: Readonly<Record<string, string>> = {}): Promise<T> {
    const service = await this.start(settings);
    try {
      return await work(service);
    } finally {
      await service.stop();
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Sends a batch of made-up people, every third without the consent that is needed, so that the trail has something to tell. */
export async function sendPeople(service: Service, first: number, count: number): Promise<number> {
  const contacts = Array.from({ length: count }, (_, at) => ({
    email: `person${first + at}@example.com`,
    first_name: 'Ada',
    country: 'DE',
    consent_to_email: true,
    consent_to_sms: at % 3 !== 0,
    consent_to_phone: true,
  }));
  const answer = await service.app.inject({ method: 'POST', url: '/enrich-batch', payload: { contacts } });
  return answer.statusCode;
}
