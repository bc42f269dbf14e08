import { withoutSecret, type Ledger } from './ledger.ts';
import { json, type Reply } from './reply.ts';
import type { Api } from './types.ts';

/** The API that a registration is meant for: the Contact API says `events`, the Profile API `eventTypes`. */
export function apiOfRegistration(body: unknown): Api | undefined {
  const { events, eventTypes } = (body ?? {}) as Record<string, unknown>;
  if (Array.isArray(events)) return 'contacts';
  return Array.isArray(eventTypes) ? 'profiles' : undefined;
}

/** Registers a callback address. One address is registered once for an API: the second time gives 409 and changes nothing. */
export function register(ledger: Ledger, api: Api, body: Record<string, unknown>): Reply {
  const { name, url, secret } = body;
  const events = (api === 'contacts' ? body['events'] : body['eventTypes']) as unknown[];
  const isAddress = typeof url === 'string' && /^https?:$/.test(URL.parse(url)?.protocol ?? '');
  if (typeof name !== 'string' || !isAddress) return json(400, { error: 'name and url are required' });
  if (!events.every((one) => typeof one === 'string')) return json(400, { error: 'events must be texts' });
  if (typeof secret !== 'string' || secret === '') return json(400, { error: 'secret is required' });
  if (ledger.registrations.some((one) => one.api === api && one.url === url)) return json(409, { error: 'a webhook with this url exists' });
  ledger.registrations.push({ api, name, url, events: events as string[], secret, enabled: body['enabled'] !== false });
  return json(201, { id: `wh_${ledger.registrations.length}`, name, url, enabled: body['enabled'] !== false });
}

/** The registrations of one API, without their secrets. */
export function listRegistrations(ledger: Ledger, api: Api): Reply {
  return json(200, { webhooks: ledger.registrations.filter((one) => one.api === api).map(withoutSecret) });
}
