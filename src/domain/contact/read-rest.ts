import { parseIsoTimestamp } from '../timestamp.ts';
import { explainChange, reject, warn } from './draft.ts';
import type { Draft } from './draft.ts';
import type { TextFields } from './read-fields.ts';
import { findDeepFault, tidyText } from './text.ts';
import { CHANNELS } from './types.ts';

type Raw = Record<string, unknown>;

const MAX_HISTORY_ENTRIES = 1_000;
/** Levels inside `interaction_history`; deeper data is no record of an interaction. */
const MAX_DEPTH = 16;
const MAX_PREFERENCE_CHARS = 64;
const MAX_JSON_CHARS = 100_000;

/** Not the end of a day (24:00) and not a leap second: those are written as another time. */
const WHOLE_SECONDS_UTC = /T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

const FLAGS = ['consent_to_email', 'consent_to_sms', 'consent_to_phone'] as const;

/**
 * Consent flags: `true`, `false`, `"true"` or `"false"`, nothing else. A value that merely looks like a yes is none
 * (GDPR article 4(11): an unambiguous indication), and it is said (`consent_invalid_value`).
 */
export function readConsentFlags(draft: Draft, raw: Raw): void {
  for (const field of FLAGS) {
    const value = raw[field];
    if (value === undefined || value === '') continue;
    if (value === true || value === 'true') draft.contact[field] = true;
    else if (value === false || value === 'false') draft.contact[field] = false;
    else {
      warn(draft, field, 'consent_invalid_value');
      explainChange(draft, field, value, null, 'consent.invalid', 1);
    }
  }
}

/** `consent_date` and `updated_at`: strict ISO 8601, given in UTC. Code: `invalid_timestamp`. */
export function readTimestamps(draft: Draft, fields: TextFields): void {
  if (fields.consent_date !== undefined) readTimestamp(draft, 'consent_date', fields.consent_date);
  if (fields.updated_at !== undefined) readTimestamp(draft, 'updated_at', fields.updated_at);
}

function readTimestamp(draft: Draft, field: 'consent_date' | 'updated_at', text: string): void {
  const time = parseIsoTimestamp(text);
  if (time === undefined) {
    warn(draft, field, 'invalid_timestamp');
    return;
  }
  const utc = utcText(text, time);
  draft.contact[field] = utc;
  explainChange(draft, field, text, utc, 'timestamp.utc', 1);
}

/** The same as `toISOString()`, without its cost for the two forms that most sources use. */
function utcText(text: string, time: number): string {
  if (text.length === '2026-01-31'.length) return `${text}T00:00:00.000Z`;
  if (WHOLE_SECONDS_UTC.test(text)) return `${text.slice(0, -1)}.000Z`;
  return new Date(time).toISOString();
}

/** `interaction_history`: an array (or its JSON text, as CSV brings it), its last 1,000 entries. */
export function readHistory(draft: Draft, raw: Raw): void {
  const field = 'interaction_history';
  const value = structureOf(raw[field]);
  if (value === undefined) return;
  if (!Array.isArray(value)) {
    warn(draft, field, 'invalid_type');
    return;
  }
  const fault = findDeepFault(value, MAX_DEPTH);
  if (fault === 'invalid_string') reject(draft, field, fault);
  else if (fault === 'too_deep') warn(draft, field, fault);
  else if (value.length > MAX_HISTORY_ENTRIES) {
    warn(draft, field, 'too_many_entries');
    draft.contact.interaction_history = value.slice(-MAX_HISTORY_ENTRIES);
  } else if (value.length > 0) draft.contact.interaction_history = value as unknown[];
}

/** `communication_preferences`: a channel that exists and a frequency in words; anything else in it is dropped and named. */
export function readPreferences(draft: Draft, raw: Raw): void {
  const field = 'communication_preferences';
  const value = structureOf(raw[field]);
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    warn(draft, field, 'invalid_type');
    return;
  }
  const preferences: { preferred_channel?: string; frequency?: string } = {};
  for (const [key, entry] of Object.entries(value)) {
    if (entry === null || entry === '') continue;
    if (key !== 'preferred_channel' && key !== 'frequency') {
      warn(draft, `${field}.${key.slice(0, MAX_PREFERENCE_CHARS).replace(/[^\w.-]/g, '')}`, 'unknown_field');
      continue;
    }
    const text = preferenceText(draft, `${field}.${key}`, entry);
    if (text === undefined) continue;
    if (key === 'preferred_channel') readChannel(draft, preferences, text);
    else preferences.frequency = text;
  }
  if (preferences.preferred_channel !== undefined || preferences.frequency !== undefined) {
    draft.contact.communication_preferences = preferences;
  }
}

function readChannel(draft: Draft, preferences: { preferred_channel?: string }, text: string): void {
  const channel = CHANNELS.find((known) => known === text.toLowerCase());
  if (channel === undefined) {
    warn(draft, 'communication_preferences.preferred_channel', 'invalid_value');
    return;
  }
  preferences.preferred_channel = channel;
  explainChange(draft, 'communication_preferences.preferred_channel', text, channel, 'text.case', 1);
}

function preferenceText(draft: Draft, field: string, value: unknown): string | undefined {
  if (typeof value !== 'string') warn(draft, field, 'invalid_type');
  else if (findDeepFault(value, 0) !== undefined) reject(draft, field, 'invalid_string');
  else if (value.length > MAX_PREFERENCE_CHARS) warn(draft, field, 'too_long');
  else return tidyText(value) || undefined;
  return undefined;
}

/** The value, or what its JSON text says; undefined where none was given. */
function structureOf(value: unknown): unknown {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' || value.length > MAX_JSON_CHARS || !/^\s*[[{]/.test(value)) return value;
  try {
    // A key of this name would reach a prototype in whatever code copies the value later.
    return JSON.parse(value, (key, entry: unknown) => (key === '__proto__' ? undefined : entry)) as unknown;
  } catch {
    return value;
  }
}
