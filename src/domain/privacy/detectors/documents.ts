import { isDay } from './checksums.ts';
import { NATIONAL_ID_SCHEMES } from './national-id-schemes.ts';
import { isAnnounced, isNamed, speaksOf } from './subject.ts';
import type { Detector, Span } from './subject.ts';

/** What can be found in a text that speaks of no national id at all. */
const UNANNOUNCED_SCHEMES = NATIONAL_ID_SCHEMES.filter(({ byValue, word }) => byValue === true || word !== undefined);

/** Whether there is any of them: one look instead of one for each scheme. */
const UNANNOUNCED = new RegExp(UNANNOUNCED_SCHEMES.map(({ pattern }) => pattern.source).join('|'), 'iu');

/** Numbers that states give to people and whose check digits or structure hold; which ones need a word for it is the scheme's. */
export const findNationalIds: Detector = (subject) => {
  const spans: Span[] = [];
  const announcedAny = speaksOf(subject, 'NATIONAL_ID');
  if (!announcedAny && !UNANNOUNCED.test(subject.text)) return spans;
  const schemes = announcedAny ? NATIONAL_ID_SCHEMES : UNANNOUNCED_SCHEMES;
  for (const { name, pattern, accepts, byValue, word } of schemes) {
    for (const match of subject.text.matchAll(pattern)) {
      const compact = match[0].replaceAll(/[^\p{L}\p{N}+-]/gu, '').toUpperCase();
      if (!accepts(compact)) continue;
      const span = { start: match.index, end: match.index + match[0].length };
      const announced = word === undefined ? isAnnounced(subject, span, 'NATIONAL_ID') : isNamed(subject, span, word);
      if (!announced && byValue !== true) continue;
      spans.push({ class: 'NATIONAL_ID', detector: name, score: announced ? 0.95 : 0.6, ...span });
    }
  }
  return spans;
};

/** Eight or nine letters and digits, most of them digits: what passports of all countries have in common (ICAO 9303). */
const PASSPORT = /(?<![\p{L}\p{N}-])(?=[a-z]*\d)[a-z\d]{8,9}(?![\p{L}\p{N}-])/giu;
const PASSPORT_MIN_DIGITS = 5;

/** Passport numbers, only where something announces them: the shape alone is that of many other numbers. */
export const findPassports: Detector = (subject) => {
  const spans: Span[] = [];
  if (!speaksOf(subject, 'PASSPORT')) return spans;
  for (const match of subject.text.matchAll(PASSPORT)) {
    if (match[0].replaceAll(/\D/g, '').length < PASSPORT_MIN_DIGITS) continue;
    const span = { start: match.index, end: match.index + match[0].length };
    if (isAnnounced(subject, span, 'PASSPORT')) spans.push({ class: 'PASSPORT', detector: 'passport', score: 0.8, ...span });
  }
  return spans;
};

const MONTHS = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec';
const DATE = new RegExp(
  [
    '(?<![\\p{L}\\p{N}])(?:',
    '(?<y1>(?:18|19|20)\\d\\d)[-./](?<m1>\\d{1,2})[-./](?<d1>\\d{1,2})(?!\\d)',
    '|(?<a2>\\d{1,2})[-./ ](?<b2>\\d{1,2})[-./ ](?<y2>(?:18|19|20)?\\d\\d)(?!\\d)',
    `|(?<d3>\\d{1,2})(?:st|nd|rd|th)?[ .-]*(?<m3>${MONTHS})\\p{L}*[ .,-]*(?<y3>(?:18|19|20)\\d\\d)`,
    `|(?<m4>${MONTHS})\\p{L}*[ .-]*(?<d4>\\d{1,2})(?:st|nd|rd|th)?,? +(?<y4>(?:18|19|20)\\d\\d)`,
    '|(?<y5>(?:18|19|20)\\d\\d)(?<m5>[01]\\d)(?<d5>[0-3]\\d)',
    ')(?![\\p{N}]|[.-]\\d)',
  ].join(''),
  'giu',
);

/** Dates, only where something says that a birth is meant. */
export const findBirthDates: Detector = (subject) => {
  const spans: Span[] = [];
  if (!speaksOf(subject, 'DATE_OF_BIRTH')) return spans;
  for (const match of subject.text.matchAll(DATE)) {
    const span = { start: match.index, end: match.index + match[0].length };
    if (!isDate(match.groups!) || !isAnnounced(subject, span, 'DATE_OF_BIRTH')) continue;
    spans.push({ class: 'DATE_OF_BIRTH', detector: 'birth_date', score: 0.9, ...span });
  }
  return spans;
};

function isDate(groups: Record<string, string | undefined>): boolean {
  const month = (name: string): number => MONTHS.split('|').indexOf(name.toLowerCase()) + 1;
  const { y1, m1, d1, a2, b2, y2, d3, m3, y3, m4, d4, y4, y5, m5, d5 } = groups;
  if (y1 !== undefined) return isDay(Number(y1), Number(m1), Number(d1));
  if (y2 !== undefined) return isDay(Number(y2), Number(b2), Number(a2)) || isDay(Number(y2), Number(a2), Number(b2));
  if (y3 !== undefined) return isDay(Number(y3), month(m3!), Number(d3));
  if (y4 !== undefined) return isDay(Number(y4), month(m4!), Number(d4));
  return isDay(Number(y5), Number(m5), Number(d5));
}
