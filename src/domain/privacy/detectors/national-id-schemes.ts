/**
 * Numbers that states give to people, with what can be checked of each. The rules are those of the issuing offices.
 * `byValue`: letters, separators or two check digits make a chance hit unlikely enough to need no word beside it.
 */
import { isDay, luhn, mod1110, verhoeff, weighted } from './checksums.ts';

export type NationalIdScheme = {
  name: string;
  pattern: RegExp;
  /** Takes the match in capitals without separators (a plus or minus stays, for some schemes mean something by it). */
  accepts: (compact: string) => boolean;
  byValue?: true;
  /** The scheme's own word, where one check digit of ten on mere digits says too little for a general one. */
  word?: RegExp;
};

/** A pattern that stands alone: no letter, digit or joined group before or after it. */
function alone(source: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}]|\\p{N}[.,-])(?:${source})(?![\\p{L}\\p{N}]|[.,-]\\p{N})`, 'giu');
}

const digitsOf = (text: string): string => text.replaceAll(/\D/g, '');
const digit = (text: string, place: number): number => Number(text[place]);
/** The day in six digits, year first or last, whatever the century. */
const dayFirst = (text: string): boolean => isDay(Number(text.slice(4, 6)), Number(text.slice(2, 4)), Number(text.slice(0, 2)));
const yearFirst = (text: string): boolean => isDay(Number(text.slice(0, 2)), Number(text.slice(2, 4)), Number(text.slice(4, 6)));
const notAllSame = (text: string): boolean => !/^(\d)\1+$/.test(text);

const DNI_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE';
const HETU_LETTERS = '0123456789ABCDEFHJKLMNPRSTUVWXY';
const NRIC_LETTERS: Record<string, readonly [number, string]> = {
  S: [0, 'JZIHGFEDCBA'], T: [4, 'JZIHGFEDCBA'], F: [0, 'XWUTRQPNMLK'], G: [4, 'XWUTRQPNMLK'], M: [3, 'KLJNPQRTUWX'],
};
const FISCAL_ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

function isNric(text: string): boolean {
  const [offset, letters] = NRIC_LETTERS[text[0]!]!;
  const rest = (weighted(text.slice(1), [2, 7, 6, 5, 4, 3, 2]) + offset) % 11;
  return letters[text[0] === 'M' ? 10 - rest : rest] === text[8];
}

function isFiscalCode(text: string): boolean {
  const sum = Array.from(text.slice(0, 15)).reduce((total, character, place) => {
    const value = /\d/.test(character) ? Number(character) : character.charCodeAt(0) - 65;
    return total + (place % 2 === 0 ? FISCAL_ODD[value]! : value);
  }, 0);
  return sum % 26 === text.charCodeAt(15) - 65;
}

function isTurkish(text: string): boolean {
  const odd = digit(text, 0) + digit(text, 2) + digit(text, 4) + digit(text, 6) + digit(text, 8);
  const even = digit(text, 1) + digit(text, 3) + digit(text, 5) + digit(text, 7);
  return (((odd * 7 - even) % 10) + 10) % 10 === digit(text, 9) && (odd + even + digit(text, 9)) % 10 === digit(text, 10);
}

function isGermanInsurance(text: string): boolean {
  const expanded = text.slice(0, 8) + String(text.charCodeAt(8) - 64).padStart(2, '0') + text.slice(9, 11);
  const sum = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1].reduce((total, weight, place) => {
    const product = weight * digit(expanded, place);
    return total + Math.floor(product / 10) + (product % 10);
  }, 0);
  const day = Number(text.slice(2, 4));
  const month = Number(text.slice(4, 6));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && sum % 10 === digit(text, 11);
}

/** Ten digits of which one stands twice or thrice, then a check digit; ten different ones stand in printed examples. */
function isGermanTax(text: string): boolean {
  const counts = new Map<string, number>();
  for (const each of text.slice(0, 10)) counts.set(each, (counts.get(each) ?? 0) + 1);
  return counts.size >= 8 && mod1110(text);
}

function isCpf(text: string): boolean {
  const check = (length: number): number => {
    const weights = Array.from({ length }, (_, place) => length + 1 - place);
    return ((weighted(text, weights) * 10) % 11) % 10;
  };
  return notAllSame(text) && check(9) === digit(text, 9) && check(10) === digit(text, 10);
}

function isNorwegian(text: string): boolean {
  const first = (11 - (weighted(text, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11)) % 11;
  const second = (11 - (weighted(text, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return first === digit(text, 9) && second === digit(text, 10);
}

function isPesel(text: string): boolean {
  const born = yearFirst(text.slice(0, 2) + String(Number(text.slice(2, 4)) % 20).padStart(2, '0') + text.slice(4, 6));
  return born && (10 - (weighted(text, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === digit(text, 10);
}

function isBelgian(text: string): boolean {
  const [body, check] = [text.slice(0, 9), Number(text.slice(9))];
  return 97 - (Number(body) % 97) === check || 97 - (Number(`2${body}`) % 97) === check;
}

function isFrench(text: string): boolean {
  const department = text.replace('2A', '19').replace('2B', '18');
  return 97 - (Number(department.slice(0, 13)) % 97) === Number(department.slice(13));
}

function isRut(text: string): boolean {
  const body = digitsOf(text.slice(0, -1));
  const sum = [...body].reverse().reduce((total, each, place) => total + Number(each) * (2 + (place % 6)), 0);
  return '0K987654321'[sum % 11] === text.at(-1);
}

function isChinese(text: string): boolean {
  const day = isDay(Number(text.slice(6, 10)), Number(text.slice(10, 12)), Number(text.slice(12, 14)));
  const sum = weighted(text, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
  return day && '10X98765432'[sum % 11] === text[17];
}

function isSwiss(text: string): boolean {
  return (10 - (weighted(text, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10)) % 10 === digit(text, 12);
}

/** Numbers given since October 2020 carry no check digit, so the usual hyphen will do in its place. */
function isKorean(text: string): boolean {
  const digits = digitsOf(text);
  const sum = weighted(digits, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
  const check = ((digit(digits, 6) >= 5 ? 13 : 11) - (sum % 11)) % 10;
  const office = Number(digits.slice(7, 9));
  return yearFirst(digits) && office <= 95 && (text.includes('-') || check === digit(digits, 12));
}

/** The second and third digit are the province, as in ISO 3166-2:TH. */
const THAI_PROVINCE = /^.(?:1\d|2[0-7]|[34]\d|5[0-8]|6[0-7]|7[0-7]|8[0-6]|9[0-6])/;
function isThai(text: string): boolean {
  const sum = weighted(text, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
  return THAI_PROVINCE.test(text) && (11 - (sum % 11)) % 10 === digit(text, 12);
}

export const NATIONAL_ID_SCHEMES: readonly NationalIdScheme[] = [
  { name: 'at_svnr', pattern: alone('\\d{4} ?\\d{6}'), accepts: (t) => dayFirst(t.slice(4)) && (weighted(t, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11) === digit(t, 3) },
  { name: 'au_tfn', pattern: alone('\\d{3} ?\\d{3} ?\\d{3}'), accepts: (t) => notAllSame(t) && weighted(t, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0 },
  { name: 'be_nrn', pattern: alone('\\d\\d\\.\\d\\d\\.\\d\\d-\\d{3}\\.\\d\\d'), accepts: (t) => isBelgian(digitsOf(t)), byValue: true },
  { name: 'be_nrn', pattern: alone('\\d{11}'), accepts: (t) => isBelgian(t) && yearFirst(t) },
  { name: 'bg_egn', pattern: alone('\\d{10}'), accepts: (t) => Number(t.slice(2, 4)) % 20 <= 12 && (weighted(t, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === digit(t, 9) },
  { name: 'br_cpf', pattern: alone('\\d{3}\\.\\d{3}\\.\\d{3}-\\d\\d'), accepts: (t) => isCpf(digitsOf(t)), byValue: true },
  { name: 'br_cpf', pattern: alone('\\d{11}'), accepts: isCpf },
  { name: 'ca_sin', pattern: alone('[1-79]\\d\\d([ -]?)\\d{3}\\1\\d{3}'), accepts: (t) => luhn(digitsOf(t)) && notAllSame(digitsOf(t)) },
  { name: 'ch_ahv', pattern: alone('756[. ]?\\d{4}[. ]?\\d{4}[. ]?\\d\\d'), accepts: isSwiss, byValue: true },
  { name: 'cl_rut', pattern: alone('\\d{1,2}\\.\\d{3}\\.\\d{3}-[\\dk]'), accepts: isRut, byValue: true },
  { name: 'cl_rut', pattern: alone('\\d{7,8}-?[\\dk]'), accepts: isRut },
  { name: 'cn_ric', pattern: alone('[1-9]\\d{16}[\\dx]'), accepts: isChinese, byValue: true },
  { name: 'cz_rc', pattern: alone('\\d{6}/\\d{4}'), accepts: (t) => Number(t) % 11 === 0, byValue: true },
  { name: 'de_rvnr', pattern: alone('\\d{2} ?\\d{6} ?[a-z] ?\\d{3}'), accepts: isGermanInsurance, byValue: true },
  { name: 'de_steuer_id', pattern: alone('[1-9]\\d ?\\d{3} ?\\d{3} ?\\d{3}'), accepts: isGermanTax },
  { name: 'dk_cpr', pattern: alone('\\d{6}-?\\d{4}'), accepts: (t) => dayFirst(t) },
  { name: 'es_nif', pattern: alone('\\d{7,8}-?[a-z]'), accepts: (t) => DNI_LETTERS[Number(digitsOf(t)) % 23] === t.at(-1), byValue: true },
  { name: 'es_nie', pattern: alone('[xyz]-?\\d{7}-?[a-z]'), accepts: (t) => DNI_LETTERS[Number('XYZ'.indexOf(t[0]!) + digitsOf(t)) % 23] === t.at(-1), byValue: true },
  { name: 'fi_hetu', pattern: alone('\\d{6}[-+a-fu-y]\\d{3}[\\da-y]'), accepts: (t) => dayFirst(t) && Number(t.slice(7, 10)) >= 2 && HETU_LETTERS[Number(t.slice(0, 6) + t.slice(7, 10)) % 31] === t[10], byValue: true },
  { name: 'fr_nir', pattern: alone('[12] ?\\d\\d ?[0-9]\\d ?(?:\\d\\d|2[ab]) ?\\d{3} ?\\d{3} ?\\d\\d'), accepts: isFrench, byValue: true },
  { name: 'hr_oib', pattern: alone('\\d{11}'), accepts: mod1110, word: /\boib\b/i },
  { name: 'ie_pps', pattern: alone('\\d{7}[a-w][a-iw]?'), accepts: (t) => 'WABCDEFGHIJKLMNOPQRSTUV'[(weighted(t, [8, 7, 6, 5, 4, 3, 2]) + (t.length === 9 && t[8] !== 'W' ? (t.charCodeAt(8) - 64) * 9 : 0)) % 23] === t[7] },
  { name: 'il_id', pattern: alone('\\d{9}'), accepts: (t) => luhn(t) && notAllSame(t) },
  { name: 'in_aadhaar', pattern: alone('[2-9]\\d{3}([ :-]?)\\d{4}\\1\\d{4}'), accepts: (t) => verhoeff(digitsOf(t)) },
  { name: 'in_pan', pattern: alone('[a-z]{3}[abcfghljpt][a-z]\\d{4}[a-z]'), accepts: () => true, byValue: true },
  { name: 'in_pan', pattern: alone('[a-z]{5}\\d{4}[a-z]'), accepts: () => true, word: /\bpan\b/i },
  { name: 'it_codice_fiscale', pattern: alone('[a-z]{6}[\\dlmnp-v]{2}[abcdehlmprst][\\dlmnp-v]{2}[a-z][\\dlmnp-v]{3}[a-z]'), accepts: isFiscalCode, byValue: true },
  { name: 'jp_my_number', pattern: alone('\\d{4}([ -]?)\\d{4}\\1\\d{4}'), accepts: (t) => { const d = digitsOf(t); const rest = weighted(d, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11; return (rest <= 1 ? 0 : 11 - rest) === digit(d, 11); } },
  { name: 'kr_rrn', pattern: alone('\\d{6}-?[1-8]\\d{6}'), accepts: isKorean },
  { name: 'mx_curp', pattern: alone('[a-z][aeioux][a-z]{2}\\d{6}[hmx][a-z]{5}[\\da-z]\\d'), accepts: (t) => yearFirst(t.slice(4)), byValue: true },
  { name: 'nl_bsn', pattern: alone('\\d{9}'), accepts: (t) => notAllSame(t) && weighted(t, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 },
  { name: 'no_fnr', pattern: alone('\\d{6} ?\\d{5}'), accepts: isNorwegian },
  { name: 'pl_pesel', pattern: alone('\\d{11}'), accepts: isPesel },
  { name: 'pt_nif', pattern: alone('[1235689]\\d{8}'), accepts: (t) => { const rest = weighted(t, [9, 8, 7, 6, 5, 4, 3, 2]) % 11; return (rest < 2 ? 0 : 11 - rest) === digit(t, 8); } },
  { name: 'ro_cnp', pattern: alone('[1-8]\\d{12}'), accepts: (t) => yearFirst(t.slice(1)) && (weighted(t, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11) % 10 === digit(t, 12) },
  { name: 'se_personnummer', pattern: /(?<!\p{N}|\p{N}[.,-])(?:19|20)\d{6}[-+]?\d{4}(?![\p{L}\p{N}]|[.,-]\p{N})/gu, accepts: (t) => yearFirst(t.slice(2)) && luhn(digitsOf(t).slice(2)), byValue: true },
  { name: 'se_personnummer', pattern: alone('\\d{6}[-+]?\\d{4}'), accepts: (t) => yearFirst(t) && luhn(digitsOf(t)) },
  { name: 'sg_nric', pattern: alone('[stfgm]\\d{7}[a-z]'), accepts: isNric, byValue: true },
  { name: 'th_tnin', pattern: alone('[1-8]-?\\d{4}-?\\d{5}-?\\d\\d-?\\d'), accepts: (t) => isThai(digitsOf(t)) },
  { name: 'tr_kimlik', pattern: alone('[1-9]\\d{10}'), accepts: isTurkish },
  { name: 'us_itin', pattern: alone('9\\d\\d-(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-2]|9[4-9])-\\d{4}'), accepts: () => true, byValue: true },
  { name: 'us_itin', pattern: alone('9\\d\\d ?(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-2]|9[4-9]) ?\\d{4}'), accepts: () => true },
  { name: 'za_id', pattern: alone('\\d{10}[012][89]\\d'), accepts: (t) => yearFirst(t) && luhn(t) },
  // Last, for its shape is that of others too.
  { name: 'de_ausweis', pattern: alone('[cfghjklmnprtvwxyz][\\dcfghjklmnprtvwxyz]{8}'), accepts: (t) => /\d{3}/.test(t) },
];
