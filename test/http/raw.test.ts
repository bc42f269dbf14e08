import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Problem } from '../../src/domain/problem.ts';
import { SECRETS, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';

describe('bytes on the socket', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness();
  });
  after(() => harness.close());

  const BAD: readonly [name: string, bytes: string, status: number, code: string][] = [
    ['no HTTP at all', '\u0016\u0003\u0001\u0000\u00a5\u0001\r\n\r\n', 400, 'invalid_request'],
    ['a method that does not exist', 'BREW /jobs HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'invalid_request'],
    ['no host', 'GET /jobs HTTP/1.1\r\n\r\n', 400, 'invalid_request'],
    ['headers that are too large', `GET /jobs HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['two lengths', `POST /enrich-batch HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}`, 400, 'invalid_request'],
    ['a length and chunks', `POST /enrich-batch HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400, 'invalid_request'],
    ['a chunk that is none', `POST /enrich-batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${SECRETS.all}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`, 400, 'invalid_request'],
  ];
  for (const [name, bytes, status, code] of BAD) {
    test(`${name}: ${status} ${code}, and the connection is closed`, async () => {
      const text = await exchange(harness, bytes);
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
      const [head = '', body = ''] = text.split('\r\n\r\n');
      const answer = head.toLowerCase();
      if (body.startsWith('{')) {
        const problem = JSON.parse(body) as Problem;
        assert.equal(problem.code, code);
        assert.equal(problem.status, status);
        assert.match(answer, /content-type: application\/problem\+json/);
        assert.ok(answer.includes(`x-request-id: ${problem.request_id}`));
      } else assert.equal(name, 'no host', 'Node itself answers this one, without a body');
    });
  }

  for (const type of ['application/x-ndjson', 'text/csv', 'application/json']) {
    test(`clients that go away in the middle of ${type} leave nothing behind`, async () => {
      const head = `POST /enrich-batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${SECRETS.all}\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`;
      const row = type === 'text/csv' ? 'email,country\ngone@example.com,US\n' : `${JSON.stringify({ email: 'gone@example.com', country: 'US' })}\n`;
      const message = `${head}${row.length.toString(16)}\r\n${row}\r\n`;
      for (const sent of [head.length, head.length + 5, message.length, message.length]) {
        const socket = connect(port(harness), '127.0.0.1');
        await new Promise<void>((resolve) => {
          socket.write(message.slice(0, sent), () => resolve());
        });
        // The service has seen the beginning once it answers somebody who came later.
        assert.equal((await harness.send('GET', '/health/ready', { key: null })).status, 200);
        socket.destroy();
      }
      await harness.untilUploadsOpen(0);
      const next = await harness.batch([{ email: `stays@${type.length}.example.com`, country: 'US' }]);
      assert.equal(next.status, 202);
      const { jobs } = (await harness.send('GET', '/jobs')).json<{ jobs: { job_id: string; received: number }[] }>();
      assert.equal(jobs[0]?.job_id, next.json<{ job_id: string }>().job_id);
      assert.deepEqual(jobs.filter(({ received }) => received !== 1), [], 'a broken upload is no job');
      assert.equal((await harness.send('GET', '/consents', { headers: { 'x-subject': 'gone@example.com' } })).status, 404);
    });
  }

  for (const [path, mebibytes] of [['/webhooks/cxone-merge', 8], ['/enrich-batch', 40]] as const) {
    for (const framing of ['content-length', 'transfer-encoding']) {
      test(`a body that is too large for ${path} (${framing}) is answered to a client that looks up only when all is sent`, async () => {
        const block = Buffer.alloc(1 << 20, 'x');
        const [before, after] = framing === 'content-length' ? ['', ''] : [`${block.length.toString(16)}\r\n`, '\r\n'];
        const socket = connect(port(harness), '127.0.0.1');
        const write = (bytes: string | Buffer): Promise<void> => new Promise((resolve, reject) => {
          socket.write(bytes, (error) => (error === undefined || error === null ? resolve() : reject(error)));
        });
        try {
          await write(`POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${SECRETS.all}\r\ncontent-type: application/json\r\n${framing}: ${framing === 'content-length' ? mebibytes * block.length : 'chunked'}\r\n\r\n`);
          for (let n = 0; n < mebibytes; n += 1) await write(Buffer.concat([Buffer.from(before), block, Buffer.from(after)]));
          if (framing === 'transfer-encoding') await write('0\r\n\r\n');
          const answer = new Promise<string>((resolve, reject) => socket.once('data', (bytes) => resolve(String(bytes))).once('error', reject));
          assert.match(await answer, /^HTTP\/1\.1 413 [^]*"code":"body_too_large"/);
        } finally {
          socket.destroy();
        }
      });
    }
  }

  test('an upload that is refused half-way and goes on for ever is cut off', async () => {
    const head = `POST /enrich-batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${SECRETS.all}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`;
    const block = Buffer.from(`${(1 << 20).toString(16)}\r\n${'x'.repeat(1 << 20)}\r\n`);
    const socket = connect(port(harness), '127.0.0.1');
    let sent = 0;
    const goOn = (): void => {
      while (!socket.destroyed && sent < 1000) {
        sent += 1;
        if (!socket.write(block)) return;
      }
    };
    await new Promise<void>((resolve) => {
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.on('drain', goOn);
      socket.resume();
      socket.write(head);
      goOn();
    });
    assert.ok(sent < 200, `${sent} MiB were taken`);
  });
});

function port(harness: Harness): number {
  return Number(new URL(harness.service.url).port);
}

/** Sends bytes and gives back all that comes until the other side closes. */
function exchange(harness: Harness, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port(harness), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)));
    socket.write(bytes, 'latin1');
  });
}
