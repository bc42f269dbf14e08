import canonicalize from 'canonicalize';

/** Deeper values are refused: far above any real document, far below what would exhaust the stack. It also ends cycles. */
const MAX_DEPTH = 200;

export type CanonicalJsonCode =
  | 'canonical_number_not_finite'
  | 'canonical_lone_surrogate'
  | 'canonical_not_json'
  | 'canonical_too_deep';

/** A value has no canonical form. The message names the place (`details.rule`), never the value. */
export class CanonicalJsonError extends Error {
  readonly code: CanonicalJsonCode;

  constructor(code: CanonicalJsonCode, path: readonly string[]) {
    const place = path.length === 0 ? 'the value' : path.join('.');
    super(`${place} cannot be written as canonical JSON (${code})`);
    this.name = 'CanonicalJsonError';
    this.code = code;
  }
}

/**
 * The canonical JSON text of a value (RFC 8785, JSON Canonicalization Scheme): names in UTF-16 order, numbers as
 * ECMAScript writes them, no white space. Properties that are `undefined` are left out, as JSON would.
 *
 * Only JSON data is taken: null, booleans, finite numbers, well-formed strings, arrays, plain objects. All else is
 * refused rather than silently turned into `{}` or `null`, since two different facts must never have one hash.
 * Duplicate names exist only in texts: whoever parses a text refuses them before the value comes here.
 *
 * @throws CanonicalJsonError `canonical_number_not_finite`, `canonical_lone_surrogate`, `canonical_not_json`
 *   (undefined, functions, symbols, bigints, class instances, holes in arrays), `canonical_too_deep`
 */
export function canonicalJson(value: unknown): string {
  refuseOtherThanJson(value, []);
  // Never undefined: that happens for an undefined, function or symbol value only, which has just been refused.
  return canonicalize(value) as string;
}

function refuseOtherThanJson(value: unknown, path: string[]): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new CanonicalJsonError('canonical_lone_surrogate', path);
    return;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new CanonicalJsonError('canonical_number_not_finite', path);
    return;
  }
  if (typeof value !== 'object') throw new CanonicalJsonError('canonical_not_json', path);
  if (path.length >= MAX_DEPTH) throw new CanonicalJsonError('canonical_too_deep', []);
  if (Array.isArray(value)) refuseInArray(value, path);
  else refuseInObject(value, path);
}

function refuseInArray(values: readonly unknown[], path: string[]): void {
  // By index, since iteration helpers skip the holes that have to be found.
  for (let index = 0; index < values.length; index += 1) {
    path.push(String(index));
    refuseOtherThanJson(values[index], path);
    path.pop();
  }
}

function refuseInObject(object: object, path: string[]): void {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) throw new CanonicalJsonError('canonical_not_json', path);
  if ('toJSON' in object && typeof object.toJSON === 'function') throw new CanonicalJsonError('canonical_not_json', path);
  for (const [name, value] of Object.entries(object)) {
    if (!name.isWellFormed()) throw new CanonicalJsonError('canonical_lone_surrogate', path);
    if (value === undefined) continue;
    path.push(name);
    refuseOtherThanJson(value, path);
    path.pop();
  }
}
