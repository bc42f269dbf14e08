import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JOB_COUNTERS, counterOf } from '../../../src/domain/delivery/states.ts';
import type { ContactState, JobCounter } from '../../../src/domain/delivery/states.ts';
import type { MergeChunk } from '../../../src/domain/ports/delivery-store.ts';
import type { Harness } from '../harness.ts';
import { CONFIRMATION_TIMEOUT_MS, LEASE_MS, Scene, cxoneId, person } from '../scene.ts';
import type { Row } from '../scene.ts';

/** People in one claim at the most. */
const LIMIT_MAX = 4;

const PEOPLE = 6;
const STEPS = 40;
const RUNS = 12;

type Step =
  | { do: 'batch' | 'upload'; rows: Row[] }
  | { do: 'claim'; limit: number }
  | { do: 'accept' | 'confirm' | 'retry' | 'reject' | 'name' | 'set_aside' | 'release' | 'stale'; pick: number }
  | { do: 'webhook' | 'withdraw'; who: number }
  | { do: 'wait'; ms: number }
  | { do: 'letters' | 'sweep' | 'reopen' | 'abort' };

const row: fc.Arbitrary<Row> = fc
  .record({ n: fc.nat(PEOPLE - 1), name: fc.nat(2), country: fc.constantFrom('DE', 'US'), granted: fc.constantFrom(true, true, true, false), day: fc.integer({ min: 10, max: 28 }) })
  .map(({ n, name, country, granted, day }) => person(n, { country, first_name: `Name ${name}`, consent_to_sms: granted, consent_date: `2026-02-${day}T00:00:00Z` }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('batch', 'upload'), rows: fc.array(row, { minLength: 1, maxLength: 6 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('claim'), limit: fc.integer({ min: 1, max: LIMIT_MAX }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('accept', 'confirm', 'retry', 'reject', 'name', 'set_aside', 'release', 'stale'), pick: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('webhook', 'withdraw'), who: fc.nat(PEOPLE - 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(100, LEASE_MS, CONFIRMATION_TIMEOUT_MS) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('letters', 'sweep', 'reopen', 'abort') }) },
);

/** Any sequence of what can happen, after each step of which the counters must be those of a recount. */
export function modelTests(newHarness: () => Harness): void {
  test('whatever happens, each accepted contact is counted once and each person is in one call', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: STEPS }), async (steps) => {
        const run = new Run(new Scene(newHarness(), { consent: { policy: 'all' }, exportOn: true, identifierMaxPeople: 5, queueMaxContacts: 1000, sourcePriority: [] }));
        await run.all(steps);
      }),
      { numRuns: RUNS },
    );
  });
}

class Run {
  readonly #scene: Scene;
  readonly #jobs: string[] = [];
  readonly #held = new Map<string, MergeChunk>();
  #settled: MergeChunk | undefined;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async all(steps: readonly Step[]): Promise<void> {
    const scene = this.#scene;
    try {
      scene.store = await scene.harness.open({ rules: scene.rules, now: scene.now });
      for (const each of steps) {
        await this.#take(each);
        await this.#check();
      }
      await this.#drain();
    } finally {
      await scene.harness.close();
    }
  }

  async #take(now: Step): Promise<void> {
    const scene = this.#scene;
    switch (now.do) {
      case 'batch':
        this.#jobs.push(await scene.batch(now.rows));
        break;
      case 'upload':
        this.#jobs.push(await scene.upload([now.rows.slice(0, 2), now.rows.slice(2)].filter(({ length }) => length > 0)));
        break;
      case 'abort':
        await scene.store.abortBatch({ jobId: await scene.upload([[person(1)]], { seal: false }), now: scene.now });
        break;
      case 'claim':
        await this.#claim(now.limit);
        break;
      case 'webhook':
        await scene.webhook({ contactId: cxoneId(person(now.who)) });
        break;
      case 'withdraw':
        await scene.store.withdrawConsent({ subject: { email: person(now.who).email! }, channels: ['sms'], reason: 'asked', actor: 'desk', now: scene.now });
        break;
      case 'wait':
        scene.now += now.ms;
        break;
      case 'letters':
        await scene.store.retryDeadLetters({ limit: 3, actor: 'chief', now: scene.now });
        break;
      case 'sweep':
        await scene.sweep();
        break;
      case 'reopen':
        await scene.reopen();
        break;
      default:
        await this.#settle(now.do, now.pick);
    }
  }

  async #claim(limit: number): Promise<void> {
    const chunk = await this.#scene.claim(limit);
    if (chunk === null) return;
    this.#held.set(chunk.requestId, chunk);
    const emails = chunk.contacts.map(({ email }) => email);
    assert.equal(new Set(emails).size, emails.length, 'each person once in a call');
    // A chunk that goes again keeps its people, whatever the limit is by now.
    assert.ok(emails.length <= LIMIT_MAX);
    assert.ok(chunk.contacts.every(({ country, consent_to_sms }) => country === 'US' || consent_to_sms === true), 'nobody without consent');
  }

  async #settle(how: Extract<Step, { pick: number }>['do'], pick: number): Promise<void> {
    const scene = this.#scene;
    const chunk = how === 'stale' ? this.#settled : [...this.#held.values()][pick % Math.max(1, this.#held.size)];
    if (chunk === undefined) return;
    if (how === 'stale') assert.equal(await scene.accept(chunk), false);
    else if (how === 'accept') await scene.accept(chunk);
    else if (how === 'confirm') await scene.accept(chunk, true);
    else if (how === 'retry') await scene.retry(chunk, { dueAt: scene.now + 50, unknown: pick % 2 === 0 });
    else if (how === 'reject') await scene.reject(chunk);
    else if (how === 'name') await scene.reject(chunk, [{ index: pick % chunk.contacts.length, reason: 'bad' }]);
    else if (how === 'set_aside') await scene.settle(chunk, { kind: 'set_aside', reason: 'spent' });
    else await scene.store.releaseMerge({ requestId: chunk.requestId, fence: chunk.fence, now: scene.now });
    if (how === 'stale') return;
    this.#held.delete(chunk.requestId);
    if (how !== 'release') this.#settled = chunk;
  }

  /** Counters against a recount of the contacts, job by job and over all of them. */
  async #check(): Promise<void> {
    const scene = this.#scene;
    const sums = { waiting: 0, in_flight: 0, submitted: 0, confirmed: 0, failed: 0 } satisfies Record<JobCounter, number>;
    for (const jobId of this.#jobs) {
      const { job, contacts } = await scene.jobPage(jobId);
      const count = { waiting: 0, in_flight: 0, submitted: 0, confirmed: 0, failed: 0 } satisfies Record<JobCounter, number>;
      for (const { status } of contacts) {
        const counter = status === 'duplicate' ? undefined : counterOf(status satisfies ContactState);
        if (counter !== undefined) count[counter] += 1;
      }
      for (const counter of JOB_COUNTERS) sums[counter] += count[counter];
      const of = (status: string): number => contacts.filter((contact) => contact.status === status).length;
      assert.equal(job.received, contacts.length);
      assert.deepEqual([job.duplicates, job.rejected, job.accepted], [of('duplicate'), of('rejected'), contacts.length - of('duplicate') - of('rejected')]);
      assert.deepEqual([job.submitted, job.confirmed, job.failed, job.pending], [count.submitted + count.confirmed, count.confirmed, count.failed, count.waiting + count.in_flight + count.submitted]);
      assert.equal(job.completedAt !== null, job.pending === 0, 'over when nothing is left to do');
      assert.equal(['completed', 'partially_failed', 'failed'].includes(job.status), job.pending === 0, job.status);
    }
    const stats = await scene.store.stats();
    assert.deepEqual([stats.waiting, stats.inFlight, stats.submitted], [sums.waiting, sums.in_flight, sums.submitted]);
    assert.deepEqual((await scene.audit()).map(({ sequence }) => sequence), scene.harness.committed().map((_, i) => i));
  }

  /** In the end everything gets where it has to: nothing is stuck. */
  async #drain(): Promise<void> {
    const scene = this.#scene;
    for (let round = 0; round < 3; round += 1) {
      scene.now += LEASE_MS + 60_000;
      await scene.sweep();
      await scene.deliver();
    }
    await this.#check();
    const { waiting, inFlight } = await scene.store.stats();
    assert.deepEqual({ waiting, inFlight }, { waiting: 0, inFlight: 0 });
    assert.equal(await scene.store.mergeWork({ now: scene.now }), null);
  }
}
