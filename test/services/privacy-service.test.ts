import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ExportOutcome } from '../../src/domain/ports/export.ts';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { Engine } from '../../src/store/sqlite/engine.ts';
import { PrivacyService } from '../../src/services/privacy-service.ts';
import { DEFAULT_RULES } from '../store/harness.ts';
import { LEASE_MS, START, Scene, person } from '../store/scene.ts';
import { engineOptions, storeOver, temporaryDatabase } from '../store/sqlite/engine-harness.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { privacyOptions } from './privacy-options.ts';

const CHILD = fileURLToPath(new URL('privacy-steps.ts', import.meta.url));
/** Compiled code kept between starts: the child is started for each step. */
const COMPILE_CACHE = join(tmpdir(), 'cxone-enricher-test-compile-cache');
/** Calls of the store that a whole erasure makes; asserted below, so that no step goes untested. */
const CALLS = 13;

/** Does something with the store at a path, in this process. */
async function using<T>(path: string, work: (scene: Scene) => Promise<T>): Promise<T> {
  const engine = new Engine(engineOptions(path, START));
  try {
    const scene = new Scene({} as Scene['harness'], DEFAULT_RULES);
    scene.store = { ...storeOver(engine, () => undefined), close: () => Promise.resolve() };
    return await work(scene);
  } finally {
    engine.close();
  }
}

/** Somebody with something at every place: delivered, exported, waiting, and beside somebody else. */
async function prepare(scene: Scene): Promise<void> {
  await scene.batch([person(1, { external_crm_id: 'crm-1' }), person(2)]);
  await scene.deliver();
  const { lease } = await scene.store.claimExport({ now: scene.now, limit: 10, leaseMs: LEASE_MS });
  await scene.store.settleExport({ messageId: lease!.messageId, fence: lease!.fence, now: scene.now, latencyMs: 1, settlement: { kind: 'delivered' } });
  await scene.batch([person(1, { external_crm_id: 'crm-1', city: 'Bonn' })]);
}

async function eraseInChild(path: string, at: number, when: string): Promise<{ signal: string | null; out: string }> {
  const child = spawn(process.execPath, [CHILD, path, String(at), when], { env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE }, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { signal, out };
}

function wrappedKeyOf(path: string): string {
  const db = openDatabase(path);
  try {
    const row = db.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM person_keys ORDER BY person_id LIMIT 1')!;
    return Buffer.from(row.wrapped).subarray(5, 33).toString('latin1');
  } finally {
    db.close();
  }
}

describe('an erasure that is killed', { concurrency: 2 }, () => {
  test(`makes ${CALLS} calls of the store when nothing kills it`, async (t) => {
    const { path, remove } = temporaryDatabase();
    t.after(remove);
    await using(path, prepare);
    assert.deepEqual(await eraseInChild(path, 0, 'never'), { signal: null, out: `done after ${CALLS} calls\n` });
  });

  for (let at = 1; at <= CALLS; at += 1) {
    // After one call and before the next is the same moment for the file.
    const when = at === 1 ? ['before', 'after'] : ['after'];
    for (const moment of when) {
      test(`${moment} call ${at} is finished by the next process, or was never noted`, async (t) => {
        const { path, folder, remove } = temporaryDatabase();
        t.after(remove);
        await using(path, prepare);
        const key = wrappedKeyOf(path);
        assert.equal((await eraseInChild(path, at, moment)).signal, 'SIGKILL');
        await using(path, async (scene) => {
          const told: string[] = [];
          const tell = (notice: { external_id: string }): Promise<ExportOutcome> => {
            told.push(notice.external_id);
            return Promise.resolve({ kind: 'delivered' });
          };
          const clock = new ManualClock(Date.parse('2026-03-02T01:00:00Z'));
          const service = new PrivacyService(privacyOptions({ store: scene.store, clock, tell }));
          const noted = moment === 'after';
          await service.run();
          assert.deepEqual(await scene.store.openErasures(), []);
          assert.ok(told.every((id) => id === 'crm-1') && told.length <= 1);
          assert.equal((await scene.audit({ action: 'erasure_completed' })).length, Number(noted));
          assert.equal((await scene.deliver()).length, noted ? 0 : 1, 'nothing of the person is sent');
          await scene.answer([person(1)], {}, 'another batch');
          assert.equal((await scene.deliver()).length, 0);
          assert.equal((await scene.audit({ action: 'contact_rejected' })).length, Number(noted));
          const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1')).join('');
          assert.equal(bytes.includes(key), !noted);
        });
      });
    }
  }
});

describe('the word to marketing', () => {
  async function erasing(answers: ExportOutcome[], work: (service: PrivacyService, scene: Scene, clock: ManualClock, ids: string[], id: string, path: string) => Promise<void>): Promise<void> {
    const { path, remove } = temporaryDatabase();
    try {
      await using(path, async (scene) => {
        await prepare(scene);
        const clock = new ManualClock(START + 1000);
        const ids: string[] = [];
        const tell = (_: unknown, id: string): Promise<ExportOutcome> => {
          ids.push(id);
          return Promise.resolve(answers.shift() ?? { kind: 'delivered' });
        };
        const service = new PrivacyService(privacyOptions({ store: scene.store, clock, tell }));
        const { erasureId } = await service.erase({ email: 'PERSON1@example.com' }, { everyone: false, reason: 'art17', actor: 'officer' });
        await work(service, scene, clock, ids, erasureId, path);
      });
    } finally {
      remove();
    }
  }

  test('goes again under its id while marketing is down, for a month', async () => {
    const down = Array.from({ length: 9 }, (): ExportOutcome => ({ kind: 'retry', reason: 'answered 503' }));
    await erasing(down, async (service, scene, clock, ids, id) => {
      for (let n = 0; n < 9; n += 1) {
        await service.run();
        clock.advance(3 * 86_400_000);
      }
      assert.equal((await scene.store.erasureOf({ erasureId: id }))?.status, 'in_progress');
      await service.run();
      assert.equal((await scene.store.erasureOf({ erasureId: id }))?.status, 'completed');
      assert.equal(ids.length, 10);
      assert.equal(new Set(ids).size, 1);
    });
  });

  test('that is refused ends as failed, with the answer', async () => {
    await erasing([{ kind: 'rejected', reason: 'answered 410' }], async (service, scene, _, ids, id) => {
      await service.run();
      await service.run();
      const view = await scene.store.erasureOf({ erasureId: id });
      assert.deepEqual(view?.legs.find(({ system }) => system === 'marketing'), { system: 'marketing', status: 'failed', detail: 'answered 410' });
      assert.equal(ids.length, 1);
    });
  });

  test('is sealed under a key that is destroyed once it was heard', async () => {
    await erasing([], async (service, scene, _clock, _ids, id, path) => {
      const keyOf = (): Buffer => {
        const db = openDatabase(path);
        try {
          return Buffer.from(db.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM erasure_keys')!.wrapped);
        } finally {
          db.close();
        }
      };
      const before = keyOf();
      assert.ok(before.some((byte) => byte !== 0));
      await service.run();
      assert.equal((await scene.store.erasureOf({ erasureId: id }))?.status, 'completed');
      assert.ok(keyOf().every((byte) => byte === 0));
      assert.equal(keyOf().length, before.length);
    });
  });

  test('holds up neither the queue nor another erasure while marketing does not answer', async () => {
    const { path, remove } = temporaryDatabase();
    try {
      await using(path, async (scene) => {
        await prepare(scene);
        const asked: string[] = [];
        const answer = Promise.withResolvers<ExportOutcome>();
        const tell = (_: unknown, id: string): Promise<ExportOutcome> => {
          asked.push(id);
          return answer.promise;
        };
        const service = new PrivacyService(privacyOptions({ store: scene.store, clock: new ManualClock(START + 1000), tell }));
        await service.erase({ email: 'person1@example.com' }, { everyone: false, reason: 'art17', actor: 'officer' });
        service.start();
        while (asked.length === 0) await new Promise(setImmediate);
        service.start();
        const { legs } = await service.erase({ email: 'nobody@example.com' }, { everyone: false, reason: 'art17', actor: 'officer' });
        assert.equal(legs.find(({ system }) => system === 'store')?.status, 'completed');
        assert.equal((await scene.store.openErasures()).length, 1);
        const stopped = service.stop();
        answer.resolve({ kind: 'delivered' });
        await stopped;
        assert.equal(asked.length, 1, 'one run at a time');
      });
    } finally {
      remove();
    }
  });

  test('is given by a run that sees what came while another one ended', async () => {
    const { path, remove } = temporaryDatabase();
    try {
      await using(path, async (scene) => {
        await prepare(scene);
        const asked = Promise.withResolvers<void>();
        const answer = Promise.withResolvers<ExportOutcome>();
        const tell = (): Promise<ExportOutcome> => {
          asked.resolve();
          return answer.promise;
        };
        const service = new PrivacyService(privacyOptions({ store: scene.store, clock: new ManualClock(START + 1000), tell }));
        await service.erase({ email: 'person1@example.com' }, { everyone: false, reason: 'art17', actor: 'officer' });
        service.start();
        await asked.promise;
        await scene.store.requestErasure({ erasureId: 'later', subject: { email: 'nobody@example.com' }, everyone: false, reason: 'art17', actor: 'officer', now: START });
        service.start();
        answer.resolve({ kind: 'delivered' });
        for (let turn = 0; turn < 1000 && (await scene.store.openErasures()).length > 0; turn += 1) await new Promise(setImmediate);
        assert.deepEqual(await scene.store.openErasures(), []);
        await service.stop();
      });
    } finally {
      remove();
    }
  });
});
