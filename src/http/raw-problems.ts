import type { Socket } from 'node:net';
import { ERRORS } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { PROBLEM_JSON, problemOf } from '../domain/problem.ts';

/** What Node's parser says of bytes that are no request, by what it means here. */
const BY_CODE: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'Send fewer or shorter headers.'],
};
const REASONS: Readonly<Record<number, string>> = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' };

/** Answers on the bare socket, where no request came about, and closes it. */
export function answerRaw(newId: () => string): (error: Error & { code?: string }, socket: Socket) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return;
    const [code, detail] = BY_CODE[error.code ?? ''] ?? (['invalid_request', 'This is no HTTP request.'] as const);
    const id = newId();
    const body = JSON.stringify(problemOf(code, detail, id));
    const { status } = ERRORS[code];
    const head = [`HTTP/1.1 ${status} ${REASONS[status] ?? ''}`, `content-type: ${PROBLEM_JSON}`, `content-length: ${Buffer.byteLength(body)}`, `x-request-id: ${id}`, 'connection: close'];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  };
}
