import assert from 'node:assert/strict';
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../../src/sandbox/fault-catalogue.ts';
import { crowd, post } from './crowd.ts';
import { drained, fileIsWhole, judge } from './oracle.ts';
import { injectDiskFault, killedAt } from './strace.ts';
import type { DiskFault } from './strace.ts';
import { until } from './until.ts';
import { withWorkplace } from './workplace.ts';
import type { Workplace } from './workplace.ts';

const SOON_MS = 30_000;
/**
 * What 99 of 100 health checks must be answered within whatever the disk does: less than one delayed sync, so that a loop
 * that waits for the disk is seen, and enough for a machine that is busy otherwise. On an idle one it is under 50 ms.
 */
const LIVE_P99_MS = 250;
const BLOCK = Buffer.alloc(64 * 1024, 1);

/** Kills the service at its n-th write or sync while it takes and delivers a batch; false when it never got so far. */
export async function killAt(what: 'write' | 'sync', n: number): Promise<boolean> {
  let fired = false;
  await withWorkplace({ settings: { CXONE_MERGE_CHUNK_SIZE: '4', RETRY_TICK_MS: '50' } }, async (place) => {
    const life = place.launch({}, killedAt(what, n));
    const asked = post(() => place.service, crowd({ size: 9 }));
    const done = asked.then(() => drained(place)).then(() => 'done' as const, () => 'done' as const);
    fired = (await Promise.race([life.ended.then(() => 'killed' as const), done])) === 'killed';
    if (!fired) await life.kill9();
    await place.start();
    await judge(place, { batches: [await asked], hadUnknown: true });
    await done;
    await place.service.stop();
    fileIsWhole(place.databasePath);
  });
  return fired;
}

/** Freezes a step by a fault at the tenant or the sink, kills the service there, and judges its next life. */
export async function killWhileFrozen(fault: Fault, inspect: (place: Workplace) => void = () => undefined): Promise<void> {
  await withWorkplace({ settings: { CXONE_TIMEOUT_MS: '30000' } }, async (place) => {
    const handle = place.fault(fault);
    await place.start();
    const batch = await post(() => place.service, crowd());
    await until(() => handle.fired > 0, SOON_MS, `${fault.endpoint}/${fault.kind}`);
    await place.service.kill9();
    handle.clear();
    await place.start();
    await judge(place, { batches: [batch], hadUnknown: true });
    inspect(place);
  });
}

/** A disk that fails or waits at each sync for a while: nothing is acknowledged meanwhile that is lost later, and it recovers alone. */
export async function playDiskFault(fault: DiskFault): Promise<{ fired: number; refused: number; p99Ms: number }> {
  const result = { fired: 0, refused: 0, p99Ms: 0 };
  await withWorkplace({ settings: { CXONE_MERGE_CHUNK_SIZE: '5' } }, async (place) => {
    const service = await place.start();
    const before = await post(() => service, crowd());
    const injection = await injectDiskFault(service.pid, fault);
    const health = watchHealth(place);
    const asked = Array.from({ length: 6 }, () => post(() => service, crowd()));
    // They are awaited below; where something else fails first, that is what is to be told.
    for (const one of asked) one.catch(() => undefined);
    if (typeof fault === 'string') {
      await until(async () => {
        const { status, json, headers } = await service.call('POST', '/enrich-batch', { contacts: [] }).catch(() => ({ status: 0, json: {}, headers: {} }));
        const readiness = (await service.call('GET', '/health/ready')).status;
        const probe = await service.call('POST', '/consents/withdraw', { external_crm_id: 'nobody', reason: 'x' });
        if (probe.status !== 503) return undefined;
        assert.match(String(probe.json['code']), /^storage_/);
        assert.ok(probe.headers['retry-after'] !== undefined);
        result.refused += 1;
        return result.refused > 3 ? { status, json, headers, readiness } : undefined;
      }, SOON_MS, 'being refused with 503');
    } else await Promise.all(asked);
    result.p99Ms = await health.end();
    result.fired = (await injection.end()).fired;
    assert.ok(service.isAlive, `the process ended: ${service.lastWords()}`);
    const batches = [before, ...(await Promise.all(asked))];
    await judge(place, { batches, hadUnknown: true, brokenStorage: true });
    const end = await service.stop();
    assert.equal(end.code, 0, service.lastWords());
    fileIsWhole(place.databasePath);
  });
  assert.ok(result.fired > 0, 'the fault did not fire');
  return result;
}

/** Asks whether the process lives, all the time; gives the 99th percentile of the answer times. */
export function watchHealth(place: Workplace): { end(): Promise<number> } {
  const times: number[] = [];
  const run = { isOver: false };
  const watching = (async () => {
    while (!run.isOver) {
      const startedAt = performance.now();
      const answer = await place.service.call('GET', '/health/live');
      times.push(performance.now() - startedAt);
      assert.equal(answer.status, 200);
      await new Promise(setImmediate);
    }
  })();
  return {
    async end() {
      run.isOver = true;
      await watching;
      times.sort((a, b) => a - b);
      const p99 = times[Math.floor(times.length * 0.99)] ?? 0;
      assert.ok(p99 < LIVE_P99_MS, `p99 of /health/live was ${p99.toFixed(1)} ms over ${times.length} answers`);
      return p99;
    },
  };
}

/** Fills the file system of a small disk to the last byte; gives the way back. */
export function fillDisk(folder: string): () => void {
  const path = join(folder, 'ballast');
  const file = openSync(path, 'w');
  let size = BLOCK.length;
  while (size >= 1) {
    try {
      writeSync(file, BLOCK, 0, size);
    } catch {
      size = Math.floor(size / 2);
    }
  }
  fdatasyncSync(file);
  closeSync(file);
  return () => rmSync(path);
}
