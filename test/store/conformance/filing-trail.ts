import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry } from '../../../src/domain/audit/entry.ts';
import type { Harness } from '../harness.ts';
import { Scene, person } from '../scene.ts';
import type { Row } from '../scene.ts';

/** Somebody who says nothing of consent. */
function silent(n: number, more: Row = {}): Row {
  const { consent_to_email: _e, consent_to_sms: _s, consent_to_phone: _p, consent_date: _d, ...rest } = person(n, more);
  return rest;
}

/** What a person finds of the batch that carried it: whose consent was recorded, and who was taken without any. */
export function filingTrailTests(newHarness: () => Harness): void {
  const filed = async (scene: Scene): Promise<AuditEntry[]> => {
    await scene.store.fileBacklog();
    return scene.audit();
  };

  test('every contact of a batch finds an entry that names its job and request, whatever became of it', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const rows: Row[] = [
      person(1),
      silent(2, { country: 'US' }),
      silent(1, { first_name: 'Again', country: 'US' }),
      person(3, { consent_to_sms: false }),
      silent(4),
      silent(5, { override: 'contract' }),
      { phone: '+12025550106', country: 'US' },
    ];
    const job = await scene.batch(rows);
    await filed(scene);
    const subjects = [{ email: 'person1@example.com' }, { email: 'person2@example.com' }, { email: 'person3@example.com' }, { email: 'person4@example.com' }, { email: 'person5@example.com' }, { phone: '+12025550106' }];
    const found: Record<string, string[]> = {};
    for (const subject of subjects) {
      const entries = await scene.audit({ subject });
      assert.ok(entries.some(({ job_id, request_id, actor }) => job_id === job && request_id === `http-${job}` && actor === 'importer'), JSON.stringify(subject));
      found[Object.values(subject)[0]!] = entries.map(({ action }) => action).sort();
    }
    assert.deepEqual(found, {
      'person1@example.com': ['consent_recorded', 'contact_deduplicated'],
      'person2@example.com': ['contact_accepted'],
      'person3@example.com': ['consent_recorded', 'contact_rejected'],
      'person4@example.com': ['contact_rejected'],
      'person5@example.com': ['consent_overridden'],
      '+12025550106': ['contact_accepted'],
    });
  });

  test('an entry counts what was recorded by channel and country, and refers to the evidence', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const job = await scene.batch([person(1, { consent_source: 'web form', consent_date: '2026-01-02T00:00:00Z' }), person(2, { country: 'US', consent_to_sms: false }), silent(3, { country: 'US' })]);
    const entries = await filed(scene);
    const recorded = entries.find(({ action }) => action === 'consent_recorded')!;
    assert.deepEqual(recorded.details, { contacts: 2, channels: [{ channel: 'email', granted: 2, refused: 0 }, { channel: 'sms', granted: 1, refused: 1 }, { channel: 'phone', granted: 2, refused: 0 }], dated: 2, with_source: 1 });
    assert.partialDeepStrictEqual(recorded.privacy_compliance, { policy_version: scene.head('').policyVersion, jurisdictions: { DE: 1, US: 1 }, covered_contacts: 1, legal_basis: 'consent', encrypted: true });
    const { ledger, commitment } = recorded.privacy_compliance['consent_evidence'] as { ledger: { from: number; to: number }; commitment: string };
    assert.deepEqual(ledger, { from: 1, to: 2 });
    assert.match(commitment, /^[0-9a-f]{64}$/);
    const accepted = entries.find(({ action }) => action === 'contact_accepted')!;
    assert.deepEqual(accepted.details, { contacts: 1 });
    assert.partialDeepStrictEqual(accepted.privacy_compliance, { jurisdictions: { US: 1 }, covered_contacts: 0, legal_basis: 'consent_not_required', encrypted: true });
    assert.ok(!JSON.stringify(entries).includes('web form'));
    assert.deepEqual((await scene.audit({ jobId: job })).map(({ action }) => action).sort(), ['batch_submitted', 'consent_recorded', 'contact_accepted']);
  });

  test('a large batch is told of in entries of 50, and each upload slice names the request that brought it', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch(Array.from({ length: 120 }, (_, n) => person(n)));
    const sizes = (await filed(scene)).filter(({ action }) => action === 'consent_recorded').map(({ details, subjects }) => [details['contacts'], subjects?.length]);
    assert.deepEqual(sizes, [[50, 50], [50, 50], [20, 20]]);
    const upload = await scene.upload([[person(200)], [person(201)]]);
    const slices = await scene.audit({ jobId: upload, action: 'consent_recorded' });
    assert.deepEqual(slices.map(({ request_id }) => request_id), [`http-${upload}`, `http-${upload}`]);
    assert.deepEqual(await scene.actions({ subject: { email: 'person201@example.com' } }), ['consent_recorded']);
  });
}
