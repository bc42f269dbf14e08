import { CALLING_CODES } from '../contact/tables/calling-codes.ts';
import { normalizeEmail } from '../contact/email.ts';
import { tidyIdentifier } from '../contact/text.ts';
import { findEmails } from './detectors/email.ts';
import { subjectOf } from './detectors/subject.ts';

export const MENTION_KINDS = ['email', 'phone', 'crm', 'profile'] as const;
export type MentionKind = (typeof MENTION_KINDS)[number];
export type Mention = { kind: MentionKind; value: string };

/** Nested deeper than any body that is taken in. */
const DEPTH_MAX = 64;
/** Digits as people group them; a plus, or the international prefix that stands for it, may come first. */
const NUMBER = /(?:\+\s?\(?|\b00\s?)?\d(?:[\s().\-/]{0,3}\d){5,16}/g;
const WORD = /[^\s,;"'()[\]{}<>]+/g;
const CODES = new Set(CALLING_CODES.split('|').map((line) => line.slice(0, line.indexOf(' '))));

/**
 * All that somebody could be known by in a JSON value, in the form in which people are found: names of members, whole
 * texts and the words in them. Made to miss nobody: most of what it gives is nobody's, which a look-up finds out.
 *
 * @param looking the kinds that are looked for, and the calling codes by which a number without its own is read
 */
export function* mentionsIn(value: unknown, looking: { kinds: ReadonlySet<MentionKind>; callingCodes: readonly string[] }, depth = 0): Generator<Mention> {
  if (typeof value === 'string') yield* mentionsInText(value, looking);
  else if (typeof value === 'number') yield* mentionsInText(String(value), looking);
  else if (typeof value === 'object' && value !== null && depth < DEPTH_MAX) {
    for (const [name, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) yield* mentionsInText(name, looking);
      yield* mentionsIn(inner, looking, depth + 1);
    }
  }
}

/** The calling code of a number in E.164. */
export function callingCodeOf(e164: string): string | undefined {
  return [1, 2, 3].map((length) => e164.slice(1, 1 + length)).find((code) => CODES.has(code));
}

function* mentionsInText(text: string, { kinds, callingCodes }: { kinds: ReadonlySet<MentionKind>; callingCodes: readonly string[] }): Generator<Mention> {
  if (kinds.has('email') && /@|%40/.test(text)) yield* emailsIn(text.replaceAll('%40', '@'));
  if (kinds.has('phone')) for (const match of text.matchAll(NUMBER)) for (const e164 of readings(match[0], callingCodes)) yield { kind: 'phone', value: e164 };
  if (!kinds.has('crm') && !kinds.has('profile')) return;
  for (const word of new Set([tidyIdentifier(text), ...text.match(WORD) ?? []])) {
    if (kinds.has('crm')) yield { kind: 'crm', value: word };
    if (kinds.has('profile')) yield { kind: 'profile', value: word.toLowerCase() };
  }
}

function* emailsIn(text: string): Generator<Mention> {
  const subject = subjectOf(text, '');
  // The detector may read another form of the text; what it finds there is what the address says.
  const found = findEmails(subject).map(({ start, end }) => subject.text.slice(start, end));
  for (const written of new Set([text, ...found])) {
    const email = normalizeEmail(written);
    if (email.ok) yield { kind: 'email', value: email.email };
  }
}

/** A number as E.164, in each way that it can be meant: with its calling code, or in a country whose code is left out. */
function readings(written: string, callingCodes: readonly string[]): Set<string> {
  const digits = written.replaceAll(/\D/g, '');
  const found = new Set([`+${digits}`]);
  if (written.trimStart().startsWith('+')) {
    // "+49 (0)30 …": a trunk zero that is dialled only at home.
    const code = callingCodeOf(`+${digits}`);
    if (code !== undefined && digits[code.length] === '0') found.add(`+${code}${digits.slice(code.length + 1)}`);
    return found;
  }
  if (digits.startsWith('00')) found.add(`+${digits.slice(2)}`);
  for (const code of callingCodes) {
    found.add(`+${code}${digits}`);
    if (/^[01]/.test(digits)) found.add(`+${code}${digits.slice(1)}`);
    if (digits.startsWith(`00${code}0`)) found.add(`+${code}${digits.slice(3 + code.length)}`);
  }
  return found;
}
