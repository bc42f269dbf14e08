import { randomBytes } from 'node:crypto';
import type { FaultState } from './fault-catalogue.ts';
import type { Reply } from './reply.ts';
import { json } from './reply.ts';
import type { Api } from './types.ts';

/** The scopes of each API, as the contract lists them. */
export const ALL_SCOPES: Record<Api, readonly string[]> = {
  contacts: ['contact:write', 'contact:read', 'webhook:write', 'webhook:read'],
  profiles: ['profile:read', 'profile:write', 'webhook:read', 'webhook:write', 'data:read'],
};

const ABSURD_LIFETIME = 1e12;

export type TokenSettings = {
  clientId: string;
  clientSecret: string;
  ttlSeconds: number;
  granted: Record<Api, readonly string[]>;
  now: () => number;
};
type Token = { api: Api; scopes: ReadonlySet<string>; expiresAt: number };

/** Hands out bearer tokens by client credentials and knows what each is good for. */
export class Tokens {
  readonly #tokens = new Map<string, Token>();
  readonly #settings: TokenSettings;

  constructor(settings: TokenSettings) {
    this.#settings = settings;
  }

  /** Answers `POST` to a token endpoint (RFC 6749, section 4.4); `fault` may bend lifetime and scopes. */
  issue(api: Api, form: URLSearchParams, fault?: FaultState): Reply {
    const { clientId, clientSecret, ttlSeconds, granted, now } = this.#settings;
    if (form.get('grant_type') !== 'client_credentials') return json(400, { error: 'unsupported_grant_type' });
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret) return json(401, { error: 'invalid_client' });
    const asked = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
    const grantable = fault?.kind === 'fewer-scopes' ? asStrings(fault.value) : granted[api];
    const scopes = (asked.length === 0 ? ALL_SCOPES[api] : asked).filter((scope) => grantable.includes(scope));
    const accessToken = randomBytes(24).toString('base64url');
    this.#tokens.set(accessToken, { api, scopes: new Set(scopes), expiresAt: now() + ttlSeconds * 1000 });
    const lifetime = fault?.kind === 'expires-in' ? (fault.value === undefined ? ABSURD_LIFETIME : fault.value) : ttlSeconds;
    const expiry = lifetime === null ? {} : { expires_in: lifetime };
    return json(200, { access_token: accessToken, token_type: 'Bearer', ...expiry, scope: scopes.join(' ') });
  }

  /** Undefined where the call may go on, else the 401 or 403 that it gets. */
  refuse(authorization: string | undefined, api: Api, scope: string): Reply | undefined {
    const token = this.#tokens.get(/^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? '');
    if (token === undefined || token.api !== api || token.expiresAt <= this.#settings.now()) {
      return json(401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' });
    }
    if (!token.scopes.has(scope)) return json(403, { error: 'insufficient_scope', scope });
    return undefined;
  }

  /** Forgets every token, as a tenant does that rotates early. */
  revoke(): void {
    this.#tokens.clear();
  }
}

function asStrings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : typeof value === 'string' ? value.split(' ') : [];
}
