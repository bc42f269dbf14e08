import { assertionOf, effective, emptyConsent, joinConsent } from '../../../domain/consent/consent-state.ts';
import type { ConsentState } from '../../../domain/consent/consent-state.ts';
import { gate } from '../../../domain/consent/consent-gate.ts';
import type { Verdict } from '../../../domain/consent/consent-gate.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import type { Channel, Finding } from '../../../domain/contact/types.ts';
import type { IncomingContact, Outcome } from '../../../domain/ports/intake-store.ts';
import type { Context, StorePolicy } from '../context.ts';
import { SubjectBook, identityOf } from './subject-book.ts';
import type { Identity, Subject } from './subject-book.ts';

export type Planned = {
  incoming: IncomingContact;
  subject: Subject | undefined;
  own: ConsentState;
  /** Channels that it refuses and that this person was not known to refuse. */
  takesBack: readonly Channel[];
  outcome: Outcome;
  verdict: Verdict | undefined;
  overridden: boolean;
  /** People who may be the same and are not merged. */
  others: readonly Subject[];
  /** What the contact can be told by; absent for one that nobody was looked up for. */
  identity?: Identity;
};

const NOTHING: readonly Channel[] = [];

/**
 * Decides every contact of a slice without writing: who it is, what consent it has, what becomes of it.
 * The slice's own evidence is joined first, so that a withdrawal in the last row bars the first one too.
 */
export function planSlice(context: Context, contacts: readonly IncomingContact[], jobNo: number | undefined, now: number): Planned[] {
  const planned = identifySlice(context, contacts, jobNo, now);
  for (const plan of planned) decide(context, plan, now);
  return planned;
}

/** The first half of planning: whom each contact is of, and what the slice says of their consent; nothing is decided. */
export function identifySlice(context: Context, contacts: readonly IncomingContact[], jobNo: number | undefined, now: number): Planned[] {
  const planned = contacts.map((incoming) => read(context, incoming, now));
  const book = new SubjectBook(context, jobNo, planned.flatMap(({ identity }) => identity ?? []));
  for (const plan of planned) if (plan.identity !== undefined) identify(book, plan, plan.identity);
  return planned;
}

/** What a contact says, and by what it can be told, before anybody is looked up. */
function read(context: Context, incoming: IncomingContact, now: number): Planned {
  const outcome: Outcome = { index: incoming.index, outcome: 'rejected', errors: [...incoming.errors], warnings: [...incoming.warnings] };
  const plan: Planned = { incoming, subject: undefined, own: emptyConsent(), takesBack: NOTHING, outcome, verdict: undefined, overridden: false, others: [] };
  const { contact } = incoming;
  if (contact.email === undefined && contact.phone === undefined) return plan;
  plan.own = assertionOf(contact, now);
  // What bars the rest of a contact does not bar the refusal in it.
  if (incoming.errors.length > 0 && !CHANNELS.some((c) => plan.own[c].refusedAt !== undefined)) return plan;
  plan.identity = identityOf(context, incoming, outcome.warnings);
  return plan;
}

function identify(book: SubjectBook, plan: Planned, identity: Identity): void {
  const { outcome } = plan;
  const { subject, rule, others, isPhoneShared } = book.find(identity);
  if (others.length > 0) outcome.warnings.push(POSSIBLE_DUPLICATE);
  if (isPhoneShared) outcome.warnings.push(SHARED_PHONE);
  plan.others = others;
  if (rule !== undefined) outcome.rule = rule;
  plan.subject = subject;
  const knownToCxone = subject.row !== undefined && subject.row.current !== null;
  if (CHANNELS.some((c) => plan.own[c].refusedAt !== undefined)) plan.takesBack = CHANNELS.filter((c) => effective(plan.own[c]) === 'refused' && effective(subject.consent[c]) !== 'refused');
  subject.restricts ||= knownToCxone && plan.takesBack.length > 0;
  subject.consent = joinConsent(subject.consent, plan.own);
  const withdrawn = book.withdrawn(identity);
  if (withdrawn !== undefined) subject.consent = joinConsent(subject.consent, withdrawn);
}

function decide({ policy }: Context, plan: Planned, now: number): void {
  const { incoming, subject, outcome } = plan;
  if (subject === undefined) return;
  if (subject.erasedAt !== undefined && !mayReturn(policy, subject, subject.erasedAt)) {
    outcome.errors.push(ERASED);
    return;
  }
  if (incoming.errors.length > 0) return;
  const { email, phone, communication_preferences } = incoming.contact;
  const verdict = gate({ email, phone, communication_preferences, country: incoming.country }, plan.own, subject.consent, policy.consent, now);
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

/** Whether a slice takes back consent of somebody who could be sent before it is filed. */
export function takesConsentBack({ journal }: Context, planned: readonly Planned[]): boolean {
  return planned.some(({ takesBack, subject, identity }) => takesBack.length > 0 && (subject?.row !== undefined || (identity !== undefined && journal.mayOpen(identity, takesBack))));
}

/** Whoever was erased comes back only by a consent given since, and only where the operator allows it at all. */
function mayReturn(policy: StorePolicy, subject: Subject, erasedAt: number): boolean {
  return policy.erasureAllowReturn === true && CHANNELS.some((c) => effective(subject.consent[c]) === 'granted' && (subject.consent[c].grantedAt ?? 0) > erasedAt);
}

/** Nothing is kept of a contact that is rejected for this: neither a person nor evidence. */
export function isErased(outcome: Outcome): boolean {
  return outcome.outcome === 'rejected' && outcome.errors.some((error) => error.code === ERASED.code);
}

const ERASED: Finding = { field: 'email', code: 'erased_subject', message: 'This person was erased on request and has not consented anew since.' };

const POSSIBLE_DUPLICATE: Finding = {
  field: 'phone',
  code: 'possible_duplicate',
  message: 'Another person has this phone, but e-mail or name differ: not merged.',
};

const SHARED_PHONE: Finding = {
  field: 'phone',
  code: 'shared_identifier',
  message: 'More people have this phone than IDENTIFIER_MAX_PEOPLE: not used to tell who this is.',
};

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
