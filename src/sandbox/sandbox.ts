import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { control, statsOf } from './control.ts';
import type { Fault } from './fault-catalogue.ts';
import type { FaultHandle, Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import { play, sendReply, type Stage } from './play.ts';
import { json } from './reply.ts';
import { routeOf, settingsOf, Tenant, type Call } from './tenant.ts';
import type { SandboxOptions, SandboxStats } from './types.ts';

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A running sandbox tenant. */
export type Sandbox = {
  /** Base URL of both APIs. */
  url: string;
  tokenUrl: string;
  profilesTokenUrl: string;
  marketingUrl: string;
  cdpUrl: string;
  clientId: string;
  clientSecret: string;
  faults: Pick<Faults, 'add' | 'set' | 'clear' | 'list'>;
  /** The ledger itself, not a copy: it goes on changing. */
  ledger(): Ledger;
  stats(): SandboxStats;
  /** Gives back once the predicate holds; asked at every change. Rejects, naming `what`, when the time is up or the sandbox closes. */
  waitFor(predicate: (ledger: Ledger) => boolean, timeoutMs: number, what?: string): Promise<void>;
  /** Sends a callback once more; false when no such callback is known. */
  replayWebhook(id: string): Promise<boolean>;
  setLimit(requestsPerWindow: number): void;
  /** Uses up calls of the limit, as another integration of the same tenant would. */
  consumeLimit(calls: number): void;
  revokeTokens(): void;
  close(): Promise<void>;
};

/** Starts a tenant with a marketing sink on one loopback server. Everything it starts ends with `close`. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const settings = settingsOf(options);
  const tenant = new Tenant(settings);
  tenant.faults.set(options.faults ?? []);
  const closing = new AbortController();
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    response.on('error', () => {});
    serve(tenant, settings.now, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  return {
    url,
    tokenUrl: `${url}/oauth2/token`,
    profilesTokenUrl: `${url}/api/v2/oauth/token`,
    marketingUrl: `${url}/marketing`,
    cdpUrl: `${url}/cdp`,
    clientId: settings.clientId,
    clientSecret: settings.clientSecret,
    faults: tenant.faults,
    ledger: () => tenant.ledger,
    stats: () => statsOf(tenant),
    waitFor: (predicate, timeoutMs, what = 'what was waited for') => waitFor(tenant.ledger, { predicate, timeoutMs, what, closing: closing.signal }),
    replayWebhook: (id) => tenant.callbacks.replay(id),
    setLimit: (limit) => tenant.setLimit(limit),
    consumeLimit: (calls) => tenant.consume(calls),
    revokeTokens: () => tenant.tokens.revoke(),
    close: async () => {
      closing.abort();
      tenant.timers.close();
      tenant.callbacks.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** Sets one fault for the time of a piece of work; clears it however that ends. */
export async function withFault<T>(sandbox: Sandbox, fault: Fault, work: (handle: FaultHandle) => Promise<T>): Promise<T> {
  const handle = sandbox.faults.add(fault);
  try {
    return await work(handle);
  } finally {
    handle.clear();
  }
}

async function serve(tenant: Tenant, now: () => number, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const at = now();
  const raw = await readBody(request);
  if (raw === undefined) return sendReply(json(413, { error: 'body too large' }), { response, answering: () => {} });
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const call: Call = { method: request.method ?? 'GET', url, headers: request.headers, raw, body: parse(raw) };
  if (/^\/sandbox(\/|$)/.test(call.url.pathname)) return sendReply(await control(tenant, call), { response, answering: () => {} });
  const route = routeOf(call);
  if (route === undefined) return sendReply(json(404, { error: 'not found' }), { response, answering: () => {} });

  const requestId = request.headers['x-request-id'];
  const { api, endpoint } = route;
  const record = tenant.ledger.arrived({ at, api, endpoint, ...(typeof requestId === 'string' ? { requestId } : {}) });
  const answering = (status: number): void => {
    record.status = status;
    tenant.ledger.changed();
  };
  const throttled = tenant.throttle(record);
  if (throttled !== undefined) return sendReply(throttled, { response, answering });
  const fault = endpoint === 'cdp' ? undefined : tenant.faults.take(endpoint, api === 'contacts' || api === 'profiles' ? api : undefined);
  const stage: Stage = { response, apply: () => tenant.apply(route, call, record, fault), now, timers: tenant.timers, answering };
  if (fault === undefined) return sendReply(await stage.apply(), stage);
  record.fault = fault.name;
  await play(fault, stage);
  tenant.ledger.changed();
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}

function parse(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch {
    return undefined;
  }
}

type Wait = { predicate: (ledger: Ledger) => boolean; timeoutMs: number; what: string; closing: AbortSignal };

async function waitFor(ledger: Ledger, { predicate, timeoutMs, what, closing }: Wait): Promise<void> {
  if (predicate(ledger)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: unknown): void => {
      clearTimeout(timer);
      stop();
      closing.removeEventListener('abort', onClose);
      if (error === undefined) resolve();
      else reject(error as Error);
    };
    const onClose = (): void => settle(new Error(`the sandbox was closed before it saw ${what}`));
    const timer = setTimeout(() => settle(new Error(`the sandbox did not see ${what} within ${timeoutMs} ms`)), timeoutMs);
    const stop = ledger.watch(() => {
      try {
        if (predicate(ledger)) settle();
      } catch (error) {
        settle(error);
      }
    });
    closing.addEventListener('abort', onClose);
  });
}
