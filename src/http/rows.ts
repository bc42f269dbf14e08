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

/** Whether bytes were met that are no UTF-8. They are read as U+FFFD, and the row that holds one is not what was meant. */
type Damage = { found: boolean };

/** Rows of an upload, one at a time, whatever its length. A row that cannot be read is null, and so rejected by itself. */
export function readUpload(body: Readable, contentType: string, parse: JsonParse): Upload {
  const digest = createHash('sha256');
  const damage: Damage = { found: false };
  const check = utf8Check(damage);
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      digest.update(chunk);
      check(chunk);
      done(bytes > UPLOAD_MAX_BYTES ? new CodedError('body_too_large', `An upload has at most ${UPLOAD_MAX_BYTES} bytes.`) : null, chunk);
    },
    flush(done) {
      check();
      done();
    },
  });
  // The client may go away before anybody reads, or after; whoever reads meets the error then, and nobody else has to.
  counted.on('error', () => undefined);
  finished(body, { writable: false }, (error) => {
    if (error !== undefined && error !== null) counted.destroy(new CodedError('invalid_request', 'The upload ended early.', { cause: error }));
  });
  body.pipe(counted);
  const rows = /^text\/csv\b/i.test(contentType) ? csvRows(counted, damage) : jsonRows(counted, damage, parse);
  let hex: string | undefined;
  return { rows, bodyHash: () => (hex ??= digest.digest('hex')) };
}

/** Looks at the bytes as they come, a letter cut between two pieces included; nothing given is their end. */
function utf8Check(damage: Damage): (chunk?: Buffer) => void {
  const strict = new TextDecoder('utf-8', { fatal: true });
  return (chunk) => {
    if (damage.found) return;
    try {
      strict.decode(chunk, { stream: chunk !== undefined });
    } catch {
      damage.found = true;
    }
  };
}

async function* jsonRows(source: Transform, damage: Damage, parse: JsonParse): AsyncGenerator<unknown> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let first = true;
  for await (const chunk of source) {
    const text = decoder.write(chunk as Buffer);
    const lines = (rest + (first ? text.replace(/^\uFEFF/, '') : text)).split('\n');
    if (text !== '') first = false;
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield readRow(line, damage, parse);
    if (rest.length > ROW_MAX_BYTES) throw tooLong();
  }
  rest += decoder.end();
  if (rest.trim() !== '') yield readRow(rest, damage, parse);
}

function readRow(line: string, damage: Damage, parse: JsonParse): unknown {
  if (line.length > ROW_MAX_BYTES) throw tooLong();
  if (damage.found && line.includes('\uFFFD')) return null;
  try {
    return parse(line);
  } catch {
    return null;
  }
}

async function* csvRows(source: Transform, damage: Damage): AsyncGenerator<unknown> {
  const parser = parseCsv({ bom: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, trim: true, max_record_size: ROW_MAX_BYTES });
  finished(source, { writable: false }, (error) => {
    if (error !== undefined && error !== null) parser.destroy(error);
  });
  let names: string[] | undefined;
  try {
    for await (const cells of source.pipe(parser) as AsyncIterable<string[]>) {
      if (names === undefined) names = cells;
      else yield damage.found && cells.some((cell) => cell.includes('\uFFFD')) ? null : rowOf(names, cells);
    }
  } catch (error) {
    if (error instanceof CodedError) throw error;
    if ((error as { code?: string }).code === 'CSV_MAX_RECORD_SIZE') throw tooLong(', and a quote that is opened must be closed', error);
    throw new CodedError('invalid_request', 'The CSV cannot be read: quotes must be closed, with nothing behind them.', { cause: error });
  }
}

/** Cells by the names of their columns. What stands beyond the last has no name; that it was there is told. */
function rowOf(names: readonly string[], cells: readonly string[]): Record<string, string> {
  const row = Object.fromEntries(cells.slice(0, names.length).map((cell, at) => [names[at], cell]));
  return cells.slice(names.length).some((cell) => cell !== '') ? { ...row, '': 'beyond the header' } : row;
}

function tooLong(more = '', cause?: unknown): CodedError {
  return new CodedError('body_too_large', `A row has at most ${ROW_MAX_BYTES} bytes${more}.`, { cause });
}
