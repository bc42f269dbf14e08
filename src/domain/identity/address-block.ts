import type { Contact } from '../contact/types.ts';

/** The fields of a place. They travel together: a street of one record never meets the city of another. */
export const ADDRESS_FIELDS = ['address1', 'address2', 'city', 'state', 'postal_code', 'country'] as const;

type Candidate = { contact: Contact; index: number };

export type AddressChoice<V> = {
  version: V;
  /** Where the country comes from: a record that gives nothing else of a place may complete one without a country. */
  country: V | undefined;
  /** No other version gives an address. */
  alone: boolean;
  /** The indexes of versions that name another place, which the chosen one took the place of. */
  replaced: ReadonlySet<number>;
};

/**
 * Chooses the version whose address a person has now: the first that has any part of one.
 * Where that part is all found in the fuller address of a later version (a country alone, a city with its country),
 * it confirms that address and does not replace it, and the fuller one is chosen.
 *
 * @param ranked versions from the one to be preferred to the one to be preferred least.
 */
export function chooseAddress<V extends Candidate>(ranked: readonly V[]): AddressChoice<V> | undefined {
  const holders = ranked.filter(({ contact }) => ADDRESS_FIELDS.some((field) => hasValue(contact[field])));
  let chosen = holders[0];
  if (chosen === undefined) return undefined;
  if (holders.length === 1) return { version: chosen, country: hasValue(chosen.contact.country) ? chosen : undefined, alone: true, replaced: new Set() };
  for (const older of holders) {
    if (confirms(chosen.contact, older.contact) && !isPartOf(older.contact, chosen.contact)) chosen = older;
  }
  const { contact } = chosen;
  const replaced = holders.filter((version) => !confirms(version.contact, contact)).map(({ index }) => index);
  const country = hasValue(contact.country) ? chosen : holders.find((version) => isCountryAlone(version.contact));
  return { version: chosen, country, alone: false, replaced: new Set(replaced) };
}

function confirms(part: Contact, whole: Contact): boolean {
  return isPartOf(part, whole) || (isCountryAlone(part) && !hasValue(whole.country));
}

function isCountryAlone(contact: Contact): boolean {
  return ADDRESS_FIELDS.every((field) => hasValue(contact[field]) === (field === 'country'));
}

/** True when each field that `part` gives is given by `whole` with the same value, case and spacing aside. */
function isPartOf(part: Contact, whole: Contact): boolean {
  return ADDRESS_FIELDS.every((field) => !hasValue(part[field]) || fold(part[field]) === fold(whole[field]));
}

function fold(value: string | undefined): string | undefined {
  return value?.normalize('NFKC').toLowerCase().replaceAll(/[\s.,]+/g, ' ').trim();
}

function hasValue(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
