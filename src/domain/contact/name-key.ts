const PLAIN = /^[a-z]+(?: [a-z]+)*$/;
// Ranges rather than Unicode properties, whose classes take milliseconds to build at the first use.
const MARKS = /[\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670]+/g;
const ACRONYM = /(?<![a-z0-9])(?:[a-z]\.){2,}/g;
const APOSTROPHES = /['’‘ʻʼ`´]+/g;
const SEPARATORS = /[\0-*,-/:-`{-¿\u055a-\u055f\u05be\u060c\u1806\u2000-\u206f\u2212\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u30fb\u{1f100}-\u{1faff}]+/gu;
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
