import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { afterEach, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { ExportContact, ExportOutcome } from '../../src/domain/ports/export.ts';
import { createMarketingExporter } from '../../src/exporters/marketing.ts';
import type { MarketingExporter } from '../../src/exporters/marketing.ts';
import { json, startHttpServer, text } from '../support/http-server.ts';
import type { FakeServer, Reply } from '../support/http-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startTcpServer } from '../support/tcp-server.ts';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const CONTACT: ExportContact = {
  external_id: 'crm-1',
  email: 'zoë@example.com',
  consent_status: 'granted',
  merged_at: '2026-01-15T11:59:00.000Z',
};

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

function exporterTo(url: string, { secret, timeoutMs = 2_000, clock = new ManualClock() }: { secret?: string; timeoutMs?: number; clock?: ManualClock } = {}): MarketingExporter {
  const exporter = createMarketingExporter({ url, timeoutMs, clock, ...(secret === undefined ? {} : { secret }) });
  open.push(exporter);
  return exporter;
}

async function sink(reply: Reply): Promise<FakeServer> {
  const server = await startHttpServer(reply);
  open.push(server);
  return server;
}

describe('what marketing gets', () => {
  test('the body of the contract, four fields of a contact and no more', async () => {
    const server = await sink(json(200, {}));
    const more = { ...CONTACT, phone: '+15125550123', first_name: 'Zoë' };
    assert.deepEqual(await exporterTo(`${server.url}/in?source=cxone`).send([more], 'exp-1'), { kind: 'delivered' });
    const [request] = server.received;
    assert.equal(request?.method, 'POST');
    assert.equal(request?.path, '/in?source=cxone');
    assert.equal(request?.headers['content-type'], 'application/json');
    assert.equal(request?.headers['webhook-id'], 'exp-1');
    assert.equal(request?.headers['webhook-signature'], undefined);
    assert.deepEqual(JSON.parse(request?.body ?? ''), {
      platform: 'cxone_enrichment',
      sync_timestamp: '2026-01-15T12:00:00.000Z',
      contacts: [CONTACT],
    });
  });

  test('a signature that the reference library accepts, and none that it should not', async () => {
    const server = await sink(json(200, {}));
    // The library has no clock to be set, so ours is set to its own.
    await exporterTo(server.url, { secret: SECRET, clock: new ManualClock(Date.now()) }).send([CONTACT], 'exp-2');
    const [request] = server.received;
    assert.ok(request);
    const headers = request.headers as Record<string, string>;
    const verified = new Webhook(SECRET).verify(request.body, headers) as { contacts: unknown };
    assert.deepEqual(verified.contacts, [CONTACT]);
    assert.equal(headers['webhook-id'], 'exp-2');
    assert.throws(() => new Webhook(SECRET).verify(request.body.replace('granted', 'refused'), headers));
    assert.throws(() => new Webhook(Buffer.alloc(32, 8).toString('base64')).verify(request.body, headers));
  });

  test('a repetition has the same id and its own time', async () => {
    const server = await sink(json(503, {}));
    const clock = new ManualClock();
    const exporter = exporterTo(server.url, { secret: SECRET, clock });
    await exporter.send([CONTACT], 'exp-3');
    clock.advance(60_000);
    await exporter.send([CONTACT], 'exp-3');
    const [first, second] = server.received.map(({ headers }) => headers);
    assert.equal(first?.['webhook-id'], second?.['webhook-id']);
    assert.equal(Number(second?.['webhook-timestamp']) - Number(first?.['webhook-timestamp']), 60);
    assert.notEqual(first?.['webhook-signature'], second?.['webhook-signature']);
  });

  test('a secret that is none stops the start', () => {
    assert.throws(() => createMarketingExporter({ url: 'https://m.example', secret: 'a password', timeoutMs: 1, clock: new ManualClock() }), RangeError);
  });
});

describe('what its answer means', () => {
  const cases: [string, Reply, ExportOutcome][] = [
    ['200', json(200, {}), { kind: 'delivered' }],
    ['202', json(202, {}), { kind: 'delivered' }],
    ['204', text(204, ''), { kind: 'delivered' }],
    ['2xx with words of failure', json(200, { error: 'x' }), { kind: 'delivered' }],
    ['2xx with a body without end', (response) => {
      const endless = new Readable({ read: () => endless.push(Buffer.alloc(65_536)) });
      response.on('close', () => endless.destroy());
      endless.pipe(response);
    }, { kind: 'delivered' }],
    ['400', json(400, {}), { kind: 'rejected', reason: 'answered 400' }],
    ['410', json(410, {}), { kind: 'rejected', reason: 'answered 410' }],
    ['413', json(413, {}), { kind: 'rejected', reason: 'answered 413' }],
    ['422', json(422, {}), { kind: 'rejected', reason: 'answered 422' }],
    ['a redirect, not followed', text(302, '', { location: '/elsewhere' }), { kind: 'retry', reason: 'answered 302' }],
    ['401', json(401, {}), { kind: 'retry', reason: 'answered 401' }],
    ['404', json(404, {}), { kind: 'retry', reason: 'answered 404' }],
    ['500', json(500, {}), { kind: 'retry', reason: 'answered 500' }],
    ['429 with a wait', json(429, {}, { 'retry-after': '9' }), { kind: 'retry', reason: 'answered 429', retryAfterMs: 9_000 }],
    ['429 with nonsense', json(429, {}, { 'retry-after': 'later' }), { kind: 'retry', reason: 'answered 429' }],
    ['a closed connection', (response) => response.destroy(), { kind: 'retry', reason: 'no answer (UND_ERR_SOCKET)' }],
  ];
  for (const [name, reply, want] of cases) {
    test(name, async () => {
      const server = await sink(reply);
      assert.deepEqual(await exporterTo(server.url).send([CONTACT], 'exp-4'), want);
      assert.equal(server.received.length, 1);
    });
  }

  test('a hang ends with the time allowed', async () => {
    const server = await sink(() => {});
    assert.deepEqual(await exporterTo(server.url, { timeoutMs: 80 }).send([CONTACT], 'exp-5'), {
      kind: 'retry',
      reason: 'no answer within 80 ms',
    });
    assert.equal(server.received.length, 1);
  });

  test('so does a connection that never gets as far as sending', async () => {
    const silent = await startTcpServer(() => assert.fail('a request came'));
    open.push(silent);
    const outcome = await exporterTo(silent.url.replace('http:', 'https:'), { timeoutMs: 80 }).send([CONTACT], 'exp-6');
    assert.equal(outcome.kind, 'retry');
    assert.equal(silent.connections, 1);
  });

  test('a port where nobody listens', async () => {
    const gone = await startTcpServer(() => {});
    await gone.close();
    const outcome = await exporterTo(gone.url).send([CONTACT], 'exp-7');
    assert.deepEqual(outcome, { kind: 'retry', reason: 'no answer (ECONNREFUSED)' });
  });

  test('closing cuts off what is under way', async () => {
    const server = await sink(() => {});
    const exporter = exporterTo(server.url);
    const call = exporter.send([CONTACT], 'exp-8');
    await server.arrived(1);
    await exporter.close();
    assert.equal((await call).kind, 'retry');
  });
});
