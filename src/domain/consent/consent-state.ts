/**
 * What is known about a person's consent, as a join-semilattice: for each channel the newest grant and the newest
 * refusal (a withdrawal is a refusal). Two states join by taking the newer of each, so that evidence may arrive in any
 * order, twice, and in any grouping, and leads to the same state (Regulation (EU) 2016/679, article 7(1) and 7(3)).
 *
 * Missing dates take the restrictive side: an undated refusal is newer than every grant, an undated grant older than
 * every refusal. Both have finite stand-ins, so that a state survives JSON and an integer column.
 */
import type { Channel, Contact } from '../contact/types.ts';
import { isFuture, parseIsoTimestamp } from '../timestamp.ts';

/** The moment of a refusal without a date: nothing supersedes it. */
export const UNDATED_REFUSAL = Number.MAX_SAFE_INTEGER;
/** The moment of a grant without a date: it supersedes nothing. */
export const UNDATED_GRANT = Number.MIN_SAFE_INTEGER;

/** The newest evidence each way, epoch milliseconds; absent: there is none. */
export type ChannelState = { grantedAt?: number; refusedAt?: number };
export type ConsentState = Record<Channel, ChannelState>;
export type Effective = 'granted' | 'refused' | 'none';

/** The contract's name of the flag of each channel. */
export const CONSENT_FIELD = {
  email: 'consent_to_email',
  sms: 'consent_to_sms',
  phone: 'consent_to_phone',
} as const satisfies Record<Channel, keyof Contact>;

/** The state of a person nothing is known about; the neutral element of `joinConsent`. */
export function emptyConsent(): ConsentState {
  return { email: {}, sms: {}, phone: {} };
}

/** Joins two states. Commutative, associative, idempotent; neither argument is changed. */
export function joinConsent(a: ConsentState, b: ConsentState): ConsentState {
  return {
    email: joinChannel(a.email, b.email),
    sms: joinChannel(a.sms, b.sms),
    phone: joinChannel(a.phone, b.phone),
  };
}

function joinChannel(a: ChannelState, b: ChannelState): ChannelState {
  const state: ChannelState = {};
  const grantedAt = newest(a.grantedAt, b.grantedAt);
  const refusedAt = newest(a.refusedAt, b.refusedAt);
  if (grantedAt !== undefined) state.grantedAt = grantedAt;
  if (refusedAt !== undefined) state.refusedAt = refusedAt;
  return state;
}

function newest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}

/** What a channel's evidence amounts to: granted only where a grant is strictly newer than every refusal. */
export function effective(state: ChannelState): Effective {
  if (state.refusedAt === undefined) return state.grantedAt === undefined ? 'none' : 'granted';
  return state.grantedAt !== undefined && state.grantedAt > state.refusedAt ? 'granted' : 'refused';
}

/**
 * What a contact says about itself: its flags, dated by its `consent_date`.
 *
 * A date that cannot be read counts as none. One that lies in the future is no evidence of when a grant was given, so
 * that the grant is undated; a refusal keeps it, for that is the restrictive side. A refusal without a date held at
 * the latest when the source saw the contact (`updated_at`), so that a later opt-in can supersede it.
 *
 * @param now epoch milliseconds.
 */
export function assertionOf(
  contact: Pick<Contact, (typeof CONSENT_FIELD)[Channel] | 'consent_date' | 'updated_at'>,
  now: number,
): ConsentState {
  const date = contact.consent_date === undefined ? undefined : parseIsoTimestamp(contact.consent_date);
  const seen = contact.updated_at === undefined ? undefined : parseIsoTimestamp(contact.updated_at);
  const refusedAt = date ?? seen ?? UNDATED_REFUSAL;
  const grantedAt = date === undefined || isFuture(date, now) ? UNDATED_GRANT : date;
  const channel = (flag: boolean | undefined): ChannelState => {
    if (flag === undefined) return {};
    return flag ? { grantedAt } : { refusedAt };
  };
  return {
    email: channel(contact.consent_to_email),
    sms: channel(contact.consent_to_sms),
    phone: channel(contact.consent_to_phone),
  };
}
