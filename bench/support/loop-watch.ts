/**
 * Loaded before the service (`--import`): writes the longest turn of its event loop, in ms, to the file that
 * `LOOP_WATCH` names. Counts anew when the file is taken away: a start loads modules in long turns.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const file = process.env['LOOP_WATCH'];
const REPORT_MS = 250;
const NANOSECONDS = 1e6;

if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  setInterval(() => {
    if (!existsSync(file)) delay.reset();
    writeFileSync(file, (delay.max / NANOSECONDS).toFixed(1));
  }, REPORT_MS).unref();
}
