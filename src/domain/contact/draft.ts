import type { Change, Contact, Finding } from './types.ts';

/** What can be found about a field, and how it is told. No message holds a value. */
const MESSAGES = {
  not_an_object: 'A contact must be an object of fields, as well-formed text in UTF-8.',
  identifier_missing: 'Neither a usable e-mail nor a usable phone number was given.',
  invalid_type: 'The value is of the wrong type.',
  invalid_string: 'The text holds a NUL character or half of a surrogate pair.',
  too_long: 'The value is longer than this field may be; it was not used.',
  too_deep: 'The value is nested too deeply; it was not used.',
  too_many_entries: 'Only the last 1,000 entries were kept.',
  invalid_value: 'The value is none that this field may have; it was not used.',
  unknown_field: 'The field is not known; it was not sent.',
  unknown_fields_more: 'More unknown fields than are named here were dropped.',
  country_unknown: 'The country was not recognized; no other was put in its place.',
  phone_invalid: 'The phone number is not valid; it was not sent.',
  phone_country_unknown: 'The phone number has no country code and the country is not known; it was not sent.',
  phone_country_mismatch: "The phone number belongs to another country than the contact's.",
  phone_extension_dropped: 'The extension is not part of the number and was not sent.',
  email_invalid: 'The e-mail address is not valid; it was not sent.',
  address_unparsed: 'The address line could not be split; it was kept as one line.',
  address_mismatch: 'The address line says something else than this field.',
  address_country_mismatch: 'The address line names another country than the contact.',
  postal_code_invalid: 'The postal code is not valid in this country; it was not sent.',
  postal_code_guessed: 'The postal code is not valid as it was given, and what it may mean is a guess; it was not sent.',
  postal_code_country_mismatch: 'The postal code has the form of another country; it was not sent.',
  postal_code_state_mismatch: 'The postal code belongs to another state than the one given.',
  timezone_guessed: 'It is not certain which time zone is meant; none was sent.',
  timezone_country_mismatch: "The time zone is none of the contact's country.",
  timezone_unknown: 'The time zone was not recognized; it was not sent.',
  consent_invalid_value: 'Consent is true or false; anything else is no consent.',
  invalid_timestamp: 'The value is no ISO 8601 date or date-time; it was not used.',
} as const;

export type FindingCode = keyof typeof MESSAGES;

/** A contact on its way through normalization, with everything that is found on the way. */
export type Draft = {
  readonly contact: Contact;
  readonly changes: Change[];
  readonly errors: Finding[];
  readonly warnings: Finding[];
  readonly unknownFields: string[];
  /** Changes are collected only where somebody asked for them. */
  readonly explain: boolean;
};

export function startDraft(explain: boolean): Draft {
  return { contact: {}, changes: [], errors: [], warnings: [], unknownFields: [], explain };
}

/** Bars the contact from being sent. */
export function reject(draft: Draft, field: string, code: FindingCode): void {
  draft.errors.push({ field, code, message: MESSAGES[code] });
}

/** Says what was found, without barring the contact. */
export function warn(draft: Draft, field: string, code: FindingCode, message: FindingCode = code): void {
  draft.warnings.push({ field, code, message: MESSAGES[message] });
}

/** Records what was made of a field; what stays as it was given is no change. */
export function explainChange(draft: Draft, field: string, from: unknown, to: unknown, rule: string, confidence: number): void {
  if (!draft.explain) return;
  const change = { field, from: textOf(from), to: textOf(to), rule, confidence };
  if (change.from !== change.to) draft.changes.push(change);
}

/** Records a guess at a given value, which does not take its place. */
export function explainGuess(draft: Draft, field: string, from: string, { suggestion, rule, confidence }: Pick<Change, 'rule' | 'confidence'> & { suggestion: string }): void {
  if (draft.explain) draft.changes.push({ field, from, to: null, rule, confidence, suggestion });
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
