import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a refused upload may still send; beyond it the connection is cut. */
const DRAIN_MAX_BYTES = 64 * 1024 * 1024;
/** How long it may send nothing. */
const DRAIN_IDLE_MS = 5000;

/**
 * Reads on, to nowhere, after an upload was refused half-way: a client that is cut off while it still sends never
 * sees the answer, and a body that nobody reads holds its connection open.
 */
export function drain(body: IncomingMessage, answer: ServerResponse): void {
  let left = DRAIN_MAX_BYTES;
  body.unpipe();
  body.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) body.destroy();
  });
  // After the answer the server sets its own, longer timeout for idle connections; this one comes behind it.
  answer.once('finish', () => {
    if (!body.complete) body.socket.setTimeout(DRAIN_IDLE_MS);
  });
  body.resume();
}
