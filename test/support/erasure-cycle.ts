import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { crowd, post } from './crowd.ts';
import type { Batch } from './crowd.ts';
import { POISON, erase, judgeErasure, judgeOutside, lookAt, mention, newVictim, openSteps } from './erasure-play.ts';
import type { Victim } from './erasure-play.ts';
import { fileIsWhole, judge } from './oracle.ts';
import { seededRandom } from './random.ts';
import { slowedBy } from './strace.ts';
import { until } from './until.ts';
import type { Workplace } from './workplace.ts';

export type ErasureRun = {
  batches: Batch[];
  victims: Victim[];
  /** For each kill, the steps at which erasures stood in the file right after it. */
  kills: string[][];
  /** What the erasures say that they erased, in all: one whose answer was lost was asked for again, and had nothing to do. */
  counts: Record<(typeof COUNTED)[number], number>;
};

const COUNTED = ['contacts', 'cancelled', 'deadLetters', 'exports', 'mentions'] as const;

/** When to kill: at a moment by the dice, or as soon as an erasure stands at a step, each of which takes `syncMs` at least. */
export type Kill = { withinMs: number } | { atStep: string; syncMs: number };

const PATCHES = 120;
const STEP_WITHIN_MS = 20_000;

/**
 * Rounds of erasures while callers post batches, CXone merges and marketing is exported to: in each some people, of
 * every fate, are to be erased at once, and the service is killed on the way, as `next` says for each round. Each erasure
 * is judged as soon as it is completed, while the load goes on; everybody else at the end.
 */
export async function eraseUnderLoad(place: Workplace, options: { next: (run: ErasureRun) => Kill[] | undefined; seed: number }): Promise<ErasureRun> {
  const dice = seededRandom(options.seed);
  const run: ErasureRun = { batches: [], victims: [], kills: [], counts: { contacts: 0, cancelled: 0, deadLetters: 0, exports: 0, mentions: 0 } };
  const completed = new Map<Victim, number>();
  const poison = place.fault({ kind: 'poison', pattern: POISON, endpoint: 'merge' });
  await place.start();
  const load = keepPosting(place, run, dice);
  try {
    for (let kills = options.next(run); kills !== undefined; kills = options.next(run)) {
      const victims = await Promise.all((['exported', 'set_aside', 'mentioned'] as const).map((fate) => newVictim(place, fate)));
      await place.service.call('POST', '/admin/pause');
      victims.push(await newVictim(place, 'waiting'));
      await mention(place, victims, PATCHES);
      lookAt(place, victims);
      const syncMs = Math.max(0, ...kills.map((kill) => ('syncMs' in kill ? kill.syncMs : 0)));
      if (syncMs > 0) await restart(place, syncMs);
      const asked = victims.map((victim) => erase(place, victim));
      for (const one of asked) one.catch(() => undefined);
      for (const kill of kills) await killAt(place, run, kill, dice);
      await Promise.all(asked);
      if (syncMs > 0) await restart(place, 0);
      for (const victim of victims) {
        completed.set(victim, await judgeErasure(place, victim));
      }
      run.victims.push(...victims);
    }
  } finally {
    await load.end();
  }
  assert.ok(poison.fired > 0, 'nobody was set aside');
  await judgeAll(place, run, completed);
  return run;
}

async function killAt(place: Workplace, run: ErasureRun, kill: Kill, dice: () => number): Promise<void> {
  // The one place where time itself is what is tested: a kill at any moment.
  if ('withinMs' in kill) await sleep(dice() * kill.withinMs);
  else await until(() => openSteps(place).includes(kill.atStep), STEP_WITHIN_MS, `an erasure at the step ${kill.atStep}`);
  await place.service.kill9();
  run.kills.push(openSteps(place));
  await launch(place, 'syncMs' in kill ? kill.syncMs : 0);
}

async function restart(place: Workplace, syncMs: number): Promise<void> {
  await place.service.kill9();
  await launch(place, syncMs);
}

async function launch(place: Workplace, syncMs: number): Promise<void> {
  place.launch({}, syncMs > 0 ? slowedBy(syncMs) : []);
  await place.service.ready();
}

function keepPosting(place: Workplace, run: ErasureRun, dice: () => number): { end(): Promise<void> } {
  const state = { isOver: false };
  const caller = async (): Promise<void> => {
    while (!state.isOver) run.batches.push(await post(() => place.service, crowd({ size: 1 + Math.floor(dice() * 8), prefix: 'e' })));
  };
  const callers = [caller(), caller()];
  for (const one of callers) one.catch(() => undefined);
  return {
    async end() {
      state.isOver = true;
      await Promise.all(callers);
    },
  };
}

/** Everybody else is delivered as if nothing had been, and nothing of the erased went out afterwards or came back. */
async function judgeAll(place: Workplace, run: ErasureRun, completed: ReadonlyMap<Victim, number>): Promise<void> {
  const unheard = place.sandbox.ledger().callbacks.filter((callback) => !callback.acknowledged);
  for (const { id } of unheard) await place.sandbox.replayWebhook(id);
  const gone = new Map([...completed].map(([{ email }, at]) => [email, at]));
  const own = run.victims.flatMap(({ batch }) => (batch === undefined ? [] : [batch]));
  const { entries } = await judge(place, { batches: [...run.batches, ...own], hadUnknown: true, withdrawn: gone });
  for (const [victim, at] of completed) judgeOutside(place, victim, at);
  for (const { action, details } of entries) {
    if (action === 'erasure_completed') for (const name of COUNTED) run.counts[name] += (details['erased'] as typeof run.counts)[name];
  }
  const end = await place.service.stop();
  assert.equal(end.code, 0, place.service.lastWords());
  assert.deepEqual(openSteps(place), []);
  fileIsWhole(place.databasePath);
}
