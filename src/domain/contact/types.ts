/** The channels a person can consent to, in the order in which they are reported. */
export const CHANNELS = ['email', 'sms', 'phone'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What a source said about one channel: granted, refused, or nothing at all. */
export type ConsentFlags = Record<Channel, boolean | undefined>;

/**
 * A contact after normalization, in the field names of the public contract.
 * A field that is absent was not given, or was given and could not be used (a warning then says so).
 */
export type Contact = {
  /** Canonical: trimmed, NFKC, lower case, domain in ASCII. */
  email?: string;
  /** E.164. */
  phone?: string;
  first_name?: string;
  last_name?: string;
  address1?: string;
  address2?: string;
  city?: string;
  /** Code of the subdivision without its country (`TX`) where it is known, else the text as given. */
  state?: string;
  postal_code?: string;
  /** ISO 3166-1 alpha-2. */
  country?: string;
  /** IANA zone name. */
  timezone?: string;
  consent_to_email?: boolean;
  consent_to_sms?: boolean;
  consent_to_phone?: boolean;
  /** When the person gave or refused consent, ISO 8601 UTC: the source's word, never ours. */
  consent_date?: string;
  consent_source?: string;
  external_crm_id?: string;
  interaction_history?: unknown[];
  communication_preferences?: { preferred_channel?: string; frequency?: string };
  /** When the source last saw this contact, ISO 8601 UTC. */
  updated_at?: string;
};

/**
 * One change that normalization made, explained. `confidence` is 0 to 1; below 1 it is a reading, below 0.8 a guess.
 * A guess at what a given value may mean is not put in its place: it is a `suggestion` beside a `to` of null.
 */
export type Change = { field: string; from: string | null; to: string | null; rule: string; confidence: number; suggestion?: string };

/** Something found about one field. The message never holds the value. */
export type Finding = { field: string; code: string; message: string };
