import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { buildApp } from '../../src/app.ts';
import type { HttpDeps } from '../../src/http/deps.ts';

/** Where the description is kept. */
export const OPENAPI_FILE = join(import.meta.dirname, '..', '..', 'openapi.yaml');

const HEAD = '# Written by scripts/generate-openapi.ts from the schemas of the routes. Do not edit.\n';

/** The description of the HTTP interface, from an app that is never asked anything: no store, no network. */
export async function describeOpenApi(): Promise<object> {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as { version: string };
  const facts: Partial<HttpDeps> = { stopping: { now: false }, apiKeys: undefined, rateLimitPerMinute: 1, version };
  const app = await buildApp(facts as HttpDeps, pino({ level: 'silent' }));
  try {
    await app.ready();
    return app.swagger();
  } finally {
    await app.close();
  }
}

/** As YAML in a stable order: the same routes give the same bytes. */
export function toYaml(description: object): string {
  // Once through JSON, so that shared objects are written out and no anchors appear.
  return HEAD + stringify(JSON.parse(JSON.stringify(description)), { aliasDuplicateObjects: false, lineWidth: 0 });
}
