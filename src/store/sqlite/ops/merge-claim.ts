import { UNDATED_REFUSAL } from '../../../domain/consent/consent-state.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import type { Contact } from '../../../domain/contact/types.ts';
import type { ClaimMerge, MergeChunk } from '../../../domain/ports/delivery-store.ts';
import type { Context } from '../context.ts';
import { SYSTEM } from '../context.ts';
import { combinePerson } from './combine-person.ts';
import { contactsOf, countOf, inFlightOf, jobIdsOf, move } from './contacts.ts';
import type { ContactRow } from './contacts.ts';
import { clearDeadLetters } from './dead-letters.ts';
import { asSubjects, personById, releasePerson, subjectsOf } from './persons.ts';
import { newChunk } from './chunks.ts';
import { closeErased, isGone } from './erased.ts';
import type { ChunkRow } from './chunks.ts';

/** People looked at in one claim; those found unchanged or withdrawn cost no request but cost time. */
const LOOKS_PER_CLAIM = 200;

type Claim = { chunk: MergeChunk | null; nextDueAt: number | null; waitingPeople: number };

/** See {@link import('../../../domain/ports/store.ts').MergeStore}. A retry that is due goes before new people. */
export function claimMerge(context: Context, input: ClaimMerge): Claim {
  const due = context.db.get<ChunkRow>('SELECT * FROM chunks WHERE due_at <= ? AND lease_until <= ? ORDER BY due_at LIMIT 1', input.now, input.now);
  const retried = due === undefined ? null : resume(context, due, input);
  const chunk = retried ?? gather(context, input);
  return { chunk, nextDueAt: nextRetryAt(context), waitingPeople: Math.min(input.limit, availablePeople(context, input.limit) + context.journal.size) };
}

/** See {@link import('../../../domain/ports/store.ts').MergeStore}. */
export function mergeWork(context: Context, { now }: { now: number }): number | null {
  const someone = context.db.get('SELECT 1 AS one FROM persons WHERE available_rank IS NOT NULL LIMIT 1');
  return someone === undefined && context.journal.size === 0 ? nextRetryAt(context) : now;
}

/** People whose turn may come now, counted up to a limit. */
function availablePeople({ db }: Context, limit: number): number {
  return db.get<{ n: number }>('SELECT count(*) AS n FROM (SELECT 1 FROM persons WHERE available_rank IS NOT NULL LIMIT ?)', limit)?.n ?? 0;
}

export function recentCalls({ db }: Context, { since }: { since: number }): number[] {
  return db.all<{ sent_at: number }>('SELECT sent_at FROM calls WHERE sent_at > ? ORDER BY sent_at', since).map((row) => row.sent_at);
}

/** When a chunk that waits for its retry may go; a chunk in the air comes back by its lease at the latest. */
function nextRetryAt({ db }: Context): number | null {
  return db.get<{ at: number | null }>('SELECT min(max(due_at, lease_until)) AS at FROM chunks')?.at ?? null;
}

/**
 * Takes a chunk again. Whoever lost consent since leaves it; then, and where consent changed what is to be said of
 * anybody, it is another chunk with another id: under one id the same goes out each time.
 */
function resume(context: Context, row: ChunkRow, input: ClaimMerge): MergeChunk | null {
  const contacts = inFlightOf(context, row.request_id);
  const gone = contacts.filter((contact) => isGone(context, contact.person_id));
  if (gone.length > 0) closeErased(context, gone, input.now);
  const gathered = combineAll(context, groupByPerson(contacts.filter((contact) => !gone.includes(contact))), input.now);
  for (const { rows, personId, code } of gathered.barred) cancel(context, rows, personId, code, input.now);
  if (gathered.ready.length === 0) {
    context.db.run('DELETE FROM chunks WHERE request_id = ?', row.request_id);
    return null;
  }
  let chunk = row;
  if (gone.length > 0 || gathered.barred.length > 0 || gathered.ready.some((person) => !person.asSent)) chunk = newChunk(context, gathered.ready.flatMap((person) => person.rows), { from: { ...row, unknown: Number(row.unknown === 1 || row.lease_until > 0) }, now: input.now });
  return lease(context, chunk, gathered.ready, input);
}

/** Fills a chunk with people whose turn it is. */
function gather(context: Context, input: ClaimMerge): MergeChunk | null {
  if (availablePeople(context, input.limit) < input.limit) context.journal.file(context, input.limit);
  const people = context.db.all<{ person_id: number }>(
    'SELECT person_id FROM persons WHERE available_rank IS NOT NULL ORDER BY available_rank LIMIT ?',
    LOOKS_PER_CLAIM,
  );
  if (people.length < input.limit && !someoneWaitedSince(context, input.lingerBefore)) return null;
  const ready: Ready[] = [];
  for (const { person_id: personId } of people) {
    if (ready.length === input.limit) break;
    const rows = contactsOf(context, personId, 'waiting');
    const found = combineAll(context, [[personId, rows]], input.now);
    const person = found.ready[0];
    if (person === undefined) for (const barred of found.barred) cancel(context, barred.rows, personId, barred.code, input.now);
    else if (person.unchanged) settleUnchanged(context, person, input.now);
    else ready.push(person);
  }
  if (ready.length === 0) return null;
  // The order of `inFlightOf`: what is sent again, and whom an answer speaks of, must not depend on whose turn it was.
  ready.sort((a, b) => a.personId - b.personId);
  const chunk = newChunk(context, ready.flatMap((person) => person.rows), { now: input.now });
  return lease(context, chunk, ready, input);
}

/** Cancels what waits for a person if consent no longer carries it. Answers how many contacts that were. */
export function recheck(context: Context, personId: number, now: number): number {
  const { barred } = combineAll(context, [[personId, contactsOf(context, personId, 'waiting')]], now);
  for (const { rows, code } of barred) cancel(context, rows, personId, code, now);
  return barred.reduce((sum, { rows }) => sum + rows.length, 0);
}

type Ready = { personId: number; rows: ContactRow[]; contact: Contact; fingerprint: Buffer; unchanged: boolean; asSent: boolean };
type Barred = { personId: number; rows: ContactRow[]; code: string };

function combineAll(context: Context, people: Iterable<[number, ContactRow[]]>, now: number): { ready: Ready[]; barred: Barred[] } {
  const ready: Ready[] = [];
  const barred: Barred[] = [];
  for (const [personId, rows] of people) {
    const row = personById(context, personId);
    if (row === undefined || rows.length === 0) continue;
    const payloads = payloadsOf(context, rows);
    const overridden = rows.some((contact) => isOverridden(context, contact));
    const combined = combinePerson(context, row, payloads, overridden, now);
    if (!combined.verdict.allowed && !overridden) {
      barred.push({ personId, rows, code: combined.verdict.code ?? 'consent_missing' });
    } else {
      const unchanged = row.fingerprint !== null && combined.fingerprint.equals(row.fingerprint);
      const asSent = row.in_flight !== null && combined.fingerprint.equals(row.in_flight);
      ready.push({ personId, rows, contact: combined.contact, fingerprint: combined.fingerprint, unchanged, asSent });
    }
  }
  return { ready, barred };
}

export function payloadsOf({ db }: Context, rows: readonly ContactRow[]): Uint8Array[] {
  return rows.flatMap((row) => {
    const payload = db.get<{ payload: Uint8Array | null }>('SELECT payload FROM contacts WHERE contact_no = ?', row.contact_no)?.payload;
    return payload === null || payload === undefined ? [] : [payload];
  });
}

/** An override speaks for the very contact that carried it, and not against a refusal that came after it. */
export function isOverridden({ db }: Context, row: ContactRow): boolean {
  const found = db.get<{ overridden: number; received_at: number }>('SELECT overridden, received_at FROM contacts WHERE contact_no = ?', row.contact_no);
  if (found?.overridden !== 1) return false;
  const person = db.get<{ email: number | null; sms: number | null; phone: number | null }>(
    'SELECT refused_email AS email, refused_sms AS sms, refused_phone AS phone FROM persons WHERE person_id = ?',
    row.person_id,
  );
  return !CHANNELS.some((channel) => isSince(person?.[channel] ?? null, found.received_at));
}

/** A refusal without a date may be the very one that was overridden. */
function isSince(refusedAt: number | null, receivedAt: number): boolean {
  return refusedAt !== null && refusedAt >= receivedAt && refusedAt !== UNDATED_REFUSAL;
}

function lease(context: Context, chunk: ChunkRow, ready: readonly Ready[], input: ClaimMerge): MergeChunk {
  const fence = chunk.fence + 1;
  // A lease that ran out was for a call nobody heard the end of.
  const unknown = chunk.unknown === 1 || chunk.lease_until > 0;
  context.db.run('UPDATE chunks SET lease_until = ?, fence = ?, unknown = ? WHERE request_id = ?', input.now + input.leaseMs, fence, Number(unknown), chunk.request_id);
  context.db.run('INSERT INTO calls (sent_at) VALUES (?)', input.now);
  for (const person of ready) context.db.run('UPDATE persons SET in_flight = ? WHERE person_id = ?', person.fingerprint, person.personId);
  return {
    requestId: chunk.request_id,
    fence,
    attempts: chunk.attempts,
    firstAttemptAt: chunk.first_attempt_at,
    unknown,
    contacts: ready.map((person) => person.contact),
    originals: ready.reduce((sum, person) => sum + person.rows.length, 0),
  };
}

function cancel(context: Context, rows: ContactRow[], personId: number, code: string, now: number): void {
  move(context, rows, 'cancelled', { now, reason: code, requestId: null });
  releasePerson(context, personId);
  context.audit.append(
    {
      action: 'consent_withdrawn',
      actor: SYSTEM,
      ...asSubjects(subjectsOf(context, personId)),
      details: { effect: 'delivery_cancelled', code, contacts: countOf(rows), job_ids: jobIdsOf(context, rows) },
      privacy_compliance: { policy_version: context.policy.policyVersion, checked: 'at_send_time' },
    },
    now,
  );
}

function settleUnchanged(context: Context, person: Ready, now: number): void {
  move(context, person.rows, 'unchanged', { now, reason: 'unchanged' });
  clearDeadLetters(context, person.personId, now);
  releasePerson(context, person.personId);
  context.audit.append(
    {
      action: 'contact_unchanged',
      actor: SYSTEM,
      ...asSubjects(subjectsOf(context, person.personId)),
      details: { contacts: countOf(person.rows), job_ids: jobIdsOf(context, person.rows) },
      privacy_compliance: { policy_version: context.policy.policyVersion },
    },
    now,
  );
}

/** Whether the contact whose turn it is has waited long enough for company. */
function someoneWaitedSince({ db }: Context, before: number): boolean {
  const first = db.get<{ person_id: number }>('SELECT person_id FROM persons WHERE available_rank IS NOT NULL ORDER BY available_rank LIMIT 1');
  if (first === undefined) return false;
  const oldest = db.get<{ at: number | null }>(`SELECT min(received_at) AS at FROM contacts WHERE person_id = ? AND state = 'waiting'`, first.person_id);
  return oldest?.at !== null && oldest?.at !== undefined && oldest.at <= before;
}

export function groupByPerson(rows: readonly ContactRow[]): Map<number, ContactRow[]> {
  const people = new Map<number, ContactRow[]>();
  for (const row of rows) people.set(row.person_id, [...(people.get(row.person_id) ?? []), row]);
  return people;
}
