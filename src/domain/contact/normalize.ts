import { explainChange, reject, startDraft, warn } from './draft.ts';
import type { Draft } from './draft.ts';
import { normalizeEmail } from './email.ts';
import { normalizePhone, phoneFitsCountry } from './phone.ts';
import type { PhoneResult } from './phone.ts';
import { readTextFields } from './read-fields.ts';
import type { TextFields } from './read-fields.ts';
import { GUESS_BELOW, findPlace, writeAddress, writeTimezone } from './read-place.ts';
import type { Place } from './read-place.ts';
import { readConsentFlags, readHistory, readPreferences, readTimestamps } from './read-rest.ts';
import { areOfOneState } from './territories.ts';
import type { Change, Contact, Finding } from './types.ts';

/** One contact as a source sent it: any JSON object. */
export type RawContact = Record<string, unknown>;

export type NormalizeOptions = {
  /** The operator's own word for contacts whose country cannot be told (alpha-2). */
  defaultCountry?: string;
  /** Collect every change with its rule and confidence, for a dry run. */
  explain?: boolean;
};

export type NormalizedContact = {
  contact: Contact;
  /**
   * The country by which consent is judged: `contact.country` where it was named, read from an address or set by the
   * operator. A mere guess (from the prefix of a phone) leaves it empty, which counts as covered: a guess may
   * never lift the protection of a person.
   */
  covered_country: string | undefined;
  /** What was given, untouched, to be kept beside the normalized form. */
  raw: { address?: string; phone?: string };
  changes: Change[];
  /** Not empty: the contact is rejected. */
  errors: Finding[];
  /** What was found but bars nothing. */
  warnings: Finding[];
  unknownFields: string[];
};

const CONFIDENCE = { phonePrefix: 0.6, defaultCountry: 0.7 } as const;

/**
 * Brings one contact into the form in which it is compared, stored and sent.
 *
 * Pure: same input, same answer. Each field is read on its own, contradictions between fields are reported and not
 * resolved, and nothing is made up: what cannot be told stays empty. A phone number is parsed once.
 *
 * Errors (the contact is rejected): `not_an_object`, `identifier_missing`, `invalid_type` (e-mail, phone),
 * `invalid_string`. Everything else is a warning; the codes stand in `draft.ts`.
 *
 * @param raw one entry of a batch, or one row of a CSV file with texts only
 */
export function normalizeContact(raw: unknown, options: NormalizeOptions): NormalizedContact {
  const draft = startDraft(options.explain === true);
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    reject(draft, '', 'not_an_object');
    return finish(draft, {}, undefined);
  }
  const source = raw as RawContact;
  const fields = readTextFields(draft, source);
  const place = findPlace(draft, fields, isGiven(source['country']));
  const phone = readPhone(draft, fields.phone, place, options.defaultCountry);
  const covered = writeCountry(draft, fields, place, phone, options.defaultCountry);
  writePhone(draft, fields.phone, phone);
  writeEmail(draft, fields.email);
  if (draft.contact.email === undefined && draft.contact.phone === undefined) reject(draft, 'email', 'identifier_missing');
  writeNames(draft, fields);
  writeAddress(draft, fields, place.line, covered);
  writeTimezone(draft, fields.timezone, covered);
  readConsentFlags(draft, source);
  readTimestamps(draft, fields);
  readHistory(draft, source);
  readPreferences(draft, source);
  if (draft.explain) explainRest(draft, source);
  return finish(draft, source, covered);
}

function finish(draft: Draft, source: RawContact, covered: string | undefined): NormalizedContact {
  const { contact, changes, errors, warnings, unknownFields } = draft;
  const raw: NormalizedContact['raw'] = {};
  if (typeof source['address'] === 'string' && source['address'] !== '') raw.address = source['address'];
  if (typeof source['phone'] === 'string' && source['phone'] !== '') raw.phone = source['phone'];
  return { contact, covered_country: covered, raw, changes, errors, warnings, unknownFields };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && (typeof value !== 'string' || value.trim() !== '');
}

function readPhone(draft: Draft, phone: string | undefined, place: Place, defaultCountry: string | undefined): PhoneResult | undefined {
  if (phone === undefined) return undefined;
  const result = normalizePhone(phone, place.named ? place.country : (place.country ?? defaultCountry));
  if (!result.ok) {
    warn(draft, 'phone', 'phone_invalid', result.reason === 'country_unknown' ? 'phone_country_unknown' : 'phone_invalid');
  }
  return result;
}

/** Writes the country and says by which one consent is judged. */
function writeCountry(
  draft: Draft,
  fields: TextFields,
  place: Place,
  phone: PhoneResult | undefined,
  defaultCountry: string | undefined,
): string | undefined {
  if (place.country !== undefined) {
    setCountry(draft, fields.country, place.country, place.rule, place.confidence);
    return place.confidence < GUESS_BELOW ? undefined : place.country;
  }
  if (place.named) {
    explainChange(draft, 'country', fields.country, null, 'country.unknown', 1);
    return undefined;
  }
  const guess = countryOfPhone(phone);
  if (guess !== undefined && (defaultCountry === undefined || !phoneFitsCountry(guess.e164, defaultCountry))) {
    setCountry(draft, undefined, guess.country, 'country.phone-prefix', CONFIDENCE.phonePrefix);
    return undefined;
  }
  if (defaultCountry !== undefined) setCountry(draft, undefined, defaultCountry, 'country.default', CONFIDENCE.defaultCountry);
  return defaultCountry;
}

/** The country of a number that was written with its country code; one read by a plan only says what we told it. */
function countryOfPhone(phone: PhoneResult | undefined): { e164: string; country: string } | undefined {
  if (phone?.ok !== true || phone.national || phone.country === undefined) return undefined;
  return { e164: phone.e164, country: phone.country };
}

function setCountry(draft: Draft, given: string | undefined, country: string, rule: string, confidence: number): void {
  draft.contact.country = country;
  explainChange(draft, 'country', given, country, rule, confidence);
}

function writePhone(draft: Draft, given: string | undefined, phone: PhoneResult | undefined): void {
  if (phone === undefined) return;
  const { contact } = draft;
  if (!phone.ok) {
    explainChange(draft, 'phone', given, null, `phone.${phone.reason}`, 1);
    return;
  }
  contact.phone = phone.e164;
  explainChange(draft, 'phone', given, phone.e164, phone.rule, phone.confidence);
  if (phone.extension !== undefined) warn(draft, 'phone', 'phone_extension_dropped');
  const { country } = contact;
  if (country === undefined || phone.country === undefined || areOfOneState(phone.country, country)) return;
  if (!phoneFitsCountry(phone.e164, country)) warn(draft, 'phone', 'phone_country_mismatch');
}

function writeEmail(draft: Draft, given: string | undefined): void {
  if (given === undefined) return;
  const result = normalizeEmail(given);
  if (result.ok) {
    draft.contact.email = result.email;
    explainChange(draft, 'email', given, result.email, result.rule, 1);
  } else {
    warn(draft, 'email', 'email_invalid');
    explainChange(draft, 'email', given, null, `email.${result.reason}`, 1);
  }
}

function writeNames(draft: Draft, fields: TextFields): void {
  const { contact } = draft;
  if (fields.first_name !== undefined) contact.first_name = fields.first_name;
  if (fields.last_name !== undefined) contact.last_name = fields.last_name;
  if (fields.consent_source !== undefined) contact.consent_source = fields.consent_source;
  if (fields.external_crm_id !== undefined) contact.external_crm_id = fields.external_crm_id;
}

/** What is read of a contact; an address in one line is told by the fields that it was split into. */
const READ = [
  'email', 'phone', 'first_name', 'last_name', 'address1', 'address2', 'city', 'state', 'postal_code', 'country', 'timezone',
  'consent_to_email', 'consent_to_sms', 'consent_to_phone', 'consent_date', 'consent_source', 'external_crm_id',
  'interaction_history', 'communication_preferences', 'updated_at',
] as const satisfies readonly (keyof Contact)[];

/** What no rule has spoken of yet: fields that only lost spaces, and those that could not be used. */
function explainRest(draft: Draft, source: RawContact): void {
  const told = new Set(draft.changes.map(({ field }) => field.split('.')[0]));
  for (const field of READ) {
    const given = source[field];
    if (told.has(field) || !isGiven(given)) continue;
    const kept = draft.contact[field];
    const code = draft.warnings.find((warning) => warning.field === field)?.code ?? 'unusable';
    explainChange(draft, field, given, kept, kept === undefined ? `dropped.${code}` : 'text.tidy', 1);
  }
}
