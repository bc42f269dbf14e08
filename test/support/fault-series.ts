import assert from 'node:assert/strict';
import type { Fault } from '../../src/sandbox/fault-catalogue.ts';
import { crowd, post } from './crowd.ts';
import type { Batch } from './crowd.ts';
import { drained, jobOf } from './oracle.ts';
import { until } from './until.ts';
import type { Workplace } from './workplace.ts';

const FIRED_WITHIN_MS = 30_000;

/** What is to become of the contacts of a batch whose delivery met a fault: all merged, or some set aside and why. */
export type Fate = { setAside: number; reason: RegExp };

export const nameOf = (fault: Fault): string => `${fault.endpoint ?? 'merge'}/${fault.kind}${fault.value === undefined ? '' : `=${JSON.stringify(fault.value)}`}`;

/**
 * Plays faults one after the other on one service: a batch for each, which must have met it (its counter) and must be
 * all delivered afterwards. Gives the batches for the oracle.
 */
export async function playSeries(place: Workplace, faults: readonly (readonly [Fault, Fate?])[], prepare: () => void | Promise<void> = () => undefined): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (const [fault, fate] of faults) {
    const name = nameOf(fault);
    await prepare();
    const handle = place.fault(fault);
    const batch = await post(() => place.service, crowd({ size: 12, prefix: 'f' }));
    await until(() => handle.fired > 0, FIRED_WITHIN_MS, `${name} firing`);
    await drained(place).catch((error: unknown) => {
      throw new Error(`after ${name}: ${String(error)}`, { cause: error });
    });
    handle.clear();
    const { lines } = await jobOf(place.service, batch.jobId);
    const aside = lines.filter((line) => line.status === 'set_aside');
    assert.equal(aside.length, fate?.setAside ?? 0, `${name}: set aside ${JSON.stringify(aside)}`);
    for (const line of aside) assert.match(line.reason ?? '', fate?.reason ?? /^$/, name);
    assert.equal(lines.filter((line) => line.status === 'confirmed').length, batch.accepted - aside.length, name);
    batches.push(batch);
  }
  return batches;
}
