import { effective } from '../../../domain/consent/consent-state.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import { cleanReason } from '../../../domain/delivery/reason.ts';
import type { BatchHead, IncomingContact } from '../../../domain/ports/intake-store.ts';
import type { AuditDraft } from '../../../domain/ports/record-store.ts';
import { parseIsoTimestamp } from '../../../domain/timestamp.ts';
import type { Context } from '../context.ts';
import { CONTACTS_PER_JOB, PRIORITY } from './contacts.ts';
import { FilingTrail, flagsOf } from './filing-trail.ts';
import type { Evidence, FiledJob } from './filing-trail.ts';
import { asSubjects, consentColumns, consentOf, giveKey, identifiersOf, saveConsent } from './persons.ts';
import type { KeptVersion } from './persons.ts';
import type { ContactPayload } from './contacts.ts';
import { isErased } from './intake-plan.ts';
import type { Planned } from './intake-plan.ts';
import type { Subject } from './subject-book.ts';
import { isSealed } from '../vault.ts';
import type { PersonKey } from '../vault.ts';

export type SliceCounts = { received: number; accepted: number; duplicates: number; rejected: number };
/** Under which job, when, and whether what is accepted may go. */
type FiledAt = { job: FiledJob; now: number; state: 'waiting' | 'staged' };
type Met = { id: number; key: PersonKey };

/** Leaves an audit entry for every decision of a slice that is no plain acceptance, and counts them all. */
export function auditSlice(context: Context, planned: readonly Planned[], head: BatchHead): { counts: SliceCounts; auditIds: string[] } {
  const counts: SliceCounts = { received: planned.length, accepted: 0, duplicates: 0, rejected: 0 };
  const auditIds: string[] = [];
  for (const plan of planned) {
    counts[COUNT_OF[plan.outcome.outcome]] += 1;
    const draft = draftFor(context, plan, head);
    if (draft !== undefined) auditIds.push(context.audit.append(draft, head.receivedAt).audit_id);
  }
  return { counts, auditIds };
}

const COUNT_OF = { accepted: 'accepted', duplicate: 'duplicates', rejected: 'rejected' } as const;

/** Files a slice under its people: who they are, what they consented to, and what waits for them. Answers whether all that is kept of it is sealed. */
export function fileSlice(context: Context, planned: readonly Planned[], at: FiledAt): { encrypted: boolean } {
  let encrypted = true;
  const met = new Map<Subject, Met>();
  const trail = new FilingTrail(context, at.job, at.now);
  for (const plan of planned) {
    const person = plan.subject === undefined || isErased(plan.outcome) ? undefined : meet(context, plan, plan.subject, met, at.state === 'waiting' ? at.job.jobNo : undefined);
    const evidence = person === undefined ? undefined : recordEvidence(context, plan, person, at);
    const payload = writeContact(context, plan, person, at);
    if (payload !== null && !isSealed(payload)) encrypted = false;
    trail.add(plan, { payload, ...(evidence === undefined ? {} : { evidence }) });
  }
  trail.end();
  for (const [subject, person] of met) {
    for (const id of subject.externalIds) addIdentifier(context, context.pseudonyms.of('crm', id), person.id, 'crm');
    if (subject.row === undefined) continue;
    if (CHANNELS.some((c) => differs(subject, c))) saveConsent(context, person.id, subject.consent);
    learnKeys(context, subject, person.id);
    if (at.state === 'waiting' && subject.acceptedIndex !== undefined) queuePerson(context, subject, person.id, at.job.jobNo);
  }
  return { encrypted };
}

/** The person of a contact, made the first time it is met, unless there is nothing to remember about it. */
function meet(context: Context, plan: Planned, subject: Subject, met: Map<Subject, Met>, queuedIn: number | undefined): Met | undefined {
  const known = met.get(subject);
  if (known !== undefined) return known;
  if (subject.row === undefined && !isRemembered(plan, subject)) return undefined;
  const person = subject.row === undefined ? createPerson(context, subject, queuedIn) : { id: subject.row.person_id, key: context.vault.unwrap(subject.row.wrapped_key) };
  met.set(subject, person);
  for (const [key, kind] of subject.fresh) addIdentifier(context, Buffer.from(key, 'latin1'), person.id, kind);
  return person;
}

function addIdentifier({ db }: Context, hash: Buffer, personId: number, kind: 'email' | 'phone' | 'crm'): void {
  db.run('INSERT OR IGNORE INTO identifiers (hash, person_id, kind) VALUES (?, ?, ?)', hash, personId, kind);
}

/** Evidence is kept also of who is not sent: what it amounts to must not hang on the order in which it comes. */
function isRemembered(plan: Planned, subject: Subject): boolean {
  return plan.outcome.outcome !== 'rejected' || CHANNELS.some((c) => effective(subject.consent[c]) !== 'none');
}

function createPerson(context: Context, subject: Subject, queuedIn: number | undefined): Met {
  const queued = queuedIn !== undefined && subject.acceptedIndex !== undefined;
  const id = context.db.insert(
    `INSERT INTO persons (rank, email_hash, name_hash, granted_email, refused_email, granted_sms, refused_sms, granted_phone, refused_phone)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    queued ? turnOf(queuedIn, subject) : null,
    bytes(subject.email),
    textBytes(subject.name()),
    ...consentColumns(subject.consent),
  );
  return { id, key: giveKey(context, id) };
}

/** A person known by phone alone may bring its e-mail or its name now. */
function learnKeys({ db }: Context, subject: Subject, personId: number): void {
  const { row } = subject;
  if (row === undefined || (row.email_hash !== null && row.name_hash !== null)) return;
  db.run('UPDATE persons SET email_hash = coalesce(email_hash, ?), name_hash = coalesce(name_hash, ?) WHERE person_id = ?', bytes(subject.email), textBytes(subject.name()), personId);
}

/** Appends to the consent ledger what the contact asserts; nothing where it asserts nothing. */
function recordEvidence({ db, vault }: Context, plan: Planned, person: Met, { job, now }: FiledAt): Evidence | undefined {
  const { contact } = plan.incoming;
  const flags = flagsOf(contact);
  if (CHANNELS.every((channel) => flags[channel] === null)) return undefined;
  const source = contact.consent_source ?? null;
  const capturedAt = contact.consent_date === undefined ? null : (parseIsoTimestamp(contact.consent_date) ?? null);
  const [email, sms, phone] = CHANNELS.map((channel) => (flags[channel] === null ? null : Number(flags[channel])));
  const eventNo = db.insert(
    `INSERT INTO consent_events (person_id, job_no, recorded_at, captured_at, event, email, sms, phone, evidence)
     VALUES (?, ?, ?, ?, 'asserted', ?, ?, ?, ?)`,
    person.id,
    job.jobNo,
    now,
    capturedAt,
    email ?? null,
    sms ?? null,
    phone ?? null,
    source === null ? null : vault.seal(JSON.stringify({ source }), person.key),
  );
  return { eventNo, capturedAt, flags, source };
}

/** Answers the sealed record of the contact, where it is kept. */
function writeContact({ db, vault }: Context, plan: Planned, person: Met | undefined, at: FiledAt): Uint8Array | null {
  const { incoming, outcome } = plan;
  const kept = outcome.outcome !== 'rejected' && person !== undefined;
  const payload: ContactPayload = { ...versionOf(incoming, at.now), raw: incoming.raw };
  const sealed = kept ? vault.seal(JSON.stringify(payload), person.key) : null;
  db.run(
    `INSERT INTO contacts (job_no, idx, person_id, state, duplicate_of, reason, received_at, overridden, payload)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    at.job.jobNo,
    incoming.index,
    kept ? person.id : null,
    kept ? at.state : 'rejected',
    outcome.duplicateOf ?? null,
    kept ? null : outcome.errors.map((error) => error.code).join(','),
    at.now,
    Number(plan.overridden),
    sealed,
  );
  return sealed;
}

/** A contact as one version of its person. */
export function versionOf({ contact, source, country }: IncomingContact, receivedAt: number): KeptVersion {
  return { contact, receivedAt, ...(source === undefined ? {} : { source }), ...(country === undefined ? {} : { judged: country }) };
}

/** Gives a person its turn: the first waiting contact's, or ahead of all where consent is taken back. */
function queuePerson({ db }: Context, subject: { acceptedIndex: number | undefined; restricts: boolean }, personId: number, jobNo: number): void {
  const rank = turnOf(jobNo, subject);
  db.run('UPDATE persons SET rank = min(coalesce(rank, ?), ?) WHERE person_id = ?', rank, rank, personId);
}

function turnOf(jobNo: number, subject: { acceptedIndex: number | undefined; restricts: boolean }): number {
  const turn = jobNo * CONTACTS_PER_JOB + (subject.acceptedIndex ?? 0);
  return subject.restricts ? turn - PRIORITY : turn;
}

function draftFor(context: Context, plan: Planned, head: BatchHead): AuditDraft | undefined {
  const { outcome, incoming } = plan;
  if (outcome.outcome === 'accepted' && !plan.overridden) return undefined;
  const base = {
    actor: head.caller,
    job_id: head.jobId,
    request_id: head.requestId,
    ...asSubjects(identifiersOf(incoming.contact).map(([kind, value]) => context.pseudonyms.of(kind, value).toString('hex'))),
  };
  const compliance = { covered: plan.verdict?.covered ?? true, jurisdiction: incoming.country ?? 'unknown', policy_version: head.policyVersion };
  if (plan.overridden) {
    return { ...base, action: 'consent_overridden', details: { index: incoming.index, reason: cleanReason(incoming.override?.reason ?? '', incoming.contact) }, privacy_compliance: { ...compliance, legal_basis: 'override' } };
  }
  if (outcome.outcome === 'duplicate') {
    return { ...base, action: 'contact_deduplicated', details: { index: incoming.index, duplicate_of: outcome.duplicateOf, rule: outcome.rule ?? 'same_batch' }, privacy_compliance: { ...compliance, legal_basis: compliance.covered ? 'consent' : 'consent_not_required' } };
  }
  const codes = outcome.errors.map(({ field, code }) => ({ field, code }));
  return { ...base, action: 'contact_rejected', details: { index: incoming.index, errors: codes }, privacy_compliance: compliance };
}

function differs(subject: Subject, channel: (typeof CHANNELS)[number]): boolean {
  if (subject.row === undefined) return false;
  const before = consentOf(subject.row)[channel];
  const after = subject.consent[channel];
  return before.grantedAt !== after.grantedAt || before.refusedAt !== after.refusedAt;
}

function textBytes(key: string | undefined): Buffer | null {
  return key === undefined ? null : Buffer.from(key, 'utf8');
}

function bytes(key: string | undefined): Buffer | null {
  return key === undefined ? null : Buffer.from(key, 'latin1');
}
