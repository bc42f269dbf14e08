import type { Finding } from './contact/types.ts';

/**
 * Every error a caller can meet: its code, the HTTP status it is answered with (RFC 9110) and the title
 * of its problem document (RFC 9457). A code never changes its meaning; callers branch on it.
 */
export const ERRORS = {
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_request: { status: 400, title: 'The request does not fit the schema' },
  contacts_missing: { status: 400, title: 'The body holds no contacts' },
  too_many_contacts: { status: 413, title: 'Too many contacts in one batch' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  unauthorized: { status: 401, title: 'An API key is required' },
  forbidden: { status: 403, title: 'The API key lacks the scope for this' },
  signature_invalid: { status: 401, title: 'The webhook signature is not valid' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  rate_limited: { status: 429, title: 'Too many requests' },
  all_contacts_rejected: { status: 422, title: 'Every contact of the batch was rejected' },
  idempotency_key_invalid: { status: 400, title: 'The Idempotency-Key is not usable' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used with another body' },
  idempotency_in_progress: { status: 409, title: 'A request with this Idempotency-Key is still running' },
  stale_data: { status: 422, title: 'A timestamp is older than the limit' },
  invalid_timestamp: { status: 422, title: 'A timestamp is not ISO 8601' },
  future_timestamp: { status: 422, title: 'A timestamp lies in the future' },
  pii_blocked: { status: 422, title: 'The attributes hold personal data that the policy blocks' },
  cxone_rejected: { status: 422, title: 'CXone refused the change' },
  profile_gone: { status: 404, title: 'CXone does not know the profile' },
  unknown_outcome: { status: 502, title: 'It is not known whether CXone applied the change' },
  erased_subject: { status: 422, title: 'The person was erased on request' },
  subject_ambiguous: { status: 409, title: 'More than one person bears the identifier' },
  keys_refused: { status: 422, title: 'The encryption keys cannot be used' },
  queue_full: { status: 503, title: 'The queue is full' },
  storage_full: { status: 503, title: 'The storage is full' },
  storage_unavailable: { status: 503, title: 'The storage cannot take the request now' },
  audit_integrity: { status: 503, title: 'The audit trail is not what was signed before' },
  stopping: { status: 503, title: 'The service is stopping' },
  not_canonical: { status: 422, title: 'The value has no canonical JSON form' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

export type FieldError = Omit<Finding, 'message'> & { message: string; index?: number };

/** An error with a code of the catalogue. `detail` and `errors` are shown to the caller and hold no personal data. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    more: { errors?: readonly FieldError[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'CodedError';
    this.code = code;
    this.errors = more.errors;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}
