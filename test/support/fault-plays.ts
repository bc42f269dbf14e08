import assert from 'node:assert/strict';
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../../src/sandbox/fault-catalogue.ts';
import { crowd, post } from './crowd.ts';
import type { Batch } from './crowd.ts';
import { startIdleServer } from './idle-server.ts';
import { drained, fileIsWhole, judge } from './oracle.ts';
import { injectDiskFault, killedAt } from './strace.ts';
import type { DiskFault } from './strace.ts';
import { until } from './until.ts';
import { withWorkplace } from './workplace.ts';
import type { Workplace } from './workplace.ts';

const SOON_MS = 30_000;
/** What 99 of 100 health checks must be answered within whatever the disk does, beyond what the machine takes for nothing. */
const LIVE_P99_MS = 50;
const HEALTH_ANSWERS = 300;
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
    const health = await watchHealth(place);
    const asked = Array.from({ length: 6 }, () => post(() => service, crowd()));
    // They are awaited below; where something else fails first, that is what is to be told.
    for (const one of asked) one.catch(() => undefined);
    const more: Batch[] = [];
    if (typeof fault === 'string') {
      await until(async () => {
        const { status, json, headers } = await service.call('POST', '/enrich-batch', { contacts: [] }).catch(() => ({ status: 0, json: {}, headers: {} }));
        const readiness = (await service.call('GET', '/health/ready')).status;
        const probe = await service.call('POST', '/consents/withdraw', { external_crm_id: 'nobody', reason: 'x' });
        if (probe.status !== 503) return undefined;
        assert.match(String(probe.json['code']), /^storage_/);
        assert.ok(probe.headers['retry-after'] !== undefined);
        result.refused += 1;
        return result.refused > 3 && health.enough() ? { status, json, headers, readiness } : undefined;
      }, SOON_MS, 'being refused with 503');
    } else {
      await Promise.all(asked);
      await until(async () => {
        await post(() => service, crowd({ size: 1 })).then((batch) => more.push(batch));
        return health.enough();
      }, SOON_MS, 'enough health checks');
    }
    result.p99Ms = await health.end();
    result.fired = (await injection.end()).fired;
    assert.ok(service.isAlive, `the process ended: ${service.lastWords()}`);
    const batches = [before, ...(await Promise.all(asked)), ...more];
    await judge(place, { batches, hadUnknown: true, brokenStorage: true });
    const end = await service.stop();
    assert.equal(end.code, 0, service.lastWords());
    fileIsWhole(place.databasePath);
  });
  assert.ok(result.fired > 0, 'the fault did not fire');
  return result;
}

/**
 * Asks whether the process lives, all the time, and beside it a process that does nothing; gives the 99th percentile of
 * the answer times of both once there are enough of them.
 */
export async function watchHealth(place: Workplace): Promise<{ enough(): boolean; end(): Promise<number> }> {
  const idle = await startIdleServer();
  const times: number[] = [];
  const idleTimes: number[] = [];
  const run = { isOver: false };
  const watching = (async () => {
    while (!run.isOver) {
      times.push(await timed(async () => assert.equal((await place.service.call('GET', '/health/live')).status, 200)));
      idleTimes.push(await timed(idle.ask));
      await new Promise(setImmediate);
    }
  })();
  return {
    enough: () => times.length >= HEALTH_ANSWERS,
    async end() {
      run.isOver = true;
      await watching.finally(() => idle.stop());
      const [p99, idleP99] = [p99Of(times), p99Of(idleTimes)];
      assert.ok(p99 < LIVE_P99_MS + idleP99, `p99 of /health/live was ${p99.toFixed(1)} ms over ${times.length} answers, ${idleP99.toFixed(1)} ms of a process that does nothing`);
      return p99;
    },
  };
}

async function timed(ask: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await ask();
  return performance.now() - startedAt;
}

function p99Of(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
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
