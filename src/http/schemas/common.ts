import { z } from 'zod';
import { isUnstorable } from '../../domain/contact/text.ts';
import { PROBLEM_JSON } from '../../domain/problem.ts';

export const Finding = z.object({
  index: z.int().optional(),
  field: z.string(),
  code: z.string(),
  message: z.string(),
});

/** RFC 9457. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    request_id: z.string(),
    errors: z.array(Finding).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document; `code` is what to branch on' });

export const Timestamp = z.string().meta({ format: 'date-time' });
/** In small letters, as it is kept: both are the same one (RFC 9562, section 4). */
export const Uuid = z.uuid().toLowerCase();

/** Text that every store keeps as it is: no NUL, no half of a character. */
export function text(min: number, max: number) {
  return z.string().min(min).max(max).refine((value) => !isUnstorable(value), 'must be well-formed text without NUL');
}

/** Listing options shared by everything that is paged. */
export function limit(fallback: number, max: number) {
  return z.coerce.number().int().min(1).max(max).default(fallback);
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'Not a request that can be read',
  401: 'No API key, or a signature that does not fit',
  403: 'The key lacks the scope',
  404: 'Not found',
  409: 'The same key is still running',
  413: 'Too large',
  415: 'Unsupported content type',
  422: 'Understood, and refused',
  429: 'Too many requests of this key',
  502: 'It is not known whether CXone applied the change',
  503: 'Not now; see Retry-After',
};

/** The problem answers a route can give. */
export function problems<const S extends readonly (keyof typeof DESCRIPTIONS & number)[]>(...statuses: S) {
  const entries = statuses.map((status) => [status, { description: DESCRIPTIONS[status] ?? 'Error', content: { [PROBLEM_JSON]: { schema: Problem } } }] as const);
  return Object.fromEntries(entries) as unknown as Record<S[number], { description: string; content: Record<string, { schema: typeof Problem }> }>;
}

export const SECURITY = [{ apiKey: [] }];
