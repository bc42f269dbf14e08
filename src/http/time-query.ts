import { CodedError } from '../domain/errors.ts';
import { parseIsoTimestamp } from '../domain/timestamp.ts';

/** A time of a query as epoch milliseconds under its name; nothing where it was not given. Coded error: `invalid_request`. */
export function timeOf<N extends string>(name: N, text: string | undefined): Partial<Record<N, number>> {
  if (text === undefined) return {};
  const at = parseIsoTimestamp(text);
  if (at === undefined) throw new CodedError('invalid_request', `${name} is not an ISO 8601 time.`);
  return { [name]: at } as Record<N, number>;
}
