import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { checkSteps, shorten, type Evidence } from '../../src/sandbox/demo/checks.ts';
import { ProgressView, shareOf, summary } from '../../src/sandbox/demo/screen.ts';
import { progressOf, type Expectation, type Progress } from '../../src/sandbox/demo/work.ts';
import { SECRET, withReceiver, withSandbox, type Caller } from './support.ts';

const EXPECTED: Expectation[] = [
  ...Array.from({ length: 60 }, (_, i): Expectation => ({ external_crm_id: `crm-${i}`, outcome: 'delivered', email: `p${i}@example.com`, exported: i % 2 === 0 })),
  { external_crm_id: 'crm-60', outcome: 'same_person', email: 'p0@example.com', exported: true },
  { external_crm_id: 'crm-61', outcome: 'delivered', phone: '+12125550161', exported: false },
  { external_crm_id: 'crm-62', outcome: 'rejected', code: 'consent_missing', email: 'no@example.com', phone: '+442079460062', exported: false },
];
const contactOf = ({ external_crm_id, email, phone, exported }: Expectation): Record<string, unknown> => ({ external_crm_id, email, phone, consent_to_email: exported });

/** Does by hand what a correct service does with these contacts. */
async function serve({ merge, register, patch, call, sandbox }: Caller, url: string): Promise<Evidence> {
  await register('contacts', url);
  await register('profiles', sandbox.cdpUrl);
  const contacts = EXPECTED.filter(({ outcome }) => outcome === 'delivered').map(contactOf);
  await merge(contacts.slice(0, 50));
  await merge(contacts.slice(50));
  const exported = EXPECTED.filter((one) => one.outcome === 'delivered' && one.exported);
  await send(call, exported.map(({ external_crm_id, email }) => ({ external_id: external_crm_id, email, consent_status: true, merged_at: '2026-01-01T00:00:00Z' })));
  const [good, stale] = [randomUUID(), randomUUID()];
  await patch(good, { tier: 'gold' });
  await sandbox.waitFor(({ callbacks }) => callbacks.filter((one) => one.acknowledged).length === contacts.length + 1, 2_000);
  return {
    sandbox,
    expected: EXPECTED,
    batches: [{
      jobId: 'j1',
      contacts: EXPECTED.map((one) => ({ ...contactOf(one), external_crm_id: one.external_crm_id })),
      answer: { status: 202, body: { received: 63, accepted: 61, duplicates: 1, rejected: 1, errors: [{ index: 62, code: 'consent_missing' }] } },
    }],
    profiles: [
      { name: 'good', profileId: good, expect: { status: 200 }, answer: { status: 200, body: {} } },
      { name: 'stale', profileId: stale, expect: { status: 422, code: 'stale_data' }, answer: { status: 422, body: { code: 'stale_data' } } },
    ],
    jobs: [{ job_id: 'j1', status: 'completed' }],
    audit: { size: 3, root: 'abc' },
    pages: [{ path: '/docs', status: 200 }],
  };
}

async function send(call: Caller['call'], contacts: object[], secret = SECRET): Promise<void> {
  const body = JSON.stringify({ platform: 'cxone_enrichment', sync_timestamp: '2026-01-01T00:00:00Z', contacts });
  const at = new Date();
  const id = randomUUID();
  await call('POST', '/marketing', body, { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at.getTime() / 1000)), 'webhook-signature': new Webhook(secret).sign(id, at, body) });
}

async function judged(spoil: (evidence: Evidence, caller: Caller) => Promise<Evidence | void>): Promise<string[]> {
  let missed: string[] = [];
  await withSandbox({ marketingSecret: SECRET, callbackDelay: { minMs: 0, maxMs: 2 }, callbackBackoffMs: 1 }, async (caller) => {
    await withReceiver(() => 200, async (url) => {
      const evidence = await serve(caller, url);
      missed = checkSteps((await spoil(evidence, caller)) ?? evidence).filter(({ problems }) => problems.length > 0).map(({ name }) => name);
    });
  });
  return missed;
}

describe('the steps of the demo', () => {
  it('are all seen where everything was done right', async () => {
    assert.deepEqual(await judged(async () => {}), []);
  });

  const arrived = (fields: Record<string, unknown>) => async (_: Evidence, { merge }: Caller): Promise<void> => void (await merge([fields]));
  const exportOf = (contact: Record<string, unknown>) => async (_: Evidence, { call }: Caller): Promise<void> =>
    send(call, [{ external_id: 'x', consent_status: true, merged_at: '', ...contact }]);
  const answer = (body: object, status = 202) => async (evidence: Evidence): Promise<Evidence> => {
    const [batch] = evidence.batches;
    assert.ok(batch);
    return { ...evidence, batches: [{ ...batch, answer: { status, body: { ...batch.answer.body, ...body } } }] };
  };

  const cases: readonly [what: string, spoil: (evidence: Evidence, caller: Caller) => Promise<Evidence | void>, missed: RegExp][] = [
    ['a batch is refused', answer({}, 503), /every batch was taken/],
    ['a contact is not accounted for', answer({ accepted: 60 }), /every batch was taken/],
    ['a reason is wrong', answer({ errors: [{ index: 62, code: 'consent_refused' }] }), /for the right reason/],
    ['a good contact is rejected', answer({ errors: [{ index: 62, code: 'consent_missing' }, { index: 1, code: 'consent_missing' }] }), /for the right reason/],
    ['somebody does not arrive', async (evidence) => ({ ...evidence, expected: [...EXPECTED, { external_crm_id: 'crm-x', outcome: 'delivered', email: 'lost@example.com', exported: false }] }), /everybody else reached/],
    ['a rejected e-mail arrives', arrived({ email: 'NO@example.com' }), /nobody who was rejected/],
    ['a rejected phone arrives', arrived({ phone: '+442079460062' }), /nobody who was rejected/],
    ['a rejected record arrives under another name', arrived({ email: 'other@example.com', external_crm_id: 'crm-62' }), /nobody who was rejected/],
    ['consent is made up on the way', arrived({ email: 'p1@example.com', consent_to_email: true }), /consent to e-mail arrived/],
    ['a webhook is not acknowledged', async ({ sandbox }) => void Object.assign(sandbox.ledger().callbacks[3] ?? {}, { acknowledged: false }), /signed webhook/],
    ['a webhook was not registered', async ({ sandbox }) => void sandbox.ledger().registrations.pop(), /both webhooks/],
    ['a job fails', async (evidence) => ({ ...evidence, jobs: [{ job_id: 'j1', status: 'failed' }] }), /every job/],
    ['somebody without consent is exported', exportOf({ email: 'p1@example.com' }), /marketing got/],
    ['a fifth field is exported', exportOf({ email: 'p0@example.com', phone: '+1' }), /marketing got/],
    ['a profile is patched that should not be', async ({ profiles }, { patch }) => void (await patch(String(profiles[1]?.profileId), { a: 1 })), /profiles were enriched/],
    ['chunks are nearly empty', async (_, { merge }) => {
      for (let i = 0; i < 4; i += 1) await merge([{ email: `p${i * 2}@example.com`, consent_to_email: true }]);
    }, /chunks were full/],
    ['the budget is exceeded', async ({ sandbox }) => sandbox.setLimit(2), /budget was kept/],
    ['a secret stands in a URL', async (_, { call }) => void (await call('POST', '/oauth2/token?client_secret=x', '')), /tokens were asked/],
    ['a page is missing', async (evidence) => ({ ...evidence, pages: [{ path: '/docs', status: 404 }] }), /pages to look at/],
    ['there is no audit root', async (evidence) => ({ ...evidence, audit: { size: 0, root: '' } }), /audit trail/],
  ];
  for (const [what, spoil, missed] of cases) {
    it(`are not all seen where ${what}`, async () => {
      assert.ok((await judged(spoil)).some((name) => missed.test(name)));
    });
  }

  it('are named shortly', () => {
    assert.equal(shorten(['a', 'b']), 'a; b');
    assert.equal(shorten(['a', 'b', 'c', 'd', 'e']), 'a; b; c; and 2 more');
  });
});

describe('the screen of the demo', () => {
  const half: Progress = { expected: 10, delivered: 5, callbacks: 5, confirmed: 5, toExport: 4, exported: 2, requests: 1 };
  const done: Progress = { ...half, delivered: 10, callbacks: 10, confirmed: 10, exported: 4 };
  let evidenceText = '';

  before(async () => {
    await judged(async (evidence) => {
      evidenceText = summary(evidence);
      const progress = progressOf(evidence.sandbox, evidence.expected);
      assert.equal(shareOf(progress), 1);
      assert.deepEqual({ ...progress, requests: 0 }, { expected: 61, delivered: 61, callbacks: 61, confirmed: 61, toExport: 30, exported: 30, requests: 0 });
    });
  });

  it('sums up what happened', () => {
    assert.match(evidenceText, /received +63 contacts in 1 batches/);
    assert.match(evidenceText, /rejected +1\n +1 {2}consent_missing/);
    assert.match(evidenceText, /delivered +61 people \(61 accepted contacts\), in 2 merges of 30\.5/);
    assert.match(evidenceText, /requests used +3; at most 3 in a minute that allows 100/);
    assert.match(evidenceText, /audit root +abc over 3 entries/);
  });

  it('is 0 before the work and 1 after it', () => {
    assert.equal(shareOf({ expected: 10, delivered: 0, callbacks: 0, confirmed: 0, toExport: 4, exported: 0, requests: 0 }), 0);
    assert.equal(shareOf(half), 0.5);
    assert.equal(shareOf(done), 1);
  });

  it('shows a bar on one line in a terminal, and few lines elsewhere', () => {
    const written: string[] = [];
    const out = { isTTY: true, write: (text: string) => written.push(text) };
    new ProgressView(out).show(half);
    assert.match(written.join(''), /^\r {2}█{14}░{14} 5\/10 delivered/);
    written.length = 0;
    const plain = new ProgressView({ write: out.write });
    for (const progress of [half, half, done, done]) plain.show(progress);
    plain.end();
    assert.deepEqual(written.map((line) => line.slice(0, 7)), ['   50 %', '  100 %']);
  });
});
