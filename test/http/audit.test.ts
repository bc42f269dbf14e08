import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { MerkleTree } from '../support/merkle-oracle.ts';
import { assertProblem, contact } from './harness.ts';
import type { Answer } from './harness.ts';
import { askUntil, startWithTenant } from './tenant.ts';
import type { TenantHarness } from './tenant.ts';

type Entry = { audit_id: string; sequence: number; action: string; created_at: string; actor: string; job_id?: string; profile_id?: string; subject?: string; details: Record<string, unknown>; privacy_compliance: Record<string, unknown>; leaf?: string };
type Page = { entries: Entry[]; next_cursor?: string; tree: { size: number; root_hash: string } };

const PROFILE = randomUUID();
/** Texts that a spreadsheet would run, as an attribute name and a reason. */
const FORMULAS = ['=1+1', '+1', '-1', '@SUM(A1)', '=HYPERLINK("http://x.example","y")'];

let harness: TenantHarness;
let job: string;
before(async () => {
  harness = await startWithTenant();
  job = (await harness.batch([contact(1, { phone: '+1 512 555 0100' }), contact(2), contact(2), { last_name: 'x' }])).json<{ job_id: string }>().job_id;
  await askUntil(async () => (await harness.send('GET', `/jobs/${job}`)).json<{ status: string }>(), ({ status }) => status === 'completed');
  await harness.send('POST', `/profiles/${PROFILE}/enrich`, { body: { attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' } });
  for (const reason of FORMULAS) await harness.send('POST', '/consents/withdraw', { body: { email: 'person2@example.com', channels: ['sms'], reason } });
});
after(() => harness.close());

const page = async (query = ''): Promise<Page> => {
  const answer = await harness.send('GET', `/audit-trail?${query}`, { key: 'audit' });
  assert.equal(answer.status, 200, answer.text);
  return answer.json<Page>();
};
const streamed = (accept: string, query = ''): Promise<Answer> => harness.send('GET', `/audit-trail?${query}`, { key: 'audit', headers: { accept } });

describe('GET /audit-trail', () => {
  for (const query of ['subject=a@example.com', 'jobid=1', 'offset=10']) {
    test(`${query} is not understood, rather than answered with everything`, async () => {
      assertProblem(await harness.send('GET', `/audit-trail?${query}`, { key: 'audit' }), 'invalid_request');
    });
  }

  test('knows a job and a profile in capitals as well', async () => {
    assert.ok((await page(`job_id=${job.toUpperCase()}`)).entries.length > 0);
    assert.ok((await page(`profile_id=${PROFILE.toUpperCase()}`)).entries.length > 0);
  });

  test('is gapless, oldest first, and has its tree beside it', async () => {
    const { entries, tree } = await page('limit=1000');
    assert.deepEqual(entries.map(({ sequence }) => sequence), entries.map((_, n) => n));
    assert.ok(tree.size >= entries.length);
    assert.match(tree.root_hash, /^[A-Za-z0-9+/]{43}=$/);
    for (const entry of entries) {
      assert.ok(Date.parse(entry.created_at) > 0);
      assert.ok(entry.actor !== '' && entry.action !== '');
    }
    const actions = new Set(entries.map(({ action }) => action));
    for (const action of ['config_loaded', 'batch_submitted', 'contact_rejected', 'merge_confirmed', 'PROFILE_ENRICHMENT', 'consent_withdrawn']) assert.ok(actions.has(action), action);
  });

  test('pages without a gap, also while entries are added', async () => {
    const all: number[] = [];
    let cursor: string | undefined;
    for (;;) {
      const part = await page(`limit=3${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      assert.ok(part.entries.length <= 3);
      all.push(...part.entries.map(({ sequence }) => sequence));
      if (all.length === 6) await harness.batch([contact(50)]);
      cursor = part.next_cursor;
      if (cursor === undefined) break;
    }
    assert.deepEqual(all, all.map((_, n) => n));
  });

  const FILTERS: readonly [name: string, query: () => string, holds: (entry: Entry) => boolean][] = [
    ['action', () => 'action=merge_confirmed', ({ action }) => action === 'merge_confirmed'],
    ['actor', () => 'actor=all', ({ actor }) => actor === 'all'],
    ['job', () => `job_id=${job}`, ({ job_id: id, details }) => id === job || JSON.stringify(details).includes(job)],
    ['profile', () => `profile_id=${PROFILE}`, ({ profile_id: id }) => id === PROFILE],
    ['two at once', () => `action=batch_submitted&job_id=${job}`, ({ action, job_id: id }) => action === 'batch_submitted' && id === job],
  ];
  for (const [name, query, holds] of FILTERS) {
    test(`filters by ${name}: all that fit, and no other`, async () => {
      const everything = (await page('limit=1000')).entries;
      // What was delivered meanwhile is in the second answer alone.
      const found = (await page(`limit=1000&${query()}`)).entries.filter(({ sequence }) => sequence < everything.length);
      assert.ok(found.length > 0 && found.length < everything.length);
      assert.deepEqual(found.map(({ sequence }) => sequence), everything.filter(holds).map(({ sequence }) => sequence));
    });
  }

  test('filters by time, from inclusive and to exclusive', async () => {
    const { entries } = await page('limit=1000');
    const at = encodeURIComponent(entries[3]?.created_at ?? '');
    const [earlier, later] = [await page(`limit=1000&to=${at}`), await page(`limit=1000&from=${at}`)];
    assert.deepEqual(earlier.entries.map(({ sequence }) => sequence), entries.filter((entry) => entry.created_at < (entries[3]?.created_at ?? '')).map(({ sequence }) => sequence));
    assert.equal(later.entries[0]?.sequence, earlier.entries.length);
  });

  test('filters by subject in a header, in any spelling, and shows none of it', async () => {
    for (const subject of ['person1@example.com', 'PERSON1@Example.COM', '+1 (512) 555-0100']) {
      const answer = await harness.send('GET', '/audit-trail', { key: 'audit', headers: { 'x-subject': subject } });
      const { entries } = answer.json<Page>();
      assert.ok(entries.some(({ action }) => action === 'merge_confirmed'), subject);
      assert.ok(entries.every(({ action }) => action !== 'config_loaded'));
      assert.doesNotMatch(answer.text, /person1|5550100/i);
    }
    assert.deepEqual((await harness.send('GET', '/audit-trail', { headers: { 'x-subject': 'stranger@example.com' } })).json<Page>().entries, []);
    assertProblem(await harness.send('GET', '/audit-trail', { headers: { 'x-subject': 'not an identifier' } }), 'invalid_request');
  });

  for (const query of ['limit=0', 'limit=1001', 'from=yesterday', 'to=x', 'cursor=x', 'cursor=-1', `action=${'x'.repeat(65)}`]) {
    test(`${query.slice(0, 20)} is not understood`, async () => {
      assertProblem(await harness.send('GET', `/audit-trail?${query}`), 'invalid_request');
    });
  }
});

describe('the trail as a stream', () => {
  test('NDJSON holds every entry with the bytes that the tree hashes', async () => {
    // A checkpoint may be signed between the two questions; then they are asked again.
    const { answer, tree } = await askUntil(async () => ({ answer: await streamed('application/x-ndjson'), tree: (await page('limit=1')).tree }), (both) => both.answer.text.trimEnd().split('\n').length === both.tree.size);
    assert.match(answer.headers['content-type'] ?? '', /^application\/x-ndjson/);
    const entries = answer.text.trimEnd().split('\n').map((line) => JSON.parse(line) as Entry);
    const oracle = new MerkleTree(entries.map(({ leaf }) => Buffer.from(leaf ?? '', 'base64')));
    assert.equal(oracle.root().toString('base64'), tree.root_hash);
    for (const { leaf, ...entry } of entries) assert.deepEqual(JSON.parse(Buffer.from(leaf ?? '', 'base64').toString('utf8')), entry);
  });

  test('is the same selection as the pages', async () => {
    const lines = (await streamed('application/x-ndjson', 'action=consent_withdrawn')).text.trimEnd().split('\n');
    assert.deepEqual(lines.map((line) => (JSON.parse(line) as Entry).sequence), (await page('limit=1000&action=consent_withdrawn')).entries.map(({ sequence }) => sequence));
    assert.equal((await streamed('application/x-ndjson', 'action=nothing')).text, '');
  });

  test('CSV can be read back, and runs nothing in a spreadsheet', async () => {
    const answer = await streamed('text/csv');
    assert.match(answer.headers['content-type'] ?? '', /^text\/csv/);
    const rows = parse(answer.text, { columns: true }) as Record<string, string>[];
    const { entries } = await page('limit=1000');
    assert.deepEqual(rows.map(({ sequence }) => Number(sequence)), entries.map(({ sequence }) => sequence));
    for (const [n, row] of rows.entries()) {
      assert.deepEqual(JSON.parse(row['details'] ?? ''), entries[n]?.details);
      for (const cell of Object.values(row)) assert.doesNotMatch(cell, /^[=+\-@\t\r]/);
    }
  });

  test('every committed entry is also one structured line', async () => {
    const { entries } = await page('limit=1000');
    const lines = harness.auditLines().filter(({ audit }) => audit === true);
    const facts = lines.slice(0, entries.length).map(({ level: _level, time: _time, service: _service, version: _version, msg, audit: _audit, ...entry }) => [msg, entry]);
    assert.deepEqual(facts, entries.map((entry) => [entry.action, entry]));
  });
});

describe('proofs', () => {
  test('of inclusion lead from every entry to the root', async () => {
    const { tree } = await page('limit=1');
    const { text } = await streamed('application/x-ndjson');
    const leaves = text.trimEnd().split('\n').map((line) => Buffer.from((JSON.parse(line) as Entry).leaf ?? '', 'base64'));
    const oracle = new MerkleTree(leaves.slice(0, tree.size));
    for (let sequence = 0; sequence < tree.size; sequence += 1) {
      const proof = (await harness.send('GET', `/audit-trail/proof/inclusion?sequence=${sequence}&size=${tree.size}`, { key: 'audit' })).json<{ hashes: string[] }>();
      assert.deepEqual(proof.hashes, oracle.inclusion(sequence).map((one) => one.toString('base64')));
    }
  });

  test('of consistency lead from every earlier size', async () => {
    const { tree } = await page('limit=1');
    for (let from = 1; from <= tree.size; from += 1) {
      const proof = await harness.send('GET', `/audit-trail/proof/consistency?from=${from}&to=${tree.size}`, { key: 'audit' });
      assert.equal(proof.status, 200, proof.text);
    }
  });

  for (const url of ['inclusion?sequence=999999', 'inclusion?sequence=0&size=999999', 'inclusion?sequence=5&size=5', 'inclusion?sequence=-1', 'inclusion', 'consistency?from=0', 'consistency?from=5&to=4', 'consistency?from=1&to=999999', 'consistency?from=x', 'consistency']) {
    test(`${url} is not understood`, async () => {
      assertProblem(await harness.send('GET', `/audit-trail/proof/${url}`), 'invalid_request');
    });
  }
});
