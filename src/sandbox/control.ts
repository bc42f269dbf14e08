import { FAULT_KINDS, type Fault } from './fault-catalogue.ts';
import { json, type Reply } from './reply.ts';
import type { Call, Tenant } from './tenant.ts';
import type { SandboxStats } from './types.ts';

const HELP = {
  'GET /sandbox/ledger': 'every call and every effect',
  'GET /sandbox/stats': 'the same in numbers',
  'GET /sandbox/faults': 'fault switches, with how often each fired',
  'PUT /sandbox/faults': 'put these in their place: {"faults":[{"kind","endpoint"?,"count"?,…}]}',
  'POST /sandbox/faults': 'add one: {"kind","endpoint"?,"count"?,…}',
  'DELETE /sandbox/faults': 'clear them',
  'POST /sandbox/webhooks': 'send a callback once more: {"id"} or {"subject"}',
  'GET /sandbox/marketing': 'what the marketing sink took',
  'PUT /sandbox/limit': 'change the limit: {"requests_per_window"}; or use it up: {"consume"}',
  'DELETE /sandbox/tokens': 'revoke every token',
} as const;

/** Answers the `/sandbox/…` calls, by which a user or a test in another process steers the tenant. */
export async function control(tenant: Tenant, call: Call): Promise<Reply> {
  try {
    return await dispatch(tenant, call);
  } catch (error) {
    return json(400, { error: error instanceof Error ? error.message : 'bad request' });
  }
}

async function dispatch(tenant: Tenant, call: Call): Promise<Reply> {
  const { ledger, faults } = tenant;
  switch (`${call.method} ${call.url.pathname}`) {
    case 'GET /sandbox':
      return json(200, { endpoints: HELP, faults: FAULT_KINDS });
    case 'GET /sandbox/ledger':
      return json(200, ledger);
    case 'GET /sandbox/stats':
      return json(200, statsOf(tenant));
    case 'GET /sandbox/marketing':
      return json(200, { deliveries: ledger.marketing });
    case 'GET /sandbox/faults':
      return json(200, { faults: faults.list() });
    case 'PUT /sandbox/faults':
      faults.set(asFaults((call.body as { faults?: unknown } | undefined)?.faults));
      return json(200, { faults: faults.list() });
    case 'POST /sandbox/faults':
      faults.add(asFaults([call.body])[0] as Fault);
      return json(201, { faults: faults.list() });
    case 'DELETE /sandbox/faults':
      faults.clear();
      return json(200, { faults: faults.list() });
    case 'DELETE /sandbox/tokens':
      tenant.tokens.revoke();
      return json(200, { revoked: true });
    case 'PUT /sandbox/limit':
      return changeLimit(tenant, call.body);
    case 'POST /sandbox/webhooks':
      return replay(tenant, call.body);
    default:
      // Where a redirect leads by default: nobody should ever follow it here.
      if (call.url.pathname === '/sandbox/elsewhere') ledger.counters.strays += 1;
      return json(404, { error: 'not found', strays: ledger.counters.strays });
  }
}

/** The numbers of a tenant as they are now. */
export function statsOf(tenant: Tenant): SandboxStats {
  return tenant.ledger.stats(tenant.limits(), tenant.faults.list().map(({ name, fired }) => ({ name, fired })));
}

async function replay({ ledger, callbacks }: Tenant, body: unknown): Promise<Reply> {
  const { id, subject } = (body ?? {}) as Record<string, unknown>;
  const record = ledger.callbacks.findLast((one) => one.id === id || one.subject === subject);
  if (record === undefined) return json(404, { error: 'no callback with this id or subject' });
  const sent = await callbacks.replay(record.id);
  return sent ? json(200, { id: record.id, statuses: record.statuses }) : json(409, { error: 'nobody is registered for it' });
}

function changeLimit(tenant: Tenant, body: unknown): Reply {
  const { requests_per_window: limit, consume } = (body ?? {}) as Record<string, unknown>;
  if (Number.isSafeInteger(limit) && (limit as number) >= 0) tenant.setLimit(limit as number);
  else if (Number.isSafeInteger(consume) && (consume as number) >= 0) tenant.consume(consume as number);
  else return json(400, { error: 'requests_per_window or consume must be a whole number' });
  return json(200, tenant.limits());
}

function asFaults(value: unknown): Fault[] {
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null);
  if (!isList) throw new TypeError('faults must be a list of objects');
  return value as Fault[];
}
