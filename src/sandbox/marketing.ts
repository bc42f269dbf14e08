import type { IncomingHttpHeaders } from 'node:http';
import type { Ledger } from './ledger.ts';
import { json, type Reply } from './reply.ts';
import { verifyStandard } from './signatures.ts';
import type { MarketingDelivery } from './types.ts';

type Message = { headers: IncomingHttpHeaders; raw: Buffer; body: unknown };

/** A marketing system: it keeps what comes and, when it has a secret, takes nothing that is not signed with it. */
export function takeExport(ledger: Ledger, { headers, raw, body }: Message, options: { secret?: string; now: number }): Reply {
  const signature = options.secret === undefined ? 'unchecked' : verifyStandard(headers, raw, options.secret, options.now);
  if (signature === 'absent' || signature === 'invalid') return json(401, { error: `signature ${signature}` });
  if (body === undefined) return json(400, { error: 'not JSON' });
  const id = headers['webhook-id'];
  const repeated = typeof id === 'string' && ledger.marketing.some((one) => one.id === id);
  const delivery: MarketingDelivery = { at: options.now, signature, body, repeated };
  ledger.marketing.push(typeof id === 'string' ? { ...delivery, id } : delivery);
  return json(200, { received: true });
}
