import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../domain/errors.ts';

const WAIT_MS = 500;
/** No longer than a lease outlives its call: then somebody else may take the work. */
const TRIES = 50;

/**
 * Repeats a write of what became of a call while the storage is full or fails: the outcome is known now, and would be
 * unknown for ever. Any other error, or the storage's last one, is thrown. The write must be safe to repeat.
 */
export async function untilStored<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (error) {
      const isStorage = error instanceof CodedError && (error.code === 'storage_full' || error.code === 'storage_unavailable');
      if (!isStorage || tries === TRIES) throw error;
      await sleep(WAIT_MS);
    }
  }
}
