import { createHmac, timingSafeEqual } from 'node:crypto';
import { isWebhookId, isWebhookTimestamp, parseStandardSecret, standardSignature } from '../domain/delivery/standard-webhooks.ts';

/**
 * How a webhook is signed (setting `WEBHOOK_SIGNATURE`), always HMAC-SHA256:
 *
 * | scheme | signed | headers | secret |
 * |---|---|---|---|
 * | standard | `id.timestamp.body` | `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64>` | `whsec_<base64>` |
 * | sha256-header | `body` | `x-cxone-signature: sha256=<hex>` | the text as it is |
 * | nexus | `timestamp.body` | `x-nexus-timestamp`, `x-nexus-delivery-id`, `x-nexus-signature-256: sha256=<hex>` | the text as it is |
 */
export const WEBHOOK_SCHEMES = ['standard', 'sha256-header', 'nexus'] as const;
export type WebhookScheme = (typeof WEBHOOK_SCHEMES)[number];

/** As Node gives them: names in lower case. */
export type WebhookHeaders = Readonly<Record<string, string | string[] | undefined>>;

export type WebhookVerdict =
  | {
      ok: true;
      /** The sender's id of the event. `standard` signs it; `nexus` does not, so there it proves nothing. */
      id?: string;
      /** When it was signed, epoch seconds. */
      timestamp?: number;
    }
  | { ok: false; reason: WebhookFailure };

export type WebhookFailure = 'no_usable_secret' | 'missing_header' | 'malformed_header' | 'too_old' | 'too_new' | 'no_match';

/** A signed timestamp may differ from our clock by this much, either way (Standard Webhooks). */
export const TOLERANCE_SECONDS = 300;
/** Signatures of one message that are looked at; a rotation needs two. */
export const SIGNATURES_MAX = 10;
/** Secrets in use at once; a rotation needs two. */
export const SECRETS_MAX = 10;
const HEX_SIGNATURE = /^sha256=(?<hex>[0-9a-f]{64})$/i;

/** Whether a secret can be used under a scheme; for the check of the settings. */
export function isUsableSecret(scheme: WebhookScheme, secret: string): boolean {
  return keyOf(scheme, secret) !== undefined;
}

function keyOf(scheme: WebhookScheme, secret: string): Buffer | undefined {
  if (scheme === 'standard') return parseStandardSecret(secret);
  return secret === '' ? undefined : Buffer.from(secret, 'utf8');
}

/**
 * Checks who signed a webhook, over the bytes as they came. The work does not depend on how much of a signature is right.
 *
 * @param rawBody before any parsing or decoding.
 * @param secrets any of them may have signed (rotation); the first {@link SECRETS_MAX} count.
 * @param now epoch ms.
 */
export function verifyWebhook(
  scheme: WebhookScheme,
  headers: WebhookHeaders,
  rawBody: Buffer,
  secrets: readonly string[],
  now: number,
): WebhookVerdict {
  const keys = secrets.slice(0, SECRETS_MAX).map((secret) => keyOf(scheme, secret)).filter((key) => key !== undefined);
  if (keys.length === 0) return { ok: false, reason: 'no_usable_secret' };
  switch (scheme) {
    case 'standard':
      return verifyStandard(headers, rawBody, keys, now);
    case 'sha256-header':
      return verifyHex(headers['x-cxone-signature'], '', rawBody, keys);
    case 'nexus':
      return verifyNexus(headers, rawBody, keys, now);
  }
}

function verifyStandard(headers: WebhookHeaders, rawBody: Buffer, keys: Buffer[], now: number): WebhookVerdict {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
  if (!id || !timestamp || !signature) return { ok: false, reason: 'missing_header' };
  if (typeof id !== 'string' || !isWebhookId(id) || typeof signature !== 'string') return { ok: false, reason: 'malformed_header' };
  // Node joins a header that came twice by comma and space; two signatures in one header stand apart by a space alone.
  if (signature.includes(', ')) return { ok: false, reason: 'malformed_header' };
  const staleness = timeFault(timestamp, now);
  if (staleness) return { ok: false, reason: staleness };
  const given = signature.split(' ', SIGNATURES_MAX).filter((one) => one.startsWith('v1,')).map((one) => one.slice(3));
  const expected = keys.map((key) => standardSignature(key, id, timestamp as string, rawBody));
  if (!anyEqual(given, expected)) return { ok: false, reason: 'no_match' };
  return { ok: true, id, timestamp: Number(timestamp) };
}

function verifyNexus(headers: WebhookHeaders, rawBody: Buffer, keys: Buffer[], now: number): WebhookVerdict {
  const { 'x-nexus-timestamp': timestamp, 'x-nexus-delivery-id': id } = headers;
  if (!timestamp) return { ok: false, reason: 'missing_header' };
  if (id !== undefined && (typeof id !== 'string' || !isWebhookId(id))) return { ok: false, reason: 'malformed_header' };
  const staleness = timeFault(timestamp, now);
  if (staleness) return { ok: false, reason: staleness };
  const verdict = verifyHex(headers['x-nexus-signature-256'], `${timestamp as string}.`, rawBody, keys);
  return verdict.ok ? { ok: true, ...(id === undefined ? {} : { id }), timestamp: Number(timestamp) } : verdict;
}

function verifyHex(header: string | string[] | undefined, prefix: string, rawBody: Buffer, keys: Buffer[]): WebhookVerdict {
  if (!header) return { ok: false, reason: 'missing_header' };
  const hex = typeof header === 'string' ? HEX_SIGNATURE.exec(header)?.groups?.['hex'] : undefined;
  if (hex === undefined) return { ok: false, reason: 'malformed_header' };
  const expected = keys.map((key) => createHmac('sha256', key).update(prefix).update(rawBody).digest('hex'));
  return anyEqual([hex.toLowerCase()], expected) ? { ok: true } : { ok: false, reason: 'no_match' };
}

function timeFault(timestamp: string | string[], now: number): WebhookFailure | undefined {
  if (typeof timestamp !== 'string' || !isWebhookTimestamp(timestamp)) return 'malformed_header';
  const age = Math.floor(now / 1000) - Number(timestamp);
  if (age > TOLERANCE_SECONDS) return 'too_old';
  return age < -TOLERANCE_SECONDS ? 'too_new' : undefined;
}

/** Compares texts, not decoded bytes, so that each signature has one spelling; every pair is compared to its end. */
function anyEqual(given: readonly string[], expected: readonly string[]): boolean {
  let isEqual = false;
  for (const one of given) {
    const bytes = Buffer.from(one, 'utf8');
    for (const other of expected) {
      const wanted = Buffer.from(other, 'utf8');
      if (bytes.length === wanted.length && timingSafeEqual(bytes, wanted)) isEqual = true;
    }
  }
  return isEqual;
}
