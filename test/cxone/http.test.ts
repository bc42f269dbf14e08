import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { HttpCaller } from '../../src/cxone/http.ts';
import type { HttpRequest } from '../../src/cxone/http.ts';
import { startHttpServer, text } from '../support/http-server.ts';
import { startTcpServer } from '../support/tcp-server.ts';

/** As many as the caller keeps to one origin. */
const CONNECTIONS = 8;
const patience = (): AbortSignal => AbortSignal.timeout(5_000);

function request(url: string, body = ''): HttpRequest {
  return { url, method: 'POST', headers: {}, body, maxBytes: 1_000 };
}

test('a request given up while it waits for a connection is never sent, also not once one is free', async (t) => {
  const held: (() => void)[] = [];
  const server = await startHttpServer((response, seen) => {
    if (seen.body === 'busy') held.push(() => response.end());
    else response.end();
  });
  const http = new HttpCaller(5_000);
  t.after(() => server.close());
  t.after(() => http.close());
  const busy = Array.from({ length: CONNECTIONS }, () => http.exchange(request(server.url, 'busy'), patience()));
  await server.arrived(CONNECTIONS);
  const impatient = new AbortController();
  const waiting = http.exchange(request(server.url, 'late'), impatient.signal);
  impatient.abort(new Error('no time'));
  assert.deepEqual(await waiting, { kind: 'silence', sent: false, reason: 'no time' });
  for (const release of held) release();
  await Promise.all(busy);
  await Promise.all(Array.from({ length: CONNECTIONS }, () => http.exchange(request(server.url, 'next'), patience())));
  assert.deepEqual(server.received.map(({ body }) => body), [...Array(CONNECTIONS).fill('busy'), ...Array(CONNECTIONS).fill('next')]);
});

test('a request whose time is up before it starts is never sent', async (t) => {
  const server = await startHttpServer(text(200, ''));
  const http = new HttpCaller(5_000);
  t.after(() => server.close());
  t.after(() => http.close());
  const over = new AbortController();
  over.abort(new Error('no time'));
  assert.deepEqual(await http.exchange(request(server.url), over.signal), { kind: 'silence', sent: false, reason: 'no time' });
  await http.exchange(request(server.url, 'next'), patience());
  assert.deepEqual(server.received.map(({ body }) => body), ['next']);
});

test('a connection that the server closed after its answer is not used again', async (t) => {
  const sockets: Socket[] = [];
  const server = await startTcpServer((socket) => {
    sockets.push(socket);
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  });
  const http = new HttpCaller(5_000);
  t.after(() => server.close());
  t.after(() => http.close());
  for (let call = 1; call <= 5; call += 1) {
    const exchange = await http.exchange(request(server.url), patience());
    assert.equal(exchange.kind, 'answer');
    const socket = sockets.at(-1) as Socket;
    if (!socket.closed) await once(socket, 'close');
  }
  assert.equal(server.connections, 5);
});

test('a connection that stays open is used again', async (t) => {
  const server = await startTcpServer((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  const http = new HttpCaller(5_000);
  t.after(() => server.close());
  t.after(() => http.close());
  for (let call = 1; call <= 5; call += 1) assert.equal((await http.exchange(request(server.url), patience())).kind, 'answer');
  // A pool may open a second one while the first is still being put back.
  assert.ok(server.connections <= 2, String(server.connections));
});
