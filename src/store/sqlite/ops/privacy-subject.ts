import { CodedError } from '../../../domain/errors.ts';
import type { PrivacySubject } from '../../../domain/ports/privacy.ts';
import type { Context } from '../context.ts';
import { identifiersOf, openCurrent, personById } from './persons.ts';

export type Identifier = { hash: Uint8Array; kind: string };

/** The identifiers of a request, hashed. */
export function hashesOf({ pseudonyms }: Context, subject: PrivacySubject): Identifier[] {
  const found: Identifier[] = identifiersOf(subject).map(([kind, value]) => ({ kind, hash: pseudonyms.of(kind, value) }));
  if (subject.profile_id !== undefined) found.push({ kind: 'profile', hash: pseudonyms.of('profile', subject.profile_id) });
  return found;
}

/**
 * Whoever a request of a data subject means. An e-mail or a profile names one person, an external id all who bear it.
 * A phone alone means everybody who has it; beside a stronger identifier it adds only those whom no e-mail tells apart.
 * The profile that CXone knows under the same id belongs to the person.
 */
export function peopleMeant(context: Context, subject: PrivacySubject): number[] {
  const people = new Set<number>();
  const identifiers = hashesOf(context, subject);
  const isStrong = identifiers.some(({ kind }) => kind !== 'phone');
  for (const { kind, hash } of identifiers) {
    for (const personId of bearersOf(context, hash)) {
      const isTold = kind === 'phone' && isStrong && personById(context, personId)?.email_hash != null;
      if (!isTold) people.add(personId);
    }
  }
  for (const personId of people) for (const profile of profilesOf(context, personId)) people.add(profile);
  return [...people];
}

/**
 * Refuses a request to erase whose identifier several people bear, unless everybody is meant: what is erased does not
 * come back, and a phone is often a household's. Coded error: `subject_ambiguous`.
 */
export function refuseAmbiguous(context: Context, subject: PrivacySubject): void {
  const { identifierMaxPeople } = context.policy;
  for (const { kind, hash } of hashesOf(context, subject)) {
    const bearers = bearersOf(context, hash).length;
    const most = kind === 'phone' && Object.keys(subject).length === 1 ? 1 : identifierMaxPeople;
    if (bearers > most && (kind === 'phone' ? most === 1 : true)) {
      throw new CodedError('subject_ambiguous', `${bearers} people bear this ${kind === 'crm' ? 'external id' : kind}: name the e-mail, or send "everyone": true to mean all of them.`);
    }
  }
}

function bearersOf({ db }: Context, hash: Uint8Array): number[] {
  return db.all<{ person_id: number }>('SELECT person_id FROM identifiers WHERE hash = ?', hash).map((row) => row.person_id);
}

function profilesOf(context: Context, personId: number): number[] {
  const person = personById(context, personId);
  if (person === undefined) return [];
  const contactId = openCurrent(context, person, context.vault.unwrap(person.wrapped_key))?.contactId;
  return contactId === undefined ? [] : bearersOf(context, context.pseudonyms.of('profile', contactId));
}
