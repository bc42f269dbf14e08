import fp from 'fastify-plugin';
import type { FastifyRequest } from 'fastify';
import { CodedError } from '../../domain/errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The bytes of a JSON body as they came; null for other bodies. */
    rawBody: Buffer | null;
  }
}

/** Most bytes of a JSON body: 10,000 contacts of 3 kB. Larger ones come as a stream. */
export const JSON_MAX_BYTES = 32 * 1024 * 1024;
/** Deeper than any contact; what is deeper is an attack on a recursive reader. */
const DEPTH_MAX = 64;

/** Parses JSON text into data that cannot poison a prototype. Coded error: `invalid_json`. */
export type JsonParse = (text: string) => unknown;

/**
 * JSON bodies are read as strict UTF-8, with the raw bytes kept. Anything else is answered 415, unless a route says otherwise.
 */
export const bodies = fp(
  async (app) => {
    const parse = jsonParse();
    app.decorateRequest('rawBody', null);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: JSON_MAX_BYTES }, (request, body, done) => {
      request.rawBody = body as Buffer;
      try {
        done(null, takesBody(request) ? parse(decodeUtf8(body as Buffer)) : refuseBody(body as Buffer, parse));
      } catch (error) {
        done(error as Error);
      }
    });
    app.addHook('onRequest', (request, _reply, done) => {
      const encoding = request.headers['content-encoding'];
      if (encoding === undefined || encoding === 'identity') done();
      else done(new CodedError('unsupported_media_type', 'Send the body without Content-Encoding.'));
    });
  },
  { name: 'bodies' },
);

function takesBody({ is404, routeOptions }: FastifyRequest): boolean {
  return is404 || routeOptions.schema?.body !== undefined;
}

/** What asks for nothing may be sent where nothing is read; a filter that goes unread would mean everything. */
function refuseBody(body: Buffer, parse: JsonParse): void {
  const value = body.length === 0 ? null : parse(decodeUtf8(body));
  if (value === null || (typeof value === 'object' && Object.keys(value).length === 0)) return;
  throw new CodedError('invalid_request', 'No body is read here: what is asked for goes into the query.');
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Strict UTF-8, a byte order mark kept. Coded error: `invalid_json`. */
export function decodeUtf8(body: Buffer): string {
  try {
    return UTF8.decode(body);
  } catch {
    throw new CodedError('invalid_json', 'The body is not UTF-8.');
  }
}

/** A parser that refuses `__proto__` and `constructor.prototype` keys, and nesting that no contact needs. */
export function jsonParse(): JsonParse {
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new CodedError('invalid_json', 'The body is not JSON.');
    }
    // Only a text that holds one of these words can hold such a key; escapes are as rare and are looked at too.
    refuseHostile(value, 0, /__proto__|constructor|\\u/.test(text));
    return value;
  };
}

function refuseHostile(value: unknown, depth: number, suspicious: boolean): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > DEPTH_MAX) throw new CodedError('invalid_json', `The body is nested more than ${DEPTH_MAX} deep.`);
  if (Array.isArray(value)) {
    for (const item of value) refuseHostile(item, depth + 1, suspicious);
    return;
  }
  for (const key in value) {
    if (suspicious && isHostile(key, (value as Record<string, unknown>)[key])) throw new CodedError('invalid_json', 'The body holds a forbidden key.');
    refuseHostile((value as Record<string, unknown>)[key], depth + 1, suspicious);
  }
}

function isHostile(key: string, value: unknown): boolean {
  if (key === '__proto__') return true;
  return key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
