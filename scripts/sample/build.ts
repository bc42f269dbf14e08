import type { Random } from '../../src/domain/ports/clock.ts';
import { seededRandom } from '../../src/sandbox/random.ts';
import { COUNTRIES, FIRST_NAMES, LAST_NAMES, type Country } from './places.ts';

/** The seed of the committed sample. */
export const SAMPLE_SEED = 2026;

type Contact = Record<string, unknown>;

/**
 * What a correct service makes of one contact of the sample. `same_person` means that it joins a person who is in the
 * sample already. A person who is delivered is known by `email`, or by `phone` where there is no e-mail address.
 */
export type Expectation = {
  external_crm_id: string;
  outcome: 'delivered' | 'same_person' | 'rejected';
  code?: string;
  email?: string;
  phone?: string;
  /** Whether marketing may hear of the person. */
  exported: boolean;
};
export type Sample = { contacts: Contact[]; expected: Expectation[] };
type Entry = { at: number; contact: Contact; expectation: Omit<Expectation, 'external_crm_id'> };
type Person = { contact: Contact; email?: string; phone?: string; country: Country; exported: boolean };
type Mess = (person: Person, tools: Tools) => Entry[];
type Tools = { random: Random; at: number; pick: <T>(list: readonly T[]) => T };

const CHANNELS = ['consent_to_email', 'consent_to_sms', 'consent_to_phone'] as const;
const DOMAINS = ['example.com', 'example.org', 'example.net', 'mail.example.com'] as const;

/** Makes the sample: some hundred invented people and what goes wrong with their records. Same seed, same sample. */
export function buildSample(seed: number): Sample {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const people = makePeople({ random, at: 0, pick });
  const entries = messUp(people, random, pick).sort((a, b) => a.at - b.at);
  const contacts: Contact[] = [];
  const expected: Expectation[] = [];
  entries.forEach(({ contact, expectation }, index) => {
    const external = `crm-${String(index + 1).padStart(5, '0')}`;
    contacts.push({ external_crm_id: external, ...contact });
    expected.push({ external_crm_id: external, ...expectation });
  });
  return { contacts, expected };
}

function makePeople(tools: Tools): Person[] {
  const taken = new Set<string>();
  return COUNTRIES.flatMap((country) => Array.from({ length: country.people }, (_, index) => makePerson(country, index, taken, tools)));
}

function makePerson(country: Country, index: number, taken: Set<string>, { random, pick }: Tools): Person {
  let first: string;
  let last: string;
  do {
    first = pick(FIRST_NAMES);
    last = pick(LAST_NAMES);
  } while (taken.has(`${first} ${last}`));
  taken.add(`${first} ${last}`);
  const email = `${plain(first)}.${plain(last)}@${pick(DOMAINS)}`;
  const contact: Contact = { email, first_name: first, last_name: last, ...addressOf(country, index, { random, at: 0, pick }) };
  const person: Person = { contact, email, country, exported: true };
  const range = country.phones[index % country.phones.length];
  if (range !== undefined && random() < 0.85) {
    const digits = String(Math.floor(index / country.phones.length) + 10).padStart(4, '0');
    person.phone = fill(range.e164, digits);
    contact['phone'] = fill(pick(range.written), digits);
  }
  const zone = pick(country.zones);
  if (zone !== '') contact['timezone'] = zone;
  const asText = random() < 0.1;
  for (const channel of CHANNELS) contact[channel] = country.covered || random() < 0.75 ? (asText ? 'true' : true) : false;
  person.exported = String(contact['consent_to_email']) === 'true';
  contact['consent_date'] = dateIn(2025, random);
  contact['consent_source'] = pick(['web_form', 'newsletter', 'store_visit', 'call_centre']);
  contact['updated_at'] = dateIn(2026, random);
  if (random() < 0.2) contact['interaction_history'] = [{ type: pick(['call', 'chat', 'email']), at: dateIn(2026, random) }];
  if (random() < 0.2) {
    contact['communication_preferences'] = { preferred_channel: pick(['email', 'sms', 'phone']), frequency: pick(['weekly', 'monthly']) };
  }
  return person;
}

function addressOf(country: Country, index: number, { random, pick }: Tools): Contact {
  const place = pick(country.places);
  const number = 1 + ((index * 7) % 180);
  const street = country.houseFirst ? `${number} ${place.street}` : `${place.street} ${number}`;
  const spelling = pick(country.spellings);
  if (random() < 0.35) {
    const region = [place.state, place.postal_code].filter(Boolean).join(' ');
    const city = country.postalFirst ? `${place.postal_code} ${place.city}` : `${place.city}, ${region}`;
    return { address: `${street}, ${city}`, country: spelling };
  }
  const { city, state, postal_code } = place;
  return { address1: street, city, ...(state === undefined ? {} : { state }), postal_code, country: spelling };
}

/** Puts the people in a random order and spoils every n-th record in one of the ways that real lists are spoiled. */
function messUp(people: Person[], random: Random, pick: Tools['pick']): Entry[] {
  const messes: readonly (readonly [kind: Mess, every: number, offset: number])[] = [
    [sameEmailOtherCase, 18, 1], [samePhoneNoEmail, 40, 2], [newerVersion, 45, 3], [household, 160, 4],
    [noConsent, 19, 5], [refusedConsent, 30, 6], [withdrawnConsent, 60, 7], [sloppyConsent, 100, 8],
    [noIdentifier, 90, 9], [phoneOnly, 50, 10], [unusablePhone, 30, 11], [unknownFields, 25, 12], [wrongPostalCode, 30, 13],
  ];
  const shuffled = people.map((person) => ({ person, at: random() })).sort((a, b) => a.at - b.at);
  return shuffled.flatMap(({ person, at }, index) => {
    const mess = messes.find(([, every, offset]) => index % every === offset % every)?.[0] ?? clean;
    return mess(person, { random, at, pick });
  });
}

const clean: Mess = (person, { at }) => [{ at, contact: person.contact, expectation: delivered(person) }];
const later = ({ at, random }: Tools): number => at + (1 - at) * (0.05 + 0.9 * random());

/** The same person again, shouting. */
const sameEmailOtherCase: Mess = (person, tools) => {
  const shouted = ` ${String(person.contact['email']).toUpperCase()}`;
  return [...clean(person, tools), { at: later(tools), contact: { ...person.contact, email: shouted }, expectation: samePerson(person) }];
};

/** The same person from a call list: number and name only. */
const samePhoneNoEmail: Mess = (person, tools) => {
  if (person.phone === undefined) return clean(person, tools);
  const { email: _email, ...rest } = person.contact;
  return [...clean(person, tools), { at: later(tools), contact: { ...rest, phone: person.phone }, expectation: samePerson(person) }];
};

/** The same person after moving house. */
const newerVersion: Mess = (person, tools) => {
  const moved = { ...person.contact, ...addressOf(person.country, 23, tools), updated_at: '2026-09-30T08:00:00Z' };
  return [...clean(person, tools), { at: later(tools), contact: moved, expectation: samePerson(person) }];
};

/** Somebody else at the same number: two people, not one. */
const household: Mess = (person, tools) => {
  if (person.phone === undefined) return clean(person, tools);
  const email = `partner.of.${String(person.contact['email'])}`;
  const contact = { ...person.contact, email, first_name: 'Robin', last_name: 'Featherstone' };
  return [...clean(person, tools), { at: later(tools), contact, expectation: delivered({ ...person, email }) }];
};

const noConsent: Mess = (person, tools) => {
  if (!person.country.covered) return clean(person, tools);
  const contact = Object.fromEntries(Object.entries(person.contact).filter(([field]) => !field.startsWith('consent_')));
  return [{ at: tools.at, contact, expectation: rejected(person, 'consent_missing') }];
};

const refusedConsent: Mess = (person, tools) => {
  if (!person.country.covered) return clean(person, tools);
  return [{ at: tools.at, contact: { ...person.contact, [tools.pick(CHANNELS)]: false }, expectation: rejected(person, 'consent_refused') }];
};

/** Consent is withdrawn, and then an older list comes that still has it. */
const withdrawnConsent: Mess = (person, tools) => {
  if (!person.country.covered) return clean(person, tools);
  const refusals = Object.fromEntries(CHANNELS.map((channel) => [channel, false]));
  const withdrawal = { ...person.contact, ...refusals, consent_date: '2026-08-01T09:00:00Z', updated_at: '2026-08-01T09:00:00Z' };
  return [
    { at: tools.at, contact: withdrawal, expectation: rejected(person, 'consent_refused') },
    { at: later(tools), contact: person.contact, expectation: rejected(person, 'consent_withdrawn') },
  ];
};

/** `1` and `yes` are no consent. */
const sloppyConsent: Mess = (person, tools) => {
  if (!person.country.covered) return clean(person, tools);
  const contact = { ...person.contact, consent_to_email: 1, consent_to_sms: 'yes', consent_to_phone: 'on' };
  return [{ at: tools.at, contact, expectation: rejected(person, 'consent_missing') }];
};

const noIdentifier: Mess = (person, tools) => {
  const { email: _email, phone: _phone, ...contact } = person.contact;
  return [{ at: tools.at, contact, expectation: { outcome: 'rejected', code: 'identifier_missing', exported: false } }];
};

const phoneOnly: Mess = (person, tools) => {
  if (person.phone === undefined || person.country.covered) return clean(person, tools);
  const { email: _email, ...rest } = person.contact;
  const contact = { ...rest, consent_to_email: false };
  return [{ at: tools.at, contact, expectation: { outcome: 'delivered', phone: person.phone, exported: false } }];
};

const unusablePhone: Mess = (person, tools) => {
  const contact = { ...person.contact, phone: tools.pick(['n/a', '12', 'call the office', '+999 000', '555']) };
  return [{ at: tools.at, contact, expectation: delivered(person) }];
};

const unknownFields: Mess = (person, tools) => {
  const contact = { ...person.contact, favourite_colour: 'green', utm_source: 'spring', 'Lead Score': 17 };
  return [{ at: tools.at, contact, expectation: delivered(person) }];
};

const wrongPostalCode: Mess = (person, tools) => {
  const { address: _address, ...rest } = person.contact;
  const contact = { ...rest, postal_code: tools.pick(['0', 'XXXXX', '999999999', 'unknown']) };
  return [{ at: tools.at, contact, expectation: delivered(person) }];
};

function delivered({ email, phone, exported }: Person): Entry['expectation'] {
  return { outcome: 'delivered', exported, ...(email === undefined ? {} : { email }), ...(phone === undefined ? {} : { phone }) };
}

function samePerson(person: Person): Entry['expectation'] {
  return { ...delivered(person), outcome: 'same_person' };
}

function rejected(person: Person, code: string): Entry['expectation'] {
  return { ...delivered(person), outcome: 'rejected', code, exported: false };
}

function plain(name: string): string {
  return name.normalize('NFKD').replaceAll(/[^A-Za-z-]/g, '').toLowerCase();
}

/** Puts the last of these digits where the `#` stand. */
function fill(pattern: string, digits: string): string {
  const places = pattern.split('#').length - 1;
  const used = digits.slice(digits.length - places).padStart(places, '0');
  let next = 0;
  return pattern.replaceAll('#', () => used[next++] as string);
}

function dateIn(year: number, random: Random): string {
  const day = Math.floor(random() * 180);
  return new Date(Date.UTC(year, 0, 1 + day, Math.floor(random() * 24), Math.floor(random() * 60))).toISOString();
}
