import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { AuditEntry } from '../../domain/audit/entry.ts';
import { CodedError } from '../../domain/errors.ts';
import type { Store } from '../../domain/ports/store.ts';
import type { EngineOptions, Failure } from './engine.ts';
import { OPERATIONS } from './operations.ts';
import type { FromOwner, FromWorker, Said } from './worker.ts';

export type SqliteStoreOptions = Omit<EngineOptions, 'resumed'> & {
  /** Told of every audit entry right after its commit. */
  onCommitted(entries: AuditEntry[]): void;
  /** Told when the file could not be opened anew: the process must stop. */
  onFatal(message: string): void;
  /** Told when the storage failed, and when it works again. */
  onTrouble?(change: 'failed' | 'recovered', reason: string): void;
  /** Epoch ms; the time of opening stands in where it is left out. */
  now?(): number;
};

type Waiter = { resolve(value: unknown): void; reject(error: Error): void };

const RETRY_AFTER_SECONDS = 10;
/** What this thread makes is short-lived: a larger nursery only holds more garbage in memory. */
const YOUNG_GENERATION_MB = 8;
/** How often a file that failed is opened anew before the process gives up, and how long it waits between. */
const REOPEN_TRIES = 60;
const REOPEN_WAIT_MS = 500;

/** The store refuses to open; the message is one line that says why and what to do. */
export class StoreRefusedError extends Error {
  override readonly name = 'StoreRefusedError';
  readonly causeName: string;

  constructor(causeName: string, message: string) {
    super(message);
    this.causeName = causeName;
  }
}

/**
 * Opens a SQLite store on a thread of its own, so that an fsync never stops the event loop.
 * Throws StoreRefusedError when the file is locked, unsafe or unreadable.
 *
 * After a failed write or fsync nobody knows what is on the disk. Nothing more is acknowledged then: whoever waits is
 * told `storage_unavailable`, and the thread closes the file and opens it anew; where the thread itself failed, another does.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const client = new StoreClient(options);
  await client.open();
  const operations = Object.fromEntries(Object.keys(OPERATIONS).map((op) => [op, (input: unknown) => client.call(op, input)]));
  return { ...operations, close: () => client.close() } as unknown as Store;
}

class StoreClient {
  readonly #options: SqliteStoreOptions;
  readonly #waiting = new Map<number, Waiter>();
  /** Calls that are not sent yet. */
  #outbox: Said[] = [];
  #lastId = 0;
  /** The thread, while it lives. */
  #thread: Worker | undefined;
  /** The same while it has the file open; none while that is opened anew, and after the end. */
  #worker: Worker | undefined;
  #opening: { resolve(): void; reject(error: Error): void } | undefined;
  #closed = false;
  #reopening: Promise<void> | undefined;

  constructor(options: SqliteStoreOptions) {
    this.#options = options;
  }

  /** Has the thread open the file; starts one where there is none. A thread costs a quarter of a second of a core. */
  async open(resumed = false): Promise<void> {
    const { onCommitted: _c, onFatal: _f, onTrouble: _t, now, ...engine } = this.#options;
    const opening = { openedAt: now?.() ?? engine.openedAt, resumed };
    await new Promise<void>((resolve, reject) => {
      this.#opening = { resolve, reject };
      if (this.#thread === undefined) this.#thread = this.#start({ ...engine, ...opening });
      else this.#thread.postMessage({ reopen: opening } satisfies FromOwner);
    });
    this.#worker = this.#thread;
  }

  #start(workerData: EngineOptions): Worker {
    const thread = new Worker(new URL('worker.ts', import.meta.url), { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } });
    thread.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') this.#opening?.resolve();
      else if (message.kind === 'refused') this.#opening?.reject(new StoreRefusedError(message.name, message.message));
      else if (message.kind === 'group') this.#settle(thread, message);
    });
    thread.on('error', (error: Error) => {
      this.#thread = undefined;
      this.#opening?.reject(error);
      this.#lose(thread, error.message);
    });
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = undefined;
    });
    return thread;
  }

  call(op: string, input: unknown): Promise<unknown> {
    const worker = this.#worker;
    if (worker === undefined || this.#closed) return Promise.reject(unavailable(this.#closed ? 'The storage is closed.' : 'The storage failed and is opened anew.'));
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, { resolve, reject });
      this.#outbox.push(saidOf(this.#lastId, op, input));
      if (this.#outbox.length === 1) setImmediate(() => this.#send());
    });
  }

  /** Calls made in one turn of the event loop go in one message: to wake a thread costs more than to read a small batch. */
  #send(): void {
    const calls = this.#outbox;
    this.#outbox = [];
    if (calls.length > 0) this.#worker?.postMessage(calls);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#reopening;
    const thread = this.#thread;
    if (thread === undefined) return;
    const ended = ending(thread);
    this.#send();
    thread.postMessage(['close'] satisfies FromOwner);
    await ended;
  }

  #settle(worker: Worker, { entries, replies, fatal }: FromWorker & { kind: 'group' }): void {
    if (entries !== undefined) this.#options.onCommitted(JSON.parse(entries) as AuditEntry[]);
    for (const reply of replies) {
      const waiter = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ('failure' in reply) waiter?.reject(errorOf(reply.failure));
      else waiter?.resolve(reply.value);
    }
    if (fatal) this.#lose(worker, 'a write to the disk failed');
  }

  /** What the thread had open can no longer be relied on: whoever waits for it is told, and the file is opened anew. */
  #lose(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const waiter of this.#waiting.values()) waiter.reject(unavailable('The storage failed.'));
    this.#waiting.clear();
    this.#outbox = [];
    this.#options.onTrouble?.('failed', reason);
    this.#reopening = this.#reopen(reason);
  }

  async #reopen(reason: string): Promise<void> {
    for (let tries = 1; !this.#closed; tries += 1) {
      const failure = await this.open(true).then(() => undefined, messageOf);
      if (failure === undefined) return this.#options.onTrouble?.('recovered', reason);
      if (tries === REOPEN_TRIES) return this.#options.onFatal(`${reason}, and the file cannot be opened anew: ${failure}`);
      await sleep(REOPEN_WAIT_MS);
    }
  }
}

/** A string costs a third of a structured clone on this side. */
function saidOf(id: number, op: string, input: unknown): Said {
  if (op !== 'acceptBatch') return { call: JSON.stringify({ id, op, input }) };
  const { contacts, ...rest } = input as Parameters<Store['acceptBatch']>[0];
  return { call: JSON.stringify({ id, op, input: rest }), contacts: JSON.stringify(contacts) };
}

function ending(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    if (worker.threadId === -1) resolve();
    else worker.once('exit', () => resolve());
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}

function unavailable(message: string): CodedError {
  return new CodedError('storage_unavailable', message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

function errorOf(failure: Failure): Error {
  if (failure.code === 'internal') return new Error(failure.message);
  const retryAfterSeconds = failure.code.startsWith('storage') || failure.code === 'queue_full' ? RETRY_AFTER_SECONDS : undefined;
  return new CodedError(failure.code, failure.message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}
