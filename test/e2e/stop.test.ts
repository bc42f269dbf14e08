import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import test from 'node:test';
import { crowd, post } from '../support/crowd.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';

const PROFILE = '7d1f3f0e-6a62-4b0a-9b3e-2f6f0a3c5d12';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal}: not ready at once, what is in flight is answered and closed, exit 0 with clients connected`, async () => {
    await withWorkplace({ settings: { CXONE_TIMEOUT_MS: '8000' } }, async (place) => {
      const slow = place.fault({ kind: 'slow', endpoint: 'patch', ms: 1500 });
      const service = await place.start();
      const { hostname, port } = new URL(service.url);
      const keepAlive = new HttpAgent({ keepAlive: true });
      // Connections of all kinds: idle after an answer, silent, and one that stopped in the middle of a request.
      await Promise.all([1, 2, 3].map(() => get(service.url, '/health/live', keepAlive)));
      const silent = connect(Number(port), hostname);
      const halfway = connect(Number(port), hostname);
      // The other signal is sent without this one, which the service waits for as long as it can.
      if (signal === 'SIGTERM') halfway.write(`POST /enrich-batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${place.key}\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{"contacts":[`);
      for (const socket of [silent, halfway]) socket.on('error', () => {});
      const body = { attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' };
      const inFlight = service.call('POST', `/profiles/${PROFILE}/enrich`, body);
      await place.sandbox.waitFor((ledger) => ledger.requests.some((call) => call.endpoint === 'patch'), 20_000, 'the patch in flight');

      const stopped = service.stop(signal);
      const ready = await until(async () => {
        const answer = await get(service.url, '/health/ready').catch(() => undefined);
        return answer === undefined || answer.statusCode === 200 ? undefined : answer;
      }, 5000, 'not being ready');
      assert.equal(ready.statusCode, 503);
      assert.equal(ready.headers.connection, 'close');
      const refused = await service.call('POST', '/enrich-batch', { contacts: [] });
      assert.deepEqual([refused.status, refused.json['code'], refused.headers['connection']], [503, 'stopping', 'close']);
      assert.ok(refused.headers['retry-after'] !== undefined);

      const answered = await inFlight;
      assert.equal(answered.status, 200, answered.text);
      assert.equal(answered.headers['connection'], 'close');
      const end = await stopped;
      assert.deepEqual([end.code, end.signal], [0, null], service.lastWords());
      assert.ok(end.ms < 10_000, `it took ${end.ms} ms`);
      assert.equal(slow.fired, 1);
      assert.equal(service.err, '');
      keepAlive.destroy();
      silent.destroy();
      halfway.destroy();
    });
  });
}

test('a call to CXone that hangs holds the stop up for a part of its time only; its work goes on in the next life', async () => {
  await withWorkplace({ settings: { CXONE_TIMEOUT_MS: '60000' } }, async (place) => {
    const hang = place.fault({ kind: 'hang', endpoint: 'merge' });
    const service = await place.start();
    await post(() => service, crowd());
    await place.sandbox.waitFor((ledger) => ledger.requests.some((call) => call.endpoint === 'merge'), 20_000, 'the merge in flight');
    const end = await service.stop();
    assert.deepEqual([end.code, end.signal], [0, null], service.lastWords());
    assert.ok(end.ms < 10_000, `it took ${end.ms} ms`);
    assert.ok(hang.fired > 0);
    hang.clear();
    await place.start();
    await place.sandbox.waitFor((ledger) => ledger.people.size > 0, 20_000, 'the merge in the next life');
  });
});

async function get(url: string, path: string, agent: HttpAgent | false = false): Promise<IncomingMessage> {
  const call = httpRequest(url + path, { agent });
  call.end();
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer;
}
