import { CHANNELS } from '../contact/types.ts';
import type { Channel, Contact } from '../contact/types.ts';
import { CONSENT_FIELD, UNDATED_GRANT, effective, joinConsent } from './consent-state.ts';
import type { ChannelState, ConsentState } from './consent-state.ts';
import { isCovered } from './jurisdiction.ts';

const DAY_MS = 86_400_000;

/**
 * `all`: in covered countries every channel needs consent. `per-channel`: at least one does, and only consented ones
 * are used. `maxAgeDays`: a grant older than that, or of unknown age, counts as none. `extraCountries`: covered too.
 */
export type GateOptions = { policy: 'all' | 'per-channel'; maxAgeDays?: number; extraCountries?: ReadonlySet<string> };

export type ConsentCode = 'consent_missing' | 'consent_refused' | 'consent_withdrawn' | 'consent_expired';

export type Verdict = {
  /** Whether the contact may be sent at all. */
  allowed: boolean;
  /** Whether its country is one where consent is required. */
  covered: boolean;
  /**
   * Which channels may be used. In a covered country: where consent is given. Elsewhere: where none was refused, so a
   * channel that nobody spoke of is true here while its flag stays absent (see `withVerdict`).
   */
  channels: Record<Channel, boolean>;
  /** Why it may not be sent, and the flag at fault. Present when `allowed` is false. */
  code?: ConsentCode;
  field?: string;
  /** The preferred channel may not be used, and is moved to one that may. */
  preferredChannel?: { from: Channel; to: Channel };
};

type GatedContact = Pick<Contact, 'country' | 'email' | 'phone' | 'communication_preferences'>;

/**
 * Decides whether a contact may be sent, and on which channels it may be approached.
 *
 * In a covered country the record needs a grant of its own: silence is `consent_missing`, its own no
 * `consent_refused`; a no from elsewhere that its grant does not supersede is `consent_withdrawn`; a grant past its age
 * is `consent_expired`. Elsewhere consent is not required, but a known refusal closes its channel, and a person who
 * withdrew so that no channel is left is not sent (`consent_withdrawn`); a record that itself refuses all is sent, as
 * its flags then carry the refusal.
 *
 * @param own what this record itself asserts. @param known that of the ledger and the rest of the batch, joined.
 * @param now epoch milliseconds.
 */
export function gate(
  contact: GatedContact,
  own: ConsentState,
  known: ConsentState,
  options: GateOptions,
  now: number,
): Verdict {
  const joined = joinConsent(own, known);
  if (!isCovered(contact.country, options.extraCountries)) return uncovered(contact, own, joined);
  const codes = channelRecord((channel) => refusalOf(channel, own, joined, options, now));
  const closed = CHANNELS.filter((channel) => codes[channel] !== undefined);
  const enough = options.policy === 'all' ? closed.length === 0 : closed.length < CHANNELS.length;
  if (enough) {
    const channels = channelRecord((channel) => codes[channel] === undefined);
    return withPreference(contact, { allowed: true, covered: true, channels });
  }
  const channel = options.policy === 'all' ? closed[0]! : tellingChannel(codes);
  return {
    allowed: false,
    covered: true,
    channels: { email: false, sms: false, phone: false },
    code: codes[channel]!,
    field: CONSENT_FIELD[channel],
  };
}

/**
 * The contact as it may go out: a flag as the record gave it where its channel may be used, false where it may not,
 * and the preferred channel moved where the verdict moved it. The argument is not changed.
 */
export function withVerdict(contact: Contact, verdict: Verdict): Contact {
  const result: Contact = { ...contact };
  for (const channel of CHANNELS) {
    if (!verdict.channels[channel]) result[CONSENT_FIELD[channel]] = false;
  }
  if (verdict.preferredChannel !== undefined) {
    result.communication_preferences = {
      ...contact.communication_preferences,
      preferred_channel: verdict.preferredChannel.to,
    };
  }
  return result;
}

/** Why a channel of a covered contact is closed, or undefined when it is open. */
function refusalOf(
  channel: Channel,
  own: ConsentState,
  joined: ConsentState,
  options: GateOptions,
  now: number,
): ConsentCode | undefined {
  const asserted = effective(own[channel]);
  if (asserted === 'none') return 'consent_missing';
  if (asserted === 'refused') return 'consent_refused';
  if (effective(joined[channel]) === 'refused') return 'consent_withdrawn';
  return isExpired(joined[channel], options, now) ? 'consent_expired' : undefined;
}

/** Whether a grant is past its age, or of no known age where one is asked for. */
export function isExpired({ grantedAt = UNDATED_GRANT }: ChannelState, { maxAgeDays }: Pick<GateOptions, 'maxAgeDays'>, now: number): boolean {
  return maxAgeDays !== undefined && now - grantedAt > maxAgeDays * DAY_MS;
}

function uncovered(contact: GatedContact, own: ConsentState, joined: ConsentState): Verdict {
  const channels = channelRecord((channel) => effective(joined[channel]) !== 'refused');
  const refusedByOthers = CHANNELS.filter((channel) => !channels[channel] && effective(own[channel]) !== 'refused');
  const first = refusedByOthers[0];
  if (first !== undefined && !CHANNELS.some((channel) => channels[channel])) {
    return { allowed: false, covered: false, channels, code: 'consent_withdrawn', field: CONSENT_FIELD[first] };
  }
  return withPreference(contact, { allowed: true, covered: false, channels });
}

/** With no channel left, the one that came closest to being open tells most: its reason is the one to act on. */
function tellingChannel(codes: Record<Channel, ConsentCode | undefined>): Channel {
  const order: ConsentCode[] = ['consent_expired', 'consent_withdrawn', 'consent_refused', 'consent_missing'];
  const code = order.find((candidate) => CHANNELS.some((channel) => codes[channel] === candidate));
  return CHANNELS.find((channel) => codes[channel] === code)!;
}

function withPreference(contact: GatedContact, verdict: Verdict): Verdict {
  const wanted = contact.communication_preferences?.preferred_channel;
  const from = CHANNELS.find((channel) => channel === wanted);
  if (from === undefined || verdict.channels[from]) return verdict;
  const open = CHANNELS.filter((channel) => verdict.channels[channel]);
  const to = open.find((channel) => isReachable(contact, channel)) ?? open[0];
  return to === undefined ? verdict : { ...verdict, preferredChannel: { from, to } };
}

function isReachable(contact: GatedContact, channel: Channel): boolean {
  return (channel === 'email' ? contact.email : contact.phone) !== undefined;
}

function channelRecord<T>(of: (channel: Channel) => T): Record<Channel, T> {
  return { email: of('email'), sms: of('sms'), phone: of('phone') };
}
