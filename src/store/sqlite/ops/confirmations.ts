import type { AuditDraft } from '../../../domain/ports/record-store.ts';
import type { WebhookEvent } from '../../../domain/ports/delivery-store.ts';
import { effective } from '../../../domain/consent/consent-state.ts';
import type { Context } from '../context.ts';
import { commitmentTo, legalBasisOf, retained } from './compliance.ts';
import { CONTACT_COLUMNS, contactsOf, countOf, groupByPerson, jobIds, jobIdsOf, move } from './contacts.ts';
import type { ContactRow } from './contacts.ts';
import { asSubjects, consentOf, releasePeople, standingsOf, subjectsOfAll } from './persons.ts';
import type { Standing } from './persons.ts';

/** The actor of what CXone itself told us. */
const CXONE = 'cxone';
/** Events of one sweep for confirmations that never came. */
const SWEEP_LIMIT = 200;
/** A request id as we make them. Anything else is somebody's words, which an entry that is kept for years has no room for. */
const REQUEST_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** See {@link import('../../../domain/ports/store.ts').WebhookStore}. */
export function recordWebhook(context: Context, event: WebhookEvent): { duplicate: boolean; confirmed: number } {
  const target = event.contactId ?? event.profileId;
  const hash = target === undefined ? null : context.pseudonyms.of('contact_id', target);
  const keyed = (kind: 'event' | 'request', value: string): string => context.pseudonyms.of(kind, value).toString('hex');
  const eventId = keyed('event', event.eventId);
  const isNew = context.db.run(
    `INSERT OR IGNORE INTO webhook_events (event_id, type, target_hash, request_id, received_at, confirms, applied)
     VALUES (?, ?, ?, ?, ?, ?, 0)`,
    eventId,
    event.type,
    hash,
    event.requestId === undefined ? null : keyed('request', event.requestId),
    event.receivedAt,
    Number(event.confirms),
  );
  if (isNew === 0) return { duplicate: true, confirmed: 0 };
  const people = hash === null || !event.confirms ? [] : peopleKnownAs(context, hash);
  const confirmed = confirm(context, people, event.receivedAt, 'webhook', event.requestId);
  if (confirmed > 0) context.db.run('UPDATE webhook_events SET applied = 1 WHERE event_id = ?', eventId);
  const draft: AuditDraft = {
    action: 'webhook_received',
    actor: CXONE,
    ...(event.profileId === undefined ? {} : { profile_id: event.profileId }),
    details: { type: event.type, confirmed, ...(event.requestId !== undefined && REQUEST_ID.test(event.requestId) ? { cxone_request_id: event.requestId } : {}) },
    privacy_compliance: {},
  };
  context.audit.append(draft, event.receivedAt);
  return { duplicate: false, confirmed };
}

/** An event that came before the answer to our own POST: it waited for the id that the answer brings. It is told by hashes; `request` is that of the request id. */
export function confirmEarly(context: Context, personId: number, told: { contact: Uint8Array; requestId: string; request: string; sentAt: number }, now: number): void {
  const early = context.db.get<{ event_id: string; request_id: string | null }>(
    `SELECT event_id, request_id
       FROM webhook_events
      WHERE target_hash = ? AND applied = 0 AND confirms = 1 AND received_at >= ?
        AND (request_id IS NULL OR request_id = ?)
      ORDER BY received_at
      LIMIT 1`,
    told.contact,
    told.sentAt,
    told.request,
  );
  if (early === undefined) return;
  context.db.run('UPDATE webhook_events SET applied = 1 WHERE event_id = ?', early.event_id);
  confirm(context, [personId], now, 'webhook', early.request_id === null ? undefined : told.requestId);
}

/**
 * Marks what was submitted for people as merged, queues each for export where there is consent to e-mail, and lets
 * their next versions go. Answers how many contacts it confirmed.
 */
export function confirm(context: Context, people: readonly number[], now: number, by: 'webhook' | 'answer', requestId?: string): number {
  const open = contactsOf(context, people, 'submitted', 'unconfirmed');
  const rows = requestId === undefined ? open : spokenOf(context, open, requestId);
  if (rows.length === 0) return 0;
  move(context, rows, 'confirmed', { now });
  const confirmed = groupByPerson(rows);
  const standings = standingsOf(context, people);
  const told = new Set(rows);
  const left = new Set(open.filter((row) => !told.has(row)).map((row) => row.person_id));
  awaitNoMore(context, [...confirmed.keys()].filter((id) => !left.has(id)));
  releasePeople(context, [...confirmed.keys()].filter((id) => isFree(standings.get(id))));
  const subjects = subjectsOfAll(context, people);
  const jobs = jobIds(context, rows);
  for (const [personId, contacts] of confirmed) {
    const first = contacts[0]!;
    const person = standings.get(personId);
    const exported = context.policy.exportOn && isExported(person);
    if (exported) context.db.run(`INSERT INTO exports (person_id, job_no, merged_at, state) VALUES (?, ?, ?, 'waiting')`, personId, first.job_no, now);
    context.audit.append(
      {
        action: 'merge_confirmed',
        actor: CXONE,
        ...(first.request_id === null ? {} : { request_id: first.request_id }),
        ...asSubjects(subjects.get(personId) ?? []),
        details: {
          confirmed_by: by,
          contacts: countOf(contacts),
          job_ids: jobIdsOf(context, contacts, jobs),
          latency_ms: now - first.received_at,
          export: exported ? 'queued' : 'none',
          commitment: commitmentTo(context, 'contact_content', [person?.fingerprint ?? null]),
        },
        privacy_compliance: { policy_version: context.policy.policyVersion, legal_basis: legalBasisOf(person), ...retained(context, 'contactsMs', now) },
      },
      now,
    );
  }
  return rows.length;
}

/** Whether nothing of a person is in the air: what holds it, if anything, is the wait for this very word. */
function isFree(person: Standing | undefined): boolean {
  return person !== undefined && (person.held_by === null || person.held_by === 'confirmation');
}

function isExported(person: Standing | undefined): boolean {
  return person !== undefined && person.has_email === 1 && effective(consentOf(person).email) === 'granted';
}

/** Contacts for which no word came in time. Visible, counted, and confirmed by a late word after all. */
export function expireConfirmations(context: Context, now: number, timeoutMs: number): boolean {
  // Of a person only what is late: a newer version may have gone out since.
  const late = context.db.all<ContactRow>(
    `SELECT ${CONTACT_COLUMNS} FROM contacts WHERE state = 'submitted' AND settled_at <= ? ORDER BY settled_at LIMIT ?`,
    now - timeoutMs,
    SWEEP_LIMIT,
  );
  const people = groupByPerson(late);
  const subjects = subjectsOfAll(context, [...people.keys()]);
  for (const [personId, rows] of people) {
    move(context, rows, 'unconfirmed', { now, reason: 'no_confirmation' });
    context.audit.append(
      {
        action: 'merge_unconfirmed',
        actor: 'system',
        ...asSubjects(subjects.get(personId) ?? []),
        details: { contacts: countOf(rows), after_ms: timeoutMs, job_ids: jobIdsOf(context, rows) },
        privacy_compliance: { policy_version: context.policy.policyVersion, ...retained(context, 'contactsMs', now) },
      },
      now,
    );
  }
  return late.length === SWEEP_LIMIT;
}

/** Ends holds whose merge was not confirmed in time, so that the person's next version goes. Answers whether there are more. */
export function endHolds(context: Context, now: number): boolean {
  const held = context.db.all<{ person_id: number }>('SELECT person_id FROM persons WHERE held_until IS NOT NULL AND held_until <= ? LIMIT ?', now, SWEEP_LIMIT);
  releasePeople(context, held.map((row) => row.person_id));
  return held.length === SWEEP_LIMIT;
}

function awaitNoMore({ db }: Context, people: readonly number[]): void {
  db.run('UPDATE persons SET awaited = 0 WHERE person_id IN (SELECT value FROM json_each(?))', JSON.stringify(people));
}

/** Those whose merge is awaited; nobody else has anything that a word of CXone could confirm. */
function peopleKnownAs({ db }: Context, hash: Uint8Array): number[] {
  return db.all<{ person_id: number }>('SELECT person_id FROM persons WHERE awaited = 1 AND cxone_hash = ?', hash).map((row) => row.person_id);
}

/** The contacts an event means: those of the request it names. One that names no request of ours means all that are open. */
function spokenOf({ db }: Context, open: ContactRow[], requestId: string): ContactRow[] {
  const ours = open.filter((row) => row.request_id === requestId);
  if (ours.length > 0) return ours;
  const people = JSON.stringify(open.map((row) => row.person_id));
  const isOurs = db.get('SELECT 1 AS one FROM contacts WHERE person_id IN (SELECT value FROM json_each(?)) AND request_id = ?', people, requestId) !== undefined;
  return isOurs ? [] : open;
}
