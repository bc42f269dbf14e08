import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { FaultKind } from '../../src/sandbox/fault-catalogue.ts';
import type { SandboxOptions } from '../../src/sandbox/types.ts';
import { SECRET, withReceiver, withSandbox, type Received } from './support.ts';

const quick: SandboxOptions = { callbackDelay: { minMs: 0, maxMs: 3 }, callbackBackoffMs: 1 };
const verify = ({ headers, body }: Received): unknown => new Webhook(SECRET).verify(body, headers as Record<string, string>);

describe('callbacks of the sandbox', () => {
  it('come for each contact, in the signature that the official library takes', async () => {
    await withSandbox(quick, async ({ register, merge, sandbox }) => {
      await withReceiver(() => 200, async (url, received) => {
        await register('contacts', url);
        const answer = await merge([{ email: 'a@example.com' }, { email: 'b@example.com' }, { email: 'A@example.com' }]);
        await sandbox.waitFor(({ callbacks }) => callbacks.filter((c) => c.acknowledged).length === 2, 2_000);
        const events = received.map((one) => verify(one) as Record<string, string>);
        assert.deepEqual(events.map((event) => event['contact_id']).sort(), [...new Set(answer.json['contacts'] as string[])].sort());
        assert.ok(events.every((event, i) => event['type'] === 'contact.merged' && event['id'] === received[i]?.headers['webhook-id']));
      });
    });
  });

  it('are signed by the other schemes too', async () => {
    const hex = (text: string): string => `sha256=${createHmac('sha256', SECRET).update(text).digest('hex')}`;
    for (const signature of ['sha256-header', 'nexus'] as const) {
      await withSandbox({ ...quick, signature }, async ({ register, patch, sandbox }) => {
        await withReceiver(() => 204, async (url, received) => {
          await register('profiles', url);
          await patch('0b8f2f6e-2d3c-4c59-9a39-3b8f6a1f9a10', { a: 1 });
          await sandbox.waitFor(({ callbacks }) => callbacks[0]?.acknowledged === true, 2_000);
          const { headers, body } = received[0] as Received;
          if (signature === 'nexus') {
            assert.equal(headers['x-nexus-signature-256'], hex(`${String(headers['x-nexus-timestamp'])}.${body}`));
            assert.equal(headers['x-nexus-delivery-id'], (JSON.parse(body) as { id: string }).id);
          } else {
            assert.equal(headers['x-cxone-signature'], hex(body));
          }
          assert.equal((JSON.parse(body) as { type: string }).type, 'PROFILE_UPDATED');
        });
      });
    }
  });

  it('are tried again under the same id until they are taken, and not for ever', async () => {
    await withSandbox({ ...quick, callbackAttempts: 3 }, async ({ register, merge, sandbox }) => {
      await withReceiver((n) => (n < 2 ? 503 : 200), async (url, received) => {
        await register('contacts', url);
        await merge([{ email: 'a@example.com' }]);
        await sandbox.waitFor(({ callbacks }) => callbacks[0]?.acknowledged === true, 2_000);
        assert.deepEqual(sandbox.ledger().callbacks[0]?.statuses, [503, 503, 200]);
        assert.equal(new Set(received.map(({ headers }) => headers['webhook-id'])).size, 1);
      });
      await merge([{ email: 'b@example.com' }]);
      await sandbox.waitFor(({ callbacks }) => callbacks[1]?.statuses.length === 3, 2_000);
      assert.deepEqual(sandbox.ledger().callbacks[1]?.statuses, [null, null, null]);
    });
  });

  it('are booked as unregistered where nobody listens, and can be replayed later', async () => {
    await withSandbox(quick, async ({ register, merge, call, sandbox }) => {
      await merge([{ email: 'a@example.com' }]);
      assert.equal(sandbox.stats().callbacks.unregistered, 1);
      const subject = sandbox.ledger().callbacks[0]?.subject;
      assert.equal((await call('POST', '/sandbox/webhooks', { subject })).status, 409);
      await withReceiver(() => 200, async (url, received) => {
        await register('contacts', url);
        assert.equal((await call('POST', '/sandbox/webhooks', { subject })).status, 200);
        assert.equal(await sandbox.replayWebhook(String(sandbox.ledger().callbacks[0]?.id)), true);
        assert.equal(received.length, 2);
        assert.equal(received[0]?.body, received[1]?.body);
        assert.equal((await call('POST', '/sandbox/webhooks', { subject: 'nobody' })).status, 404);
      });
    });
  });

  const contacts = Array.from({ length: 5 }, (_, i) => ({ email: `p${i}@example.com` }));
  const cases: readonly [kind: FaultKind, check: (received: Received[], ids: string[]) => void, sent: number][] = [
    ['missing', (received) => assert.equal(received.length, 0), 0],
    ['doubled', (received) => assert.equal(new Set(received.map(({ headers }) => headers['webhook-id'])).size, 5), 10],
    ['late', (received) => received.forEach((one) => assert.ok(verify(one))), 5],
    ['reversed', (received, ids) => assert.deepEqual(received.map(({ body }) => (JSON.parse(body) as { contact_id: string }).contact_id), ids.toReversed()), 5],
    ['forged', (received) => received.forEach((one) => assert.throws(() => verify(one), /No matching signature/)), 5],
    ['stale', (received) => received.forEach((one) => assert.throws(() => verify(one), /too old/)), 5],
  ];
  for (const [kind, check, sent] of cases) {
    it(`can be ${kind}`, async () => {
      await withSandbox({ ...quick, callbackAttempts: 1, faults: [{ kind, ms: 20 }] }, async ({ register, merge, sandbox }) => {
        await withReceiver(() => 200, async (url, received) => {
          await register('contacts', url);
          const answer = await merge(contacts);
          if (kind === 'late') assert.equal(received.length, 0, 'nothing yet when the answer comes');
          await sandbox.waitFor(({ callbacks }) => callbacks.reduce((sum, one) => sum + one.statuses.length, 0) === sent, 2_000);
          check(received, answer.json['contacts'] as string[]);
          assert.equal(sandbox.faults.list()[0]?.fired, 5);
        });
      });
    });
  }

  it('can come before the answer to the merge itself', async () => {
    await withSandbox({ ...quick, faults: [{ kind: 'early' }] }, async ({ register, merge, sandbox }) => {
      await withReceiver(() => 200, async (url, received) => {
        await register('contacts', url);
        let answered = 0;
        const pending = merge(contacts).then(() => (answered = received.length));
        await pending;
        assert.equal(answered, 5);
        assert.equal(sandbox.stats().callbacks.acknowledged, 5);
      });
    });
  });
});

describe('the marketing sink', () => {
  it('takes what is signed with its secret and keeps it, and nothing else', async () => {
    const marketingSecret = SECRET;
    await withSandbox({ marketingSecret }, async ({ call, sandbox }) => {
      const body = JSON.stringify({ platform: 'cxone_enrichment', sync_timestamp: '2026-01-01T00:00:00Z', contacts: [{ external_id: 'crm-1' }] });
      const at = new Date();
      const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(at.getTime() / 1000)), 'webhook-signature': new Webhook(SECRET).sign('msg_1', at, body) };
      assert.equal((await call('POST', '/marketing', body, headers)).status, 200);
      assert.equal((await call('POST', '/marketing', body, headers)).status, 200);
      assert.equal((await call('POST', '/marketing', body)).status, 401);
      assert.equal((await call('POST', '/marketing', body.replace('crm-1', 'crm-2'), headers)).status, 401);
      assert.equal((await call('POST', '/marketing', body, { ...headers, 'webhook-timestamp': '1000' })).status, 401);
      const kept = sandbox.ledger().marketing;
      assert.deepEqual(kept.map(({ id, signature, repeated }) => [id, signature, repeated]), [['msg_1', 'valid', false], ['msg_1', 'valid', true]]);
      assert.deepEqual((await call('GET', '/sandbox/marketing')).json['deliveries'], JSON.parse(JSON.stringify(kept)));
      assert.equal((await call('GET', '/sandbox/stats')).json['budgetRequests'], 0);
      assert.deepEqual(Object.keys((await call('GET', '/sandbox/ledger')).json).sort(), ['callbacks', 'cdp', 'emails', 'external_ids', 'marketing', 'phones', 'profiles', 'registrations', 'requests']);
    });
  });
});
