/**
 * Several records of one person become one contact, field by field.
 *
 * Records are ranked: the newest `updated_at` first (none is oldest, and none is later than the receipt: a clock that is
 * ahead would win against all that comes until then), then the more trusted source, then the one
 * received last, then the later one. Each field comes from the first record that has a value for it; an empty value
 * never takes the place of a full one. Some fields only make sense together and so travel together: the address
 * (`./address-block.ts`) and the date and source of consent. Consent flags are not decided here, for they follow
 * evidence and not recency (`../consent/consent-state.ts`).
 */
import type { Contact } from '../contact/types.ts';
import { parseIsoTimestamp } from '../timestamp.ts';
import { ADDRESS_FIELDS, chooseAddress } from './address-block.ts';
import { joinHistories } from './interaction-history.ts';

/** One record of a person: what it holds, who sent it, and when it reached us (epoch milliseconds). */
export type ContactVersion = { contact: Contact; source?: string; receivedAt: number };

/**
 * Why a record won a field: it alone has a value, all agree, or it beat the next by the newer `updated_at`, the more
 * trusted source, the later receipt or the later place; or the field came with its block, or was joined from several.
 */
export const WHYS = ['only', 'same', 'newest', 'source', 'received_last', 'last', 'block', 'joined'] as const;
export type Why = (typeof WHYS)[number];
export type Origin = { index: number; why: Why };
export type Combined = { contact: Contact; from: Record<string, Origin> };

/** Sources from the most to the least trusted; one that is not named comes after all that are. */
export type CombineOptions = { sourcePriority?: readonly string[] };

/** A version with what its rank is made of. */
export type Ranked = { contact: Contact; index: number; updatedAt: number; trust: number; receivedAt: number };

const PLAIN_FIELDS = ['email', 'phone', 'first_name', 'last_name', 'external_crm_id', 'updated_at'] as const;
const PREFERENCES = ['preferred_channel', 'frequency'] as const;

/**
 * Combines the versions of one person. `from` names for each field of the result the version it came from, by its
 * index in `versions`, and why it won. No argument is changed; values keep their types.
 */
export function combine(versions: readonly ContactVersion[], options: CombineOptions = {}): Combined {
  const ranked = rank(versions, options.sourcePriority ?? []);
  const result: Combined = { contact: {}, from: {} };
  for (const field of PLAIN_FIELDS) take(result, ranked, field);
  takeAddress(result, ranked);
  takeConsentEvidence(result, ranked);
  takePreferences(result, ranked);
  takeHistory(result, ranked);
  return result;
}

function rank(versions: readonly ContactVersion[], sourcePriority: readonly string[]): Ranked[] {
  // One alone needs no rank, and is what there is most often.
  if (versions.length === 1) return [{ contact: versions[0]!.contact, index: 0, updatedAt: -Infinity, trust: -Infinity, receivedAt: versions[0]!.receivedAt }];
  const trustOf = new Map(sourcePriority.map((source, place) => [source, -place] as const));
  const ranked = versions.map(({ contact, source, receivedAt }, index): Ranked => ({
    contact,
    index,
    updatedAt: Math.min((contact.updated_at === undefined ? undefined : parseIsoTimestamp(contact.updated_at)) ?? -Infinity, receivedAt),
    trust: (source === undefined ? undefined : trustOf.get(source)) ?? -Infinity,
    receivedAt,
  }));
  return ranked.sort((a, b) => descending(a.updatedAt, b.updatedAt) || descending(a.trust, b.trust)
    || descending(a.receivedAt, b.receivedAt) || b.index - a.index);
}

/** A comparison that stays a number where both are infinite. */
function descending(a: number, b: number): number {
  if (a === b) return 0;
  return a > b ? -1 : 1;
}

type SimpleField = Exclude<keyof Contact, 'communication_preferences'>;

function take<F extends SimpleField>(result: Combined, ranked: readonly Ranked[], field: F): void {
  const holders = ranked.filter((version) => isFull(version.contact[field]));
  const winner = holders[0];
  if (winner === undefined) return;
  result.contact[field] = winner.contact[field];
  result.from[field] = { index: winner.index, why: whyOf(holders, (version) => version.contact[field]) };
}

function takeAddress(result: Combined, ranked: readonly Ranked[]): void {
  const choice = chooseAddress(ranked);
  if (choice !== undefined) {
    const why = choice.alone ? 'only' : 'block';
    for (const field of ADDRESS_FIELDS) {
      const version = field === 'country' ? choice.country : choice.version;
      const value = version?.contact[field];
      if (version === undefined || !isFull(value)) continue;
      result.contact[field] = value;
      result.from[field] = { index: version.index, why };
    }
  }
  // The zone of a place that the person has left is no longer theirs.
  take(result, ranked.filter((version) => choice?.replaced.has(version.index) !== true), 'timezone');
}

/** The date and the source of consent describe one act, so both come from the version with the newest such act. */
function takeConsentEvidence(result: Combined, ranked: readonly Ranked[]): void {
  const dateOf = ({ contact }: Ranked): number =>
    (contact.consent_date === undefined ? undefined : parseIsoTimestamp(contact.consent_date)) ?? -Infinity;
  const holders = ranked
    .filter(({ contact }) => isFull(contact.consent_date) || isFull(contact.consent_source))
    .sort((a, b) => descending(dateOf(a), dateOf(b)));
  const winner = holders[0];
  if (winner === undefined) return;
  for (const field of ['consent_date', 'consent_source'] as const) {
    if (!isFull(winner.contact[field])) continue;
    result.contact[field] = winner.contact[field];
    result.from[field] = { index: winner.index, why: holders.length === 1 ? 'only' : 'block' };
  }
}

function takePreferences(result: Combined, ranked: readonly Ranked[]): void {
  for (const key of PREFERENCES) {
    const holders = ranked.filter(({ contact }) => isFull(contact.communication_preferences?.[key]));
    const winner = holders[0];
    if (winner === undefined) continue;
    const value = winner.contact.communication_preferences![key]!;
    result.contact.communication_preferences = { ...result.contact.communication_preferences, [key]: value };
    const why = whyOf(holders, ({ contact }) => contact.communication_preferences?.[key]);
    result.from[`communication_preferences.${key}`] = { index: winner.index, why };
  }
}

function takeHistory(result: Combined, ranked: readonly Ranked[]): void {
  const holders = ranked.filter(({ contact }) => (contact.interaction_history?.length ?? 0) > 0);
  const winner = holders[0];
  if (winner === undefined) return;
  // The oldest record goes first, so that what a newer one adds comes after what was known.
  const histories = holders.toReversed().map(({ contact }) => contact.interaction_history!);
  result.contact.interaction_history = joinHistories(histories);
  result.from['interaction_history'] = { index: winner.index, why: holders.length === 1 ? 'only' : 'joined' };
}

/** Why the first of the versions that hold a value won; the runner-up is the next one that says something else. */
function whyOf(holders: readonly Ranked[], valueOf: (version: Ranked) => unknown): Why {
  const winner = holders[0]!;
  if (holders.length === 1) return 'only';
  const other = holders.find((version) => valueOf(version) !== valueOf(winner));
  if (other === undefined) return 'same';
  if (winner.updatedAt !== other.updatedAt) return 'newest';
  if (winner.trust !== other.trust) return 'source';
  return winner.receivedAt === other.receivedAt ? 'last' : 'received_last';
}

function isFull(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
