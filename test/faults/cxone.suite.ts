import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Fault } from '../../src/sandbox/fault-catalogue.ts';
import { crowd, post } from '../support/crowd.ts';
import { nameOf, playSeries } from '../support/fault-series.ts';
import type { Fate } from '../support/fault-series.ts';
import { drained, jobOf, judge } from '../support/oracle.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';
import type { Workplace } from '../support/workplace.ts';

const SOON_MS = 30_000;
const DENIED_MS = 90_000;
const PROFILE = '0d9b8c0e-3f43-4a43-9d27-0d5c1c6c9c';

/** Each answer of the contract's table, and each illness of a connection. All are over after a few calls. */
const MERGE: [Fault, Fate?][] = [
  [{ kind: '429-seconds', seconds: 1, count: 2 }],
  [{ kind: '429-date', seconds: 1, count: 1 }],
  [{ kind: '429-missing', count: 1 }],
  [{ kind: '429-garbage', count: 1 }],
  [{ kind: '401', count: 1 }],
  [{ kind: '408', count: 1 }],
  [{ kind: '409', count: 2 }],
  [{ kind: '425', count: 1 }],
  [{ kind: '500', count: 3 }],
  [{ kind: '502', count: 1 }],
  [{ kind: '503', count: 2 }],
  [{ kind: '504', count: 1 }],
  [{ kind: 'hang', count: 1 }],
  [{ kind: 'hang-after', count: 1 }],
  [{ kind: 'reset', count: 2 }],
  [{ kind: 'reset-after', count: 2 }],
  [{ kind: 'fail-after', count: 2 }],
  [{ kind: 'slow', ms: 600, count: 1 }],
  [{ kind: 'drip', ms: 100, count: 1 }],
  [{ kind: 'unreadable', count: 1 }],
  [{ kind: 'html', count: 1 }],
  [{ kind: 'huge', count: 1 }],
  [{ kind: 'endless', count: 1 }],
  [{ kind: '400', count: 1 }],
  [{ kind: '413', count: 1 }],
  [{ kind: '422-indexes', indexes: [0], count: 1 }, { setAside: 1, reason: /is not valid/ }],
  [{ kind: 'redirect', count: 1 }, { setAside: 9, reason: /redirects are never followed/ }],
  [{ kind: '404', count: 1 }, { setAside: 9, reason: /at this address/ }],
];

const TOKEN: [Fault, Fate?][] = [
  [{ kind: '500', endpoint: 'token', count: 2 }],
  [{ kind: '503', endpoint: 'token', count: 1 }],
  [{ kind: 'hang', endpoint: 'token', count: 1 }],
  [{ kind: 'reset', endpoint: 'token', count: 2 }],
  [{ kind: 'slow', endpoint: 'token', ms: 500, count: 1 }],
  [{ kind: 'drip', endpoint: 'token', ms: 50, count: 1 }],
  [{ kind: 'html', endpoint: 'token', count: 1 }],
  [{ kind: 'unreadable', endpoint: 'token', count: 1 }],
  [{ kind: 'huge', endpoint: 'token', count: 1 }],
  [{ kind: 'endless', endpoint: 'token', count: 1 }],
  [{ kind: '429-seconds', endpoint: 'token', seconds: 1, count: 1 }],
  [{ kind: 'expires-in', value: null, count: 1 }],
  [{ kind: 'expires-in', value: 0, count: 1 }],
  [{ kind: 'expires-in', value: '3600', count: 1 }],
  [{ kind: 'expires-in', value: -5, count: 1 }],
  [{ kind: 'expires-in', value: 1e12, count: 1 }],
];

const SINK: [Fault, Fate?][] = [
  [{ kind: '500', endpoint: 'marketing', count: 3 }],
  [{ kind: '401', endpoint: 'marketing', count: 1 }],
  [{ kind: '429-seconds', endpoint: 'marketing', seconds: 1, count: 1 }],
  [{ kind: 'hang', endpoint: 'marketing', count: 1 }],
  [{ kind: 'hang-after', endpoint: 'marketing', count: 1 }],
  [{ kind: 'reset', endpoint: 'marketing', count: 2 }],
  [{ kind: 'reset-after', endpoint: 'marketing', count: 2 }],
  [{ kind: 'slow', endpoint: 'marketing', ms: 500, count: 1 }],
  [{ kind: 'redirect', endpoint: 'marketing', count: 1 }],
];

const REGISTRATION: Fault[] = [
  { kind: '500', endpoint: 'webhooks', count: 2 },
  { kind: '403', endpoint: 'webhooks', count: 2 },
  { kind: 'hang', endpoint: 'webhooks', count: 1 },
  { kind: 'reset', endpoint: 'webhooks', count: 2 },
];

/** What a patch that overwrites comes to: the answer of the caller, or the state of its job. */
const PATCH: [Fault, 'confirmed' | 'set_aside'][] = [
  [{ kind: '429-seconds', seconds: 1, count: 1 }, 'confirmed'],
  [{ kind: '401', count: 1 }, 'confirmed'],
  [{ kind: '409', count: 1 }, 'confirmed'],
  [{ kind: '500', count: 2 }, 'confirmed'],
  [{ kind: 'hang', count: 1 }, 'confirmed'],
  [{ kind: 'hang-after', count: 1 }, 'confirmed'],
  [{ kind: 'reset', count: 1 }, 'confirmed'],
  [{ kind: 'reset-after', count: 1 }, 'confirmed'],
  [{ kind: 'unreadable', count: 1 }, 'confirmed'],
  [{ kind: 'html', count: 1 }, 'confirmed'],
  [{ kind: '404', count: 1 }, 'set_aside'],
  [{ kind: '410', count: 1 }, 'set_aside'],
  [{ kind: '422', count: 1 }, 'set_aside'],
  [{ kind: 'redirect', count: 1 }, 'set_aside'],
];

describe('CXone’s illnesses', { concurrency: 3 }, () => {
  test('each answer to a merge', async (t) => {
    await withWorkplace({}, async (place) => {
      await place.start();
      const batches = await playSeries(place, MERGE);
      await judge(place, { batches, hadUnknown: true, oneLife: true });
      assert.equal(place.sandbox.stats().appliedAgain, 0);
      t.diagnostic(`${MERGE.length} faults, ${place.sandbox.stats().mergeCalls} merges`);
    });
  });

  test('each answer of the token endpoint', async () => {
    await withWorkplace({}, async (place) => {
      await place.start();
      const batches = await playSeries(place, TOKEN, () => place.sandbox.revokeTokens());
      await judge(place, { batches, hadUnknown: true, oneLife: true });
    });
  });

  test('each answer of the sink', async () => {
    await withWorkplace({}, async (place) => {
      await place.start();
      const batches = await playSeries(place, SINK);
      await judge(place, { batches, oneLife: true });
      const ids = place.sandbox.ledger().marketing.filter((delivery) => !delivery.repeated).length;
      assert.ok(place.sandbox.ledger().marketing.length > ids, 'what was taken and not acknowledged went again under its id');
    });
  });

  test('each answer to a registration: merges wait for it, not for ever, and are confirmed', async () => {
    await Promise.all(REGISTRATION.map(async (fault) => {
      await withWorkplace({}, async (place) => {
        const handle = place.fault(fault);
        await place.start();
        const batch = await post(() => place.service, crowd());
        await until(() => place.sandbox.ledger().registrations.length === 2, SOON_MS, `registrations after ${nameOf(fault)}`);
        assert.ok(handle.fired > 0);
        if (fault.kind !== '403') await judge(place, { batches: [batch], oneLife: true });
      });
    }));
  });

  test('each answer to a patch', async () => {
    await withWorkplace({}, async (place) => {
      await place.start();
      for (const [i, [fault, end]] of PATCH.entries()) await playPatch(place, { ...fault, endpoint: 'patch' }, end, `${PROFILE}${String(i).padStart(2, '0')}`);
      assert.equal(place.sandbox.stats().replayedWithOtherBody, 0);
    });
  });

  for (const fault of [{ kind: '401', endpoint: 'merge' }, { kind: '403', endpoint: 'merge' }, { kind: '401', endpoint: 'token' }, { kind: 'fewer-scopes', value: ['contact:read'], api: 'contacts' }] as Fault[]) {
    test(`denied (${nameOf(fault)}): that API alone stops, batches are taken, no attempt is spent, and it recovers alone`, () => denied(fault));
  }

  test('poison that is named, and poison that is not: only the poisoned are set aside, in few calls', async () => {
    await withWorkplace({}, async (place) => {
      await place.start();
      for (const named of [true, false]) {
        const people = crowd({ size: 50, roles: ['clean'], prefix: named ? 'named' : 'unnamed' });
        const bad = people[17]?.email ?? '';
        const fault = place.fault({ kind: 'poison', pattern: `^${bad}$`, named });
        const before = place.sandbox.stats().mergeCalls;
        const batch = await post(() => place.service, people);
        await judge(place, { batches: [batch], poison: new Set([bad]), exports: false }).catch((error: unknown) => {
          // The dead letter of the first round is still there in the second.
          if (named) throw error;
        });
        const { lines } = await jobOf(place.service, batch.jobId);
        assert.deepEqual(lines.filter((line) => line.status !== 'confirmed').map((line) => [line.index, line.status]), [[17, 'set_aside']]);
        const extra = place.sandbox.stats().mergeCalls - before - 1;
        assert.ok(extra <= (named ? 1 : 2 * Math.ceil(Math.log2(50)) + 2), `${extra} extra calls`);
        assert.ok(fault.fired > 0);
        fault.clear();
      }
    });
  });

  test('forty seconds of a brown-out (every fifth call an error, the others 5 s late) within a longer run cost a fifth more calls at the most', async (t) => {
    const chunks = 600;
    await withWorkplace({ sandbox: { requestsPerWindow: 1200, mergeMode: 'sync' }, settings: { CXONE_MERGE_CHUNK_SIZE: '5', CXONE_TIMEOUT_MS: '15000', RETRY_BASE_MS: '2000', RETRY_MAX_MS: '300000' } }, async (place) => {
      const errors = place.fault({ kind: '503', rate: 0.2 });
      const late = place.fault({ kind: 'slow', ms: 5000 });
      await place.start();
      const batches = [await post(() => place.service, crowd({ size: chunks * 5, roles: ['clean'] }))];
      const startedAt = performance.now();
      await until(() => performance.now() - startedAt > 40_000, 60_000, 'the end of the brown-out');
      for (const fault of [errors, late]) fault.clear();
      await judge(place, { batches, hadUnknown: true, oneLife: true, withinMs: 120_000 });
      const { mergeCalls } = place.sandbox.stats();
      t.diagnostic(`${mergeCalls} calls for ${chunks} chunks; ${errors.fired} errors, ${late.fired} late answers`);
      // The breaker opens now and then, so that fewer meet it than the budget would let through.
      assert.ok(errors.fired >= 8 && late.fired >= 30);
      assert.ok(mergeCalls <= chunks * 1.2, `${mergeCalls} calls`);
    });
  });

  test('a minute of 500s for 3,000 contacts: each sent in effect once, in hardly more calls than chunks', async (t) => {
    await withWorkplace({ settings: { RETRY_BASE_MS: '2000', RETRY_MAX_MS: '300000', RETRY_TICK_MS: '1000' } }, async (place) => {
      const fault = place.fault({ kind: '500' });
      await place.start();
      const batches = await Promise.all([1, 2].map(() => post(() => place.service, crowd({ size: 1500, roles: ['clean'] }))));
      const startedAt = performance.now();
      await until(() => performance.now() - startedAt > 60_000, 90_000, 'the minute');
      fault.clear();
      await drained(place, { withinMs: 120_000 });
      await judge(place, { batches, hadUnknown: true, oneLife: true });
      const stats = place.sandbox.stats();
      t.diagnostic(`${stats.mergeCalls} merges for 60 chunks, ${fault.fired} refused`);
      assert.equal(stats.contactsApplied, 3000);
      assert.ok(fault.fired >= 5);
      assert.ok(stats.mergeCalls <= 60 * 1.2 + 32, `${stats.mergeCalls} merges`);
    });
  });
});

async function playPatch(place: Workplace, fault: Fault, end: 'confirmed' | 'set_aside', profile: string): Promise<void> {
  const handle = place.fault(fault);
  const answer = await place.service.call('POST', `/profiles/${profile}/enrich`, { attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' });
  assert.ok([200, 202, 404, 410, 422, 502].includes(answer.status), `${nameOf(fault)}: ${answer.status} ${answer.text}`);
  assert.ok(handle.fired > 0, nameOf(fault));
  if (answer.status === 202) await drained(place);
  if (answer.status === 202 && end === 'confirmed') {
    const { job } = await jobOf(place.service, String(answer.json['job_id']));
    assert.equal(job['confirmed'], 1, nameOf(fault));
  }
  assert.equal(place.sandbox.ledger().profiles.get(profile)?.applied ?? 0, end === 'confirmed' ? 1 : 0, nameOf(fault));
  handle.clear();
}

async function denied(fault: Fault): Promise<void> {
  await withWorkplace({ settings: { RETRY_MAX_ATTEMPTS: '1', RETRY_MAX_AGE_HOURS: '0' } }, async (place) => {
    await place.start();
    await until(() => place.sandbox.ledger().registrations.length === 2, SOON_MS, 'both registrations');
    const handle = place.fault(fault);
    place.sandbox.revokeTokens();
    const batch = await post(() => place.service, crowd());
    await until(async () => {
      const { cxone } = (await place.service.call('GET', '/health/ready')).json as { cxone?: { contacts: { breaker: string; reason?: string } } };
      return cxone?.contacts.breaker === 'open' && cxone.contacts.reason === 'denied';
    }, SOON_MS, `${nameOf(fault)} stopping the API`);
    const taken = await post(() => place.service, crowd());
    const { job } = await jobOf(place.service, batch.jobId);
    assert.equal(job['attempts'], 0, 'no attempt was spent');
    assert.equal(job['failed'], 0);
    if (fault.endpoint === 'merge') {
      const other = await place.service.call('POST', `/profiles/${PROFILE}99/enrich`, { attributes: { tier: 'gold' }, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' });
      assert.equal(other.status, 200, 'the other API works on');
    }
    assert.ok(handle.fired > 0);
    handle.clear();
    await drained(place, { withinMs: DENIED_MS });
    await judge(place, { batches: [batch, taken], hadUnknown: true, oneLife: true });
  });
}
