import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { withSandbox } from './support.ts';

const PROFILE = '0b8f2f6e-2d3c-4c59-9a39-3b8f6a1f9a10';

describe('the tenant of the sandbox', () => {
  it('gives tokens for a form body only, and none where the secret stands in the URL', async () => {
    await withSandbox({}, async ({ call, sandbox }) => {
      const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();
      const type = { 'content-type': 'application/x-www-form-urlencoded' };
      const good = { grant_type: 'client_credentials', client_id: sandbox.clientId, client_secret: sandbox.clientSecret, scope: 'contact:write' };
      const granted = await call('POST', '/oauth2/token', form(good), type);
      assert.equal(granted.status, 200);
      assert.equal(granted.json['scope'], 'contact:write');
      assert.equal(granted.json['expires_in'], 3600);
      assert.equal((await call('POST', '/oauth2/token', form({ ...good, client_secret: 'wrong' }), type)).status, 401);
      assert.equal((await call('POST', '/oauth2/token', form({ ...good, grant_type: 'password' }), type)).status, 400);
      assert.equal((await call('POST', '/oauth2/token', good)).status, 415);
      assert.equal((await call('POST', '/oauth2/token?client_secret=x', form(good), type)).status, 400);
      assert.equal(sandbox.stats().secretsInUrl, 1);
      assert.deepEqual(sandbox.stats().tokensIssued, { contacts: 1, profiles: 0 });
    });
  });

  it('takes a token in its own API only, while it lasts, and for the scopes in it', async () => {
    await withSandbox({ grantedScopes: { contacts: ['contact:read'] } }, async ({ call, token, merge, sandbox }) => {
      const denied = await merge([{ email: 'a@example.com' }]);
      assert.equal(denied.status, 403);
      assert.equal(denied.json['scope'], 'contact:write');
      const headers = { authorization: `Bearer ${await token('contacts')}`, 'x-request-id': randomUUID() };
      assert.equal((await call('PATCH', `/api/v2/profiles/${PROFILE}`, {}, headers)).status, 401, 'a token of the other API');
      sandbox.revokeTokens();
      assert.equal((await merge([{ email: 'a@example.com' }])).status, 401);
    });
    let now = 1_800_000_000_000;
    await withSandbox({ now: () => now, tokenTtlSeconds: 60 }, async ({ merge }) => {
      assert.equal((await merge([{ email: 'a@example.com' }])).status, 202);
      now += 60_000;
      assert.equal((await merge([{ email: 'a@example.com' }])).status, 401);
    });
  });

  it('keeps one id for a person, known by e-mail or phone, in each run with the same seed', async () => {
    const ids: unknown[] = [];
    for (const seed of [5, 5, 6]) {
      await withSandbox({ seed }, async ({ merge }) => {
        const first = await merge([{ email: 'Ann@Example.com', phone: '+442079460001' }, { phone: '+442079460002' }]);
        const [ann, other] = first.json['contacts'] as string[];
        const second = await merge([{ email: 'ann@example.com' }, { email: 'ann.work@example.com', phone: '+442079460001' }, { phone: '+442079460002' }]);
        assert.deepEqual(second.json['contacts'], [ann, ann, other]);
        assert.notEqual(ann, other);
        ids.push(ann);
      });
    }
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], ids[2]);
  });

  it('books what arrived by e-mail, phone and external id: how often, by which requests, with which consent', async () => {
    await withSandbox({}, async ({ merge, sandbox }) => {
      const contact = { email: 'Ann@example.com', phone: '+442079460001', external_crm_id: 'crm-1', consent_to_email: true, consent_to_sms: false };
      const [one, two] = [randomUUID(), randomUUID()];
      await merge([contact], one);
      await merge([contact], one);
      await merge([{ ...contact, consent_to_email: false }], two);
      const ledger = sandbox.ledger();
      for (const effect of [ledger.emails.get('ann@example.com'), ledger.phones.get('+442079460001'), ledger.externalIds.get('crm-1')]) {
        assert.equal(effect?.applied, 2);
        assert.deepEqual(effect.requestIds, [one, two]);
        assert.deepEqual(effect.consent, { email: false, sms: false, phone: false });
        assert.equal(effect.contactIds.length, 1);
      }
      const { replayed, replayedWithOtherBody, contactsApplied, people, appliedAgain } = sandbox.stats();
      assert.deepEqual({ replayed, replayedWithOtherBody, contactsApplied, people, appliedAgain }, { replayed: 1, replayedWithOtherBody: 0, contactsApplied: 2, people: 1, appliedAgain: 2 });
    });
  });

  it('answers a repeated request id from memory and notices when its body is another one', async () => {
    await withSandbox({}, async ({ merge, patch, sandbox }) => {
      const id = randomUUID();
      const first = await merge([{ email: 'a@example.com' }], id);
      const again = await merge([{ email: 'b@example.com' }], id);
      assert.deepEqual(again.json, first.json);
      assert.equal(sandbox.ledger().emails.has('b@example.com'), false);
      assert.equal(sandbox.stats().replayedWithOtherBody, 1);
      assert.equal((await patch(PROFILE, { a: 1 }, id)).json['updatedAttributes'], 1, 'the other kind of call has its own memory');
    });
    await withSandbox({ idempotency: false }, async ({ merge, sandbox }) => {
      const id = randomUUID();
      await merge([{ email: 'a@example.com' }], id);
      await merge([{ email: 'a@example.com' }], id);
      assert.equal(sandbox.ledger().emails.get('a@example.com')?.applied, 2);
    });
  });

  it('refuses what the contract does not allow, naming the contact where it can', async () => {
    await withSandbox({}, async ({ call, token, merge }) => {
      const fifty = Array.from({ length: 50 }, (_, i) => ({ email: `p${i}@example.com` }));
      assert.equal((await merge(fifty)).status, 202);
      assert.equal((await merge([...fifty, { email: 'one.more@example.com' }])).status, 400);
      assert.equal((await merge([])).status, 400);
      const bad = await merge([{ email: 'a@example.com' }, { phone: '020 7946 0001' }, {}, { email: 'b@example.com', consent_to_email: 'yes' }]);
      assert.equal(bad.status, 422);
      assert.deepEqual((bad.json['errors'] as { index: number; field: string }[]).map(({ index, field }) => [index, field]), [[1, 'phone'], [2, 'email'], [3, 'consent_to_email']]);
      const headers = { authorization: `Bearer ${await token('contacts')}`, 'x-request-id': 'not-a-uuid' };
      assert.equal((await call('POST', '/api/v2/contacts/merge', { contacts: fifty }, headers)).status, 400);
    });
  });

  it('refuses a second merge for a person while the first is under way', async () => {
    await withSandbox({ latency: { minMs: 40, maxMs: 40 } }, async ({ merge, token, sandbox }) => {
      await token('contacts');
      const answers = await Promise.all([merge([{ email: 'a@example.com' }]), merge([{ email: 'A@example.com' }]), merge([{ email: 'b@example.com' }])]);
      assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 202, 409]);
      assert.equal(sandbox.stats().overlaps, 1);
      assert.equal((await merge([{ email: 'a@example.com' }])).status, 202, 'and takes it afterwards');
    });
  });

  it('patches a profile all or nothing, and appends twice when asked twice', async () => {
    await withSandbox({}, async ({ patch, sandbox }) => {
      const done = await patch(PROFILE, { tier: 'gold', visits: [1] });
      assert.equal(done.status, 200);
      assert.equal(done.json['mergeResult'], 'SUCCESS');
      await patch(PROFILE, { visits: [2] }, randomUUID(), 'APPEND');
      await patch(PROFILE, { visits: [2] }, randomUUID(), 'APPEND');
      const profile = sandbox.ledger().profiles.get(PROFILE);
      assert.deepEqual(profile?.attributes, { tier: 'gold', visits: [1, 2, 2] });
      assert.equal(profile.applied, 3);
      const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`a${i}`, i]));
      assert.equal((await patch(PROFILE, many)).status, 400);
      assert.equal((await patch('nobody', { a: 1 })).status, 404);
    });
  });

  it('confirms at once in sync mode', async () => {
    await withSandbox({ mergeMode: 'sync' }, async ({ merge, sandbox }) => {
      const answer = await merge([{ email: 'a@example.com' }]);
      assert.equal(answer.status, 200);
      assert.equal(answer.json['status'], 'completed');
      assert.equal(sandbox.ledger().callbacks.length, 0);
    });
  });

  it('registers an address once for each API, told apart by the body', async () => {
    await withSandbox({}, async ({ register, call, token, sandbox }) => {
      assert.equal((await register('contacts', 'http://127.0.0.1:9/hook')).status, 201);
      assert.equal((await register('contacts', 'http://127.0.0.1:9/hook')).status, 409);
      assert.equal((await register('profiles', 'http://127.0.0.1:9/hook')).status, 201);
      assert.deepEqual(sandbox.ledger().registrations.map(({ api }) => api), ['contacts', 'profiles']);
      const listed = await call('GET', '/api/v2/webhooks', undefined, { authorization: `Bearer ${await token('contacts')}` });
      assert.equal((listed.json['webhooks'] as object[]).length, 1);
      assert.doesNotMatch(listed.text, /whsec/);
    });
  });

  it('refuses calls over its limit, says when to come back, and counts every call', async () => {
    await withSandbox({ requestsPerWindow: 3, windowMs: 60_000 }, async ({ merge, patch, sandbox }) => {
      for (const email of ['a@example.com', 'b@example.com']) assert.equal((await merge([{ email }])).status, 202);
      assert.equal((await patch(PROFILE, { a: 1 })).status, 200);
      const refused = await merge([{ email: 'c@example.com' }]);
      assert.equal(refused.status, 429);
      const seconds = Number(refused.headers['retry-after']);
      assert.ok(seconds > 50 && seconds <= 60, `Retry-After ${seconds}`);
      const { limited, budgetRequests, peakInWindow } = sandbox.stats();
      assert.deepEqual({ limited, budgetRequests, peakInWindow }, { limited: 1, budgetRequests: 4, peakInWindow: 4 });
      sandbox.setLimit(5);
      assert.equal((await merge([{ email: 'c@example.com' }])).status, 202);
      sandbox.consumeLimit(1);
      assert.equal((await merge([{ email: 'd@example.com' }])).status, 429);
    });
  });

  it('answers whatever it is sent', async () => {
    await withSandbox({ requestsPerWindow: 1_000_000 }, async ({ call, token }) => {
      const [contacts, profiles] = await Promise.all([token('contacts'), token('profiles')]);
      const targets: readonly (readonly [method: string, path: string, token: string])[] = [
        ['POST', '/api/v2/contacts/merge', contacts], ['PATCH', `/api/v2/profiles/${PROFILE}`, profiles], ['POST', '/api/v2/webhooks', contacts],
        ['POST', '/marketing', ''], ['POST', '/oauth2/token', ''], ['PUT', '/sandbox/faults', ''], ['PUT', '/sandbox/limit', ''], ['POST', '/sandbox/webhooks', ''],
      ];
      const contact = fc.dictionary(fc.constantFrom('email', 'phone', 'country', 'timezone', 'external_crm_id', '__proto__'), fc.jsonValue());
      const body = fc.oneof(fc.jsonValue(), fc.record({ contacts: fc.array(contact), events: fc.jsonValue(), faults: fc.jsonValue() }));
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...targets), body, async ([method, path, bearer], value) => {
          const headers = { authorization: `Bearer ${bearer}`, 'x-request-id': randomUUID() };
          const { status } = await call(method, path, JSON.stringify(value), headers);
          assert.ok(status >= 200 && status < 500, `${path}: ${status}`);
        }),
        { numRuns: 300 },
      );
    });
  });

  it('waits for what happens, and says what it did not see', async () => {
    await withSandbox({}, async ({ merge, sandbox }) => {
      const seen = sandbox.waitFor((ledger) => ledger.emails.size === 2, 1_000);
      await merge([{ email: 'a@example.com' }]);
      await merge([{ email: 'b@example.com' }]);
      await seen;
      await assert.rejects(sandbox.waitFor(() => false, 5, 'a miracle'), /did not see a miracle within 5 ms/);
      const given = sandbox.waitFor(() => false, 60_000, 'a miracle');
      await Promise.all([assert.rejects(given, /was closed before it saw a miracle/), sandbox.close()]);
    });
  });
});
