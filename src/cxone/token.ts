import type { Outcome } from '../domain/delivery/outcome.ts';
import { isRecord } from '../domain/delivery/outcome.ts';
import { cleanReason } from '../domain/delivery/reason.ts';
import { parseRetryAfter } from '../domain/delivery/retry-after.ts';
import type { Clock } from '../domain/ports/clock.ts';
import { startDeadline } from './deadline.ts';
import type { Exchange, HttpCaller } from './http.ts';
import { parseJson } from './json.ts';

/** An answer of the token endpoint; tokens themselves are a few kB at most. */
export const TOKEN_ANSWER_MAX_BYTES = 64 * 1024;
/** A token is renewed this long before it expires, or at half its life where that is later. */
export const REFRESH_EARLY_MS = 60_000;
/** Life of a token whose answer does not say, or says nonsense. */
export const LIFETIME_DEFAULT_MS = 300_000;
/** However short a life is claimed, a token is used for so long; else each call would ask for a new one. */
export const LIFETIME_MIN_MS = 10_000;
export const LIFETIME_MAX_MS = 86_400_000;
/** Waits after a failure double from the first to the second of these; callers meanwhile share the failure. */
export const BACKOFF_MIN_MS = 1_000;
export const BACKOFF_MAX_MS = 60_000;
/** A token that lacks a right is asked for anew once it is this old, so that a right granted later is found. */
export const RECHECK_MS = 30_000;

/** Visible ASCII: anything else has no place in a header. */
const TOKEN = /^[\x21-\x7e]{1,16000}$/;

export type TokenSettings = {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  scopes: readonly string[];
};

export type Token = {
  value: string;
  /** What was granted; undefined when the answer did not tell. */
  scopes: ReadonlySet<string> | undefined;
};

export type TokenResult =
  | { ok: true; token: Token }
  | { ok: false; outcome: Extract<Outcome, { kind: 'unauthorized' | 'forbidden' | 'unavailable' }> };

type Failure = Extract<TokenResult, { ok: false }>;
type Held = { token: Token; fetchedAt: number; refreshAt: number; expiresAt: number };

/**
 * The access token of one API: OAuth 2.0 client credentials (RFC 6749 §4.4), cached, renewed early, asked for once
 * however many calls wait. A failing endpoint is left alone for a while and its failure is shared.
 *
 * Lifetimes are measured on the monotonic clock: a jump of the wall clock neither expires nor prolongs a token.
 */
export class TokenSource {
  readonly #settings: TokenSettings;
  readonly #http: HttpCaller;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #held: Held | undefined;
  #pending: Promise<TokenResult> | undefined;
  #failure: Failure | undefined;
  #failures = 0;
  #retryAt = 0;

  constructor(options: { settings: TokenSettings; http: HttpCaller; clock: Clock; timeoutMs: number }) {
    this.#settings = options.settings;
    this.#http = options.http;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
  }

  /**
   * A token to use now.
   *
   * @param signal ends this caller's wait; the request goes on for the others.
   */
  async get(signal: AbortSignal): Promise<TokenResult> {
    const now = this.#clock.monotonic();
    const held = this.#held;
    if (held && now < held.refreshAt) return { ok: true, token: held.token };
    const isUsable = held !== undefined && now < held.expiresAt;
    if (this.#failure && now < this.#retryAt) {
      return isUsable ? { ok: true, token: held.token } : this.#sharedFailure(this.#failure, now);
    }
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = undefined;
    });
    const result = await orAborted(this.#pending, signal);
    return !result.ok && isUsable && this.#held === held ? { ok: true, token: held.token } : result;
  }

  /** Forgets a token that was refused with 401. One that has been replaced meanwhile is not touched. */
  invalidate(token: Token): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  /** Forgets a token that lacks a right, once it is old enough for the right to have been granted since; answers whether. */
  recheck(token: Token): boolean {
    const isOld = this.#held?.token === token && this.#clock.monotonic() - this.#held.fetchedAt >= RECHECK_MS;
    if (isOld) this.#held = undefined;
    return isOld;
  }

  #sharedFailure(failure: Failure, now: number): Failure {
    if (failure.outcome.kind !== 'unavailable') return failure;
    return { ok: false, outcome: { ...failure.outcome, retryAfterMs: Math.round(this.#retryAt - now) } };
  }

  async #fetch(): Promise<TokenResult> {
    const { tokenUrl, clientId, clientSecret, scopes } = this.#settings;
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope: scopes.join(' '),
    });
    const deadline = startDeadline(this.#timeoutMs);
    const exchange = await this.#http.exchange(
      {
        url: tokenUrl,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: form.toString(),
        maxBytes: TOKEN_ANSWER_MAX_BYTES,
      },
      deadline.signal,
    );
    deadline.clear();
    return this.#learn(exchange);
  }

  #learn(exchange: Exchange): TokenResult {
    const now = this.#clock.monotonic();
    const body = exchange.kind === 'answer' ? parseJson(exchange.text) : undefined;
    const value = isRecord(body) ? body['access_token'] : undefined;
    const isSuccess = exchange.kind === 'answer' && exchange.status >= 200 && exchange.status < 300;
    if (!isSuccess || !isRecord(body) || typeof value !== 'string' || !TOKEN.test(value)) {
      return this.#fail(failureOf(exchange, body, this.#settings, this.#clock.now()), now);
    }
    const lifetime = lifetimeMs(body['expires_in']);
    const token = { value, scopes: scopesOf(body['scope']) };
    const refreshAt = now + lifetime - Math.min(REFRESH_EARLY_MS, lifetime / 2);
    this.#held = { token, fetchedAt: now, refreshAt, expiresAt: now + lifetime };
    this.#failure = undefined;
    this.#failures = 0;
    return { ok: true, token };
  }

  #fail(failure: Failure, now: number): Failure {
    const asked = failure.outcome.kind === 'unavailable' ? (failure.outcome.retryAfterMs ?? 0) : 0;
    const wait = Math.max(asked, Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(this.#failures, 16)));
    this.#failures += 1;
    this.#failure = failure;
    this.#retryAt = now + wait;
    return this.#sharedFailure(failure, now);
  }
}

/**
 * The life that `expires_in` (seconds) claims, in ms. Missing or not a number: {@link LIFETIME_DEFAULT_MS}; always from
 * {@link LIFETIME_MIN_MS} to {@link LIFETIME_MAX_MS}.
 */
export function lifetimeMs(expiresIn: unknown): number {
  const isNumeric = typeof expiresIn === 'string' && /^\d{1,32}(?:\.\d{1,9})?$/.test(expiresIn.trim());
  const seconds = typeof expiresIn === 'number' || isNumeric ? Number(expiresIn) : Number.NaN;
  if (Number.isNaN(seconds) || seconds < 0) return LIFETIME_DEFAULT_MS;
  return Math.min(LIFETIME_MAX_MS, Math.max(LIFETIME_MIN_MS, seconds * 1000));
}

/**
 * The scopes an answer grants: space separated (RFC 6749 §3.3), or a list. An empty one grants nothing; undefined when
 * the answer does not say.
 */
export function scopesOf(scope: unknown): ReadonlySet<string> | undefined {
  if (typeof scope !== 'string' && !Array.isArray(scope)) return undefined;
  const words: unknown[] = Array.isArray(scope) ? scope : [scope];
  const scopes = words.filter((word) => typeof word === 'string').flatMap((word) => word.split(/[\s,]+/));
  return new Set(scopes.filter((word) => word !== ''));
}

/** Nothing was sent to the API itself, so no failure here costs an attempt. */
function failureOf(exchange: Exchange, body: unknown, settings: TokenSettings, now: number): Failure {
  const from = 'the token endpoint';
  if (exchange.kind === 'silence') {
    return { ok: false, outcome: { kind: 'unavailable', reason: `${from}: ${exchange.reason}`, sent: false } };
  }
  const { status, headers } = exchange;
  const isTransient = status < 300 || status >= 500 || status === 408 || status === 425 || status === 429;
  if (isTransient) {
    const reason = status < 300 ? `${from} answered ${status} without a token` : `${from} answered ${status}`;
    const retryAfterMs = parseRetryAfter(headers['retry-after'], headers['date'], now);
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    return { ok: false, outcome: { kind: 'unavailable', reason, sent: false, ...wait } };
  }
  const words = isRecord(body) ? [body['error'], body['error_description']].filter((word) => typeof word === 'string').join(': ') : '';
  const { clientId, clientSecret } = settings;
  const inForm = [clientId, clientSecret].map((text) => new URLSearchParams({ text }).toString().slice('text='.length));
  const said = words === '' ? '' : `: ${cleanReason(words, [clientId, clientSecret, ...inForm])}`;
  const reason = `${from} answered ${status}${said}`;
  return { ok: false, outcome: { kind: status === 403 ? 'forbidden' : 'unauthorized', reason } };
}

/** Ends the wait, not the work. */
async function orAborted(pending: Promise<TokenResult>, signal: AbortSignal): Promise<TokenResult> {
  const { promise, resolve } = Promise.withResolvers<TokenResult>();
  const onAbort = (): void => {
    const reason = `the token endpoint: ${(signal.reason as Error).message}`;
    resolve({ ok: false, outcome: { kind: 'unavailable', reason, sent: false } });
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([pending, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
