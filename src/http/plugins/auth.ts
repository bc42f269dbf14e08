import { hash, timingSafeEqual } from 'node:crypto';
import fp from 'fastify-plugin';
import type { FastifyRequest } from 'fastify';
import { CodedError } from '../../domain/errors.ts';
import type { Requester } from '../../domain/ports/record-store.ts';

export type Scope = 'ingest' | 'read' | 'audit' | 'admin';
export type ApiKey = { name: string; secret: string; scopes: readonly Scope[] };
export type RequestCaller = { name: string; scopes: readonly Scope[] };

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null on routes that ask for no key. */
    caller: RequestCaller | null;
  }
  interface FastifyContextConfig {
    /** Scope that a key needs here; absent: the route is open to all. */
    scope?: Scope;
  }
}

/** Told of each use of a key, and of everybody who is not let in: why, where, and by which key if it is one of ours. */
export type AuthOptions = {
  keys: readonly ApiKey[] | undefined;
  onUsed: (key: string, scope: Scope) => void;
  onRefused: (code: 'unauthorized' | 'forbidden', refusal: { reason: string; route: string; key?: string }) => void;
};

const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i;

/** Asks for an API key with the route's scope. Without keys (loopback only) everybody is `anonymous` and may do all. */
export const auth = fp<AuthOptions>(
  async (app, { keys, onUsed, onRefused }) => {
    const known = keys?.map((key) => ({ ...key, digest: hash('sha256', key.secret, 'buffer') }));
    app.decorateRequest('caller', null);
    app.addHook('onRequest', (request, reply, done) => {
      const { scope } = request.routeOptions.config;
      if (scope === undefined) return done();
      if (known === undefined) {
        request.caller = { name: 'anonymous', scopes: ['ingest', 'read', 'audit', 'admin'] };
        onUsed('anonymous', scope);
        return done();
      }
      const key = find(known, request);
      if (key === undefined) {
        onRefused('unauthorized', { reason: request.headers.authorization === undefined ? 'no_key' : 'unknown_key', route: routeOf(request) });
        void reply.header('www-authenticate', 'Bearer');
        return done(new CodedError('unauthorized', 'Send an API key as "Authorization: Bearer <secret>".'));
      }
      if (!key.scopes.includes(scope)) {
        onRefused('forbidden', { reason: 'missing_scope', route: routeOf(request), key: key.name });
        return done(new CodedError('forbidden', `The key "${key.name}" lacks the scope "${scope}".`));
      }
      request.caller = { name: key.name, scopes: key.scopes };
      onUsed(key.name, scope);
      done();
    });
  },
  { name: 'auth' },
);

/** Method and path of a route as it was declared, without what was asked for. */
export function routeOf({ method, routeOptions }: FastifyRequest): string {
  return `${method} ${routeOptions.url ?? ''}`;
}

/** Compares with every key, so that the time tells nothing of which one was close. */
function find<K extends { digest: Buffer }>(keys: readonly K[], request: FastifyRequest): K | undefined {
  const secret = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (secret === undefined) return undefined;
  const digest = hash('sha256', secret, 'buffer');
  let found: K | undefined;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
  return found;
}

/** Who asks and in which request, as the audit trail names it. */
export function requesterOf(request: FastifyRequest): Requester {
  return { actor: callerOf(request).name, requestId: request.id };
}

/** The caller of a route that asks for a key. */
export function callerOf(request: FastifyRequest): RequestCaller {
  if (request.caller === null) throw new CodedError('unauthorized', 'Send an API key.');
  return request.caller;
}
