import { canonicalJson } from '../../../domain/audit/canonical-json.ts';
import { gate, withVerdict } from '../../../domain/consent/consent-gate.ts';
import type { Verdict } from '../../../domain/consent/consent-gate.ts';
import { CONSENT_FIELD, UNDATED_REFUSAL, assertionOf, effective, emptyConsent, joinConsent } from '../../../domain/consent/consent-state.ts';
import type { ConsentState } from '../../../domain/consent/consent-state.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import type { Contact } from '../../../domain/contact/types.ts';
import { combine } from '../../../domain/identity/survivorship.ts';
import type { Combined } from '../../../domain/identity/survivorship.ts';
import type { Context } from '../context.ts';
import type { PersonKey } from '../vault.ts';
import { payloadsOf } from './contacts.ts';
import type { ContactPayload, ContactRow } from './contacts.ts';
import { consentOf, openCurrent, peopleById } from './persons.ts';
import type { CurrentVersion, KeptVersion, PersonRow, Standing } from './persons.ts';

/** One person as it would go out now: all that waits and all that CXone holds, in one contact. */
export type CombinedPerson = {
  contact: Contact;
  verdict: Verdict;
  fingerprint: Buffer;
  /** What is to be kept as current once CXone has it. */
  next: CurrentVersion;
  key: PersonKey;
};

/** A person with the contacts that it is to be combined from. */
type Candidate = { standing: Standing; rows: readonly ContactRow[] };
type Judged<C extends Candidate> = C & { overridden: boolean; person: CombinedPerson };

/**
 * Combines contacts of each person with what CXone holds, by field, and puts the person's consent over it as the
 * ledger has it at this moment. The same input gives the same contact, so that a chunk that is sent again is sent as
 * it was.
 */
export function combinePeople<C extends Candidate>(context: Context, candidates: readonly C[], now: number): Judged<C>[] {
  const known = candidates.map((candidate) => {
    const overridden = candidate.rows.some((row) => isOverridden(candidate.standing, row));
    return { candidate, overridden, person: context.prepared.fresh(candidate.standing, candidate.rows, overridden, now) };
  });
  const others = known.filter(({ person }) => person === undefined);
  const people = others.length === 0 ? undefined : peopleById(context, others.map(({ candidate }) => candidate.standing.person_id));
  const payloads = others.length === 0 ? undefined : payloadsOf(context, others.flatMap(({ candidate }) => candidate.rows));
  return known.flatMap(({ candidate, overridden, person: prepared }) => {
    if (prepared !== undefined) return [{ ...candidate, overridden, person: prepared }];
    const row = people?.get(candidate.standing.person_id);
    if (row === undefined || payloads === undefined) return [];
    const person = combinePerson(context, row, candidate.rows.flatMap(({ contact_no: no }) => payloads.get(no) ?? []), overridden, now);
    context.prepared.keep({ standing: candidate.standing, rows: candidate.rows, overridden, at: now, person });
    return [{ ...candidate, overridden, person }];
  });
}

/** A person as it was combined to be sent, made anew where that is not in memory any more. */
export function asCombined(context: Context, standing: Standing, rows: readonly ContactRow[], now: number): CombinedPerson | undefined {
  return context.prepared.madeOf(standing.person_id, rows) ?? combinePeople(context, [{ standing, rows }], now)[0]?.person;
}

/** An override speaks for the very contact that carried it, and not against a refusal that came after it. */
function isOverridden(standing: Standing, row: ContactRow): boolean {
  return row.overridden === 1 && !CHANNELS.some((channel) => isSince(standing[`refused_${channel}`], row.received_at));
}

/** A refusal without a date may be the very one that was overridden. */
function isSince(refusedAt: number | null, receivedAt: number): boolean {
  return refusedAt !== null && refusedAt >= receivedAt && refusedAt !== UNDATED_REFUSAL;
}

function combinePerson(context: Context, row: PersonRow, payloads: readonly Uint8Array[], overridden: boolean, now: number): CombinedPerson {
  const key = context.vault.unwrap(row.wrapped_key);
  const current = openCurrent(context, row, key);
  const waiting = payloads.map((payload) => openVersion(context, payload, key));
  const { combined, ...result } = combineVersions(context, { current: current?.versions ?? [], waiting, consent: consentOf(row), overridden }, now);
  const next: CurrentVersion = { versions: winners([...(current?.versions ?? []), ...waiting], combined) };
  if (current?.contactId !== undefined) next.contactId = current.contactId;
  return { ...result, next, key };
}

/** What a person's contact is combined from. `consent` is what all evidence amounts to, that of `waiting` included. */
export type Parts = { current: readonly KeptVersion[]; waiting: readonly KeptVersion[]; consent: ConsentState; overridden: boolean };

/** The contact that versions amount to; `combined.from` counts those of `current` first. */
export function combineVersions(context: Context, parts: Parts, now: number): Pick<CombinedPerson, 'contact' | 'verdict' | 'fingerprint'> & { combined: Combined } {
  const { consent } = parts;
  const versions = [...parts.current, ...parts.waiting];
  const combined = combine(versions, { sourcePriority: context.policy.sourcePriority });
  const flagged = withFlags(combined.contact, consent);
  const verdict = gate({ ...flagged, country: judgedCountry(versions, combined) }, assertedBy(parts.waiting, consent), consent, context.policy.consent, now);
  const contact = verdict.allowed || parts.overridden ? withVerdict(flagged, verdict) : flagged;
  return { contact, verdict, combined, fingerprint: fingerprintOf(context, contact) };
}

/** A contact as it is kept sealed, without what it looked like when it came. */
export function openVersion({ vault }: Context, payload: Uint8Array, key: PersonKey): KeptVersion {
  const { raw: _, ...version } = JSON.parse(vault.open(payload, key)) as ContactPayload;
  return version;
}

/** The consent flags say what the person's evidence amounts to, not what one version said. */
function withFlags(contact: Contact, consent: ConsentState): Contact {
  const flagged: Contact = { ...contact };
  for (const channel of CHANNELS) {
    const amounts = effective(consent[channel]);
    if (amounts === 'none') delete flagged[CONSENT_FIELD[channel]];
    else flagged[CONSENT_FIELD[channel]] = amounts === 'granted';
  }
  return flagged;
}

/**
 * What the person's own records say: the ledger where it grants, else what waits. Only so can a refusal that a record
 * brings, and that its flags carry to CXone, be told from a withdrawal, which bars it.
 */
function assertedBy(waiting: readonly KeptVersion[], ledger: ConsentState): ConsentState {
  const own = waiting.reduce((joined, { contact, receivedAt }) => joinConsent(joined, assertionOf(contact, receivedAt)), emptyConsent());
  for (const channel of CHANNELS) if (effective(ledger[channel]) === 'granted') own[channel] = ledger[channel];
  return own;
}

/** The country of the version that the combined one has from; a guess of it was none. */
function judgedCountry(versions: readonly KeptVersion[], { from }: Combined): string | undefined {
  const origin = from['country'];
  return origin === undefined ? undefined : versions[origin.index]?.judged;
}

/** The versions that won a field; the joined history moves to the last of them, so that it is kept once. */
function winners(versions: readonly KeptVersion[], combined: Combined): KeptVersion[] {
  const indexes = [...new Set(Object.values(combined.from).map((origin) => origin.index))].sort((a, b) => a - b);
  const history = combined.contact.interaction_history;
  return indexes.map((index, i) => {
    const version = versions[index]!;
    const { interaction_history: _, ...contact } = version.contact;
    const isLast = i === indexes.length - 1;
    return { ...version, contact: isLast && history !== undefined ? { ...contact, interaction_history: history } : contact };
  });
}

/** When the source last saw a contact is no content: a version that differs in nothing else changes nothing. */
function fingerprintOf({ pseudonyms }: Context, contact: Contact): Buffer {
  const { updated_at: _, ...content } = contact;
  return pseudonyms.of('content', canonicalJson(content));
}
