import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { completeFault, parseFault, type Fault } from '../../src/sandbox/fault-catalogue.ts';
import { Faults } from '../../src/sandbox/faults.ts';
import { seededRandom } from '../../src/sandbox/random.ts';
import { withFault } from '../../src/sandbox/sandbox.ts';
import { withSandbox, type Answer, type Caller } from './support.ts';

type Seen = Answer | { error: string };
const one = [{ email: 'a@example.com' }];
const attempt = async (call: Promise<Answer>): Promise<Seen> => call.catch((error: Error & { code?: string }) => ({ error: typeof error.code === 'string' ? error.code : error.name }));
const statusOf = (seen: Seen): number | string => ('status' in seen ? seen.status : seen.error);

/** Each fault with what a caller sees of it and whether the merge took effect. */
const WIRE: readonly [fault: Fault, seen: (seen: Seen) => boolean, applied: boolean][] = [
  [{ kind: '429-seconds', seconds: 7 }, (s) => 'status' in s && s.status === 429 && s.headers['retry-after'] === '7', false],
  [{ kind: '429-date', seconds: 30 }, (s) => 'status' in s && s.status === 429 && Date.parse(String(s.headers['retry-after'])) > 0, false],
  [{ kind: '429-missing' }, (s) => 'status' in s && s.status === 429 && s.headers['retry-after'] === undefined, false],
  [{ kind: '429-garbage' }, (s) => 'status' in s && s.status === 429 && Number.isNaN(Date.parse(String(s.headers['retry-after']))), false],
  ...(['400', '401', '403', '404', '408', '409', '410', '422', '425', '500', '502', '503', '504'] as const).map(
    (kind): [Fault, (seen: Seen) => boolean, boolean] => [{ kind }, (s) => 'status' in s && s.status === Number(kind) && s.json['errors'] === undefined, false],
  ),
  [{ kind: '422-indexes', indexes: [0] }, (s) => 'status' in s && s.status === 422 && (s.json['errors'] as { index: number }[])[0]?.index === 0, false],
  [{ kind: 'hang' }, (s) => statusOf(s) === 'TimeoutError', false],
  [{ kind: 'hang-after' }, (s) => statusOf(s) === 'TimeoutError', true],
  [{ kind: 'reset' }, (s) => statusOf(s) === 'ECONNRESET', false],
  [{ kind: 'reset-after' }, (s) => statusOf(s) === 'ECONNRESET', true],
  [{ kind: 'fail-after', status: 502 }, (s) => statusOf(s) === 502, true],
  [{ kind: 'slow', ms: 30 }, (s) => statusOf(s) === 202, true],
  [{ kind: 'drip', ms: 1 }, (s) => 'status' in s && s.status === 202 && Array.isArray(s.json['contacts']), true],
  [{ kind: 'unreadable' }, (s) => 'status' in s && s.status === 200 && s.text.length > 5 && Object.keys(s.json).length === 0, true],
  [{ kind: 'html' }, (s) => 'status' in s && s.status === 200 && s.text.startsWith('<!doctype html>'), false],
  [{ kind: 'huge', bytes: 2_000_000 }, (s) => 'status' in s && s.status === 200 && s.text.length > 2_000_000, false],
  [{ kind: 'redirect' }, (s) => 'status' in s && s.status === 307 && s.headers.location === '/sandbox/elsewhere', false],
  [{ kind: '204' }, (s) => 'status' in s && s.status === 204 && s.text === '', true],
];

describe('fault switches on real sockets', () => {
  it('each shows what its name says, once, and is counted', async () => {
    await withSandbox({ requestsPerWindow: 10_000 }, async (caller) => {
      const { sandbox } = caller;
      await caller.token('contacts');
      for (const [fault, seen, applied] of WIRE) {
        const before = sandbox.ledger().counters.contactsApplied;
        await withFault(sandbox, { ...fault, count: 1 }, async (handle) => {
          const patience = fault.kind.startsWith('hang') ? AbortSignal.timeout(100) : undefined;
          const answer = await attempt(caller.merge(one, randomUUID(), patience));
          assert.ok(seen(answer), `${fault.kind}: ${JSON.stringify(answer)}`);
          assert.equal(handle.fired, 1, fault.kind);
          assert.equal(sandbox.ledger().counters.contactsApplied - before, applied ? 1 : 0, `${fault.kind} applied`);
          assert.equal(statusOf(await attempt(caller.merge(one))), 202, `after ${fault.kind}`);
        });
      }
      assert.equal(sandbox.faults.list().length, WIRE.length);
    });
  });

  it('an endless answer goes on until the caller hangs up', async () => {
    await withSandbox({ faults: [{ kind: 'endless' }] }, async ({ sandbox, token }) => {
      const answer = await fetch(`${sandbox.url}/api/v2/contacts/merge`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await token('contacts')}`, 'content-type': 'application/json', 'x-request-id': randomUUID() },
        body: JSON.stringify({ contacts: one }),
      });
      let size = 0;
      for await (const chunk of answer.body ?? []) {
        size += (chunk as Uint8Array).length;
        if (size > 5_000_000) break;
      }
      assert.ok(size > 5_000_000);
      assert.equal(sandbox.faults.list()[0]?.fired, 1);
    });
  });

  it('an answer lost after the merge was applied is found again under the same request id', async () => {
    await withSandbox({}, async (caller) => {
      await caller.token('contacts');
      const id = randomUUID();
      caller.sandbox.faults.add({ kind: 'reset-after', count: 1 });
      assert.equal(statusOf(await attempt(caller.merge(one, id))), 'ECONNRESET');
      assert.equal(statusOf(await attempt(caller.merge(one, id))), 202);
      assert.equal(caller.sandbox.ledger().emails.get('a@example.com')?.applied, 1);
      assert.equal(caller.sandbox.stats().replayed, 1);
    });
  });

  it('can be played at every endpoint', async () => {
    const calls: Record<string, (caller: Caller) => Promise<Answer>> = {
      token: ({ call }) => call('POST', '/oauth2/token', 'grant_type=client_credentials', { 'content-type': 'application/x-www-form-urlencoded' }),
      merge: ({ merge }) => merge(one),
      patch: ({ patch }) => patch('0b8f2f6e-2d3c-4c59-9a39-3b8f6a1f9a10', { a: 1 }),
      webhooks: ({ register }) => register('profiles', 'http://127.0.0.1:9/'),
      marketing: ({ call }) => call('POST', '/marketing', { contacts: [] }),
    };
    await withSandbox({}, async (caller) => {
      await Promise.all([caller.token('contacts'), caller.token('profiles')]);
      for (const [endpoint, call] of Object.entries(calls)) {
        const fault = caller.sandbox.faults.add({ kind: '503', endpoint: endpoint as 'merge', count: 1 });
        assert.equal((await call(caller)).status, 503, endpoint);
        assert.equal(fault.fired, 1);
      }
    });
  });

  it('poison makes every call with that e-mail fail, named or not', async () => {
    await withSandbox({}, async ({ merge, sandbox }) => {
      const [named] = sandbox.faults.set([{ kind: 'poison', pattern: '^bad@' }]);
      const contacts = [{ email: 'a@example.com' }, { email: 'BAD@example.com' }];
      const answer = await merge(contacts);
      assert.equal(answer.status, 422);
      assert.deepEqual((answer.json['errors'] as { index: number }[]).map(({ index }) => index), [1]);
      assert.equal(sandbox.ledger().emails.size, 0, 'all or nothing');
      assert.equal((await merge([contacts[0] as object])).status, 202);
      assert.equal(named?.fired, 1);
      sandbox.faults.set([{ kind: 'poison', pattern: '^bad@', named: false }]);
      assert.equal((await merge(contacts)).json['errors'], undefined);
    });
  });

  it('poison at patch makes every patch of such an attribute fail, and no merge', async () => {
    await withSandbox({}, async ({ merge, patch, sandbox }) => {
      const [fault] = sandbox.faults.set([{ kind: 'poison', endpoint: 'patch', pattern: '^bad' }]);
      const profile = randomUUID();
      assert.equal((await patch(profile, { good: 1, bad: 2 })).status, 422);
      assert.equal(sandbox.ledger().profiles.get(profile), undefined, 'all or nothing');
      assert.equal((await patch(profile, { good: 1 })).status, 200);
      assert.equal((await merge([{ email: 'bad@example.com' }])).status, 202);
      assert.equal(fault?.fired, 1);
    });
  });

  it('bends lifetimes and scopes of tokens', async () => {
    const form = 'grant_type=client_credentials&client_id=sandbox-client&client_secret=sandbox-secret';
    await withSandbox({}, async ({ call, sandbox }) => {
      const ask = async (): Promise<Record<string, unknown>> => (await call('POST', '/oauth2/token', form, { 'content-type': 'application/x-www-form-urlencoded' })).json;
      for (const value of [0, '3600', 1e12, 'soon']) {
        sandbox.faults.set([{ kind: 'expires-in', value }]);
        assert.equal((await ask())['expires_in'], value);
      }
      sandbox.faults.set([{ kind: 'expires-in', value: null }]);
      assert.equal('expires_in' in (await ask()), false);
      sandbox.faults.set([{ kind: 'fewer-scopes', value: ['contact:read'], api: 'contacts' }]);
      assert.equal((await ask())['scope'], 'contact:read');
    });
  });

  it('is set, read and cleared over HTTP, and refuses nonsense without changing anything', async () => {
    await withSandbox({}, async ({ call, merge, sandbox }) => {
      assert.equal((await call('PUT', '/sandbox/faults', { faults: [{ kind: '503', count: 2 }] })).status, 200);
      assert.equal((await merge(one)).status, 503);
      const refused = await call('PUT', '/sandbox/faults', { faults: [{ kind: 'gremlins' }] });
      assert.equal(refused.status, 400);
      assert.match(String(refused.json['error']), /no fault named "gremlins"/);
      assert.equal((await merge(one)).status, 503, 'what was in place stays');
      assert.equal((await call('POST', '/sandbox/faults', { kind: '409' })).status, 201);
      assert.equal((await merge(one)).status, 409);
      await call('DELETE', '/sandbox/faults');
      assert.equal((await merge(one)).status, 202);
      assert.deepEqual(sandbox.stats().faults, [{ name: 'merge/503', fired: 2 }, { name: 'merge/409', fired: 1 }]);
    });
  });
});

describe('the choice of a fault', () => {
  const take = (faults: readonly Fault[], calls: number, seed = 1): (string | undefined)[] => {
    const switches = new Faults(seededRandom(seed));
    switches.set(faults);
    return Array.from({ length: calls }, () => switches.take('merge', 'contacts')?.kind);
  };

  it('obeys count, after and order', () => {
    assert.deepEqual(take([{ kind: '500', count: 2 }, { kind: '503', count: 1 }], 4), ['500', '500', '503', undefined]);
    assert.deepEqual(take([{ kind: '500', after: 2, count: 1 }], 4), [undefined, undefined, '500', undefined]);
    assert.deepEqual(take([{ kind: '500', endpoint: 'patch' }], 1), [undefined]);
    assert.deepEqual(take([{ kind: '500', api: 'profiles' }], 1), [undefined]);
  });

  it('hits a share of the calls, the same ones for the same seed', () => {
    const calls = take([{ kind: '500', rate: 0.2 }], 1000, 7);
    const hits = calls.filter((kind) => kind === '500').length;
    assert.ok(hits > 150 && hits < 250, `${hits} of 1000`);
    assert.deepEqual(take([{ kind: '500', rate: 0.2 }], 1000, 7), calls);
    assert.notDeepEqual(take([{ kind: '500', rate: 0.2 }], 1000, 8), calls);
  });

  it('is read from a command line', () => {
    assert.deepEqual(parseFault('429-date:3'), { kind: '429-date', count: 3 });
    assert.deepEqual(parseFault('token/503'), { kind: '503', endpoint: 'token' });
    assert.equal(completeFault(parseFault('doubled')).endpoint, 'callbacks');
    for (const text of ['', 'nothing', 'merge/missing', 'callbacks/500', 'patch/expires-in', 'moon/500', '200', 'poison', '500:x']) {
      assert.throws(() => parseFault(text), RangeError, text);
    }
  });
});
