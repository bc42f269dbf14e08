import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { contactOf, crowd } from '../support/crowd.ts';
import type { Person } from '../support/crowd.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';
import type { Workplace } from '../support/workplace.ts';

/** Ten calls a second, of so many contacts each: a pace that a busy machine keeps as well. */
const PER_MINUTE = 600;
const CHUNK = 20;
const CALLS = 40;
const PATIENCE_MS = 30_000;
const WITHIN = 0.2;
/** So long the service looks back for what patches take. */
const LATELY_MS = 5_000;

type Told = { seconds: number; at: number };

async function take(place: Workplace, people: readonly Person[], changes: Record<string, unknown> = {}): Promise<string> {
  const answer = await place.service.call('POST', '/enrich-batch', { contacts: people.map((person) => contactOf(person, changes)) });
  assert.equal(answer.status, 202, answer.text);
  return String(answer.json['job_id']);
}

async function ask(place: Workplace, jobId: string): Promise<Told> {
  const at = performance.now();
  const { json } = await place.service.call('GET', `/jobs/${jobId}?limit=1`);
  return { seconds: Number(json['estimated_seconds']), at };
}

/** Waits until all of a job was sent, and holds what was told of it before against how long it took. */
async function holds(place: Workplace, jobId: string, told: readonly Told[], what: string): Promise<string> {
  await until(async () => {
    const { json } = await place.service.call('GET', `/jobs/${jobId}?limit=1`);
    return json['submitted'] === json['accepted'];
  }, PATIENCE_MS, `${what} being sent`);
  const now = performance.now();
  const words = told.map(({ seconds, at }) => {
    const took = (now - at) / 1000;
    assert.ok(Math.abs(seconds - took) <= WITHIN * took, `${what}: told ${seconds} s, took ${took.toFixed(2)} s`);
    return `${seconds} s told, ${took.toFixed(2)} s taken`;
  });
  return `${what}: ${words.join('; ')}`;
}

const pause = async (place: Workplace, how: 'pause' | 'resume'): Promise<void> => {
  assert.equal((await place.service.call('POST', `/admin/${how}?api=contacts`)).status, 200);
};

test('estimated_seconds is within 20 % of what it takes, whatever waits', async (t) => {
  await withWorkplace({ sandbox: { requestsPerWindow: PER_MINUTE, mergeMode: 'sync', latency: { minMs: 10, maxMs: 40 } }, settings: { CXONE_MERGE_CHUNK_SIZE: String(CHUNK) } }, async (place) => {
    await place.start();

    const first = crowd({ size: CALLS * CHUNK, roles: ['clean'] });
    const dry = await place.service.call('POST', '/enrich-batch?dry_run=true', { contacts: first.map((person) => contactOf(person)) });
    assert.equal(dry.json['requests_needed'], CALLS);
    const alone = await take(place, first);
    t.diagnostic(await holds(place, alone, [{ seconds: Number(dry.json['estimated_seconds']), at: performance.now() }], 'a dry run with nothing ahead'));

    await pause(place, 'pause');
    const ahead = await take(place, crowd({ size: CALLS * CHUNK, roles: ['clean'] }));
    const behind = await take(place, crowd({ size: CALLS * CHUNK, roles: ['clean'] }));
    await pause(place, 'resume');
    const told = [await ask(place, ahead), await ask(place, behind)] as const;
    t.diagnostic(await holds(place, ahead, [told[0]], 'a job with another behind it'));
    t.diagnostic(await holds(place, behind, [told[1], await ask(place, behind)], 'the one behind, asked before and in the middle'));

    await pause(place, 'pause');
    const people = crowd({ size: CALLS * CHUNK, roles: ['clean'] });
    let last = '';
    for (const city of ['Austin', 'Dallas', 'Houston', 'El Paso']) last = await take(place, people, { city, state: 'TX' });
    await pause(place, 'resume');
    t.diagnostic(await holds(place, last, [await ask(place, last)], 'four versions of everybody'));

    // A quarter more than their share.
    const patching = setInterval(() => {
      void place.service.call('POST', `/profiles/${randomUUID()}/enrich`, { attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' }).catch(() => undefined);
    }, 400);
    t.after(() => clearInterval(patching));
    const since = performance.now();
    await until(() => performance.now() - since > LATELY_MS, PATIENCE_MS, 'patches coming for a while');
    const shared = await take(place, crowd({ size: CALLS * CHUNK, roles: ['clean'] }));
    t.diagnostic(await holds(place, shared, [await ask(place, shared)], 'while patches take their share'));
  });
});
