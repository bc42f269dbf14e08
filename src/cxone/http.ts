import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';

/** Connections kept to one origin. The budget allows a few calls a second at most, each an answer long. */
const CONNECTIONS_MAX = 8;
/** Answers may carry up to this many bytes of headers; gateways add long cookies and policies. */
const HEADERS_MAX_BYTES = 64 * 1024;
/** An idle connection is closed by us before a server would: a request that meets a closing one has an unknown outcome. */
const KEEP_ALIVE_MS = 4_000;

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

export type HttpRequest = {
  url: string;
  method: 'POST' | 'PATCH' | 'PUT';
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Larger answers are cut off, before and after decompression. */
  maxBytes: number;
};

/** What came of one request: an answer, or none. */
export type Exchange =
  | {
      kind: 'answer';
      status: number;
      headers: AnswerHeaders;
      /** The whole body; undefined when it could not be read, and `flaw` says why. */
      text?: string;
      flaw?: string;
    }
  | {
      kind: 'silence';
      /** False only when not a byte of the request can have left. */
      sent: boolean;
      reason: string;
    };

/**
 * Makes requests over a pool of connections of its own: one attempt each, no redirects, certificates always checked,
 * no proxy taken from the environment, answers capped in size.
 */
export class HttpCaller {
  readonly #agent: Agent;

  /** @param connectTimeoutMs for a connection that hangs before anything could be sent. */
  constructor(connectTimeoutMs: number) {
    this.#agent = new Agent({
      connections: CONNECTIONS_MAX,
      pipelining: 1,
      maxHeaderSize: HEADERS_MAX_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // The signal of each call is the time cap, over connecting, sending, waiting and reading together.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Said here so that no variable of the environment can say otherwise.
      connect: { timeout: connectTimeoutMs, rejectUnauthorized: true },
    });
  }

  /**
   * Makes one request to a valid URL. Never throws.
   *
   * @param signal ends the call at once; its reason, an Error, is told in the result.
   */
  async exchange(request: HttpRequest, signal: AbortSignal): Promise<Exchange> {
    const { origin, pathname, search } = new URL(request.url);
    const handler = new Handler(request.maxBytes);
    const onAbort = (): void => handler.stop((signal.reason as Error).message);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const { method, body } = request;
    const headers = { ...request.headers, 'accept-encoding': 'identity', 'user-agent': 'cxone-enricher' };
    this.#agent.dispatch({ origin, path: pathname + search, method, headers, body }, handler);
    const raw = await handler.result;
    signal.removeEventListener('abort', onAbort);
    if (raw.kind === 'silence') return raw;
    const { kind, status, headers: answerHeaders } = raw;
    return { kind, status, headers: answerHeaders, ...(await readable(raw, request.maxBytes)) };
  }

  /** Cuts off what is under way, each with an honest outcome, and closes all connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

type RawAnswer = { kind: 'answer'; status: number; headers: AnswerHeaders; bytes: Buffer; flaw?: string };
type RawExchange = RawAnswer | Extract<Exchange, { kind: 'silence' }>;

/**
 * Follows one request.
 *
 * | state | holds | left by |
 * |---|---|---|
 * | waiting for a connection | nothing sent | `onRequestStart`; stop or error → silence, not sent |
 * | sent | perhaps applied | `onResponseStart`; stop or error → silence, sent |
 * | answering | status and headers are settled | end; stop, error or too many bytes → answer with a flaw |
 * | settled | – | nothing; a connection that opens now is not written to |
 */
class Handler implements Dispatcher.DispatchHandler {
  readonly result: Promise<RawExchange>;
  readonly #resolve: (exchange: RawExchange) => void;
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #answer: { status: number; headers: AnswerHeaders } | undefined;
  #bytes = 0;
  #settled = false;

  constructor(maxBytes: number) {
    const { promise, resolve } = Promise.withResolvers<RawExchange>();
    this.result = promise;
    this.#resolve = resolve;
    this.#maxBytes = maxBytes;
  }

  /** Called when a connection is there and before the first byte is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('given up before it was sent'));
  }

  onResponseStart(_controller: unknown, status: number, headers: AnswerHeaders): void {
    if (status >= 200) this.#answer = { status, headers };
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#settled) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.stop(`an answer of more than ${this.#maxBytes} bytes`);
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#settle();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#settle(errorText(error));
  }

  /** Ends the exchange here, whatever state it is in. */
  stop(reason: string): void {
    this.#settle(reason);
    this.#controller?.abort(new Error(reason));
  }

  #settle(flaw?: string): void {
    if (this.#settled) return;
    this.#settled = true;
    if (!this.#answer) {
      this.#resolve({ kind: 'silence', sent: this.#controller !== undefined, reason: flaw ?? 'no answer' });
      return;
    }
    const bytes = Buffer.concat(this.#chunks);
    this.#resolve({ kind: 'answer', ...this.#answer, bytes, ...(flaw === undefined ? {} : { flaw }) });
  }
}

const DECODERS: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** We ask for no encoding; a gateway that encodes all the same is read all the same. */
async function readable(answer: RawAnswer, maxBytes: number): Promise<{ text?: string; flaw?: string }> {
  if (answer.flaw !== undefined) return { flaw: answer.flaw };
  const encoding = String(answer.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decode = DECODERS[encoding];
  if (encoding !== 'identity' && !decode) return { flaw: 'in an encoding we did not ask for' };
  try {
    const bytes = decode ? await decode(answer.bytes, { maxOutputLength: maxBytes }) : answer.bytes;
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { flaw: decode ? 'with a body that cannot be decompressed within the limit' : 'with a body that is not UTF-8' };
  }
}

const ERROR_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'the host name has no address (DNS)',
  EAI_AGAIN: 'the host name cannot be looked up (DNS)',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_SOCKET: 'connection closed by the other side',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'a body of another length than announced',
  UND_ERR_HEADERS_OVERFLOW: 'an answer with too many headers',
  UND_ERR_DESTROYED: 'the service is stopping',
  UND_ERR_CLOSED: 'the service is stopping',
};

/** The kind of failure, never the message: that may hold addresses and foreign text. */
function errorText(error: Error & { code?: unknown }): string {
  const code = typeof error.code === 'string' ? error.code : '';
  const known = ERROR_TEXTS[code];
  if (known !== undefined) return known;
  if (error.name === 'HTTPParserError') return 'not HTTP';
  if (/CERT|SSL|TLS|SIGNATURE|EPROTO/.test(code)) return `the certificate or TLS was refused (${code})`;
  return code === '' ? error.name : `failed (${code})`;
}
