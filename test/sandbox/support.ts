import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Api, SandboxOptions } from '../../src/sandbox/types.ts';

export const SECRET = `whsec_${Buffer.alloc(24, 3).toString('base64')}`;

/** How long a test waits for an answer that should come. */
const PATIENCE_MS = 5_000;

export type Answer = { status: number; headers: IncomingHttpHeaders; text: string; json: Record<string, unknown> };

/** A caller of the sandbox over real sockets. */
export type Caller = {
  sandbox: Sandbox;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal): Promise<Answer>;
  token(api: Api, scope?: string): Promise<string>;
  merge(contacts: object[], requestId?: string, signal?: AbortSignal): Promise<Answer>;
  patch(profileId: string, attributes: object, requestId?: string, mergeStrategy?: string): Promise<Answer>;
  register(api: Api, url: string): Promise<Answer>;
};

/** Runs a piece of work against a sandbox and ends everything afterwards. */
export async function withSandbox(options: SandboxOptions, work: (caller: Caller) => Promise<void>): Promise<void> {
  const sandbox = await startSandbox(options);
  const agent = new Agent();
  try {
    await work(callerOf(sandbox, agent));
  } finally {
    await agent.destroy();
    await sandbox.close();
  }
}

function callerOf(sandbox: Sandbox, dispatcher: Agent): Caller {
  const call: Caller['call'] = async (method, path, body, headers = {}, signal = AbortSignal.timeout(PATIENCE_MS)) => {
    const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
    const type = text === null ? {} : { 'content-type': 'application/json' };
    const answer = await request(sandbox.url + path, { method: method as 'GET', body: text, headers: { ...type, ...headers }, dispatcher, signal });
    const received = await answer.body.text();
    let json: Record<string, unknown> = {};
    try {
      json = JSON.parse(received) as Record<string, unknown>;
    } catch {
      // Some faults answer with what is no JSON; the text is there to look at.
    }
    return { status: answer.statusCode, headers: answer.headers, text: received, json };
  };
  const tokens = new Map<string, string>();
  const token: Caller['token'] = async (api, scope = '') => {
    const known = tokens.get(api + scope);
    if (known !== undefined) return known;
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: sandbox.clientId, client_secret: sandbox.clientSecret, scope });
    const path = api === 'contacts' ? '/oauth2/token' : '/api/v2/oauth/token';
    const answer = await call('POST', path, form.toString(), { 'content-type': 'application/x-www-form-urlencoded' });
    const fresh = String(answer.json['access_token']);
    tokens.set(api + scope, fresh);
    return fresh;
  };
  const bearer = async (api: Api): Promise<Record<string, string>> => ({ authorization: `Bearer ${await token(api)}` });
  return {
    sandbox,
    call,
    token,
    merge: async (contacts, requestId = randomUUID(), signal) =>
      call('POST', '/api/v2/contacts/merge', { contacts }, { ...(await bearer('contacts')), 'x-request-id': requestId }, signal),
    patch: async (profileId, attributes, requestId = randomUUID(), mergeStrategy = 'OVERWRITE') => {
      const body = { profileId, attributes, mergeStrategy, sourceSystem: 'test', tags: ['t'] };
      return call('PATCH', `/api/v2/profiles/${profileId}`, body, { ...(await bearer('profiles')), 'x-request-id': requestId });
    },
    register: async (api, url) => {
      const events = api === 'contacts' ? { events: ['contact.merged', 'contact.updated'] } : { eventTypes: ['PROFILE_UPDATED', 'PROFILE_MERGED'] };
      return call('POST', '/api/v2/webhooks', { name: 'test', url, ...events, secret: SECRET, enabled: true }, await bearer(api));
    },
  };
}

export type Received = { headers: IncomingHttpHeaders; body: string };

/** Runs a piece of work beside a server that takes callbacks; `answer` gives the status for the n-th one (from 0). */
export async function withReceiver(answer: (n: number) => number, work: (url: string, received: Received[]) => Promise<void>): Promise<void> {
  const received: Received[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      received.push({ headers: incoming.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(answer(received.length - 1)).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
