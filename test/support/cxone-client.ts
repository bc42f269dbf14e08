import { createCxoneClient } from '../../src/cxone/client.ts';
import type { CxoneClient, CxoneSettings } from '../../src/cxone/client.ts';
import { PLATFORM } from '../../src/cxone/dialects/platform.ts';
import type { CallResult } from '../../src/domain/ports/cxone.ts';
import { json, startHttpServer } from './http-server.ts';
import type { FakeServer, Received, Reply } from './http-server.ts';
import { ManualClock } from './manual-clock.ts';

export type ClientSetup = {
  client: CxoneClient;
  server: FakeServer;
  clock: ManualClock;
  /** What `onCall` was told. */
  calls: CallResult[];
  /** How the token endpoints answer: with t1, t2, … until this is changed. */
  token: { reply: Reply };
  /** The requests that reached for the APIs, token requests not among them. */
  toApi(): Received[];
  close(): Promise<void>;
};

/** A client of both APIs at one server, whose answers to API calls are given. */
export async function setupClient(reply: Reply, more: Partial<CxoneSettings> = {}): Promise<ClientSetup> {
  let tokens = 0;
  const token = {
    reply: ((response, request) => {
      tokens += 1;
      json(200, { access_token: `t${tokens}`, expires_in: 3600 })(response, request);
    }) as Reply,
  };
  const isToken = ({ path }: Received): boolean => path.endsWith('/token');
  const server = await startHttpServer((response, request) => (isToken(request) ? token.reply : reply)(response, request));
  const api = { clientId: 'client-7', clientSecret: 'a secret', scopes: ['s'] };
  const clock = new ManualClock();
  const calls: CallResult[] = [];
  const client = createCxoneClient({
    settings: {
      contacts: { ...api, baseUrl: server.url, tokenUrl: `${server.url}/oauth2/token` },
      profiles: { ...api, baseUrl: `${server.url}/base/`, tokenUrl: `${server.url}/api/v2/oauth/token` },
      timeoutMs: 2_000,
      ...more,
    },
    dialect: PLATFORM,
    clock,
    onCall: (result) => calls.push(result),
  });
  return {
    client,
    server,
    clock,
    calls,
    token,
    toApi: () => server.received.filter((request) => !isToken(request)),
    async close() {
      await client.close();
      await server.close();
    },
  };
}
