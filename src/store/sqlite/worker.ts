import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Engine } from './engine.ts';
import type { Call, EngineOptions, Group } from './engine.ts';

/** What this thread says to its owner. */
export type FromWorker = { kind: 'ready' } | { kind: 'refused'; name: string; message: string } | Told | { kind: 'closed' };
/** Entries are told as JSON, which costs both sides a third of a structured clone; absent where there are none. */
type Told = { kind: 'group'; entries: string | undefined } & Omit<Group, 'entries'>;

/** Calls of one transaction at the most, so that a flood does not hold back the first of it. */
const GROUP_MAX = 256;
/** Without new batches for so long, what was acknowledged under load is filed, so many contacts at a time. */
const IDLE_MS = 100;
const FILE_STEP_CONTACTS = 100;

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread');

function say(message: FromWorker): void {
  port?.postMessage(message);
}

function tell({ entries, ...group }: Group): void {
  say({ kind: 'group', entries: entries.length === 0 ? undefined : JSON.stringify(entries), ...group });
}

try {
  const engine = new Engine(workerData as EngineOptions);
  serve(engine);
  say({ kind: 'ready' });
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error('unknown');
  say({ kind: 'refused', name, message });
}

function serve(engine: Engine): void {
  let queue: string[] = [];
  let scheduled = false;
  let idle: NodeJS.Timeout | undefined;
  /** The end of this thread: what waits is answered by its owner, who opens the file on another one. */
  const fail = (group: Group): void => {
    clearTimeout(idle);
    tell(group);
    port!.close();
    engine.abandon();
  };
  const file = (): void => {
    idle = undefined;
    const group = engine.fileSome(FILE_STEP_CONTACTS);
    if (group.fatal) return fail(group);
    tell(group);
    if (engine.backlog > 0) idle = setTimeout(file, queue.length > 0 ? IDLE_MS : 0);
  };
  const prepare = (): void => {
    if (queue.length === 0 && engine.prepareNext().fatal) fail({ replies: [], entries: [], fatal: true });
  };
  const flush = (): void => {
    scheduled = false;
    for (let next = receiveMessageOnPort(port!); next !== undefined; next = receiveMessageOnPort(port!)) queue.push(...(next.message as string[]));
    const batch = queue.slice(0, GROUP_MAX);
    queue = queue.slice(GROUP_MAX);
    const closing = batch.includes('close');
    const calls = batch.filter((text) => text !== 'close').map((text) => JSON.parse(text) as Call);
    if (calls.length > 0) {
      const group = engine.run(calls);
      if (group.fatal) return fail(group);
      tell(group);
      if (engine.backlog > 0 && calls.some(({ op }) => op === 'acceptBatch')) {
        clearTimeout(idle);
        idle = setTimeout(file, IDLE_MS);
      }
    }
    if (closing) {
      clearTimeout(idle);
      engine.close();
      say({ kind: 'closed' });
      port!.close();
    } else if (queue.length > 0) schedule();
    else if (engine.isClaiming) setImmediate(prepare);
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };
  if (engine.backlog > 0) idle = setTimeout(file, IDLE_MS);
  port!.on('message', (calls: string[]) => {
    queue.push(...calls);
    schedule();
  });
}
