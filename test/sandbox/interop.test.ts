import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { createCxoneClient, type CxoneClient } from '../../src/cxone/client.ts';
import { PLATFORM } from '../../src/cxone/dialects/platform.ts';
import { verifyWebhook } from '../../src/cxone/webhook-signature.ts';
import type { Outcome } from '../../src/domain/delivery/outcome.ts';
import { createMarketingExporter } from '../../src/exporters/marketing.ts';
import { completeFault, type Fault } from '../../src/sandbox/fault-catalogue.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { serviceSettings } from '../../src/sandbox/service-settings.ts';
import type { SandboxOptions, SignatureScheme } from '../../src/sandbox/types.ts';
import { SECRET, withReceiver, withSandbox } from './support.ts';

const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const PROFILE = '0b8f2f6e-2d3c-4c59-9a39-3b8f6a1f9a10';
const patchBody = { profileId: PROFILE, attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm', tags: [] };

async function withClient(options: SandboxOptions, work: (client: CxoneClient, sandbox: Sandbox) => Promise<void>, webhookUrl?: string): Promise<void> {
  await withSandbox(options, async ({ sandbox }) => {
    const { url, tokenUrl, profilesTokenUrl, clientId, clientSecret } = sandbox;
    const { contacts, profiles } = PLATFORM.apis;
    const client = createCxoneClient({
      settings: {
        contacts: { baseUrl: url, tokenUrl, clientId, clientSecret, scopes: contacts.scopes },
        profiles: { baseUrl: url, tokenUrl: profilesTokenUrl, clientId, clientSecret, scopes: profiles.scopes },
        timeoutMs: 250,
        ...(webhookUrl === undefined ? {} : { webhooks: { urls: { contacts: webhookUrl, profiles: webhookUrl }, secret: SECRET } }),
      },
      dialect: PLATFORM,
      clock,
    });
    try {
      await work(client, sandbox);
    } finally {
      await client.close();
    }
  });
}

describe('the service’s own client at the sandbox', () => {
  it('merges, patches and registers', async () => {
    await withClient({}, async (client, sandbox) => {
      const merged = await client.merge([{ email: 'a@example.com', consent_to_email: true }, { phone: '+442079460001' }], randomUUID());
      assert.equal(merged.outcome.kind, 'accepted');
      assert.deepEqual('contactIds' in merged.outcome ? merged.outcome.contactIds : [], [...sandbox.ledger().people]);
      assert.equal((await client.patch(PROFILE, patchBody, randomUUID())).outcome.kind, 'patched');
      for (const existed of [false, true]) {
        for (const api of client.webhookApis) assert.deepEqual((await client.registerWebhook(api, randomUUID())).outcome, { kind: 'registered', existed });
      }
      assert.deepEqual(sandbox.stats().tokensIssued, { contacts: 1, profiles: 1 });
    }, 'http://127.0.0.1:9/hook');
    await withClient({ mergeMode: 'sync' }, async (client) => {
      assert.equal((await client.merge([{ email: 'a@example.com' }], randomUUID())).outcome.kind, 'completed');
    });
  });

  const merges: readonly [fault: Fault, outcome: Outcome['kind']][] = [
    [{ kind: '429-seconds' }, 'throttled'], [{ kind: '429-date' }, 'throttled'], [{ kind: '429-missing' }, 'throttled'], [{ kind: '429-garbage' }, 'throttled'],
    [{ kind: '401' }, 'unauthorized'], [{ kind: '401', endpoint: 'token' }, 'unauthorized'], [{ kind: '403' }, 'forbidden'], [{ kind: 'fewer-scopes' }, 'forbidden'],
    [{ kind: '409' }, 'conflict'], [{ kind: '400' }, 'rejected'], [{ kind: '422' }, 'rejected'], [{ kind: '422-indexes' }, 'rejected'], [{ kind: 'poison', pattern: '^a@' }, 'rejected'],
    [{ kind: '408' }, 'failed'], [{ kind: '500' }, 'failed'], [{ kind: '503' }, 'failed'], [{ kind: 'fail-after' }, 'failed'],
    [{ kind: '503', endpoint: 'token' }, 'unavailable'], [{ kind: 'hang', endpoint: 'token' }, 'unavailable'], [{ kind: 'html', endpoint: 'token' }, 'unavailable'],
    [{ kind: 'hang' }, 'unknown'], [{ kind: 'hang-after' }, 'unknown'], [{ kind: 'reset' }, 'unknown'], [{ kind: 'reset-after' }, 'unknown'],
    [{ kind: 'drip', ms: 50 }, 'unknown'], [{ kind: 'unreadable' }, 'unknown'], [{ kind: 'html' }, 'unknown'], [{ kind: 'huge' }, 'unknown'], [{ kind: 'endless' }, 'unknown'],
    [{ kind: 'redirect' }, 'misconfigured'],
  ];
  for (const [fault, outcome] of merges) {
    it(`finds a merge ${outcome} at ${completeFault(fault).name}`, async () => {
      await withClient({ faults: [fault] }, async (client, sandbox) => {
        assert.equal((await client.merge([{ email: 'a@example.com' }], randomUUID())).outcome.kind, outcome);
        assert.ok(Number(sandbox.faults.list()[0]?.fired) > 0, 'the fault fired');
        assert.equal(sandbox.stats().strays, 0, 'no redirect was followed');
      });
    });
  }

  it('gets over a token that was revoked early, and over absurd lifetimes', async () => {
    for (const value of [0, '3600', 1e12, null, 'soon']) {
      await withClient({ faults: [{ kind: 'expires-in', value }] }, async (client, sandbox) => {
        for (let i = 0; i < 3; i += 1) assert.equal((await client.merge([{ email: 'a@example.com' }], randomUUID())).outcome.kind, 'accepted');
        sandbox.revokeTokens();
        assert.equal((await client.merge([{ email: 'a@example.com' }], randomUUID())).outcome.kind, 'accepted');
        assert.ok(sandbox.stats().tokensIssued.contacts <= 4);
      });
    }
  });
});

describe('the service’s own parts at the sandbox', () => {
  for (const signature of ['standard', 'sha256-header', 'nexus'] as const satisfies readonly SignatureScheme[]) {
    it(`a callback signed by ${signature} is verified`, async () => {
      await withReceiver(() => 200, async (hook, received) => {
        await withClient({ signature, callbackDelay: { minMs: 0, maxMs: 1 } }, async (client, sandbox) => {
          await client.registerWebhook('contacts', randomUUID());
          await client.merge([{ email: 'a@example.com' }], randomUUID());
          await sandbox.waitFor(({ callbacks }) => callbacks[0]?.acknowledged === true, 2_000);
          const [{ headers, body } = { headers: {}, body: '' }] = received;
          assert.equal(verifyWebhook(signature, headers, Buffer.from(body), [SECRET], Date.now()).ok, true);
          assert.equal(verifyWebhook(signature, headers, Buffer.from(`${body} `), [SECRET], Date.now()).ok, false);
        }, hook);
      });
    });
  }

  it('an export reaches the sink, signed', async () => {
    await withSandbox({ marketingSecret: SECRET }, async ({ sandbox }) => {
      const exporter = createMarketingExporter({ url: sandbox.marketingUrl, secret: SECRET, timeoutMs: 1_000, clock });
      try {
        const contact = { external_id: 'crm-1', email: 'a@example.com', consent_status: 'granted', merged_at: '2026-01-01T00:00:00Z' };
        assert.equal((await exporter.send([contact], randomUUID())).kind, 'delivered');
        sandbox.faults.add({ kind: '503', endpoint: 'marketing', count: 1 });
        assert.equal((await exporter.send([contact], randomUUID())).kind, 'retry');
        assert.deepEqual(sandbox.ledger().marketing.map(({ signature }) => signature), ['valid']);
      } finally {
        await exporter.close();
      }
    });
  });

  it('the settings that are printed are settings that the service takes', async () => {
    await withSandbox({}, async ({ sandbox }) => {
      const traits = { signature: 'standard', requestsPerMinute: 77, mergeMode: 'async', marketingSecret: SECRET } as const;
      const config = loadConfig(serviceSettings(sandbox, 'http://127.0.0.1:3000', randomBytes, traits));
      assert.equal(config.budget.requestsPerMinute, 77);
      assert.equal(config.cxone.contacts.tokenUrl, sandbox.tokenUrl);
      assert.equal(config.cxone.profiles.tokenUrl, sandbox.profilesTokenUrl);
    });
  });
});
