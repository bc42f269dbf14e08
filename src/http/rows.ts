import { createHash } from 'node:crypto';
import { Transform, finished } from 'node:stream';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { parse as parseCsv } from 'csv-parse';
import { CodedError } from '../domain/errors.ts';
import type { JsonParse } from './plugins/bodies.ts';

/** Most bytes of one streamed upload, and of one row of it. */
export const UPLOAD_MAX_BYTES = 4 * 1024 ** 3;
export const ROW_MAX_BYTES = 256 * 1024;

export type Upload = {
  rows: AsyncIterable<unknown>;
  /** Hash of all bytes; complete once the rows have been read to the end. */
  bodyHash(): string;
};

/** Rows of an upload, one at a time, whatever its length. A row that cannot be read is null, and so rejected by itself. */
export function readUpload(body: Readable, contentType: string, parse: JsonParse): Upload {
  const digest = createHash('sha256');
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      digest.update(chunk);
      done(bytes > UPLOAD_MAX_BYTES ? new CodedError('body_too_large', `An upload has at most ${UPLOAD_MAX_BYTES} bytes.`) : null, chunk);
    },
  });
  // The client may go away before anybody reads, or after; whoever reads meets the error then, and nobody else has to.
  counted.on('error', () => undefined);
  finished(body, { writable: false }, (error) => {
    if (error !== undefined && error !== null) counted.destroy(new CodedError('invalid_request', 'The upload ended early.', { cause: error }));
  });
  body.pipe(counted);
  const rows = contentType.startsWith('text/csv') ? csvRows(counted) : jsonRows(counted, parse);
  let hex: string | undefined;
  return { rows, bodyHash: () => (hex ??= digest.digest('hex')) };
}

async function* jsonRows(source: Transform, parse: JsonParse): AsyncGenerator<unknown> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let first = true;
  for await (const chunk of source) {
    const text = decoder.write(chunk as Buffer);
    const lines = (rest + (first ? text.replace(/^\uFEFF/, '') : text)).split('\n');
    if (text !== '') first = false;
    rest = lines.pop() ?? '';
    if (rest.length > ROW_MAX_BYTES) throw new CodedError('body_too_large', `A row has at most ${ROW_MAX_BYTES} bytes.`);
    for (const line of lines) if (line.trim() !== '') yield readRow(line, parse);
  }
  rest += decoder.end();
  if (rest.trim() !== '') yield readRow(rest, parse);
}

function readRow(line: string, parse: JsonParse): unknown {
  try {
    return parse(line);
  } catch {
    return null;
  }
}

async function* csvRows(source: Transform): AsyncGenerator<unknown> {
  const parser = parseCsv({ columns: (header: string[]) => header.map((name) => name.trim()), bom: true, relax_column_count: true, skip_empty_lines: true, trim: true, max_record_size: ROW_MAX_BYTES });
  finished(source, { writable: false }, (error) => {
    if (error !== undefined && error !== null) parser.destroy(error);
  });
  try {
    for await (const row of source.pipe(parser)) yield row;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('invalid_request', 'The CSV cannot be read: quotes must be closed and the first row must name the fields.', { cause: error });
  }
}
