import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { ANSWER_MAX_BYTES, createCxoneClient } from '../../src/cxone/client.ts';
import { PLATFORM } from '../../src/cxone/dialects/platform.ts';
import type { CallResult } from '../../src/domain/ports/cxone.ts';
import { json, startHttpServer } from '../support/http-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startTcpServer } from '../support/tcp-server.ts';

const ANSWER = '{"contacts":["c-1"]}';
const HEAD = 'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\n';
const GOOD = `${HEAD}content-length: ${ANSWER.length}\r\n\r\n${ANSWER}`;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** Merges one contact at `baseUrl`; the token comes from a server that works. */
async function mergeAt(baseUrl: string, timeoutMs = 2_000): Promise<CallResult> {
  const tokens = await startHttpServer(json(200, { access_token: 't', expires_in: 3600 }));
  const api = { baseUrl, tokenUrl: tokens.url, clientId: 'c', clientSecret: 's', scopes: [] };
  const client = createCxoneClient({ settings: { contacts: api, profiles: api, timeoutMs }, dialect: PLATFORM, clock: new ManualClock() });
  open.push(client, tokens);
  return client.merge([{ email: 'ann@example.com' }], '0190b0c4-7e0a-7cc0-8a5e-000000000001');
}

/** Merges against a server that answers in raw bytes; proves that it was reached. */
async function mergeRaw(onRequest: (socket: Socket) => void, timeoutMs?: number): Promise<CallResult> {
  let reached = 0;
  const server = await startTcpServer((socket) => {
    reached += 1;
    onRequest(socket);
  });
  open.push(server);
  const result = await mergeAt(server.url, timeoutMs);
  assert.equal(reached, 1, 'the fault fired once');
  return result;
}

describe('sent, and then', () => {
  const cases: [string, (socket: Socket) => void, RegExp, number | null][] = [
    ['a hang', () => {}, /^no answer within 150 ms$/, null],
    ['a reset', (socket) => socket.resetAndDestroy(), /^connection (reset|closed)/, null],
    ['a close', (socket) => socket.end(), /^connection closed by the other side$/, null],
    ['no HTTP', (socket) => socket.end('SSH-2.0-x\r\n\r\n'), /^not HTTP$/, null],
    ['a hang within the headers', (socket) => socket.write(HEAD), /^no answer within/, null],
    ['provisional answers without end', (socket) => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)), /^no answer within/, null],
    ['more headers than allowed', (socket) => socket.write(`${HEAD}x: ${'y'.repeat(70_000)}\r\n\r\n`), /too many headers/, null],
    ['a body that hangs', (socket) => socket.write(`${HEAD}content-length: 20\r\n\r\n{"con`), /^answered 202, no answer within/, 202],
    ['a body cut short', (socket) => socket.end(`${HEAD}content-length: 99\r\n\r\n${ANSWER}`), /^answered 202, connection closed/, 202],
    ['a chunk that is none', (socket) => socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`), /^answered 202, not HTTP$/, 202],
    ['an unasked 100', (socket) => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${GOOD}`), /^connection closed/, null],
    ['an unasked upgrade', (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'), /./, null],
  ];
  for (const [name, fault, reason, status] of cases) {
    test(`${name}: nobody knows whether it was applied`, async () => {
      const { outcome, requests, status: got } = await mergeRaw(fault, 150);
      assert.equal(outcome.kind, 'unknown');
      assert.match((outcome as { reason: string }).reason, reason);
      assert.deepEqual({ requests, status: got }, { requests: 1, status });
    });
  }

  test('a body that drips is cut off at the time allowed, over the whole call', async () => {
    const started = performance.now();
    const { outcome } = await mergeRaw((socket) => {
      socket.write(`${HEAD}content-length: 100000\r\n\r\n`);
      const timer = setInterval(() => socket.write(' '), 20);
      socket.on('close', () => clearInterval(timer));
    }, 200);
    assert.deepEqual(outcome, { kind: 'unknown', reason: 'answered 202, no answer within 200 ms' });
    assert.ok(performance.now() - started < 1_500);
  });

  test('a body without end is cut off at the size allowed, and the connection with it', async () => {
    let written = 0;
    const closed = Promise.withResolvers<void>();
    const { outcome } = await mergeRaw((socket) => {
      socket.on('close', () => closed.resolve());
      socket.write(`${HEAD}\r\n`);
      const chunk = Buffer.alloc(65_536, 0x20);
      const endless = new Readable({
        read() {
          written += chunk.length;
          this.push(chunk);
        },
      });
      socket.on('close', () => endless.destroy());
      endless.pipe(socket);
    });
    assert.deepEqual(outcome, { kind: 'unknown', reason: `answered 202, an answer of more than ${ANSWER_MAX_BYTES} bytes` });
    await closed.promise;
    assert.ok(written < 64 * ANSWER_MAX_BYTES, 'not much more than the cap was taken');
  });

  test('300 MB announced are not waited for when it is the status that counts', async () => {
    const { outcome } = await mergeRaw((socket) => {
      socket.write(`HTTP/1.1 503 x\r\nretry-after: 5\r\ncontent-length: 300000000\r\n\r\n${' '.repeat(ANSWER_MAX_BYTES + 1)}`);
    });
    assert.deepEqual(outcome, { kind: 'failed', status: 503, retryAfterMs: 5_000 });
  });

  for (const [status, kind] of [[429, 'throttled'], [422, 'rejected'], [403, 'forbidden'], [500, 'failed']] as const) {
    test(`${status} counts though its body breaks off`, async () => {
      const { outcome } = await mergeRaw((socket) => socket.end(`HTTP/1.1 ${status} x\r\ncontent-length: 50\r\n\r\n{`));
      assert.equal(outcome.kind, kind);
    });
  }
});

describe('odd, but an answer', () => {
  const packed = (encoding: string, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${HEAD}content-encoding: ${encoding}\r\ncontent-length: ${bytes.length}\r\n\r\n`), bytes]);
  const cases: [string, (socket: Socket) => void][] = [
    ['byte by byte', (socket) => {
      socket.setNoDelay(true);
      for (const byte of GOOD) socket.write(byte);
    }],
    ['chunked, with extensions and trailers', (socket) => socket.write(
      `${HEAD}transfer-encoding: chunked\r\n\r\n5;x=y\r\n${ANSWER.slice(0, 5)}\r\nf;z\r\n${ANSWER.slice(5)}\r\n0\r\nx: y\r\n\r\n`,
    )],
    ['after provisional answers', (socket) => socket.write(`HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 x\r\n\r\n${GOOD}`)],
    ['with 20 kB of headers', (socket) => socket.write(GOOD.replace('\r\n\r\n', `\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`))],
    ['HTTP/1.0, ended by closing', (socket) => socket.end(`${HEAD.replace('1.1', '1.0')}\r\n${ANSWER}`)],
    ['gzip, unasked', (socket) => socket.write(packed('gzip', gzipSync(ANSWER)))],
    ['deflate, unasked', (socket) => socket.write(packed('deflate', deflateSync(ANSWER)))],
    ['brotli, unasked', (socket) => socket.write(packed('br', brotliCompressSync(ANSWER)))],
  ];
  for (const [name, reply] of cases) {
    test(name, async () => {
      const { outcome } = await mergeRaw(reply);
      assert.deepEqual(outcome, { kind: 'accepted', contactIds: ['c-1'] });
    });
  }

  const unreadable: [string, string, Buffer][] = [
    ['a gzip bomb', 'gzip', gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20))],
    ['gzip that is none', 'gzip', Buffer.from('{}')],
    ['gzip cut short', 'gzip', gzipSync(ANSWER).subarray(0, 20)],
    ['an encoding nobody asked for', 'zstd', Buffer.from('{}')],
    ['a name of every object', 'constructor', Buffer.from('{}')],
  ];
  for (const [name, encoding, bytes] of unreadable) {
    test(`${name} is an unknown outcome`, async () => {
      const { outcome } = await mergeRaw((socket) => socket.write(packed(encoding, bytes)));
      assert.equal(outcome.kind, 'unknown');
    });
  }
});

describe('never sent, and so surely not applied', () => {
  test('a port where nobody listens', async () => {
    const gone = await startTcpServer(() => {});
    await gone.close();
    const { outcome, requests, status } = await mergeAt(gone.url);
    assert.deepEqual(outcome, { kind: 'unavailable', reason: 'connection refused', sent: false });
    assert.deepEqual({ requests, status }, { requests: 0, status: null });
  });

  test('a name without an address', async () => {
    const { outcome } = await mergeAt('http://nowhere.invalid');
    assert.equal(outcome.kind, 'unavailable');
    assert.match((outcome as { reason: string }).reason, /DNS|no answer within/);
  });

  test('a handshake that hangs; and nothing is sent once it is given up', async () => {
    const silent = await startTcpServer(() => assert.fail('a request came'));
    open.push(silent);
    const { outcome, requests } = await mergeAt(silent.url.replace('http:', 'https:'), 150);
    assert.deepEqual(outcome, { kind: 'unavailable', reason: 'no answer within 150 ms', sent: false });
    assert.equal(requests, 0);
    assert.equal(silent.connections, 1, 'the fault fired');
  });

  test('a handshake that is broken off', async () => {
    const plain = await startHttpServer(json(202, {}));
    open.push(plain);
    const { outcome } = await mergeAt(plain.url.replace('http:', 'https:'));
    assert.equal(outcome.kind, 'unavailable');
    assert.match((outcome as { reason: string }).reason, /TLS|connection/);
    assert.equal(plain.received.length, 0);
  });
});

function selfSigned(): { key: Buffer; cert: Buffer } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const options = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=localhost'];
    execFileSync('openssl', ['req', '-x509', ...options, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const pair = selfSigned();

test('a certificate that nobody vouches for is refused, whatever the environment says', { skip: !pair && 'no openssl here' }, async (t) => {
  let requests = 0;
  const server = createServer(pair ?? {}, (_request, response) => {
    requests += 1;
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const emitWarning = t.mock.method(process, 'emitWarning', () => {});
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => Reflect.deleteProperty(process.env, 'NODE_TLS_REJECT_UNAUTHORIZED'));
  const { outcome } = await mergeAt(url);
  assert.equal(outcome.kind, 'unavailable');
  assert.match((outcome as { reason: string }).reason, /^the certificate or TLS was refused \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/);
  assert.equal(requests, 0);
  emitWarning.mock.restore();
});
