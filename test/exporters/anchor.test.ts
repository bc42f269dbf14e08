import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { AnchorError, createFileAnchor, createUrlAnchor } from '../../src/exporters/anchor.ts';
import { startHttpServer, text } from '../support/http-server.ts';
import type { Reply } from '../support/http-server.ts';

const NOTE = 'example.com/audit\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u2014 example.com/audit AAAA\n';

async function withPlace(reply: Reply, timeoutMs: number, work: (put: () => Promise<void>, received: { body: string; path: string; method: string }[]) => Promise<void>): Promise<void> {
  const server = await startHttpServer(reply);
  const anchor = createUrlAnchor({ url: `${server.url}/log?tenant=1`, timeoutMs });
  try {
    await work(() => anchor.put(NOTE), server.received);
  } finally {
    await anchor.close();
    await server.close();
  }
}

describe('an anchor on the net', () => {
  test('gets the note as it was signed', async () => {
    await withPlace(text(201, 'stored'), 5000, async (put, received) => {
      await put();
      assert.deepEqual(received.map(({ method, path, body }) => [method, path, body]), [['POST', '/log?tenant=1', NOTE]]);
    });
  });

  for (const status of [301, 400, 404, 500]) {
    test(`has not taken it when it answers ${status}`, async () => {
      await withPlace(text(status, '', { location: 'http://127.0.0.1:9/' }), 5000, async (put) => {
        await assert.rejects(put(), new AnchorError(`answered ${status}`));
      });
    });
  }

  test('is not waited for without end', async () => {
    await withPlace(() => undefined, 30, async (put) => {
      await assert.rejects(put(), new AnchorError('no answer within 30 ms'));
    });
  });

  test('that is not there has not taken it', async () => {
    const anchor = createUrlAnchor({ url: 'http://127.0.0.1:9/', timeoutMs: 5000 });
    await assert.rejects(anchor.put(NOTE), { name: 'AnchorError', message: 'no answer (ECONNREFUSED)' });
    await anchor.close();
  });
});

describe('an anchor file', () => {
  test('is appended to, and is its owner’s', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anchor-'));
    try {
      const path = join(folder, 'far', 'away', 'anchors');
      const anchor = createFileAnchor({ path });
      await anchor.put(NOTE);
      await anchor.put(NOTE);
      assert.equal(readFileSync(path, 'utf8'), `${NOTE}\n${NOTE}\n`);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      writeFileSync(join(folder, 'file'), '');
      await assert.rejects(createFileAnchor({ path: join(folder, 'file', 'anchors') }).put(NOTE), AnchorError);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
