import { keyOf } from './tokens.ts';
import { isBoxWord, isStreetWord, isUnitWord } from './street-words.ts';

/** A part of a line between separators. */
export type Group = {
  /** As written, trimmed. */
  text: string;
  words: string[];
  /** `keyOf` each word. */
  keys: string[];
};

const SEPARATORS = /[,;\n\r،、，]+/u;

export function groupOf(text: string): Group {
  const words = text.split(/\s+/u).filter(Boolean);
  return { text: words.join(' '), words, keys: words.map(keyOf) };
}

/** Cuts a line at commas (Arabic and full-width ones as well), semicolons and line breaks. */
export function groupsOf(line: string): Group[] {
  return line.split(SEPARATORS).map(groupOf).filter((group) => group.text !== '');
}

export const hasDigit = (text: string): boolean => /\p{Nd}/u.test(text);

/** Words of `from` to `to` as a group of their own. */
export const slice = (group: Group, from: number, to?: number): Group => ({
  text: group.words.slice(from, to).join(' '),
  words: group.words.slice(from, to),
  keys: group.keys.slice(from, to),
});

export const isBox = (group: Group): boolean =>
  hasDigit(group.text) && (isBoxWord(group.keys[0] ?? '') || (group.keys[0] === 'p' && group.keys[1] === 'o') || /^b\.?p\.?:?$/i.test(group.words[0] ?? ''));

export const isUnit = (group: Group): boolean =>
  (isUnitWord(group.keys[0] ?? '') && (group.words.length > 1 || hasDigit(group.text))) || /^\d+\s?(?:st|nd|rd|th|º|°|e|er|ème|\.)?\s?(?:floor|fl|piso|étage|etage|trappa|og|t)\b/iu.test(group.text);

/** `12`, `12a`, `12-14`, `s/n`: a house number that a comma parted from its street. */
export const isHouseNumber = (group: Group): boolean =>
  /^(?:n[ro°º.]*\s*)?\d+\s?(?:\p{L}|bis|ter)?(?:\s?[-/]\s?\d+\s?\p{L}?)?$/iu.test(group.text) || /^(?:s\/n|b\.?b\.?)$/i.test(group.text) || /^(?:no|nr|num|d|д)\.?\s?\d+\p{L}?$/iu.test(group.text);

/** The group names a street: a word for one, or a number at its beginning or its end. */
export function isStreetLike(group: Group): boolean {
  if (group.keys.some((key, at) => isStreetWord(key) && (group.keys.length > 1 || key.length > 4) && !(at === 0 && isSaint(group)))) return true;
  return /^\d/.test(group.text) || (group.words.length > 1 && hasDigit(group.words.at(-1) ?? '') && !/^\d{1,2}$/.test(group.words.at(-1) ?? ''));
}

/** `St. John's`, `St Albans` are places. */
export const isSaint = (group: Group): boolean => group.keys[0] === 'st' && group.keys.length > 1;
