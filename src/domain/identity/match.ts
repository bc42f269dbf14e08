/**
 * Who is the same person. An e-mail address names one person; a phone often serves a household, so that it joins two
 * records only where neither their addresses nor their names say otherwise.
 */
import type { Contact } from '../contact/types.ts';

/** What a person is recognized by; callers leave out placeholders and identifiers that too many people share. */
export type PersonKeys = { emailKey?: string; phoneKeys?: readonly string[]; nameKey?: string };
export type RecordKeys = { emailKey?: string; phoneKey?: string; nameKey?: string };
export type KnownPerson = PersonKeys & { id: string };

export type MatchRule = 'email' | 'phone' | 'phone_other_email' | 'phone_other_name' | 'phone_several_people';

export type Match =
  | { kind: 'same'; id: string; rule: MatchRule }
  /** Perhaps the same person as one of these: reported, never merged. */
  | { kind: 'possible'; ids: string[]; rule: MatchRule }
  | { kind: 'new' };

/**
 * The words of a person's name, order, case, accents and punctuation aside; undefined when there is none.
 * `O'Neill, José` and `jose o neill` give the same key.
 */
export function nameKeyOf(contact: Pick<Contact, 'first_name' | 'last_name'>): string | undefined {
  const words = `${contact.first_name ?? ''} ${contact.last_name ?? ''}`
    .normalize('NFKD')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
  return words === '' ? undefined : words.split(' ').sort().join(' ');
}

/**
 * Decides whether a record belongs to a person already known.
 *
 * @param byEmail the person with the record's e-mail. @param byPhone those with its phone.
 */
export function decideMatch(record: RecordKeys, byEmail: KnownPerson | undefined, byPhone: readonly KnownPerson[]): Match {
  if (byEmail !== undefined) return { kind: 'same', id: byEmail.id, rule: 'email' };
  const [candidate] = byPhone;
  if (candidate === undefined) return { kind: 'new' };
  const ids = byPhone.map(({ id }) => id);
  if (ids.length > 1) return { kind: 'possible', ids, rule: 'phone_several_people' };
  if (differ(record.emailKey, candidate.emailKey)) return { kind: 'possible', ids, rule: 'phone_other_email' };
  if (namesContradict(record.nameKey, candidate.nameKey)) return { kind: 'possible', ids, rule: 'phone_other_name' };
  return { kind: 'same', id: candidate.id, rule: 'phone' };
}

function differ(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/**
 * Names agree when each word of the shorter one stands in the longer one, an initial for any word it begins, and
 * there are two or more, not all of them initials: a family name alone is what a household shares.
 * A name that is missing contradicts nothing.
 */
function namesContradict(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || a === b) return false;
  const [short, long] = [a.split(' '), b.split(' ')].sort((x, y) => x.length - y.length) as [string[], string[]];
  if (short.length < 2) return true;
  const left = [...long];
  // Full words choose first, so that an initial does not take the word another one needs.
  for (const word of short.toSorted((x, y) => y.length - x.length)) {
    const exact = left.indexOf(word);
    const place = exact === -1 ? left.findIndex((other) => isInitialOf(word, other) || isInitialOf(other, word)) : exact;
    if (place === -1) return true;
    left.splice(place, 1);
  }
  return short.every((word) => word.length === 1);
}

function isInitialOf(initial: string, word: string): boolean {
  return initial.length === 1 && word.startsWith(initial);
}
