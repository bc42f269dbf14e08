import { effective, emptyConsent, joinConsent } from '../../../domain/consent/consent-state.ts';
import type { Effective } from '../../../domain/consent/consent-state.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import type { Channel, Contact } from '../../../domain/contact/types.ts';
import { cleanReason } from '../../../domain/delivery/reason.ts';
import type { ConsentEventView, Requester, SubjectQuery } from '../../../domain/ports/record-store.ts';
import { askedBy } from '../context.ts';
import { isSealed } from '../vault.ts';
import type { Context } from '../context.ts';
import { contactsOf, payloadsOf } from './contacts.ts';
import type { ContactPayload } from './contacts.ts';
import { recheck } from './merge-claim.ts';
import { keepWithdrawal } from './withdrawals.ts';
import { asSubjects, consentOf, giveKey, identifiersOf, openCurrent, peopleOf, personById, saveConsent, subjectsOf } from './persons.ts';
import type { PersonRow } from './persons.ts';

type Withdraw = { subject: SubjectQuery; channels: Channel[]; reason: string; now: number } & Requester;
type EventRow = {
  job_id: string | null;
  recorded_at: number;
  captured_at: number | null;
  event: 'asserted' | 'withdrawn';
  email: number | null;
  sms: number | null;
  phone: number | null;
  evidence: Uint8Array | null;
};

/**
 * Takes consent back at this moment, for everybody the subject can mean: what waits is cancelled where consent
 * no longer carries it. Somebody unknown is remembered, so that an older grant that comes later counts for nothing.
 */
export function withdrawConsent(context: Context, input: Withdraw): { people: number; cancelled: number } {
  context.journal.catchUp(context);
  const known = peopleOf(context, input.subject);
  const people = known.length > 0 ? known : [remember(context, input.subject)];
  for (const [kind, value] of identifiersOf(input.subject)) keepWithdrawal(context, context.pseudonyms.of(kind, value), input.channels, input.now);
  let cancelled = 0;
  for (const personId of people) {
    const row = personById(context, personId);
    if (row === undefined) continue;
    const withdrawn = emptyConsent();
    for (const channel of input.channels) withdrawn[channel] = { refusedAt: input.now };
    const before = consentOf(row);
    const after = joinConsent(before, withdrawn);
    saveConsent(context, personId, after);
    const flag = (channel: Channel): 0 | null => (input.channels.includes(channel) ? 0 : null);
    const evidence = context.vault.seal(JSON.stringify({ source: input.actor, reason: input.reason }), context.vault.unwrap(row.wrapped_key));
    const eventNo = context.db.insert(
      `INSERT INTO consent_events (person_id, recorded_at, captured_at, event, email, sms, phone, evidence)
       VALUES (?, ?, ?, 'withdrawn', ?, ?, ?, ?)`,
      personId,
      input.now,
      input.now,
      flag('email'),
      flag('sms'),
      flag('phone'),
      evidence,
    );
    context.audit.append(
      {
        action: 'consent_withdrawn',
        ...askedBy(input),
        ...asSubjects(subjectsOf(context, personId)),
        details: { channels: input.channels, states: CHANNELS.map((channel) => ({ channel, before: effective(before[channel]), after: effective(after[channel]) })), reason: cleanReason(input.reason, [input.subject, ...recordsOf(context, row)]) },
        privacy_compliance: { policy_version: context.policy.policyVersion, legal_ground: 'GDPR Article 7(3)', consent_evidence: { ledger: { from: eventNo, to: eventNo } }, encrypted: isSealed(evidence) },
      },
      input.now,
    );
    cancelled += recheck(context, personId, input.now);
  }
  return { people: people.length, cancelled };
}

export function consentsOf(context: Context, subject: SubjectQuery): { state: Record<Channel, Effective>; events: ConsentEventView[] } | null {
  context.journal.catchUp(context);
  const people = peopleOf(context, subject);
  if (people.length === 0) return null;
  let joined = emptyConsent();
  const events: ConsentEventView[] = [];
  for (const personId of people) {
    const row = personById(context, personId);
    if (row === undefined) continue;
    joined = joinConsent(joined, consentOf(row));
    const key = context.vault.unwrap(row.wrapped_key);
    const rows = context.db.all<EventRow>(
      `SELECT j.job_id, e.recorded_at, e.captured_at, e.event, e.email, e.sms, e.phone, e.evidence
         FROM consent_events AS e
         LEFT JOIN jobs AS j USING (job_no)
        WHERE e.person_id = ?
        ORDER BY e.event_no`,
      personId,
    );
    for (const event of rows) events.push(...viewsOf(event, event.evidence === null ? undefined : context.vault.open(event.evidence, key)));
  }
  const state = { email: effective(joined.email), sms: effective(joined.sms), phone: effective(joined.phone) };
  return { state, events };
}

/** What is known of a person, so that none of it stays in the words of somebody else. */
function recordsOf(context: Context, row: PersonRow): Contact[] {
  const key = context.vault.unwrap(row.wrapped_key);
  const sent = openCurrent(context, row, key)?.versions ?? [];
  const waiting = [...payloadsOf(context, contactsOf(context, [row.person_id], 'waiting')).values()].map((payload) => JSON.parse(context.vault.open(payload, key)) as ContactPayload);
  return [...sent, ...waiting].map(({ contact }) => contact);
}

function viewsOf(row: EventRow, evidence: string | undefined): ConsentEventView[] {
  const source = evidence === undefined ? null : ((JSON.parse(evidence) as { source?: string }).source ?? null);
  return CHANNELS.flatMap((channel) => {
    const flag = row[channel];
    if (flag === null) return [];
    const event = row.event === 'withdrawn' ? 'withdrawn' : flag === 1 ? 'granted' : 'refused';
    return [
      {
        channel,
        event,
        captured_at: row.captured_at === null ? null : new Date(row.captured_at).toISOString(),
        recorded_at: new Date(row.recorded_at).toISOString(),
        source,
        job_id: row.job_id,
      } as const,
    ];
  });
}

function remember(context: Context, subject: SubjectQuery): number {
  const identifiers = identifiersOf(subject).map(([kind, value]) => [kind, context.pseudonyms.of(kind, value)] as const);
  const email = identifiers.find(([kind]) => kind === 'email')?.[1] ?? null;
  const id = context.db.insert('INSERT INTO persons (email_hash) VALUES (?)', email);
  giveKey(context, id);
  for (const [kind, hash] of identifiers) context.db.run('INSERT INTO identifiers (hash, person_id, kind) VALUES (?, ?, ?)', hash, id, kind);
  return id;
}
