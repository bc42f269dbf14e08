import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Journal } from '../../../src/store/sqlite/journal.ts';
import { LEASE_MS, Scene, person } from '../scene.ts';
import type { Row } from '../scene.ts';
import { engineHarness } from './engine-harness.ts';

const CANARY: Row = {
  email: 'canary-mail@kanarienvogel.example',
  phone: '+4930918273645',
  first_name: 'Zwitscherine',
  last_name: 'Kanarienstein',
  address1: 'Volierenweg 17',
  city: 'Piepshausen',
  external_crm_id: 'crm-canary-4711',
  consent_source: 'form of Zwitscherine',
  interaction_history: [{ note: 'asked about Sittichfutter' }],
};
const ATTRIBUTE = 'Nistkasten-Liebhaberin';
const WORDS = ['canary-mail', 'kanarienvogel', '4930918273645', 'Zwitscherine', 'Kanarienstein', 'Volierenweg', 'Piepshausen', 'crm-canary', 'Sittichfutter', 'cx-canary', ATTRIBUTE];

/** Which of the words stand somewhere in the files of a folder, in any case, as UTF-8 or UTF-16, base64 or hex. */
function wordsIn(folder: string, words: readonly string[]): string[] {
  const text = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1').toLowerCase()).join('\n');
  return words.filter((word) =>
    [Buffer.from(word, 'utf8'), Buffer.from(word, 'utf16le')].some((bytes) => [bytes.toString('latin1'), bytes.toString('hex')].some((form) => text.includes(form.toLowerCase()))),
  );
}

/** Everything that can happen to somebody, with a look at the files after each step. */
async function live(t: TestContext): Promise<void> {
  const harness = engineHarness();
  const scene = await Scene.open(t, () => harness);
  const look = (when: string): void => assert.deepEqual(wordsIn(harness.folder, WORDS), [], when);
  await scene.batch([person(1, CANARY), person(1, { ...CANARY, city: 'Piepshausen-Nord' })], { idempotency: { key: 'canary-mail key', bodyHash: 'abc', expiresAt: scene.now + 1000 } });
  look('accepted');
  const chunk = await scene.mustClaim();
  look('claimed');
  await scene.batch([person(1, { ...CANARY, last_name: 'Kanarienstein-Roe' })]);
  await scene.settle(chunk, { kind: 'accepted', contactIds: ['cx-canary-1'], confirmed: false });
  await scene.webhook({ contactId: 'cx-canary-1' });
  look('confirmed');
  await scene.store.claimExport({ now: scene.now, limit: 10, leaseMs: LEASE_MS });
  await scene.reject(await scene.mustClaim());
  look('set aside');
  await scene.upload([[person(1, { ...CANARY, first_name: 'Zwitscherine Zwei' })]]);
  const patch = { profileId: 'p-1', attributes: { hobby: ATTRIBUTE }, mergeStrategy: 'APPEND' as const, sourceSystem: 'crm', tags: [] };
  await scene.store.acceptPatch({ jobId: 'p', requestId: 'r', caller: 'desk', patch, facts: { dataHash: '', classification: {}, masked: [], policyVersion: '1' }, now: scene.now, leaseMs: LEASE_MS });
  await scene.store.withdrawConsent({ subject: { phone: '+4930918273645' }, channels: ['sms'], reason: 'Zwitscherine of canary-mail@kanarienvogel.example rang +4930918273645', actor: 'desk', now: scene.now });
  look('withdrawn');
  await scene.store.keepSecret({ name: 'webhook', candidate: 'canary-mail secret' });
  look('a secret');
  assert.deepEqual(wordsIn(harness.folder, ['job-00001', 'importer']), ['job-00001', 'importer'], 'the search finds what is there in the clear');
  await scene.reopen();
  look('reopened');
}

test('no personal data stands in the clear in any file of the data folder, at any time', live);

test('nor while batches wait to be filed', async (t) => {
  const busy = mock.method(Journal.prototype, 'isBusy', () => true);
  t.after(() => busy.mock.restore());
  await live(t);
  assert.ok(busy.mock.callCount() > 0);
});
