import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1024 * 1024;
/** Far above any entry. A longer line is given as it is up to here, and so fails as an entry. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The lines of a file, one after the other, without their newline; memory stays flat whatever the size of the file.
 * A line is valid only until the next one is asked for.
 */
export function* linesOf(path: string): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    let pending: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const count = readSync(file, chunk, 0, CHUNK_BYTES, null);
      if (count === 0) break;
      const bytes = pending.length === 0 ? chunk.subarray(0, count) : Buffer.concat([pending, chunk.subarray(0, count)]);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        yield bytes.subarray(start, end);
        start = end + 1;
      }
      pending = bytes.subarray(start);
      if (pending.length > MAX_LINE_BYTES) break;
    }
    if (pending.length > 0) yield pending;
  } finally {
    closeSync(file);
  }
}
