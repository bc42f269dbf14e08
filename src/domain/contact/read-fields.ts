import { reject, warn } from './draft.ts';
import type { Draft } from './draft.ts';
import { MAX_PHONE_CHARS } from './phone-text.ts';
import { isPlainText, isUnstorable, tidyIdentifier, tidyText } from './text.ts';

/** The fields of text, each tidied; absent where nothing usable was given. */
export type TextFields = {
  email?: string;
  phone?: string;
  first_name?: string;
  last_name?: string;
  address?: string;
  address1?: string;
  address2?: string;
  city?: string;
  state?: string;
  postal_code?: string;
  country?: string;
  timezone?: string;
  consent_date?: string;
  consent_source?: string;
  external_crm_id?: string;
  updated_at?: string;
};
export type TextField = keyof TextFields;

const MAX_TEXT_CHARS = 1_000;
const MAX_ADDRESS_CHARS = 500;
/** An address of 254 octets with a display name around it. */
const MAX_EMAIL_CHARS = 320;

type TextRule = { max: number; tidy: (text: string) => string; tooLong: 'too_long' | 'phone_invalid' | 'email_invalid'; vital: boolean };

const TEXT: TextRule = { max: MAX_TEXT_CHARS, tidy: tidyText, tooLong: 'too_long', vital: false };
const TEXT_FIELDS: Record<TextField, TextRule> = {
  // Whether a person can be told apart and reached hangs on these two: of a wrong type they are an error of the source.
  email: { max: MAX_EMAIL_CHARS, tidy: tidyIdentifier, tooLong: 'email_invalid', vital: true },
  phone: { max: MAX_PHONE_CHARS, tidy: tidyText, tooLong: 'phone_invalid', vital: true },
  first_name: TEXT,
  last_name: TEXT,
  address: { ...TEXT, max: MAX_ADDRESS_CHARS },
  address1: TEXT,
  address2: TEXT,
  city: TEXT,
  state: TEXT,
  postal_code: TEXT,
  country: TEXT,
  timezone: TEXT,
  consent_date: TEXT,
  consent_source: TEXT,
  external_crm_id: { ...TEXT, tidy: tidyIdentifier },
  updated_at: TEXT,
};
const TEXT_RULES = new Map<string, TextRule>(Object.entries(TEXT_FIELDS));

/** Fields that are known and read elsewhere. */
const OTHER_FIELDS = new Set([
  'consent_to_email',
  'consent_to_sms',
  'consent_to_phone',
  'gdpr_consent_override',
  'interaction_history',
  'communication_preferences',
]);

/** Sources give these two as numbers as well; a whole number says the same as its digits. */
const NUMBERS_TOO = new Set<string>(['external_crm_id', 'postal_code']);

const MAX_UNKNOWN_FIELDS = 50;
const MAX_FIELD_NAME_CHARS = 64;

/**
 * Reads the text fields of a contact and names the unknown ones.
 *
 * Empty text and null count as not given. Codes: `invalid_type` (an error for e-mail and phone), `invalid_string`
 * (always an error), `too_long`, `unknown_field`.
 */
export function readTextFields(draft: Draft, raw: Record<string, unknown>): TextFields {
  const fields: TextFields = {};
  for (const name of Object.keys(raw)) {
    const rule = TEXT_RULES.get(name);
    if (rule !== undefined) {
      const value = raw[name];
      const text = typeof value === 'string' ? readText(draft, name, value, rule) : readOther(draft, name, value, rule);
      if (text !== undefined) fields[name as TextField] = text;
    } else if (!OTHER_FIELDS.has(name)) {
      dropUnknown(draft, name);
    }
  }
  return fields;
}

function readText(draft: Draft, name: string, value: string, rule: TextRule): string | undefined {
  if (value === '') return undefined;
  if (value.length > rule.max) {
    warn(draft, name, rule.tooLong);
    return undefined;
  }
  const plain = isPlainText(value);
  if (!plain && isUnstorable(value)) {
    reject(draft, name, 'invalid_string');
    return undefined;
  }
  // Plain text without two spaces in a row is tidy by either rule.
  const text = plain && !value.includes('  ') ? value : rule.tidy(value);
  return text === '' ? undefined : text;
}

function readOther(draft: Draft, name: string, value: unknown, rule: TextRule): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value) && NUMBERS_TOO.has(name)) return String(value);
  if (rule.vital) reject(draft, name, 'invalid_type');
  else warn(draft, name, 'invalid_type');
  return undefined;
}

/** Names an unknown field. The name may hold anything, so only what a field name is made of is repeated. */
function dropUnknown(draft: Draft, name: string): void {
  if (draft.unknownFields.length < MAX_UNKNOWN_FIELDS) {
    const shown = name.slice(0, MAX_FIELD_NAME_CHARS).replace(/[^\w.-]/g, '') || 'unnamed';
    draft.unknownFields.push(shown);
    warn(draft, shown, 'unknown_field');
  } else if (draft.unknownFields.length === MAX_UNKNOWN_FIELDS) {
    draft.unknownFields.push('more');
    warn(draft, 'more', 'unknown_fields_more');
  }
}
