import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { withFault } from '../../src/sandbox/sandbox.ts';
import { assertProblem, contact } from './harness.ts';
import type { Answer } from './harness.ts';
import { askUntil, startWithTenant } from './tenant.ts';
import type { TenantHarness } from './tenant.ts';

type Job = { job_id: string; status: string; received: number; accepted: number; confirmed: number; failed: number; pending: number; attempts: number; created_at: string; completed_at?: string; contacts: { index: number; status: string; contact_id?: string; reason?: string }[]; next_cursor?: string };
type Letter = { id: string; job_id: string; index: number; api: string; reason: string; attempts: number; created_at: string };

let harness: TenantHarness;
before(async () => {
  harness = await startWithTenant();
});
after(() => harness.close());

const get = async <T>(url: string): Promise<T> => {
  const answer = await harness.send('GET', url);
  assert.equal(answer.status, 200, answer.text);
  return answer.json<T>();
};
const jobOf = (id: string): Promise<Job> => get<Job>(`/jobs/${id}?limit=1000`);
const settled = (id: string): Promise<Job> => askUntil(() => jobOf(id), ({ status }) => ['completed', 'partially_failed', 'failed'].includes(status));
const take = async (contacts: unknown[]): Promise<string> => {
  const answer = await harness.batch(contacts);
  assert.equal(answer.status, 202, answer.text);
  return answer.json<{ job_id: string }>().job_id;
};

describe('GET /jobs/:id', () => {
  test('tells what became of each contact', async () => {
    const job = await settled(await take([contact(1), contact(1), contact(2), {}]));
    assert.equal(job.status, 'completed');
    assert.deepEqual([job.received, job.accepted, job.confirmed, job.failed, job.pending], [4, 2, 2, 0, 0]);
    assert.deepEqual(job.contacts.map(({ status }) => status), ['confirmed', 'duplicate', 'confirmed', 'rejected']);
    assert.ok(job.contacts[0]?.contact_id);
    assert.equal(job.contacts[3]?.reason, 'identifier_missing');
    assert.ok(Date.parse(job.completed_at ?? '') >= Date.parse(job.created_at));
  });

  test('pages through its contacts', async () => {
    const id = await take(Array.from({ length: 25 }, (_, n) => contact(100 + n)));
    const seen: number[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 4; page += 1) {
      const part = await get<Job>(`/jobs/${id}?limit=10${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      seen.push(...part.contacts.map(({ index }) => index));
      cursor = part.next_cursor;
      if (cursor === undefined) break;
    }
    assert.deepEqual(seen, Array.from({ length: 25 }, (_, n) => n));
  });

  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=1.5', 'cursor=x', 'cursor=-1', 'limit=10&limit=20']) {
    test(`${query} is not understood`, async () => {
      assertProblem(await harness.send('GET', `/jobs/0190a7c5-1f6b-7c3a-8d2e-0123456789ab?${query}`), 'invalid_request');
    });
  }
  test('a job that never was is not found', async () => {
    assertProblem(await harness.send('GET', '/jobs/0190a7c5-1f6b-7c3a-8d2e-0123456789ab'), 'not_found');
  });
});

describe('GET /jobs', () => {
  test('lists the newest first, in pages without a gap', async () => {
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1) made.push(await take([contact(200 + n)]));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page: { jobs: Job[]; next_cursor?: string } = await get(`/jobs?limit=3${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.jobs.map(({ job_id: id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    assert.deepEqual(seen.slice(0, 7), made.toReversed());
    assert.equal(new Set(seen).size, seen.length);
  });

  test('filters by status', async () => {
    const failed = await withFault(harness.sandbox, { kind: 'poison', pattern: '^poison', named: true }, async () => settled(await take([contact(1, { email: 'poison1@example.com' })])));
    assert.equal(failed.status, 'failed');
    const { jobs } = await get<{ jobs: Job[] }>('/jobs?status=failed');
    assert.deepEqual(jobs.map(({ job_id: id }) => id), [failed.job_id]);
    for (const one of (await get<{ jobs: Job[] }>('/jobs?status=completed')).jobs) assert.equal(one.status, 'completed');
    assertProblem(await harness.send('GET', '/jobs?status=done'), 'invalid_request');
  });
});

describe('dead letters', () => {
  const letters = async (query = ''): Promise<Letter[]> => (await get<{ dead_letters: Letter[] }>(`/dead-letters?limit=1000${query}`)).dead_letters;

  test('hold the contact at fault with CXone’s reason, and the rest is delivered', async () => {
    const job = await withFault(harness.sandbox, { kind: 'poison', pattern: '^poison', named: true }, async (fault) => {
      const found = await settled(await take([contact(300), contact(301, { email: 'poison301@example.com' }), contact(302)]));
      assert.ok(fault.fired > 0);
      return found;
    });
    assert.equal(job.status, 'partially_failed');
    assert.deepEqual([job.confirmed, job.failed], [2, 1]);
    const [letter, ...more] = await letters(`&job_id=${job.job_id}`);
    assert.equal(more.length, 0);
    assert.deepEqual([letter?.index, letter?.api, letter?.job_id], [1, 'contacts', job.job_id]);
    assert.ok((letter?.reason.length ?? 0) > 3);
    assert.ok(!letter?.reason.includes('poison301'));
    assert.equal(job.contacts[1]?.reason, letter?.reason);
  });

  test('go back to the queue one by one, under a new request', async () => {
    const letter = (await letters()).find(({ index }) => index === 1);
    assert.ok(letter);
    assert.deepEqual((await harness.send('POST', `/dead-letters/${letter.id}/retry`, { key: 'admin' })).json(), { retried: 1 });
    assert.equal((await settled(letter.job_id)).status, 'completed');
    assert.deepEqual(await letters(`&job_id=${letter.job_id}`), []);
    assertProblem(await harness.send('POST', `/dead-letters/${letter.id}/retry`, { key: 'admin' }), 'not_found');
  });

  test('go back by filter, and only what matches', async () => {
    const id = await withFault(harness.sandbox, { kind: 'poison', pattern: '^poison', named: true }, async () => {
      const job = await settled(await take([contact(1, { email: 'poison400@example.com' }), contact(2, { email: 'poison401@example.com' })]));
      assert.equal(job.status, 'failed');
      return job.job_id;
    });
    const others = (await letters()).filter((letter) => letter.job_id !== id).length;
    const past = encodeURIComponent('2020-01-01T00:00:00Z');
    assert.deepEqual((await harness.send('POST', `/dead-letters/retry?job_id=${id}&to=${past}`, { key: 'admin' })).json(), { retried: 0 });
    assert.deepEqual((await harness.send('POST', `/dead-letters/retry?job_id=${id}&reason=nothing`, { key: 'admin' })).json(), { retried: 0 });
    assert.deepEqual((await harness.send('POST', `/dead-letters/retry?job_id=${id}&from=${past}`, { key: 'admin' })).json(), { retried: 2 });
    assert.equal((await settled(id)).status, 'completed');
    assert.equal((await letters()).length, others);
  });

  test('do not all go back for a filter that is none', async () => {
    const id = await withFault(harness.sandbox, { kind: 'poison', pattern: '^poison', named: true }, async () => (await settled(await take([contact(1, { email: 'poison450@example.com' })]))).job_id);
    const retry = (query: string, body?: unknown, type?: string): Promise<Answer> => harness.send('POST', `/dead-letters/retry${query}`, { key: 'admin', body, ...(type === undefined ? {} : { type }) });
    assertProblem(await retry(`?jobid=${id}`), 'invalid_request');
    assertProblem(await retry('', { job_id: id }), 'invalid_request');
    assertProblem(await retry('', `job_id\n${id}\n`, 'text/csv'), 'unsupported_media_type');
    assertProblem(await harness.send('GET', `/dead-letters?jobid=${id}`), 'invalid_request');
    assert.equal((await letters(`&job_id=${id}`)).length, 1);
    const [none, nothing] = [await retry('?reason=none', ''), await retry('?reason=none', {})];
    assert.deepEqual([none.json(), nothing.json()], [{ retried: 0 }, { retried: 0 }]);
    assert.deepEqual((await retry(`?job_id=${id.toUpperCase()}`)).json(), { retried: 1 });
    assert.equal((await settled(id)).status, 'completed');
  });

  test('that are retried leave who did it in the audit trail', async () => {
    const { entries } = await get<{ entries: { action: string; actor: string }[] }>('/audit-trail?limit=1000&actor=admin');
    assert.ok(entries.length >= 1);
  });

  test('are paged', async () => {
    await withFault(harness.sandbox, { kind: 'poison', pattern: '^poison', named: true }, async () => settled(await take(Array.from({ length: 9 }, (_, n) => contact(n, { email: `poison5${n}@example.com` })))));
    const all = await letters();
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page: { dead_letters: Letter[]; next_cursor?: string } = await get(`/dead-letters?limit=4${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.dead_letters.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    assert.deepEqual(seen.sort(), all.map(({ id }) => id).sort());
  });

  for (const query of ['from=yesterday', 'to=2026-13-01', 'job_id=5', 'cursor=5', 'limit=0', `reason=${'x'.repeat(301)}`]) {
    test(`${query.slice(0, 20)} is not understood`, async () => {
      assertProblem(await harness.send('GET', `/dead-letters?${query}`), 'invalid_request');
    });
  }
});
