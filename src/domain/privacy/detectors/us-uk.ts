import { isValidPhoneNumber } from 'libphonenumber-js/max';
import { nhs11 } from './checksums.ts';
import { contextOf, isAnnounced } from './subject.ts';
import type { Detector, Span } from './subject.ts';

const SSN_GROUPED = /(?<![\p{L}\p{N}]|\d[.-])(\d{3})([ .-])(\d\d)\2(\d{4})(?![\p{L}\p{N}]|[.-]\d)/gu;
const SSN_BARE = /(?<![\p{L}\p{N}]|\d[.,-])(\d{3})[ .-]?(\d\d)[ .-]?(\d{4})(?![\p{L}\p{N}]|[.,-]\d)/gu;
/** Printed in advertisements and so never anyone's; where something announces one, it stands for a number all the same. */
const SSN_VOID = /^(?:078051120|219099999|98765432\d|123456789)$/;

/**
 * US social security numbers: grouped 3-2-4, or bare where something announces them. Areas 000, 666 and 900 to 999,
 * group 00 and serial 0000 are not assigned (Social Security Administration, POMS RM 10201.035).
 */
export const findSsns: Detector = (subject) => {
  const spans: Span[] = [];
  const bare = [...subject.text.matchAll(SSN_BARE)].map((match) => ({ match, parts: [match[1]!, match[2]!, match[3]!] }));
  const grouped = [...subject.text.matchAll(SSN_GROUPED)].map((match) => ({ match, parts: [match[1]!, match[3]!, match[4]!] }));
  const places = new Set(grouped.map(({ match }) => match.index));
  for (const { match, parts } of [...grouped, ...bare.filter((each) => !places.has(each.match.index))]) {
    const span = { start: match.index, end: match.index + match[0].length };
    if (!isAssignedSsn(parts) || isTailOfGroups(subject.text, match)) continue;
    const announced = isAnnounced(subject, span, 'US_SSN');
    if (!announced && (!places.has(span.start) || SSN_VOID.test(parts.join('')))) continue;
    spans.push({ class: 'US_SSN', detector: 'us_ssn', score: announced ? 1 : 0.7, ...span });
  }
  return spans;
};

/** Groups joined by spaces that follow further digits are a part of something longer. */
function isTailOfGroups(text: string, match: RegExpMatchArray): boolean {
  return match[0].includes(' ') && /\p{N} $/u.test(text.slice(Math.max(0, match.index! - 2), match.index));
}

function isAssignedSsn(parts: readonly string[]): boolean {
  const [area, group, serial] = parts as [string, string, string];
  if (area === '000' || area === '666' || area >= '900' || group === '00' || serial === '0000') return false;
  return !/^(\d)\1{8}$/.test(parts.join(''));
}

const NINO =
  /(?<![\p{L}\p{N}])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?-?\d\d ?-?\d\d ?-?\d\d ?-?[A-D](?![\p{L}\p{N}])/giu;

/** UK national insurance numbers: HM Revenue & Customs, NIM39110, prefixes that are not used left out. */
export const findNinos: Detector = (subject) =>
  [...subject.text.matchAll(NINO)].map((match): Span => {
    const span = { start: match.index, end: match.index + match[0].length };
    const announced = isAnnounced(subject, span, 'UK_NINO');
    return { class: 'UK_NINO', detector: 'uk_nino', score: announced ? 1 : 0.7, ...span };
  });

const NHS = /(?<![\p{L}\p{N}]|\d[.,-])\d{3}([ -]?)\d{3}\1\d{4}(?![\p{L}\p{N}]|[.,-]\d)/gu;

/**
 * NHS numbers: ten digits with a modulus 11 check, where something announces them; or grouped 3-3-4 as they are
 * printed, unless the same digits make an American phone number.
 */
export const findNhsNumbers: Detector = (subject) => {
  const spans: Span[] = [];
  // Asking a numbering plan is slow, and a text may repeat one number many times.
  const american = new Map<string, boolean>();
  const isAmerican = (digits: string): boolean => {
    if (!american.has(digits)) american.set(digits, isValidPhoneNumber(digits, 'US'));
    return american.get(digits)!;
  };
  for (const match of subject.text.matchAll(NHS)) {
    const digits = match[0].replaceAll(/\D/g, '');
    if (!nhs11(digits) || isTailOfGroups(subject.text, match) || /^(\d)\1{9}$/.test(digits)) continue;
    const span = { start: match.index, end: match.index + match[0].length };
    const announced = contextOf(subject, span.start, span.end);
    const printed = match[1] !== '' && (announced === undefined || announced === 'HINT') && !isAmerican(digits);
    if (announced !== 'UK_NHS' && !printed) continue;
    spans.push({ class: 'UK_NHS', detector: 'uk_nhs_11', score: printed ? 0.5 : 1, ...span });
  }
  return spans;
};
