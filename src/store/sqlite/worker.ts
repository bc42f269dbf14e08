import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Engine } from './engine.ts';
import type { Call, EngineOptions, Group } from './engine.ts';

/** A call as JSON, but for the contacts of a batch: they are kept as the JSON that they come as. */
export type Said = { call: string; contacts?: string } | 'close';
/** What the owner says: calls, or `close`; or that the file is to be opened anew. */
export type FromOwner = Said[] | { reopen: Pick<EngineOptions, 'openedAt' | 'resumed'> };
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

/** Opens the file and works on it; where it cannot be opened, nothing is listened to and the thread ends. */
const first = open(workerData as EngineOptions);
if (first !== undefined) serve(first);

function open(options: EngineOptions): Engine | undefined {
  try {
    const engine = new Engine(options);
    say({ kind: 'ready' });
    return engine;
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error('unknown');
    say({ kind: 'refused', name, message });
    return undefined;
  }
}

function callOf({ call, contacts }: Exclude<Said, 'close'>): Call {
  const read = JSON.parse(call) as Call;
  return contacts === undefined ? read : { ...read, input: { ...(read.input as object), contacts: JSON.parse(contacts), text: contacts } };
}

function serve(opened: Engine): void {
  /** Undefined after a failed write, until the owner has the file opened anew. */
  let engine: Engine | undefined = opened;
  let queue: Said[] = [];
  let scheduled = false;
  let idle: NodeJS.Timeout | undefined;
  /** Lets go of the file. What waits is answered by the owner, who says when to open it anew. */
  const fail = (failed: Engine, group: Group): void => {
    clearTimeout(idle);
    engine = undefined;
    queue = [];
    failed.abandon();
    tell(group);
  };
  const file = (): void => {
    idle = undefined;
    if (engine === undefined) return;
    const before = engine.backlog;
    const group = engine.fileSome(FILE_STEP_CONTACTS);
    if (group.fatal) return fail(engine, group);
    tell(group);
    // Where nothing could be filed, as on a full disk, to try again at once would take a whole core for nothing.
    if (engine.backlog > 0) idle = setTimeout(file, queue.length > 0 || engine.backlog === before ? IDLE_MS : 0);
  };
  const rest = (): void => {
    if (engine !== undefined && queue.length === 0 && engine.rest().fatal) fail(engine, { replies: [], entries: [], fatal: true });
  };
  const flush = (): void => {
    scheduled = false;
    for (let next = receiveMessageOnPort(port!); next !== undefined; next = receiveMessageOnPort(port!)) receive(next.message as FromOwner);
    const batch = queue.slice(0, GROUP_MAX);
    queue = queue.slice(GROUP_MAX);
    const closing = batch.includes('close');
    const calls = batch.flatMap((said) => (said === 'close' ? [] : callOf(said)));
    if (engine !== undefined && calls.length > 0) {
      const group = engine.run(calls);
      if (group.fatal) fail(engine, group);
      else tell(group);
      if (calls.some(({ op }) => op === 'acceptBatch')) catchUp();
    }
    if (closing) {
      clearTimeout(idle);
      engine?.close();
      say({ kind: 'closed' });
      port!.close();
    } else if (queue.length > 0) schedule();
    else setImmediate(rest);
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };
  const catchUp = (): void => {
    clearTimeout(idle);
    if (engine !== undefined && engine.backlog > 0) idle = setTimeout(file, IDLE_MS);
  };
  const receive = (message: FromOwner): void => {
    if (Array.isArray(message)) return void queue.push(...message);
    // What came before is of calls that were told that the storage failed.
    queue = [];
    engine = open({ ...(workerData as EngineOptions), ...message.reopen });
    catchUp();
  };
  catchUp();
  port!.on('message', (message: FromOwner) => {
    receive(message);
    if (queue.length > 0) schedule();
  });
}
