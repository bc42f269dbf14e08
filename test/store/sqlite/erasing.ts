import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ErasureView, PrivacySubject } from '../../../src/domain/ports/privacy.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { Scene } from '../scene.ts';
import { engineHarness } from './engine-harness.ts';

type Files = { folder: string; path: string };

/** A scene over an engine of this thread, with the place of its files. */
export async function open(t: TestContext, rules: object = {}): Promise<Scene & { files: Files }> {
  const harness = engineHarness();
  return Object.assign(await Scene.open(t, () => harness, rules), { files: harness });
}

let erasures = 0;

/** Notes an erasure and takes all its steps, as the service does. */
export async function erase(scene: Scene, subject: PrivacySubject, options: { everyone?: boolean; marketing?: boolean } = {}): Promise<ErasureView> {
  erasures += 1;
  const erasureId = `erasure-${erasures}`;
  await scene.store.requestErasure({ erasureId, subject, everyone: options.everyone ?? false, reason: 'art17', actor: 'officer', now: scene.now });
  await finish(scene, erasureId, options.marketing ?? true);
  return (await scene.store.erasureOf({ erasureId }))!;
}

/** Takes the steps of an erasure up to its end, or to what recipients must be told. */
export async function finish(scene: Scene, erasureId: string, marketing = true): Promise<void> {
  for (let next = 'again', wiped = false; next !== 'completed' && next !== 'notices'; ) {
    ({ next } = await scene.store.stepErasure({ erasureId, wiped, marketing, now: scene.now }));
    wiped = next === 'wipe';
    if (wiped) await scene.store.wipe();
  }
}

/** All files of a folder in one text, a character a byte. */
export function bytesIn(folder: string): string {
  return readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1')).join('\n');
}

/** The wrapped keys of people, as they lie in the file. */
export function keysIn(path: string): Map<number, Buffer> {
  const db = openDatabase(path);
  try {
    return new Map(db.all<{ person_id: number; wrapped: Uint8Array }>('SELECT person_id, wrapped FROM person_keys').map((row) => [row.person_id, Buffer.from(row.wrapped)]));
  } finally {
    db.close();
  }
}
