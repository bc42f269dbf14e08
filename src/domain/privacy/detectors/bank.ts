import { iban97, luhn } from './checksums.ts';
import { IBAN_STRUCTURES } from './iban-structures.ts';
import { isAnnounced } from './subject.ts';
import type { Detector, Span } from './subject.ts';

const CARD_BARE = /(?<![\p{L}\p{N}]|\d[.,])\d{12,19}(?![\p{L}\p{N}]|[.,]\d)/gu;
/** Four digits to a group with up to three more, or 4-6-5 and 4-6-4 as American Express and Diners print them; not within an IBAN. */
const CARD_GROUPED =
  /(?<![\p{L}\p{N}]|\d[.,-]|\p{L}\d\d[ -])\d{4}([ -])(?:\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3}(?!\d))?|\d{6}\1\d{4,5})(?![\p{L}\p{N}]|[.,]\d)/gu;

/**
 * Issuer identification numbers by network with the lengths they are issued in (ISO/IEC 7812): Visa, Mastercard (also
 * the 2-series), American Express, Diners Club, Discover, JCB (also its 15-digit cards), UATP, UnionPay (81 too), Mir, Verve
 * and Maestro.
 */
const ISSUERS: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^3(?:0[0-5]|09|6|[89])/, [14, 15, 16, 17, 18, 19]],
  [/^(?:6011|64[4-9]|65)/, [16, 17, 18, 19]],
  [/^35(?:2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^(?:2131|1800)/, [15]],
  [/^1/, [15]],
  [/^(?:62|81)/, [16, 17, 18, 19]],
  [/^220[0-4]/, [16, 17, 18, 19]],
  [/^(?:50|5[6-9]|6)/, [12, 13, 14, 15, 16, 17, 18, 19]],
];
/** Shorter numbers are too many things (article codes, timestamps) to be cards unless something says so. */
const CARD_MIN_UNANNOUNCED = 14;

/** Payment card numbers: an issuer's prefix and length, and the Luhn check. */
export const findCards: Detector = (subject) => {
  const spans: Span[] = [];
  for (const pattern of [CARD_BARE, CARD_GROUPED]) {
    for (const match of subject.text.matchAll(pattern)) {
      const announced = isAnnounced(subject, { start: match.index, end: match.index + match[0].length }, 'CREDIT_CARD');
      const length = cardLength(match[0], announced);
      if (length === undefined) continue;
      const span = { start: match.index, end: match.index + length };
      const digits = digitsOf(match[0].slice(0, length));
      if (digits.length < CARD_MIN_UNANNOUNCED && !announced) continue;
      spans.push({ class: 'CREDIT_CARD', detector: 'card_luhn', score: announced ? 1 : 0.8, ...span });
    }
  }
  return spans;
};

/** How much of a match is a card: all of it, or the part before the last group, which may be something else. */
function cardLength(text: string, announced: boolean): number | undefined {
  if (isCard(digitsOf(text), announced)) return text.length;
  const shorter = text.slice(0, Math.max(text.lastIndexOf(' '), text.lastIndexOf('-'), 0));
  return digitsOf(shorter).length === 16 && isCard(digitsOf(shorter), announced) ? shorter.length : undefined;
}

/** Where something says that it is a card, an issuer that is not in the table will do. */
function isCard(digits: string, announced: boolean): boolean {
  if (/^(\d)\1*$/.test(digits) || !luhn(digits)) return false;
  return announced || ISSUERS.some(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length));
}

const IBAN_START = /(?<![\p{L}\p{N}])([a-z]{2})[ -]?\d\d/giu;
/** The longest IBAN is 33 characters, with a separator after each fourth or, at worst, after each. */
const IBAN_MAX_SPAN = 66;

/** IBANs of every known country: length, structure and check digits (ISO 13616), in print or electronic form. */
export const findIbans: Detector = ({ text }) => {
  const spans: Span[] = [];
  for (const match of text.matchAll(IBAN_START)) {
    const structure = IBAN_STRUCTURES.get(match[1]!.toUpperCase());
    if (structure === undefined) continue;
    const end = endAfter(text, match.index, structure.length);
    if (end === undefined) continue;
    const iban = text.slice(match.index, end).replaceAll(/[ -]/g, '').toUpperCase();
    if (!structure.shape.test(iban) || !iban97(iban)) continue;
    spans.push({ class: 'IBAN', detector: 'iban_97', score: 1, start: match.index, end });
  }
  return spans;
};

/** Where `count` letters and digits end, single spaces and dashes between them skipped; undefined when more follow. */
function endAfter(text: string, start: number, count: number): number | undefined {
  let left = count;
  let place = start;
  const limit = Math.min(text.length, start + IBAN_MAX_SPAN);
  for (; place < limit && left > 0; place += 1) {
    const unit = text[place]!;
    if (/[a-z\d]/i.test(unit)) left -= 1;
    else if (!/[ -]/.test(unit) || !/[a-z\d]/i.test(text[place - 1]!)) return undefined;
  }
  return left > 0 || /[\p{L}\p{N}]/u.test(text[place] ?? ' ') ? undefined : place;
}

function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '');
}
