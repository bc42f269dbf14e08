import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { loadConfig } from '../../src/config/config.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import type { Problem } from '../../src/domain/problem.ts';
import { startService } from '../../src/main.ts';
import type { Service } from '../../src/main.ts';

export type Method = 'GET' | 'POST' | 'HEAD' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'TRACE';
export type KeyName = 'ingest' | 'read' | 'audit' | 'admin' | 'all' | 'other';

/** Secrets of the API keys, by name; each has the scope it is called after, `all` and `other` have all. */
export const SECRETS: Readonly<Record<KeyName, string>> = {
  ingest: 'k-ingest-71c1f0', read: 'k-read-2be94a', audit: 'k-audit-90d3cc', admin: 'k-admin-4c5512', all: 'k-all-e8a1f6', other: 'k-other-6612ab',
};
export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** How long a test waits for what should happen at once. */
const PATIENCE_MS = 20_000;

/** Nothing listens there, so that every call to CXone fails at once. */
const NOWHERE = 'http://127.0.0.1:9';

export type Answer = {
  status: number;
  headers: Record<string, string | undefined>;
  text: string;
  /** The body as JSON; throws where it is none. */
  json<T = Record<string, unknown>>(): T;
};

export type Send = { key?: KeyName | null; headers?: Record<string, string>; body?: unknown; type?: string };

export type Harness = {
  service: Service;
  folder: string;
  /** One request through the app; a string or Buffer is sent as it is, anything else as JSON. */
  send(method: Method, url: string, options?: Send): Promise<Answer>;
  batch(contacts: unknown, options?: Send & { query?: string }): Promise<Answer>;
  /** Lines of the audit log so far. */
  auditLines(): Record<string, unknown>[];
  /** Waits until so many uploads are open: begun, and neither sealed nor taken back. */
  untilUploadsOpen(count: number): Promise<void>;
  /** Stops everything, and fails where an answer had a status that the description does not name. */
  close(): Promise<void>;
};

/** A service on a store of its own in a fresh folder, that is talked to without sockets. */
export async function startHarness(settings: Record<string, string> = {}): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-http-'));
  const auditFile = join(folder, 'audit.log');
  const config = loadConfig({
    PORT: '0',
    DATABASE_URL: `sqlite:${join(folder, 'enricher.db')}`,
    API_KEYS: Object.entries(SECRETS).map(([name, secret]) => `${name}:${secret}${name === 'all' || name === 'other' ? '' : `:${name}`}`).join(','),
    ENCRYPTION_KEY: Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + 11) % 256)).toString('base64'),
    CXONE_BASE_URL: NOWHERE,
    CXONE_PROFILES_BASE_URL: NOWHERE,
    CXONE_CLIENT_ID: 'client',
    CXONE_CLIENT_SECRET: 'client-secret',
    WEBHOOK_SECRETS: WEBHOOK_SECRET,
    RATE_LIMIT_PER_MINUTE: '0',
    LOG_LEVEL: 'silent',
    AUDIT_LOG_FILE: auditFile,
    ...settings,
  });
  const fatal: string[] = [];
  const service = await startService(config, (message) => fatal.push(message));
  const undescribed = new Set<string>();
  const send: Harness['send'] = async (method, url, { key = 'all', headers = {}, body, type } = {}) => {
    const raw = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined;
    const answer = await service.app.inject({
      method: method as 'GET',
      url,
      headers: { ...(key === null ? {} : { authorization: `Bearer ${SECRETS[key]}` }), ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }), ...headers },
      ...(body === undefined ? {} : { payload: raw ? body : JSON.stringify(body) }),
    });
    if (!isDescribed(service, method, url, answer.statusCode)) undescribed.add(`${method} ${url.split('?')[0]} ${answer.statusCode}`);
    return { status: answer.statusCode, headers: answer.headers as Answer['headers'], text: answer.body, json: <T>() => answer.json<T>() };
  };
  return {
    service,
    folder,
    send,
    batch: (contacts, { query = '', ...options } = {}) => send('POST', `/enrich-batch${query}`, { ...options, body: { contacts } }),
    auditLines: () => readFileSync(auditFile, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>),
    untilUploadsOpen: async (count) => {
      const db = new DatabaseSync(join(folder, 'enricher.db'), { readOnly: true });
      const deadline = AbortSignal.timeout(PATIENCE_MS);
      try {
        while (db.prepare('SELECT count(*) AS open FROM jobs WHERE sealed = 0').get()?.['open'] !== count) {
          deadline.throwIfAborted();
          await send('GET', '/health/ready', { key: null });
        }
      } finally {
        db.close();
      }
    },
    close: async () => {
      await service.stop();
      rmSync(folder, { recursive: true });
      assert.deepEqual(fatal, []);
      assert.deepEqual([...undescribed], [], 'answers that the description does not name');
    },
  };
}

type Paths = Record<string, Record<string, { responses: Record<string, unknown> }>>;

/** A path that no route has needs no description: 404 and 405 are what HTTP says of it. */
function isDescribed({ app }: Service, method: Method, url: string, status: number): boolean {
  const path = url.split('?')[0] ?? '';
  const { paths } = app.swagger() as unknown as { paths: Paths };
  const template = path in paths ? path : Object.keys(paths).find((one) => new RegExp(`^${one.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path));
  const operation = template === undefined ? undefined : paths[template]?.[method.toLowerCase()];
  return operation === undefined || String(status) in operation.responses;
}

/** Asserts that an answer is a problem document of this code, complete and with the right status, and gives it back. */
export function assertProblem(answer: Answer, code: ErrorCode): Problem {
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json(?:; charset=utf-8)?$/, answer.text.slice(0, 200));
  const problem = answer.json<Problem>();
  assert.deepEqual(
    { code: problem.code, status: problem.status, title: problem.title, type: problem.type, request_id: problem.request_id },
    { code, status: ERRORS[code].status, title: ERRORS[code].title, type: `urn:cxone-enricher:error:${code}`, request_id: answer.headers['x-request-id'] },
  );
  assert.equal(answer.status, ERRORS[code].status);
  assert.ok(problem.detail.length > 5);
  assert.doesNotMatch(answer.text, /node_modules|\.ts:\d|SQLITE|SELECT |INSERT /);
  return problem;
}

/** A contact that may be sent, as different from others as its number. */
export function contact(n: number, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { email: `person${n}@example.com`, country: 'US', first_name: 'P', last_name: `N${n}`, ...CONSENTED, ...more };
}

export const CONSENTED = { consent_to_email: true, consent_to_sms: true, consent_to_phone: true };
