import { Worker } from 'node:worker_threads';
import type { AuditEntry } from '../../domain/audit/entry.ts';
import { CodedError } from '../../domain/errors.ts';
import type { Store } from '../../domain/ports/store.ts';
import type { EngineOptions, Failure } from './engine.ts';
import { OPERATIONS } from './operations.ts';
import type { FromWorker } from './worker.ts';

export type SqliteStoreOptions = EngineOptions & {
  /** Told of every audit entry right after its commit. */
  onCommitted(entries: AuditEntry[]): void;
  /** Told when the file can no longer be trusted: the process must stop and open it anew. */
  onFatal(message: string): void;
};

type Waiter = { resolve(value: unknown): void; reject(error: Error): void };

const RETRY_AFTER_SECONDS = 10;

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
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { onCommitted, onFatal, ...engine } = options;
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: engine });
  const waiting = new Map<number, Waiter>();
  let lastId = 0;
  let closed = false;
  let closing: (() => void) | undefined;

  const failAll = (message: string): void => {
    closed = true;
    for (const waiter of waiting.values()) waiter.reject(new CodedError('storage_unavailable', message, { retryAfterSeconds: RETRY_AFTER_SECONDS }));
    waiting.clear();
  };

  await new Promise<void>((resolve, reject) => {
    worker.once('error', (error: Error) => {
      reject(error);
      failAll('The storage thread failed.');
      onFatal(error.message);
    });
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') resolve();
      else if (message.kind === 'refused') reject(new StoreRefusedError(message.name, message.message));
      else if (message.kind === 'closed') closing?.();
      else {
        if (message.entries.length > 0) onCommitted(message.entries);
        for (const reply of message.replies) {
          const waiter = waiting.get(reply.id);
          waiting.delete(reply.id);
          if ('failure' in reply) waiter?.reject(errorOf(reply.failure));
          else waiter?.resolve(reply.value);
        }
        if (message.fatal) {
          failAll('The storage failed.');
          onFatal('a write to the disk failed; nothing is known of what it holds until it is opened anew');
        }
      }
    });
  });

  const call = (op: string, input: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (closed) {
        reject(new CodedError('storage_unavailable', 'The storage is closed.', { retryAfterSeconds: RETRY_AFTER_SECONDS }));
        return;
      }
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      // A string costs a third of a structured clone on this side.
      worker.postMessage(JSON.stringify({ id: lastId, op, input }));
    });

  const operations = Object.fromEntries(Object.keys(OPERATIONS).map((op) => [op, (input: unknown) => call(op, input)]));
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    const done = new Promise<void>((resolve) => {
      closing = resolve;
      worker.once('exit', () => resolve());
    });
    worker.postMessage('close');
    await done;
    await worker.terminate();
  };
  return { ...operations, close } as unknown as Store;
}

function errorOf(failure: Failure): Error {
  if (failure.code === 'internal') return new Error(failure.message);
  const retryAfterSeconds = failure.code.startsWith('storage') || failure.code === 'queue_full' ? RETRY_AFTER_SECONDS : undefined;
  return new CodedError(failure.code, failure.message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}
