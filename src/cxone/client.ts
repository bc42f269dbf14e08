import { mergeOutcome, missingScope, patchOutcome, registrationOutcome } from '../domain/delivery/answer.ts';
import type { Answer, Outcome } from '../domain/delivery/outcome.ts';
import { parseRetryAfter } from '../domain/delivery/retry-after.ts';
import type { Clock } from '../domain/ports/clock.ts';
import type { Api, CallResult, CxonePort } from '../domain/ports/cxone.ts';
import { startDeadline } from './deadline.ts';
import type { Dialect, Operation } from './dialects/dialect.ts';
import { HttpCaller } from './http.ts';
import type { AnswerHeaders, Exchange } from './http.ts';
import { parseJson } from './json.ts';
import { mergeBody } from './merge-body.ts';
import { registrationBody, webhookApis } from './registration.ts';
import type { WebhookSettings } from './registration.ts';
import { TokenSource } from './token.ts';
import type { Token, TokenSettings } from './token.ts';

/** An answer of the APIs; that to a full chunk has a few kB. */
export const ANSWER_MAX_BYTES = 1024 * 1024;

export type ApiSettings = TokenSettings & { baseUrl: string };

export type CxoneSettings = {
  contacts: ApiSettings;
  profiles: ApiSettings;
  /** Over a whole call: token, connection, request, answer and, after a 401, all of it once more. */
  timeoutMs: number;
  webhooks?: WebhookSettings;
};

export type CxoneClientOptions = {
  settings: CxoneSettings;
  dialect: Dialect;
  clock: Clock;
  /** Told of each call once it has ended. */
  onCall?: (result: CallResult) => void;
};

/** CXone over HTTP. */
export type CxoneClient = CxonePort & {
  /** Cuts off what is under way (each call ends with an honest outcome) and closes all connections. */
  close(): Promise<void>;
};

/** Opens nothing yet: connections and tokens come with the first call. */
export function createCxoneClient(options: CxoneClientOptions): CxoneClient {
  return new Client(options);
}

type Call = {
  name: CallResult['operation'];
  operation: Operation;
  path: string;
  body: object;
  requestId: string;
  read: (answer: Answer) => Outcome;
};

/** What is known of a call while it runs. */
type Trace = Pick<CallResult, 'status' | 'sentAt' | 'latencyMs' | 'requests'>;

function newTrace(): Trace {
  return { status: null, sentAt: 0, latencyMs: 0, requests: 0 };
}

class Client implements CxoneClient {
  readonly webhookApis: readonly Api[];
  readonly #settings: CxoneSettings;
  readonly #dialect: Dialect;
  readonly #clock: Clock;
  readonly #onCall: (result: CallResult) => void;
  readonly #http: HttpCaller;
  readonly #tokens: Readonly<Record<Api, TokenSource>>;

  constructor({ settings, dialect, clock, onCall }: CxoneClientOptions) {
    this.#settings = settings;
    this.#dialect = dialect;
    this.#clock = clock;
    this.#onCall = onCall ?? (() => {});
    this.#http = new HttpCaller(settings.timeoutMs);
    const shared = { http: this.#http, clock, timeoutMs: settings.timeoutMs };
    this.#tokens = {
      contacts: new TokenSource({ settings: settings.contacts, ...shared }),
      profiles: new TokenSource({ settings: settings.profiles, ...shared }),
    };
    this.webhookApis = webhookApis(settings.webhooks);
  }

  merge(contacts: readonly object[], requestId: string): Promise<CallResult> {
    const operation = this.#dialect.merge;
    const body = mergeBody(this.#dialect, contacts);
    const read = (answer: Answer): Outcome => mergeOutcome(answer, operation, contacts);
    return this.#call({ name: 'merge', operation, path: operation.path, body, requestId, read });
  }

  patch(profileId: string, body: object, requestId: string): Promise<CallResult> {
    const operation = this.#dialect.patch;
    if (!operation.id.test(profileId)) return this.#refuseId(operation);
    const path = operation.path.replace('{id}', encodeURIComponent(profileId));
    const read = (answer: Answer): Outcome => patchOutcome(answer, operation, profileId, body);
    return this.#call({ name: 'patch', operation, path, body, requestId, read });
  }

  registerWebhook(api: Api, requestId: string): Promise<CallResult> {
    const operation = this.#dialect.webhooks[api];
    const body = registrationBody(this.#dialect, api, this.#settings.webhooks);
    if (body === undefined) throw new RangeError(`no webhook is configured for ${api}`);
    const read = (answer: Answer): Outcome => registrationOutcome(answer, operation, body);
    return this.#call({ name: 'register', operation, path: operation.path, body, requestId, read });
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  /** An id that would leave its place in the path never gets there. */
  async #refuseId({ api }: Operation): Promise<CallResult> {
    const reason = 'not a profile id';
    const at = [{ index: 0, field: 'profileId', reason }];
    return this.#report(api, 'patch', { kind: 'rejected', reason, at }, newTrace());
  }

  async #call(call: Call): Promise<CallResult> {
    const trace = newTrace();
    const deadline = startDeadline(this.#settings.timeoutMs);
    try {
      const outcome = await this.#attempt(call, trace, deadline.signal);
      return this.#report(call.operation.api, call.name, outcome, trace);
    } finally {
      deadline.clear();
    }
  }

  #report(api: Api, operation: CallResult['operation'], outcome: Outcome, trace: Trace): CallResult {
    const { status, latencyMs, requests } = trace;
    const sentAt = requests === 0 ? this.#clock.now() : trace.sentAt;
    const answeredAt = sentAt + Math.round(latencyMs);
    const result: CallResult = { api, operation, status, outcome, latencyMs, sentAt, answeredAt, requests };
    this.#onCall(result);
    return result;
  }

  /** One request; after a 401 one more, under a new token. */
  async #attempt(call: Call, trace: Trace, signal: AbortSignal): Promise<Outcome> {
    const tokens = this.#tokens[call.operation.api];
    const body = JSON.stringify(call.body);
    for (;;) {
      const result = await tokens.get(signal);
      if (!result.ok) return result.outcome;
      const missing = missingScope(result.token.scopes, call.operation);
      if (missing) {
        // It may have been granted since; a probe that did not ask would leave that to the next one.
        if (tokens.recheck(result.token)) continue;
        return missing;
      }
      const exchange = await this.#send(call, body, result.token, trace, signal);
      const isRefused = exchange.kind === 'answer' && exchange.status === 401;
      if (isRefused && trace.requests < 2) {
        tokens.invalidate(result.token);
        continue;
      }
      if (exchange.kind === 'answer' && exchange.status === 403) tokens.recheck(result.token);
      return outcomeOf(exchange, call, this.#clock.now());
    }
  }

  async #send(call: Call, body: string, token: Token, trace: Trace, signal: AbortSignal): Promise<Exchange> {
    const { api, method } = call.operation;
    const sentAt = this.#clock.now();
    const startedAt = this.#clock.monotonic();
    const exchange = await this.#http.exchange(
      {
        url: this.#settings[api].baseUrl.replace(/\/+$/, '') + call.path,
        method,
        headers: {
          authorization: `Bearer ${token.value}`,
          'content-type': 'application/json',
          accept: 'application/json',
          'x-request-id': call.requestId,
        },
        body,
        maxBytes: ANSWER_MAX_BYTES,
      },
      signal,
    );
    trace.status = exchange.kind === 'answer' ? exchange.status : null;
    if (exchange.kind === 'answer' || exchange.sent) {
      trace.sentAt = sentAt;
      trace.latencyMs = Math.max(0, this.#clock.monotonic() - startedAt);
      trace.requests = trace.requests === 0 ? 1 : 2;
    }
    return exchange;
  }
}

/** Silence is told apart by whether anything had been sent; an answer is read by the operation's own rules. */
function outcomeOf(exchange: Exchange, call: Call, now: number): Outcome {
  if (exchange.kind === 'silence') {
    const { reason, sent } = exchange;
    return sent ? { kind: 'unknown', reason } : { kind: 'unavailable', reason, sent };
  }
  return call.read(answerOf(exchange, now));
}

function answerOf(exchange: Extract<Exchange, { kind: 'answer' }>, now: number): Answer {
  const { status, headers, text } = exchange;
  const body = parseJson(text);
  const flaw = exchange.flaw ?? (text === '' ? 'without a body' : undefined);
  const retryAfterMs = parseRetryAfter(headers['retry-after'], headers['date'], now);
  const location = single(headers, 'location');
  return {
    status,
    ...(body === undefined ? {} : { body }),
    ...(flaw === undefined ? {} : { flaw }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(location === undefined ? {} : { location }),
  };
}

function single(headers: AnswerHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
