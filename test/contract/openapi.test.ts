import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { OPENAPI_FILE, describeOpenApi, toYaml } from '../../scripts/openapi/describe.ts';
import { startHarness } from '../http/harness.ts';
import type { Harness } from '../http/harness.ts';

/** The public interface, as it was promised. */
const PROMISED: readonly string[] = [
  'POST /enrich-batch',
  'GET /jobs/{id}',
  'GET /jobs',
  'GET /dead-letters',
  'POST /dead-letters/{id}/retry',
  'POST /dead-letters/retry',
  'POST /profiles/{id}/enrich',
  'POST /webhooks/cxone-merge',
  'GET /metrics',
  'GET /audit-trail',
  'GET /audit-trail/proof/inclusion',
  'GET /audit-trail/proof/consistency',
  'GET /audit-trail/checkpoint',
  'GET /audit-trail/key',
  'GET /audit-trail/verify',
  'POST /privacy/erasure',
  'GET /privacy/erasure/{id}',
  'POST /privacy/access',
  'POST /consents/withdraw',
  'GET /consents',
  'GET /health/live',
  'GET /health/ready',
  'POST /admin/pause',
  'POST /admin/resume',
  'GET /admin/queue',
];

type Operation = { operationId: string; security: unknown[]; responses: Record<string, { content?: Record<string, unknown> }> };
type Document = { openapi: string; paths: Record<string, Record<string, Operation>> };

describe('openapi.yaml', () => {
  let harness: Harness;
  const committed = readFileSync(OPENAPI_FILE, 'utf8');
  const document = parse(committed) as Document;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, ...operation })));

  before(async () => {
    harness = await startHarness();
  });
  after(() => harness.close());

  test('is what the generator writes (npm run generate:openapi)', async () => {
    assert.equal(committed, toYaml(await describeOpenApi()));
  });

  test('is what the running service says of itself', async () => {
    const answer = await harness.send('GET', '/openapi.json', { key: null });
    assert.equal(answer.status, 200);
    assert.deepEqual(document, answer.json());
  });

  test('holds what was promised', () => {
    assert.equal(document.openapi, '3.1.0');
    const names = new Set(operations.map(({ name }) => name));
    assert.deepEqual(PROMISED.filter((name) => !names.has(name)), []);
  });

  test('names every route of the app, and no other', () => {
    const shown = new Set(operations.map(({ name }) => name));
    const served = routesOf(harness);
    assert.deepEqual([...served].filter((name) => !shown.has(name)), []);
    assert.deepEqual([...shown].filter((name) => !served.has(name)), []);
  });

  test('describes errors as problem documents everywhere', () => {
    for (const { name, responses } of operations) {
      for (const [status, { content }] of Object.entries(responses)) {
        const isError = status === 'default' || Number(status) >= 400;
        if (isError && !name.startsWith('GET /health')) assert.deepEqual(Object.keys(content ?? {}), ['application/problem+json'], `${name} ${status}`);
      }
    }
  });

  test('gives every operation a name of its own', () => {
    const ids = operations.map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.every((id) => /^[a-z][A-Za-z0-9]+$/.test(id)));
  });

  test('passes the rules for descriptions', () => {
    const { status, stderr } = spawnSync('node_modules/.bin/redocly', ['lint', OPENAPI_FILE], {
      encoding: 'utf8',
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    });
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /warning/i);
  });
});

/** Routes as the router knows them; those of the documentation itself are left out. */
function routesOf({ service }: Harness): Set<string> {
  const routes = new Set<string>();
  const trail: string[] = [];
  for (const line of service.app.printRoutes({ commonPrefix: false }).split('\n')) {
    const match = /^(?<indent>[│ ]*)[├└]── (?<path>\S*)(?: \((?<methods>[A-Z, ]+)\))?/.exec(line);
    if (match === null) continue;
    const { indent = '', path = '', methods = '' } = match.groups ?? {};
    trail.length = indent.length / 4;
    trail.push(path);
    const full = trail.join('');
    if (/^\/(?:docs|openapi\.json)/.test(full)) continue;
    for (const method of methods.split(', ')) if (method !== '' && method !== 'HEAD') routes.add(`${method} ${full.replaceAll(/:(\w+)/g, '{$1}')}`);
  }
  return routes;
}
