/** Printable ASCII without a space at either end: nearly every value there is, and nothing to do about it. */
const TIDY = /^[!-~](?:[ -~]*[!-~])?$/;
const SPACES = /[\s\p{Cc}]+/gu;
const CONTROLS = /[\p{Cc}\u2028\u2029]/gu;

/** True where two databases would store the text differently: a NUL, or half of a surrogate pair. */
export function isUnstorable(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed();
}

/** Line breaks, tabs and runs of spaces become one space; composed characters (NFC); no space at either end. */
export function tidyText(text: string): string {
  if (TIDY.test(text) && !text.includes('  ')) return text;
  return text.replace(SPACES, ' ').trim().normalize('NFC');
}

/** For identifiers, where two inner spaces are not one: only control characters and the ends are touched. */
export function tidyIdentifier(text: string): string {
  return TIDY.test(text) ? text : text.replace(CONTROLS, ' ').trim();
}

/** True where {@link isUnstorable} needs to be asked at all. */
export function isPlainText(text: string): boolean {
  return TIDY.test(text);
}

export type DeepFault = 'invalid_string' | 'too_deep';

/**
 * Looks for text that cannot be stored anywhere in a JSON value, keys included.
 *
 * @param depth how many levels of arrays and objects may still come
 */
export function findDeepFault(value: unknown, depth: number): DeepFault | undefined {
  if (typeof value === 'string') return isUnstorable(value) ? 'invalid_string' : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth === 0) return 'too_deep';
  if (Array.isArray(value)) {
    for (const entry of value) {
      const fault = findDeepFault(entry, depth - 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  for (const [key, entry] of Object.entries(value)) {
    if (isUnstorable(key)) return 'invalid_string';
    const fault = findDeepFault(entry, depth - 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
