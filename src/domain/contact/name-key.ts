const PLAIN = /^[a-z]+$/;
const MARKS = /\p{M}+/gu;
const ACRONYM = /(?<![\p{L}\p{N}])(?:\p{L}\.){2,}/gu;
const APOSTROPHES = /['’‘ʻʼ`´]+/g;
const SEPARATORS = /[^\p{L}\p{N}+]+/gu;
const LETTERS: Readonly<Record<string, string>> = { ø: 'o', đ: 'd', ł: 'l', ß: 'ss', æ: 'ae', œ: 'oe', ı: 'i', ð: 'd', þ: 'th', ə: 'e' };
const LETTER = /[øđłßæœıðþə]/g;

/**
 * The form under which two spellings of one place name meet: lower case, no marks or punctuation, single spaces,
 * `&` read as "and". Points within an acronym and apostrophes close up ("U.S.A." → "usa"), other separators become a space.
 */
export function nameKey(raw: string): string {
  const lower = raw.trim().toLowerCase();
  if (PLAIN.test(lower)) return lower;
  return lower
    .normalize('NFKD')
    .replace(MARKS, '')
    .replace(LETTER, (letter) => LETTERS[letter] ?? letter)
    .replaceAll('&', ' and ')
    .replace(ACRONYM, (acronym) => `${acronym.replaceAll('.', '')} `)
    .replace(APOSTROPHES, '')
    .replace(SEPARATORS, ' ')
    .trim();
}

/** Keeps a value in a cache that forgets everything once it holds `limit` entries, and gives the value back. */
export function remember<Value>(cache: Map<string, Value>, limit: number, key: string, value: Value): Value {
  if (cache.size >= limit) cache.clear();
  cache.set(key, value);
  return value;
}
