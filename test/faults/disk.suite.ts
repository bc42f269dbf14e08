import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { crowd, post } from '../support/crowd.ts';
import { fillDisk, playDiskFault, watchHealth } from '../support/fault-plays.ts';
import { fileIsWhole, judge } from '../support/oracle.ts';
import { straceMissing } from '../support/strace.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';

const skip = straceMissing() ?? false;

test('EIO at every sync: 503, health answered all the while, the file opened anew and nothing lost', { skip }, async (t) => {
  const { fired, refused, p99Ms } = await playDiskFault('EIO');
  t.diagnostic(`${fired} syncs failed, ${refused} probes refused, /health/live p99 ${p99Ms.toFixed(1)} ms`);
});

test('ENOSPC at every write: 503, and own recovery', { skip }, async (t) => {
  const { fired, refused, p99Ms } = await playDiskFault('ENOSPC');
  t.diagnostic(`${fired} writes failed, ${refused} probes refused, /health/live p99 ${p99Ms.toFixed(1)} ms`);
});

test('300 ms at every sync: slower, and nothing else; health is answered at once', { skip }, async (t) => {
  const { fired, p99Ms } = await playDiskFault({ delayMs: 300 });
  t.diagnostic(`${fired} syncs delayed, /health/live p99 ${p99Ms.toFixed(1)} ms`);
});

const folder = mkdtempSync(join(tmpdir(), 'cxone-enricher-small-disk-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder]).status === 0;
test.after(() => {
  if (mounted) spawnSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true, force: true });
});

test('a disk that is full: 503, pages still read, and everything goes on when there is room', { skip: mounted ? false : 'a small file system cannot be mounted here' }, async () => {
  await withWorkplace({ folder }, async (place) => {
    const service = await place.start();
    const before = await post(() => service, crowd());
    await judge(place, { batches: [before], oneLife: true });
    const makeRoom = fillDisk(folder);
    const health = await watchHealth(place);
    let refused = 0;
    // Space inside the file is used up first.
    const batches = [before];
    await until(async () => {
      const people = crowd({ size: 200 });
      const asked = service.call('POST', '/enrich-batch', { contacts: people.map(({ email }) => ({ email, country: 'US' })) });
      const reads = await Promise.all(['/jobs', `/jobs/${before.jobId}`, '/audit-trail', '/metrics'].map((path) => service.call('GET', path)));
      assert.deepEqual(reads.map((read) => read.status), [200, 200, 200, 200], 'pages are read all the same');
      const answer = await asked;
      if (answer.status === 202) {
        const { job_id: jobId, received, accepted, duplicates, rejected } = answer.json as unknown as { job_id: string; received: number; accepted: number; duplicates: number; rejected: number };
        batches.push({ people: people.map((person) => ({ ...person, role: 'clean' })), jobId, received, accepted, duplicates, rejected, answeredAt: 0, unanswered: 0 });
        return undefined;
      }
      assert.deepEqual([answer.status, answer.json['code']], [503, 'storage_full'], answer.text);
      assert.ok(answer.headers['retry-after'] !== undefined);
      refused += 1;
      return refused > 5 && health.enough();
    }, 60_000, 'the disk being full');
    await health.end();
    const asked = post(() => service, crowd());
    makeRoom();
    batches.push(await asked);
    await judge(place, { batches, hadUnknown: true, brokenStorage: true });
    assert.equal(place.lives.length, 1, 'in one life');
    const end = await service.stop();
    assert.equal(end.code, 0);
    fileIsWhole(place.databasePath);
  });
});
