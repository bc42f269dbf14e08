import { ERRORS } from './errors.ts';
import type { ErrorCode, FieldError } from './errors.ts';

/** A problem document (RFC 9457) as every error of this service is answered. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  request_id: string;
  errors?: readonly FieldError[];
};

/** The media type of a problem document. */
export const PROBLEM_JSON = 'application/problem+json';

/** Builds the document of a code. `detail` says what happened this time and holds no personal data. */
export function problemOf(code: ErrorCode, detail: string, requestId: string, errors?: readonly FieldError[]): Problem {
  const { status, title } = ERRORS[code];
  const problem: Problem = { type: `urn:cxone-enricher:error:${code}`, title, status, detail, code, request_id: requestId };
  return errors === undefined || errors.length === 0 ? problem : { ...problem, errors };
}
