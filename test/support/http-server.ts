import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came in. */
export type Received = { method: string; path: string; headers: IncomingHttpHeaders; body: string };

export type Reply = (response: ServerResponse, request: Received) => void;

export type FakeServer = {
  url: string;
  received: Received[];
  /** Resolves when so many requests have come in altogether. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
};

/** A server on loopback that records what comes and answers as told. Close it, or the test process hangs. */
export async function startHttpServer(reply: Reply): Promise<FakeServer> {
  const received: Received[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request;
    const seen = { method, path, headers, body: await readAll(request) };
    received.push(seen);
    for (const { count, resolve } of waiting) if (received.length >= count) resolve();
    reply(response, seen);
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    arrived(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ count, resolve });
      if (received.length >= count) resolve();
      return promise;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    // The caller hung up; what came is what there is.
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Answers with a JSON body. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** Answers with a text as it stands. */
export function text(status: number, body: string | Buffer, headers: Record<string, string> = {}): Reply {
  return (response) => {
    response.writeHead(status, headers).end(body);
  };
}
