import assert from 'node:assert/strict';
import test from 'node:test';
import { eraseUnderLoad } from '../support/erasure-cycle.ts';
import type { ErasureRun, Kill } from '../support/erasure-cycle.ts';
import { straceMissing } from '../support/strace.ts';
import { withWorkplace } from '../support/workplace.ts';

/** Calls take a while, so that an erasure meets some in the air; webhooks as well. */
const SLOW = { latency: { minMs: 10, maxMs: 120 }, callbackDelay: { minMs: 5, maxMs: 150 } } as const;
const SMALL = { CXONE_MERGE_CHUNK_SIZE: '10' } as const;
/** In store/sqlite/ops/erasure.ts. */
const STEPS = ['rows', 'bytes', 'notices', 'notice_keys', 'notice_bytes'] as const;
const ROUNDS_MAX = 12;
const SYNC_MS = 25;
const skip = straceMissing() ?? false;

test('killed at each step of an erasure, under load: every erasure ends, and nothing of the person is left or sent', { skip }, async (t) => {
  await withWorkplace({ sandbox: { ...SLOW, seed: 11 }, settings: SMALL }, async (place) => {
    // A step can be over by the time of the kill: then there is another round for it, in which it takes twice as long.
    let syncMs = SYNC_MS;
    let wanted: string | undefined;
    const next = (run: ErasureRun): Kill[] | undefined => {
      const missing = STEPS.find((step) => !run.kills.some((steps) => steps.includes(step)));
      if (missing === undefined || run.kills.length >= ROUNDS_MAX) return undefined;
      syncMs = missing === wanted ? syncMs * 2 : SYNC_MS;
      wanted = missing;
      return [{ atStep: missing, syncMs }];
    };
    const { kills, victims, batches, counts } = await eraseUnderLoad(place, { next, seed: 11 });
    t.diagnostic(`killed with erasures at ${kills.map((steps) => steps.join('+') || 'none').join(', ')}; ${victims.length} erased beside ${batches.length} batches: ${JSON.stringify(counts)}`);
    for (const step of STEPS) assert.ok(kills.some((steps) => steps.includes(step)), `no kill met the step ${step}`);
    assert.ok(Object.values(counts).every((count) => count > 0), 'there was something of everything');
  });
});

test('killed at random moments of erasures, under load', async (t) => {
  await withWorkplace({ sandbox: { ...SLOW, seed: 12 }, settings: SMALL }, async (place) => {
    const next = (run: ErasureRun): Kill[] | undefined => (run.kills.length >= 24 ? undefined : Array.from({ length: 4 }, () => ({ withinMs: 120 })));
    const { kills, victims, batches, counts } = await eraseUnderLoad(place, { next, seed: 12 });
    const met = kills.filter((steps) => steps.length > 0).length;
    t.diagnostic(`${kills.length} kills, ${met} of them during an erasure; ${victims.length} erased beside ${batches.length} batches: ${JSON.stringify(counts)}`);
    assert.ok(met > 0, 'no kill met an erasure');
    assert.ok(Object.values(counts).every((count) => count > 0), 'there was something of everything');
  });
});
