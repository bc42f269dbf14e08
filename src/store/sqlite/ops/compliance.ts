import { effective } from '../../../domain/consent/consent-state.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import type { Context } from '../context.ts';
import { consentOf } from './persons.ts';
import type { Standing } from './persons.ts';

export type LegalBasis = 'consent' | 'consent_not_required';

/** On what a person's contact was used: the consent that the ledger holds at this moment, or none, where none is asked for. */
export function legalBasisOf(person: Standing | undefined): LegalBasis {
  const consent = person === undefined ? undefined : consentOf(person);
  return consent !== undefined && CHANNELS.some((channel) => effective(consent[channel]) === 'granted') ? 'consent' : 'consent_not_required';
}

/** The same of several people, counted. */
export function legalBasesOf(people: readonly Standing[]): Partial<Record<LegalBasis, number>> {
  const counts: Partial<Record<LegalBasis, number>> = {};
  for (const basis of people.map(legalBasisOf)) counts[basis] = (counts[basis] ?? 0) + 1;
  return counts;
}

/** Until when the record of what an entry tells is kept, where a limit is set: it is deleted then, the entry stays. */
export function retained({ policy }: Context, kind: 'contactsMs' | 'deadLettersMs', now: number): { retained_until?: string } {
  const limit = policy.retention?.[kind];
  return limit === undefined ? {} : { retained_until: new Date(now + limit).toISOString() };
}

/**
 * Binds an entry to contents by keyed hashes of them, in the order in which they were sent: whoever holds the key of
 * the store and a content can show that it is the one, and nobody else learns anything of it. Null: there was none.
 */
export function commitmentTo({ pseudonyms }: Context, kind: 'contact_content' | 'profile_content', hashes: readonly (Uint8Array | null)[]): string | null {
  if (hashes.every((hash) => hash === null)) return null;
  return pseudonyms.commit(kind, hashes.map((hash) => (hash === null ? '-' : Buffer.from(hash).toString('hex'))).join(','));
}
