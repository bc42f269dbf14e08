import type { IncomingHttpHeaders } from 'node:http';
import type { Random } from '../domain/ports/clock.ts';
import { Callbacks } from './callbacks.ts';
import type { FaultEndpoint, FaultState } from './fault-catalogue.ts';
import { Faults } from './faults.ts';
import { Ledger } from './ledger.ts';
import { createLimiter, type Limiter } from './limiter.ts';
import { takeExport } from './marketing.ts';
import { Merges } from './merge.ts';
import { Profiles } from './profiles.ts';
import { draw, seededRandom } from './random.ts';
import { apiOfRegistration, listRegistrations, register } from './registrations.ts';
import { json, type Reply } from './reply.ts';
import { systemNow, Timers } from './timers.ts';
import { ALL_SCOPES, Tokens } from './tokens.ts';
import type { Api, RequestRecord, SandboxOptions } from './types.ts';

export type Settings = ReturnType<typeof settingsOf>;

/** One call, read. `body` is undefined where it is not JSON. */
export type Call = { method: string; url: URL; headers: IncomingHttpHeaders; raw: Buffer; body: unknown };
export type Route = { endpoint: FaultEndpoint | 'cdp'; api: Api | 'marketing' | 'cdp'; profileId?: string };

const REQUEST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The defaults of a sandbox, filled in. */
export function settingsOf(options: SandboxOptions) {
  return {
    seed: 1,
    now: systemNow,
    requestsPerWindow: 100,
    windowMs: 60_000,
    limiter: 'sliding',
    retryAfter: 'seconds',
    mergeMode: 'async',
    idempotency: true,
    latency: { minMs: 0, maxMs: 0 },
    callbackDelay: { minMs: 5, maxMs: 40 },
    callbackAttempts: 6,
    callbackBackoffMs: 250,
    signature: 'standard',
    clientId: 'sandbox-client',
    clientSecret: 'sandbox-secret',
    tokenTtlSeconds: 3600,
    ...options,
  } as const;
}

/** A CXone tenant without its wire: what each call does, under which limit, and what is remembered of it. */
export class Tenant {
  readonly ledger = new Ledger();
  readonly timers = new Timers();
  readonly faults: Faults;
  readonly callbacks: Callbacks;
  readonly tokens: Tokens;
  readonly #settings: Settings;
  readonly #merges: Merges;
  readonly #profiles: Profiles;
  readonly #limiter: Limiter;
  readonly #latencyDice: Random;
  #requestsPerWindow: number;

  constructor(settings: Settings) {
    const { seed, now, idempotency, clientId, clientSecret } = settings;
    const { ledger, timers } = this;
    this.#settings = settings;
    this.#requestsPerWindow = settings.requestsPerWindow;
    this.#limiter = createLimiter(settings.limiter, () => this.#requestsPerWindow, settings.windowMs);
    this.#latencyDice = seededRandom(seed + 2);
    this.faults = new Faults(seededRandom(seed));
    const sending = { delay: settings.callbackDelay, attempts: settings.callbackAttempts, backoffMs: settings.callbackBackoffMs };
    this.callbacks = new Callbacks(
      { ...sending, signature: settings.signature, seed, now },
      { ledger, faults: this.faults, timers, random: seededRandom(seed + 1) },
    );
    const granted = { ...ALL_SCOPES, ...settings.grantedScopes };
    this.tokens = new Tokens({ clientId, clientSecret, ttlSeconds: settings.tokenTtlSeconds, granted, now });
    this.#merges = new Merges({ ledger, faults: this.faults, callbacks: this.callbacks, seed, mode: settings.mergeMode, idempotency });
    this.#profiles = new Profiles({ ledger, faults: this.faults, callbacks: this.callbacks, idempotency, now });
  }

  limits(): { requestsPerWindow: number; windowMs: number } {
    return { requestsPerWindow: this.#requestsPerWindow, windowMs: this.#settings.windowMs };
  }

  setLimit(requestsPerWindow: number): void {
    this.#requestsPerWindow = requestsPerWindow;
  }

  /** Uses up calls of the limit, as another integration of the same tenant would. */
  consume(calls: number): void {
    for (let i = 0; i < calls; i += 1) this.#limiter.take(this.#settings.now());
  }

  /** Undefined where the limit lets the call in, else the 429 that it gets. Merges and PATCHes count, nothing else does. */
  throttle(record: RequestRecord): Reply | undefined {
    if (record.endpoint !== 'merge' && record.endpoint !== 'patch') return undefined;
    const waitMs = this.#limiter.take(record.at);
    if (waitMs <= 0) return undefined;
    record.limited = true;
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    const date = new Date(this.#settings.now() + seconds * 1000).toUTCString();
    const header = { seconds: String(seconds), date, missing: undefined }[this.#settings.retryAfter];
    return json(429, { error: 'too many requests' }, header === undefined ? {} : { 'retry-after': header });
  }

  /** Lets a call take effect and gives its answer; `fault` may bend a token. */
  async apply(route: Route, call: Call, record: RequestRecord, fault?: FaultState): Promise<Reply> {
    const hold = async (): Promise<void> => void (await this.timers.after(draw(this.#settings.latency, this.#latencyDice)));
    switch (route.endpoint) {
      case 'token':
        return this.#issueToken(route.api as Api, call, fault);
      case 'merge':
        return this.#refuse(call, 'contacts', 'contact:write') ?? (await this.#merges.handle(call.body, record, hold));
      case 'patch':
        return this.#refuse(call, 'profiles', 'profile:write') ?? (await this.#profiles.handle(route.profileId ?? '', call.body, record, hold));
      case 'webhooks':
        return this.#webhooks(route.api as Api, call);
      case 'marketing': {
        const { marketingSecret: secret, now } = this.#settings;
        return takeExport(this.ledger, call, { now: now(), ...(secret === undefined ? {} : { secret }) });
      }
      default:
        this.ledger.cdp.push(call.body);
        return json(200, { received: true });
    }
  }

  #issueToken(api: Api, call: Call, fault?: FaultState): Reply {
    if (call.url.searchParams.has('client_secret')) {
      this.ledger.counters.secretsInUrl += 1;
      return json(400, { error: 'invalid_request', error_description: 'a secret does not belong in a URL' });
    }
    if (!isType(call, 'application/x-www-form-urlencoded')) return json(415, { error: 'invalid_request' });
    const reply = this.tokens.issue(api, new URLSearchParams(call.raw.toString('utf8')), fault);
    if (reply.status === 200) this.ledger.tokensIssued[api] += 1;
    return reply;
  }

  #refuse(call: Call, api: Api, scope: string): Reply | undefined {
    const denied = this.tokens.refuse(call.headers.authorization, api, scope);
    if (denied !== undefined) return denied;
    if (!isType(call, 'application/json')) return json(415, { error: 'application/json is expected' });
    if (call.body === undefined) return json(400, { error: 'not JSON' });
    return REQUEST_ID.test(String(call.headers['x-request-id'])) ? undefined : json(400, { error: 'X-Request-ID must be a UUID' });
  }

  #webhooks(api: Api, call: Call): Reply {
    const denied = this.tokens.refuse(call.headers.authorization, api, call.method === 'GET' ? 'webhook:read' : 'webhook:write');
    if (denied !== undefined) return denied;
    if (call.method === 'GET') return listRegistrations(this.ledger, api);
    if (apiOfRegistration(call.body) === undefined) return json(400, { error: 'events or eventTypes must be a list' });
    return register(this.ledger, api, call.body as Record<string, unknown>);
  }
}

/** Which call this is; undefined where a tenant has no such path. */
export function routeOf(call: Call): Route | undefined {
  const { pathname } = call.url;
  const isPost = call.method === 'POST';
  if (isPost && pathname === '/oauth2/token') return { endpoint: 'token', api: 'contacts' };
  if (isPost && pathname === '/api/v2/oauth/token') return { endpoint: 'token', api: 'profiles' };
  if (isPost && pathname === '/api/v2/contacts/merge') return { endpoint: 'merge', api: 'contacts' };
  if (isPost && pathname === '/marketing') return { endpoint: 'marketing', api: 'marketing' };
  if (isPost && pathname === '/cdp') return { endpoint: 'cdp', api: 'cdp' };
  if (pathname === '/api/v2/webhooks' && (isPost || call.method === 'GET')) {
    return { endpoint: 'webhooks', api: apiOfRegistration(call.body) ?? 'contacts' };
  }
  const profile = call.method === 'PATCH' ? /^\/api\/v2\/profiles\/([^/]+)$/.exec(pathname) : null;
  return profile === null ? undefined : { endpoint: 'patch', api: 'profiles', profileId: profile[1] as string };
}

function isType(call: Call, type: string): boolean {
  return (call.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() === type;
}
