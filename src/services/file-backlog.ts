import { setImmediate } from 'node:timers/promises';
import type { PrivacyStore } from '../domain/ports/privacy.ts';

type Backlog = Pick<PrivacyStore, 'fileBacklog'>;

/** Contacts that are filed at once at the least, so long as there are as many. */
const STEP = 1000;
/** Contacts that may be left: an operation that needs all to be filed files the rest by itself. */
const BACKLOG_SMALL = 1000;
const STEPS_MAX = 2000;

/** Files until little is left, in small steps, for an operation that is to leave nothing unfiled. */
export async function fileBacklog(store: Backlog): Promise<void> {
  for (let step = 0; step < STEPS_MAX; step += 1) {
    if ((await store.fileBacklog()) <= BACKLOG_SMALL) return;
    await setImmediate();
  }
}

/** Files what was acknowledged before now, in small steps. What comes meanwhile is behind it, and is not waited for. */
export async function fileAcknowledged(store: Backlog): Promise<void> {
  let left = await store.fileBacklog();
  for (let steps = Math.ceil(left / STEP); steps > 0 && left > 0; steps -= 1) {
    await setImmediate();
    left = await store.fileBacklog();
  }
}
