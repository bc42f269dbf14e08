import { assertionOf, effective, emptyConsent, joinConsent } from '../../../domain/consent/consent-state.ts';
import type { ConsentState } from '../../../domain/consent/consent-state.ts';
import { gate } from '../../../domain/consent/consent-gate.ts';
import type { Verdict } from '../../../domain/consent/consent-gate.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import type { Finding } from '../../../domain/contact/types.ts';
import { decideMatch, nameKeyOf } from '../../../domain/identity/match.ts';
import type { PersonKeys } from '../../../domain/identity/match.ts';
import type { IncomingContact, Outcome } from '../../../domain/ports/intake-store.ts';
import type { Context } from '../context.ts';
import { consentOf, identifiersOf, identifies, peopleWith, personById } from './persons.ts';
import type { PersonRow } from './persons.ts';

/** A person as one slice of a batch sees it: known to the store, or met here for the first time. */
export type Subject = {
  row: PersonRow | undefined;
  keys: PersonKeys;
  consent: ConsentState;
  /** Identifiers the store does not know of this person yet: hash (latin1) to kind. */
  fresh: Map<string, 'email' | 'phone' | 'crm'>;
  /** Index of the contact of this job that was accepted for this person. */
  acceptedIndex: number | undefined;
  /** Whether a contact of this slice takes back consent that CXone believes to have. */
  restricts: boolean;
};

export type Planned = {
  incoming: IncomingContact;
  subject: Subject | undefined;
  own: ConsentState;
  outcome: Outcome;
  verdict: Verdict | undefined;
  overridden: boolean;
};

/** Enough of a hash to tell the words of two names apart. */
const NAME_WORD_BYTES = 6;

/** Pseudonyms of a contact: keys for matching are hashes as latin1 strings. */
type Identity = { hashes: [kind: 'email' | 'phone' | 'crm', key: string][]; emailKey?: string; phoneKey?: string; nameKey?: string };

/**
 * Decides every contact of a slice without writing: who it is, what consent it has, what becomes of it.
 * The slice's own evidence is joined first, so that a withdrawal in the last row bars the first one too.
 */
export function planSlice(context: Context, contacts: readonly IncomingContact[], jobNo: number | undefined, now: number): Planned[] {
  const book = new SubjectBook(context, jobNo);
  const planned = contacts.map((incoming) => identify(context, book, incoming, now));
  for (const plan of planned) decide(context, plan, now);
  return planned;
}

function identify(context: Context, book: SubjectBook, incoming: IncomingContact, now: number): Planned {
  const outcome: Outcome = { index: incoming.index, outcome: 'rejected', errors: [...incoming.errors], warnings: [...incoming.warnings] };
  const plan: Planned = { incoming, subject: undefined, own: emptyConsent(), outcome, verdict: undefined, overridden: false };
  if (incoming.errors.length > 0) return plan;
  const identity = identityOf(context, incoming, outcome.warnings);
  const { subject, rule, possible } = book.find(identity);
  if (possible) outcome.warnings.push({ field: 'phone', code: 'possible_duplicate', message: 'Another person has this phone, but e-mail or name differ: not merged.' });
  if (rule !== undefined) outcome.rule = rule;
  plan.subject = subject;
  plan.own = assertionOf(incoming.contact, now);
  const knownToCxone = subject.row !== undefined && subject.row.current !== null;
  subject.restricts ||= knownToCxone && CHANNELS.some((c) => effective(plan.own[c]) === 'refused' && effective(subject.consent[c]) !== 'refused');
  subject.consent = joinConsent(subject.consent, plan.own);
  return plan;
}

function decide({ policy }: Context, plan: Planned, now: number): void {
  const { incoming, subject, outcome } = plan;
  if (subject === undefined) return;
  const verdict = gate({ ...incoming.contact, country: incoming.country }, plan.own, subject.consent, policy.consent, now);
  plan.verdict = verdict;
  if (!verdict.allowed && incoming.override === undefined) {
    const code = verdict.code ?? 'consent_missing';
    if (incoming.overrideRefused === true) outcome.errors.push(OVERRIDE_REFUSED);
    outcome.errors.push({ field: verdict.field ?? 'consent_to_email', code, message: CONSENT_MESSAGES[code] });
    return;
  }
  if (incoming.overrideRefused === true) outcome.warnings.push(OVERRIDE_REFUSED);
  plan.overridden = !verdict.allowed;
  outcome.channels = verdict.channels;
  if (verdict.preferredChannel !== undefined) {
    outcome.preferredChannel = verdict.preferredChannel.to;
    outcome.warnings.push({
      field: 'communication_preferences',
      code: 'preferred_channel_moved',
      message: `There is no consent to ${verdict.preferredChannel.from}: the preferred channel is ${verdict.preferredChannel.to} now.`,
    });
  }
  if (subject.acceptedIndex === undefined) {
    subject.acceptedIndex = incoming.index;
    outcome.outcome = 'accepted';
  } else {
    outcome.outcome = 'duplicate';
    outcome.duplicateOf = subject.acceptedIndex;
  }
}

const OVERRIDE_REFUSED: Finding = {
  field: 'gdpr_consent_override',
  code: 'consent_override_refused',
  message: 'The override does not count: it needs CONSENT_OVERRIDE=allow, a reason and a key of scope admin.',
};

const CONSENT_MESSAGES = {
  consent_missing: 'Consent is required in this country and none was given.',
  consent_refused: 'Consent was refused.',
  consent_withdrawn: 'Consent was withdrawn later than this grant.',
  consent_expired: 'The consent is older than the policy allows.',
} as const;

function identityOf(context: Context, { contact }: IncomingContact, warnings: Finding[]): Identity {
  const identity: Identity = { hashes: [] };
  for (const [kind, value] of identifiersOf(contact)) {
    if (!identifies(kind, value)) {
      warnings.push({ field: kind, code: 'placeholder_identifier', message: 'A placeholder: not used to tell who this is.' });
      continue;
    }
    const key = context.pseudonyms.of(kind, value).toString('latin1');
    identity.hashes.push([kind, key]);
    if (kind === 'email') identity.emailKey = key;
    if (kind === 'phone') identity.phoneKey = key;
  }
  const name = nameKeyOf(contact);
  // Word by word, so that a middle name on one side contradicts nothing.
  if (name !== undefined) identity.nameKey = name.split(' ').map((word) => context.pseudonyms.of('name', word).toString('base64url', 0, NAME_WORD_BYTES)).sort().join(' ');
  return identity;
}

/** The people met in one slice, over those of the store. */
class SubjectBook {
  readonly #context: Context;
  readonly #jobNo: number | undefined;
  readonly #byId = new Map<number, Subject>();
  readonly #byKey = new Map<string, Set<Subject>>();

  constructor(context: Context, jobNo: number | undefined) {
    this.#context = context;
    this.#jobNo = jobNo;
  }

  find(identity: Identity): { subject: Subject; rule?: string; possible: boolean } {
    const byEmail = identity.emailKey === undefined ? [] : this.#bearers(identity.emailKey);
    const byPhone = identity.phoneKey === undefined ? [] : this.#bearers(identity.phoneKey);
    const candidates = [...byEmail, ...byPhone];
    const numbered = (subjects: Subject[]) => subjects.map((subject) => ({ ...subject.keys, id: String(candidates.indexOf(subject)) }));
    const shared = byPhone.length > this.#context.policy.identifierMaxPeople;
    const match = decideMatch(identity, numbered(byEmail)[0], shared ? [] : numbered(byPhone));
    const known = match.kind === 'same' ? candidates[Number(match.id)] : undefined;
    const subject = known ?? { row: undefined, keys: {}, consent: emptyConsent(), fresh: new Map(), acceptedIndex: undefined, restricts: false };
    this.#learn(subject, identity);
    return { subject, ...(match.kind === 'new' ? {} : { rule: match.rule }), possible: match.kind === 'possible' };
  }

  #learn(subject: Subject, identity: Identity): void {
    for (const [kind, key] of identity.hashes) {
      const bearers = this.#byKey.get(key) ?? new Set();
      if (!bearers.has(subject)) {
        bearers.add(subject);
        this.#byKey.set(key, bearers);
        subject.fresh.set(key, kind);
      }
    }
    if (identity.emailKey !== undefined) subject.keys.emailKey ??= identity.emailKey;
    if (identity.nameKey !== undefined) subject.keys.nameKey ??= identity.nameKey;
    if (identity.phoneKey !== undefined && !subject.keys.phoneKeys?.includes(identity.phoneKey)) {
      subject.keys.phoneKeys = [...(subject.keys.phoneKeys ?? []), identity.phoneKey];
    }
  }

  /** Everybody who bears an identifier, those of the store first. */
  #bearers(key: string): Subject[] {
    const stored = peopleWith(this.#context, Buffer.from(key, 'latin1')).map((id) => this.#stored(id));
    return [...new Set([...stored, ...(this.#byKey.get(key) ?? [])])];
  }

  #stored(id: number): Subject {
    const met = this.#byId.get(id);
    if (met !== undefined) return met;
    const row = personById(this.#context, id);
    if (row === undefined) throw new Error('an identifier of nobody');
    const subject: Subject = {
      row,
      keys: { ...(row.email_hash === null ? {} : { emailKey: latin1(row.email_hash) }), ...(row.name_hash === null ? {} : { nameKey: Buffer.from(row.name_hash).toString('utf8') }) },
      consent: consentOf(row),
      fresh: new Map(),
      acceptedIndex: this.#acceptedBefore(id),
      restricts: false,
    };
    this.#byId.set(id, subject);
    for (const { hash } of this.#context.db.all<{ hash: Uint8Array }>('SELECT hash FROM identifiers WHERE person_id = ?', id)) {
      const known = latin1(hash);
      const bearers = this.#byKey.get(known) ?? new Set();
      bearers.add(subject);
      this.#byKey.set(known, bearers);
    }
    return subject;
  }

  /** An earlier slice of the same upload may have accepted a contact of this person. */
  #acceptedBefore(personId: number): number | undefined {
    if (this.#jobNo === undefined) return undefined;
    return this.#context.db.get<{ idx: number }>(
      `SELECT idx FROM contacts WHERE person_id = ? AND state = 'staged' AND job_no = ? AND duplicate_of IS NULL LIMIT 1`,
      personId,
      this.#jobNo,
    )?.idx;
  }
}

function latin1(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1');
}
