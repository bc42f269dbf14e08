import { createHmac } from 'node:crypto';

/** Bytes of a secret: the specification asks for 24 to 64, its reference server makes up to 75. */
export const SECRET_MIN_BYTES = 24;
export const SECRET_MAX_BYTES = 75;

const SECRET_PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** Printable, and without a dot: that divides what is signed. */
const ID = /^[\x21-\x2d\x2f-\x7e]{1,256}$/;
const TIMESTAMP = /^[1-9]\d{0,11}$/;

/** Whether a text can be the id of a message. */
export function isWebhookId(text: string): boolean {
  return ID.test(text);
}

/** Whether a text is a time in whole epoch seconds: `1e9`, `-1`, `1.0` and `1674087231abc` are none. */
export function isWebhookTimestamp(text: string): boolean {
  return TIMESTAMP.test(text);
}

/**
 * The key in a secret of Standard Webhooks, `whsec_<base64>`, with or without its prefix. Padding may be missing, since
 * secrets lose it in copying; another alphabet may not be used, since that would be another secret.
 *
 * @returns undefined when it is not base64 or not {@link SECRET_MIN_BYTES} to {@link SECRET_MAX_BYTES} long.
 */
export function parseStandardSecret(secret: string): Buffer | undefined {
  const text = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  const digits = text.replace(/=+$/, '').length;
  if (!BASE64.test(text) || digits % 4 === 1 || (text.length !== digits && text.length % 4 !== 0)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length >= SECRET_MIN_BYTES && key.length <= SECRET_MAX_BYTES ? key : undefined;
}

/** The symmetric signature (`v1`) in base64: HMAC-SHA256 over `id.timestamp.body`. */
export function standardSignature(key: Buffer, id: string, timestamp: string, body: string | Buffer): string {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
}

/**
 * The headers that sign a message of ours (Standard Webhooks).
 *
 * @param id the same on each repetition; printable and without dots.
 * @param timestamp epoch seconds of this attempt.
 * @throws RangeError for an id, time or secret that no receiver could accept.
 */
export function signStandard(id: string, timestamp: number, body: string | Buffer, secret: string): Record<string, string> {
  const key = parseStandardSecret(secret);
  const time = String(timestamp);
  if (!key) throw new RangeError('the secret is not a Standard Webhooks secret');
  if (!isWebhookId(id)) throw new RangeError('the webhook id is not printable, or has a dot');
  if (!isWebhookTimestamp(time)) throw new RangeError('the webhook time is not in whole seconds');
  return {
    'webhook-id': id,
    'webhook-timestamp': time,
    'webhook-signature': `v1,${standardSignature(key, id, time, body)}`,
  };
}
