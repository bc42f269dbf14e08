import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FaultState } from './fault-catalogue.ts';
import { json, type Reply } from './reply.ts';
import type { Timers } from './timers.ts';

const DEFAULTS = { seconds: 2, slowMs: 3_000, dripMs: 200, bytes: 300_000_000 } as const;
const MAINTENANCE_PAGE: Reply = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<!doctype html><title>Maintenance</title><p>Back soon.',
};
const BLOCK = Buffer.alloc(64 * 1024, ' ');

export type Stage = {
  response: ServerResponse;
  /** Lets the call take effect and gives the answer that it would have got. */
  apply: () => Promise<Reply>;
  now: () => number;
  timers: Timers;
  /** Called with the status just before it goes out. */
  answering: (status: number) => void;
};

/** Plays one fault on a call that came in. Gives back when the answer, if there is one, has been written. */
export async function play(fault: FaultState, stage: Stage): Promise<void> {
  const { response, apply } = stage;
  const plain = replyWithout(fault, stage.now);
  if (plain !== undefined) return sendReply(plain, stage);
  switch (fault.kind) {
    case 'hang':
      return;
    case 'reset':
      return reset(response);
    case 'html':
      return sendReply(MAINTENANCE_PAGE, stage);
    case 'huge':
      return pour(fault.bytes ?? DEFAULTS.bytes, stage);
    case 'endless':
      return pour(Number.POSITIVE_INFINITY, stage);
    default:
      return afterApplying(fault, stage, await apply());
  }
}

/** Sends an ordinary answer. */
export function sendReply(reply: Reply, { response, answering }: Pick<Stage, 'response' | 'answering'>): void {
  if (response.destroyed) return;
  answering(reply.status);
  if (reply.status === 204) return void response.writeHead(204).end();
  response.writeHead(reply.status, { ...reply.headers, 'content-length': String(Buffer.byteLength(reply.body)) });
  response.end(reply.body);
}

/** The answer of a fault that lets nothing happen, where it is one plain answer. */
function replyWithout(fault: FaultState, now: () => number): Reply | undefined {
  const seconds = fault.seconds ?? DEFAULTS.seconds;
  const throttled = (headers: Record<string, string>): Reply => json(429, { error: 'too many requests' }, headers);
  switch (fault.kind) {
    case '429-seconds':
      return throttled({ 'retry-after': String(seconds) });
    case '429-date':
      return throttled({ 'retry-after': new Date(now() + seconds * 1000).toUTCString() });
    case '429':
    case '429-missing':
      return throttled({});
    case '429-garbage':
      return throttled({ 'retry-after': 'in a while' });
    case '422-indexes': {
      const errors = (fault.indexes ?? [0]).map((index) => ({ index, field: 'postal_code', message: 'is not valid' }));
      return json(422, { error: 'validation failed', errors });
    }
    case 'redirect':
      return { status: fault.status ?? 307, headers: { location: fault.location ?? '/sandbox/elsewhere' }, body: '' };
    default: {
      const status = Number(fault.kind);
      return status >= 400 ? json(status, { error: `the sandbox plays ${fault.kind}` }) : undefined;
    }
  }
}

async function afterApplying(fault: FaultState, stage: Stage, reply: Reply): Promise<void> {
  const { response, timers } = stage;
  switch (fault.kind) {
    case 'hang-after':
      return;
    case 'reset-after':
      return reset(response);
    case 'fail-after':
      return sendReply(json(fault.status ?? 500, { error: 'the sandbox failed after it had applied the call' }), stage);
    case '204':
      return sendReply({ status: 204, headers: {}, body: '' }, stage);
    case 'unreadable':
      return sendReply({ ...reply, status: 200, body: reply.body.slice(0, Math.max(1, reply.body.length - 5)) }, stage);
    case 'slow':
      if (await timers.after(fault.ms ?? DEFAULTS.slowMs)) sendReply(reply, stage);
      return;
    case 'drip':
      return drip(reply, fault.ms ?? DEFAULTS.dripMs, stage);
    default:
      return sendReply(reply, stage);
  }
}

/** Ends the connection with a reset (RST) rather than a close, so that the caller sees a broken call. */
function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** Writes an answer of that many bytes at the pace of the reader; ends early when the reader hangs up. */
async function pour(bytes: number, { response, answering }: Stage): Promise<void> {
  answering(200);
  response.writeHead(200, { 'content-type': 'application/json' });
  await pipeline(Readable.from(padding(bytes)), response).catch(() => {});
}

function* padding(bytes: number): Generator<Buffer> {
  yield Buffer.from('{"contacts":[');
  for (let left = bytes; left > 0; left -= BLOCK.length) yield BLOCK;
  yield Buffer.from(']}');
}

async function drip(reply: Reply, everyMs: number, { response, timers, answering }: Stage): Promise<void> {
  answering(reply.status);
  response.writeHead(reply.status, { ...reply.headers, 'content-length': String(Buffer.byteLength(reply.body)) });
  for (const byte of Buffer.from(reply.body)) {
    if (response.destroyed || !(await timers.after(everyMs))) return;
    response.write(Buffer.of(byte));
  }
  response.end();
}
