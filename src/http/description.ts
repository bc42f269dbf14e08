import { STATUS_CODES } from 'node:http';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { PROBLEM_JSON } from '../domain/problem.ts';
import { Problem } from './schemas/common.ts';

/** Turns the routes' own schemas into OpenAPI 3.1, and adds what is true of all of them. */

const TEXT_BODIES: Readonly<Record<string, string>> = {
  'application/x-ndjson': 'One JSON object a line',
  'text/csv': 'A header row of names, then one row each (RFC 4180)',
};
const OTHER_ERRORS = { description: 'Any other error', content: { [PROBLEM_JSON]: { schema: Problem } } };

/** What the generator writes where a route does not describe its answer. */
const UNNAMED = 'Default Response';

type Tree = { [name: string]: unknown };

/** One route: a name for generated clients, the scope it asks for, and problem documents for what it does not name itself. */
export const describeRoute: typeof jsonSchemaTransform = (document) => {
  const { schema, route, url } = document;
  if (schema === undefined || (schema as Tree)['hide'] === true) return jsonSchemaTransform(document);
  const { scope } = route.config ?? {};
  const given = schema as Tree;
  const needs = scope === undefined ? undefined : `Needs an API key with the scope \`${scope}\`.`;
  const extended = {
    ...given,
    operationId: operationId(String(route.method), url),
    ...(needs === undefined ? { security: [] } : { description: [given['description'], needs].filter((part) => part !== undefined).join(' ') }),
    response: { ...(given['response'] as Tree | undefined), default: OTHER_ERRORS },
  };
  return jsonSchemaTransform({ ...document, schema: extended as never });
};

/** The whole document: text bodies are text, and what nothing refers to is left out. */
export const describeAll: typeof jsonSchemaTransformObject = (document) => {
  const whole = jsonSchemaTransformObject(document) as unknown as Tree;
  walk(whole, (node) => {
    for (const [type, description] of Object.entries(TEXT_BODIES)) if (type in node) node[type] = { schema: { type: 'string', description } };
    for (const status in STATUS_CODES) if ((node[status] as Tree | undefined)?.['description'] === UNNAMED) node[status] = { ...(node[status] as Tree), description: STATUS_CODES[status] };
    if (node['minimum'] === Number.MIN_SAFE_INTEGER) delete node['minimum'];
    if (node['maximum'] === Number.MAX_SAFE_INTEGER) delete node['maximum'];
  });
  const text = JSON.stringify(whole['paths']);
  const { schemas = {} } = (whole['components'] ?? {}) as { schemas?: Tree };
  for (const name of Object.keys(schemas)) if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name];
  return whole as never;
};

/** `POST /dead-letters/{id}/retry` → `postDeadLettersByIdRetry`. */
function operationId(method: string, url: string): string {
  const words = url.split('/').filter((part) => part !== '').map((part) => (part.startsWith(':') ? `by-${part.slice(1)}` : part));
  return method.toLowerCase() + words.join('-').replaceAll(/(?:^|[^a-z0-9]+)([a-z0-9])/gi, (_match, letter: string) => letter.toUpperCase());
}

function walk(node: unknown, visit: (node: Tree) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) visit(node as Tree);
  for (const child of Object.values(node)) walk(child, visit);
}
