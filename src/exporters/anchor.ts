import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Agent } from 'undici';
import type { AnchorPort } from '../domain/ports/checkpoints.ts';

const HEADERS_MAX_BYTES = 16 * 1024;
const OWNER_ONLY = 0o600;

/** A checkpoint could not be handed over; the message says why in a word or a status. */
export class AnchorError extends Error {
  override readonly name = 'AnchorError';
}

/**
 * A place on the net that takes checkpoints by POST as text, and has taken one when it answers 2xx. No redirects,
 * certificates always checked, the body of the answer not read. `timeoutMs` is over the whole call.
 */
export function createUrlAnchor({ url, timeoutMs }: { url: string; timeoutMs: number }): AnchorPort {
  const agent = new Agent({
    connections: 1,
    pipelining: 1,
    maxHeaderSize: HEADERS_MAX_BYTES,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { timeout: timeoutMs, rejectUnauthorized: true },
  });
  const { origin, pathname, search } = new URL(url);
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'cxone-enricher' };
  return {
    place: 'url',
    async put(note) {
      const giveUp = new AbortController();
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        giveUp.abort();
        late.reject(new AnchorError(`no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      try {
        // A connection that hangs does not heed the signal, so the time is kept beside it too.
        const request = agent.request({ origin, path: pathname + search, method: 'POST', headers, body: note, signal: giveUp.signal });
        const { statusCode, body } = await Promise.race([late.promise, request]);
        body.on('error', () => {}).destroy();
        if (statusCode < 200 || statusCode > 299) throw new AnchorError(`answered ${statusCode}`);
      } catch (error) {
        if (error instanceof AnchorError) throw error;
        const { code } = error as { code?: unknown };
        throw new AnchorError(`no answer (${typeof code === 'string' ? code : 'connection failed'})`, { cause: error });
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => agent.destroy(),
  };
}

/** A file that checkpoints are appended to, on another disk or on write-once storage; an empty line ends each. */
export function createFileAnchor({ path }: { path: string }): AnchorPort {
  return {
    place: 'file',
    async put(note) {
      try {
        await mkdir(dirname(path), { recursive: true });
        const file = await open(path, 'a', OWNER_ONLY);
        try {
          await file.appendFile(`${note}\n`);
          await file.sync();
        } finally {
          await file.close();
        }
      } catch (error) {
        throw new AnchorError(String((error as NodeJS.ErrnoException).code ?? 'the file cannot be written'), { cause: error });
      }
    },
    close: () => Promise.resolve(),
  };
}
