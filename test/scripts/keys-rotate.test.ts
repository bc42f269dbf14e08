import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../src/config/config.ts';
import { startService } from '../../src/main.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/keys-rotate.ts', import.meta.url));
const key = (n: number): string => Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + n) % 256)).toString('base64');
const ADMIN = 'k-admin-4c5512';

type Run = { code: number; out: string; err: string };

function rotate(folder: string, settings: Record<string, string>): Promise<Run> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', TZ: 'UTC', ...settings };
    execFile(process.execPath, [SCRIPT], { cwd: folder, env }, (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }));
  });
}

function place(t: TestContext): { folder: string; settings: Record<string, string> } {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const settings = {
    PORT: '0', DATABASE_URL: `sqlite:${join(folder, 'enricher.db')}`, API_KEYS: `office:${ADMIN}`, ENCRYPTION_KEY: key(1), LOG_LEVEL: 'silent',
    AUDIT_LOG_FILE: join(folder, 'audit.log'),
    CXONE_BASE_URL: 'http://127.0.0.1:9', CXONE_PROFILES_BASE_URL: 'http://127.0.0.1:9', CXONE_CLIENT_ID: 'client', CXONE_CLIENT_SECRET: 'secret',
  };
  return { folder, settings };
}

const start = (settings: Record<string, string>) => startService(loadConfig(settings), (message) => assert.fail(message));

async function take(service: Awaited<ReturnType<typeof start>>, from: number, count: number): Promise<number> {
  const contacts = Array.from({ length: count }, (_, i) => ({ email: `person${from + i}@example.com`, country: 'US' }));
  return (await service.app.inject({ method: 'POST', url: '/enrich-batch', headers: { authorization: `Bearer ${ADMIN}` }, payload: { contacts } })).statusCode;
}

test('a service that runs takes the new key without a stop, and needs the old one no more', async (t) => {
  const { folder, settings } = place(t);
  const service = await start(settings);
  let next: Awaited<ReturnType<typeof start>> | undefined;
  try {
    assert.equal(await take(service, 0, 700), 202);
    const changed = { ...settings, ENCRYPTION_KEY: `${key(2)},${key(1)}`, PORT: new URL(service.url).port };
    const [run] = await Promise.all([rotate(folder, changed), take(service, 700, 50)]);
    assert.deepEqual([run.code, run.err], [0, '']);
    assert.match(run.out, /^Done: everything is under the key [0-9a-f]{8} \(7\d\d people/m);
    const again = await rotate(folder, changed);
    assert.equal(again.code, 0, 'a second run finds it done');
    await service.stop();
    next = await start({ ...settings, ENCRYPTION_KEY: key(2) });
    assert.equal(await take(next, 0, 10), 202);
    await next.stop();
  } finally {
    await Promise.allSettled([service.stop(), next?.stop()]);
  }
  await assert.rejects(start(settings), /master key/);
});

test('where no service runs it is done on the store', async (t) => {
  const { folder, settings } = place(t);
  const service = await start(settings);
  assert.equal(await take(service, 0, 20), 202);
  await service.stop();
  const run = await rotate(folder, { ...settings, ENCRYPTION_KEY: `${key(2)},${key(1)}` });
  assert.deepEqual([run.code, run.err], [0, '']);
  const next = await start({ ...settings, ENCRYPTION_KEY: key(2) });
  await next.stop();
});

test('a service that is asked with a foreign key refuses, and goes on as before', async (t) => {
  const { folder, settings } = place(t);
  const service = await start(settings);
  try {
    const run = await rotate(folder, { ...settings, ENCRYPTION_KEY: `${key(3)},${key(4)}`, PORT: new URL(service.url).port });
    assert.equal(run.code, 1);
    assert.match(run.err, /^keys:rotate: the service answered 422: .*key in use.*\n$/);
    assert.equal(await take(service, 0, 1), 202);
  } finally {
    await service.stop();
  }
});
