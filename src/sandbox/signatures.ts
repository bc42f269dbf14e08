import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { SignatureScheme } from './types.ts';

const TOLERANCE_SECONDS = 300;

/** What is signed; `timestamp` in epoch milliseconds. */
type Message = { id: string; timestamp: number; body: string };

/**
 * The headers that sign one callback.
 * `standard` is Standard Webhooks; `sha256-header` signs the body alone; `nexus` signs time and body.
 */
export function signCallback(scheme: SignatureScheme, secret: string, message: Message): Record<string, string> {
  const seconds = String(Math.floor(message.timestamp / 1000));
  switch (scheme) {
    case 'standard':
      return {
        'webhook-id': message.id,
        'webhook-timestamp': seconds,
        'webhook-signature': `v1,${standardMac(secret, message.id, seconds, message.body)}`,
      };
    case 'sha256-header':
      return { 'x-cxone-signature': `sha256=${createHmac('sha256', secret).update(message.body).digest('hex')}` };
    case 'nexus':
      return {
        'x-nexus-signature-256': `sha256=${createHmac('sha256', secret).update(`${seconds}.${message.body}`).digest('hex')}`,
        'x-nexus-timestamp': seconds,
        'x-nexus-delivery-id': message.id,
      };
  }
}

/** Checks a Standard Webhooks signature: right key, within 300 s of now. */
export function verifyStandard(headers: IncomingHttpHeaders, body: Buffer, secret: string, now: number): 'valid' | 'invalid' | 'absent' {
  const id = headers['webhook-id'];
  const seconds = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (typeof id !== 'string' || typeof seconds !== 'string' || typeof signatures !== 'string') return 'absent';
  if (!/^\d{1,12}$/.test(seconds) || Math.abs(now / 1000 - Number(seconds)) > TOLERANCE_SECONDS) return 'invalid';
  const expected = Buffer.from(`v1,${standardMac(secret, id, seconds, body)}`);
  const matches = signatures.split(' ').some((one) => {
    const given = Buffer.from(one);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return matches ? 'valid' : 'invalid';
}

function standardMac(secret: string, id: string, seconds: string, body: string | Buffer): string {
  const key = Buffer.from(secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret, 'base64');
  return createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest('base64');
}
