import { setTimeout as sleep } from 'node:timers/promises';
import { crowd, post } from './crowd.ts';
import type { Batch } from './crowd.ts';
import { fileIsWhole, judge } from './oracle.ts';
import { seededRandom } from './random.ts';
import type { Workplace } from './workplace.ts';

export type KillRun = { batches: Batch[]; kills: number; unanswered: number };

const CALLERS = 3;

/**
 * Kills the service again and again while callers post batches and CXone answers, and starts it anew each time. The
 * moment of each kill is drawn from a seed; callers repeat what was not answered, under its key. Judged at the end.
 */
export async function killUnderLoad(place: Workplace, options: { kills: number; seed: number; mostMs?: number }): Promise<KillRun> {
  const { kills, seed, mostMs = 500 } = options;
  const dice = seededRandom(seed);
  const batches: Batch[] = [];
  await place.start();
  const run = { isOver: false };
  const caller = async (): Promise<void> => {
    while (!run.isOver) {
      const batch = await post(() => place.service, crowd({ size: 1 + Math.floor(dice() * 12), prefix: 'k' }));
      batches.push(batch);
    }
  };
  const callers = Array.from({ length: CALLERS }, caller);
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      // The one place where time itself is what is tested: a kill at any moment.
      await sleep(dice() * mostMs);
      await place.service.kill9();
      place.launch();
      await place.service.ready();
    }
  } finally {
    run.isOver = true;
    await Promise.allSettled(callers);
  }
  await Promise.all(callers);
  // A callback that met many a dead service comes again only after minutes; it is asked for now.
  const unheard = place.sandbox.ledger().callbacks.filter((callback) => !callback.acknowledged);
  for (const { id } of unheard) await place.sandbox.replayWebhook(id);
  await judge(place, { batches, hadUnknown: true });
  const end = await place.service.stop();
  if (end.code !== 0) throw new Error(`the stop ended with ${end.code}: ${place.service.lastWords()}`);
  fileIsWhole(place.databasePath);
  return { batches, kills, unanswered: batches.reduce((sum, batch) => sum + batch.unanswered, 0) };
}
