import { Agent } from 'undici';
import { parseRetryAfter } from '../domain/delivery/retry-after.ts';
import { parseStandardSecret, signStandard } from '../domain/delivery/standard-webhooks.ts';
import type { Clock } from '../domain/ports/clock.ts';
import type { ErasureNoticePort, ExportContact, ExportOutcome, ExportPort } from '../domain/ports/export.ts';

/** What the body says about who sends it. */
const PLATFORM = 'cxone_enrichment';
/** The type of a message that a person was erased and must be erased there too. */
const ERASED_TYPE = 'contact.erased';
const CONNECTIONS_MAX = 4;
const HEADERS_MAX_BYTES = 64 * 1024;

/**
 * Statuses that refuse this very message: as it is it would be refused again. 410 says that the receiver is gone.
 * Anything else that is no 2xx (a wrong address or credential included) is mended elsewhere, and the message waits for it.
 */
const REJECTED_CODES: ReadonlySet<number> = new Set([400, 410, 413, 415, 422]);

export type MarketingOptions = {
  url: string;
  /** A Standard Webhooks secret; without one nothing is signed. */
  secret?: string;
  /** Over the whole call, in ms. */
  timeoutMs: number;
  clock: Clock;
};

export type MarketingExporter = ExportPort & ErasureNoticePort & {
  /** Cuts off what is under way (it may have arrived, and goes again under its id) and closes all connections. */
  close(): Promise<void>;
};

/**
 * Sends confirmed contacts to a marketing or customer data platform, signed by Standard Webhooks.
 * No redirects, certificates always checked, no proxy taken from the environment, the body of the answer not read.
 *
 * @throws RangeError when the secret is no Standard Webhooks secret.
 */
export function createMarketingExporter(options: MarketingOptions): MarketingExporter {
  const { secret, timeoutMs } = options;
  if (secret !== undefined && !parseStandardSecret(secret)) throw new RangeError('the secret is not a Standard Webhooks secret');
  const agent = new Agent({
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    maxHeaderSize: HEADERS_MAX_BYTES,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { timeout: timeoutMs, rejectUnauthorized: true },
  });
  return {
    send: (contacts, id) => send(agent, options, (at) => ({ sync_timestamp: at, contacts: contacts.map(exported) }), id),
    tellErased: ({ external_id, erased_at }, id) => send(agent, options, () => ({ type: ERASED_TYPE, external_id, erased_at }), id),
    close: () => agent.destroy(),
  };
}

/** These four fields and no others. */
function exported({ external_id, email, consent_status, merged_at }: ExportContact): ExportContact {
  return { external_id, email, consent_status, merged_at };
}

async function send(
  agent: Agent,
  { url, secret, timeoutMs, clock }: MarketingOptions,
  content: (at: string) => object,
  id: string,
): Promise<ExportOutcome> {
  const now = clock.now();
  const body = JSON.stringify({ platform: PLATFORM, ...content(new Date(now).toISOString()) });
  const signature = secret === undefined ? { 'webhook-id': id } : signStandard(id, Math.floor(now / 1000), body, secret);
  const { origin, pathname, search } = new URL(url);
  const giveUp = new AbortController();
  const late = Promise.withResolvers<ExportOutcome>();
  const timer = setTimeout(() => {
    giveUp.abort();
    late.resolve({ kind: 'retry', reason: `no answer within ${timeoutMs} ms` });
  }, timeoutMs);
  try {
    const request = { origin, path: pathname + search, method: 'POST', body, signal: giveUp.signal } as const;
    const headers = { ...signature, 'content-type': 'application/json', 'user-agent': 'cxone-enricher' };
    // A connection that hangs does not heed the signal, so the time is kept beside it too.
    return await Promise.race([late.promise, post(agent, { ...request, headers }, now)]);
  } finally {
    clearTimeout(timer);
  }
}

type Post = Parameters<Agent['request']>[0];

async function post(agent: Agent, request: Post, now: number): Promise<ExportOutcome> {
  try {
    const { statusCode, headers, body } = await agent.request(request);
    // The status is the verdict; an answer of any length is cut off here.
    body.on('error', () => {}).destroy();
    return verdict(statusCode, parseRetryAfter(headers['retry-after'], headers['date'], now));
  } catch (error) {
    const { code } = error as { code?: unknown };
    return { kind: 'retry', reason: `no answer (${typeof code === 'string' ? code : 'connection failed'})` };
  }
}

function verdict(status: number, retryAfterMs: number | undefined): ExportOutcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const reason = `answered ${status}`;
  if (REJECTED_CODES.has(status)) return { kind: 'rejected', reason };
  return { kind: 'retry', reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
