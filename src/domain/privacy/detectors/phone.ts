import { contextOf } from './subject.ts';
import type { ContextClass, Detector, Span, Subject } from './subject.ts';

/** ITU-T E.164: at most 15 digits, country code included. */
const MAX_DIGITS = 15;

const EXTENSION = '(?: ?(?:x|ext\\.?|extension|#) ?\\d{1,6})?';
const EDGE_BEFORE = '(?<![\\p{L}\\p{N}+]|[\\p{L}\\p{N}][.,/_-])';
const EDGE_AFTER = '(?![\\p{L}\\p{N}_]|[.,/-]\\d|-\\p{L})';

/** The same where spaces may join groups: what follows further digits is a part of something longer. */
const EDGE_BEFORE_GROUPS = '(?<!\\p{N} )(?<![\\p{L}\\p{N}+]|[\\p{L}\\p{N}][.,/_-])';
const EDGE_AFTER_GROUPS = '(?![\\p{L}\\p{N}_]| \\d|[.,/-]\\d|-\\p{L})';

const GROUPS = '(?:[ .\\-/]{0,2}\\(?\\d{1,12}\\)?){1,7}(?!\\p{L})';
/** A plus and a country code, then groups of any kind. */
const INTERNATIONAL = new RegExp(`(?<![\\p{L}\\p{N}+])(?:\\+ ?|\\(\\+)[1-9]\\d{0,3}${GROUPS}`, 'gu');
/** The international prefix of most countries in place of the plus. */
const PREFIXED = new RegExp(`${EDGE_BEFORE_GROUPS}00 ?[1-9]\\d{0,3}${GROUPS}`, 'gu');
/** North America: 3-3-4 with separators, or a bracketed area code. */
const NANP = new RegExp(
  `${EDGE_BEFORE}(?:(?:1|001)[ .-]?)?(?:\\([2-9]\\d\\d\\)[ .-]?[2-9]\\d\\d[ .-]?\\d{4}|[2-9]\\d\\d([.-])[2-9]\\d\\d\\1\\d{4}|(?<!\\p{N} )[2-9][0-8]\\d [2-9]\\d\\d[ -]\\d{4})${EXTENSION}${EDGE_AFTER}`,
  'gu',
);
/** The same shape with an exchange that is not assigned, or a country code or an extension that says what it is. */
const NANP_MARKED = new RegExp(
  `${EDGE_BEFORE}(?:(?:1|001)[ .-]\\(?[2-9]\\d\\d\\)?[ .-]?\\d{3}[ .-]\\d{4}|\\(?[2-9]\\d\\d\\)?[ .-]?\\d{3}[ .-]\\d{4} ?(?:x|ext\\.?) ?\\d{1,6})${EDGE_AFTER}`,
  'gu',
);
/** A trunk zero and at least two groups. */
const NATIONAL = new RegExp(`${EDGE_BEFORE_GROUPS}(?:\\(0[1-9]\\d{0,4}\\)|0 ?\\([1-9]\\d{1,3}\\)|0[1-9]\\d{0,4})(?:[ .\\-/]\\d{2,8}){1,4}${EDGE_AFTER_GROUPS}`, 'gu');
/** A short area code and the subscriber in one piece, as in Israel and much of Africa: `09-7625400`. */
const NATIONAL_SHORT = new RegExp(`${EDGE_BEFORE_GROUPS}0[1-9]\\d?-\\d{6,7}${EDGE_AFTER_GROUPS}`, 'gu');
/** A mobile number in one piece: trunk zero and one of the digits that mobile ranges begin with in most countries. */
const MOBILE = new RegExp(`${EDGE_BEFORE}0[4-9]\\d{8,9}${EDGE_AFTER}`, 'gu');
/** Anything like a number, where something says that it is a phone. */
const ANNOUNCED = new RegExp(`${EDGE_BEFORE}\\(?\\d(?:[ .\\-/()]{0,3}\\d){5,14}${EXTENSION}${EDGE_AFTER}`, 'gu');

const DATE_LIKE = /^(?:(?:18|19|20)\d\d([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2(?:18|19|20)\d\d)(?:[ T]|$)/;

type Shape = { detector: string; pattern: RegExp; digits: readonly [number, number]; score: number; wants: readonly ContextClass[] };

/** From the most to the least certain; `wants` lists the contexts that a shape is nothing without. */
const SHAPES: readonly Shape[] = [
  { detector: 'phone_international', pattern: INTERNATIONAL, digits: [8, MAX_DIGITS], score: 0.9, wants: [] },
  { detector: 'phone_international', pattern: PREFIXED, digits: [11, MAX_DIGITS + 2], score: 0.7, wants: [] },
  { detector: 'phone_nanp', pattern: NANP, digits: [10, 20], score: 0.8, wants: [] },
  { detector: 'phone_nanp', pattern: NANP_MARKED, digits: [10, 20], score: 0.7, wants: [] },
  { detector: 'phone_national', pattern: NATIONAL, digits: [10, 12], score: 0.6, wants: [] },
  { detector: 'phone_national', pattern: NATIONAL_SHORT, digits: [9, 10], score: 0.5, wants: [] },
  { detector: 'phone_mobile', pattern: MOBILE, digits: [10, 11], score: 0.5, wants: [] },
  { detector: 'phone_announced', pattern: ANNOUNCED, digits: [6, 21], score: 0.7, wants: ['PHONE', 'HINT'] },
];
/** What a mere hint ("call", "office") must be followed by to count: groups, as people write phone numbers. */
const HINTED = /^\(?\d{1,4}\)?(?:[ .-]\d{2,4}){2,}$/;
const HINTED_MIN_DIGITS = 8;

/** Phone numbers in running text: in international form, in the common national ones, or where words announce them. */
export const findPhones: Detector = (subject) => {
  const spans: Span[] = [];
  for (const shape of SHAPES) {
    if (shape.wants.length > 0 && !shape.wants.some((wanted) => subject.spoken.has(wanted))) continue;
    for (const match of subject.text.matchAll(shape.pattern)) {
      const text = withinDigits(match[0], shape.digits[1]);
      const span = { start: match.index, end: match.index + text.length };
      const digits = text.replaceAll(/\D/g, '').length;
      if (digits < shape.digits[0] || digits > shape.digits[1] || DATE_LIKE.test(text)) continue;
      if (spans.some((other) => span.start < other.end && other.start < span.end)) continue;
      if (!isWanted(subject, shape, text, span)) continue;
      spans.push({ class: 'PHONE', detector: shape.detector, score: shape.score, ...span });
    }
  }
  return spans;
};

/** The beginning of a match that has no more digits than a number can have: the groups after it are something else. */
function withinDigits(text: string, limit: number): string {
  let kept = text;
  while (kept.replaceAll(/\D/g, '').length > limit && /\d[^\d]+\d+\D*$/.test(kept)) {
    kept = kept.replace(/[^\d]+\d+\D*$/, '');
  }
  return kept;
}

function isWanted(subject: Subject, shape: Shape, text: string, span: { start: number; end: number }): boolean {
  if (shape.wants.length === 0) return shape.score > 0.6 || contextOf(subject, span.start, span.end) !== 'OTHER';
  const context = contextOf(subject, span.start, span.end);
  if (context === 'PHONE' || (context === 'HINT' && subject.keyClass === 'PHONE')) return !/^(\d)\1+$/.test(text);
  return context === 'HINT' && HINTED.test(text) && text.replaceAll(/\D/g, '').length >= HINTED_MIN_DIGITS;
}
