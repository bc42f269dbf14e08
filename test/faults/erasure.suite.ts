import assert from 'node:assert/strict';
import test from 'node:test';
import { eraseUnderLoad } from '../support/erasure-cycle.ts';
import type { Kill } from '../support/erasure-cycle.ts';
import { straceMissing } from '../support/strace.ts';
import { withWorkplace } from '../support/workplace.ts';

/** Calls take a while, so that an erasure meets some in the air; webhooks as well. */
const SLOW = { latency: { minMs: 10, maxMs: 120 }, callbackDelay: { minMs: 5, maxMs: 150 } } as const;
const SMALL = { CXONE_MERGE_CHUNK_SIZE: '10' } as const;
/** In store/sqlite/ops/erasure.ts. */
const STEPS = ['rows', 'bytes', 'notices', 'notice_keys', 'notice_bytes'] as const;
const skip = straceMissing() ?? false;

test('killed at each step of an erasure, under load: every erasure ends, and nothing of the person is left or sent', { skip }, async (t) => {
  await withWorkplace({ sandbox: { ...SLOW, seed: 11 }, settings: SMALL }, async (place) => {
    const rounds = STEPS.map((atStep): Kill[] => [{ atStep }]);
    const { kills, victims, batches, counts } = await eraseUnderLoad(place, { rounds, seed: 11, slow: true });
    t.diagnostic(`killed with erasures at ${kills.map((steps) => steps.join('+') || 'none').join(', ')}; ${victims.length} erased beside ${batches.length} batches: ${JSON.stringify(counts)}`);
    STEPS.forEach((step, i) => assert.ok(kills[i]?.includes(step), `the kill at ${step} met ${kills[i]?.join() || 'nothing'}`));
    assert.ok(Object.values(counts).every((count) => count > 0), 'there was something of everything');
  });
});

test('killed at random moments of erasures, under load', async (t) => {
  await withWorkplace({ sandbox: { ...SLOW, seed: 12 }, settings: SMALL }, async (place) => {
    const rounds = Array.from({ length: 6 }, (): Kill[] => Array.from({ length: 4 }, () => ({ withinMs: 120 })));
    const { kills, victims, batches, counts } = await eraseUnderLoad(place, { rounds, seed: 12, slow: false });
    const met = kills.filter((steps) => steps.length > 0).length;
    t.diagnostic(`${kills.length} kills, ${met} of them during an erasure; ${victims.length} erased beside ${batches.length} batches: ${JSON.stringify(counts)}`);
    assert.ok(met > 0, 'no kill met an erasure');
    assert.ok(Object.values(counts).every((count) => count > 0), 'there was something of everything');
  });
});
