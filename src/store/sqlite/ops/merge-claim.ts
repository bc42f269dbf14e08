import type { Contact } from '../../../domain/contact/types.ts';
import type { ClaimMerge, MergeChunk } from '../../../domain/ports/delivery-store.ts';
import type { Context } from '../context.ts';
import { SYSTEM } from '../context.ts';
import { bookCall } from './calls.ts';
import { newChunk } from './chunks.ts';
import type { ChunkRow } from './chunks.ts';
import { combinePeople } from './combine-person.ts';
import { commitmentTo, retained } from './compliance.ts';
import { contactsOf, countOf, groupByPerson, inFlightOf, jobIdsOf, move } from './contacts.ts';
import type { ContactRow } from './contacts.ts';
import { clearDeadLetters } from './dead-letters.ts';
import { closeErased } from './erased.ts';
import { asSubjects, peopleInLine, releasePeople, standingsOf, subjectsOf } from './persons.ts';
import type { InLine, Standing } from './persons.ts';

/** People looked at in one claim; those found unchanged or withdrawn cost no request but cost time. */
const LOOKS_PER_CLAIM = 200;
/** How long who has news waits for company behind people who have none: the tenant's requests are scarcer than time. */
const LOOK_ON_MS = 5000;

type Claim = { chunk: MergeChunk | null; nextDueAt: number | null; lingering: boolean };

/** See {@link import('../../../domain/ports/store.ts').MergeStore}. A retry that is due goes before new people. */
export function claimMerge(context: Context, input: ClaimMerge): Claim {
  const due = context.db.get<ChunkRow>('SELECT * FROM chunks WHERE due_at <= ? AND lease_until <= ? ORDER BY due_at LIMIT 1', input.now, input.now);
  const retried = due === undefined ? null : resume(context, due, input);
  const { chunk, isCutShort } = retried === null ? gather(context, input) : { chunk: retried, isCutShort: false };
  if (chunk !== null) context.prepared.expected = { limit: input.limit, now: input.now };
  return { chunk, nextDueAt: isCutShort ? input.now : nextRetryAt(context), lingering: chunk === null && !isCutShort && isSomeoneWaiting(context) };
}

/** See {@link import('../../../domain/ports/store.ts').MergeStore}. */
export function mergeWork(context: Context, { now }: { now: number }): number | null {
  return isSomeoneWaiting(context) ? now : nextRetryAt(context);
}

function isSomeoneWaiting({ db, journal }: Context): boolean {
  return journal.size > 0 || db.get('SELECT 1 AS one FROM persons WHERE available_rank IS NOT NULL LIMIT 1') !== undefined;
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
  const there = standingsOf(context, contacts.map((contact) => contact.person_id));
  const gone = contacts.filter((contact) => !there.has(contact.person_id));
  if (gone.length > 0) closeErased(context, gone, input.now);
  const gathered = combineAll(context, there.values(), contacts, input.now);
  for (const { rows, personId, code } of gathered.barred) cancel(context, rows, personId, code, input.now);
  if (gathered.ready.length === 0) {
    context.db.run('DELETE FROM chunks WHERE request_id = ?', row.request_id);
    return null;
  }
  let chunk = row;
  if (gone.length > 0 || gathered.barred.length > 0 || gathered.ready.some((person) => !person.asSent)) chunk = newChunk(context, gathered.ready, { from: { ...row, unknown: Number(row.unknown === 1 || row.lease_until > 0) }, now: input.now });
  return lease(context, chunk, gathered.ready, input);
}

/** Fills a chunk with people whose turn it is. `isCutShort`: it is not full yet, as enough were looked at who cost no request. */
function gather(context: Context, input: ClaimMerge): { chunk: MergeChunk | null; isCutShort: boolean } {
  let page = peopleInLine(context, input.limit);
  if (page.length < input.limit) {
    if (context.journal.file(context, input.limit) > 0) page = peopleInLine(context, input.limit);
    if (page.length < input.limit && !hasWaitedSince(context, page[0], input.lingerBefore)) return { chunk: null, isCutShort: false };
  }
  const isUrgent = page.some((person) => person.turn < 0);
  const ready: Ready[] = [];
  let looked = 0;
  for (; page.length > 0 && looked < LOOKS_PER_CLAIM && ready.length < input.limit; page = peopleInLine(context, input.limit - ready.length, page.at(-1)?.turn)) {
    looked += page.length;
    const found = combineAll(context, page, contactsOf(context, page.map((person) => person.person_id), 'waiting'), input.now);
    for (const { rows, personId, code } of found.barred) cancel(context, rows, personId, code, input.now);
    for (const person of found.ready) {
      if (person.unchanged) settleUnchanged(context, person, input.now);
      else ready.push(person);
    }
  }
  const isCutShort = page.length > 0;
  if (ready.length === 0 || (isCutShort && !isUrgent && isHeldBack(context, input.now))) return { chunk: null, isCutShort };
  context.prepared.heldBackSince = undefined;
  // The order of `inFlightOf`: what is sent again, and whom an answer speaks of, must not depend on whose turn it was.
  ready.sort((a, b) => a.personId - b.personId);
  const chunk = newChunk(context, ready, { now: input.now });
  return { chunk: lease(context, chunk, ready, input), isCutShort: false };
}

function isHeldBack({ prepared }: Context, now: number): boolean {
  prepared.heldBackSince ??= now;
  return Math.abs(now - prepared.heldBackSince) < LOOK_ON_MS;
}

/** After a claim: combines whoever comes next ahead of time, so that the next claim is quick. Changes nothing. */
export function prepareNext(context: Context): void {
  const { expected } = context.prepared;
  context.prepared.expected = undefined;
  if (expected === undefined) return;
  const next = peopleInLine(context, expected.limit);
  combineAll(context, next, contactsOf(context, next.map((person) => person.person_id), 'waiting'), expected.now);
}

/** Cancels what waits for a person if consent no longer carries it. Answers how many contacts that were. */
export function recheck(context: Context, personId: number, now: number): number {
  const { barred } = combineAll(context, standingsOf(context, [personId]).values(), contactsOf(context, [personId], 'waiting'), now);
  for (const { rows, code } of barred) cancel(context, rows, personId, code, now);
  return barred.reduce((sum, { rows }) => sum + rows.length, 0);
}

type Ready = { personId: number; rows: ContactRow[]; contact: Contact; fingerprint: Buffer; unchanged: boolean; asSent: boolean };
type Barred = { personId: number; rows: ContactRow[]; code: string };

/** Combines people with the contacts that are theirs, in the order of the people; who has none is left out. */
function combineAll(context: Context, people: Iterable<Standing>, contacts: readonly ContactRow[], now: number): { ready: Ready[]; barred: Barred[] } {
  const ready: Ready[] = [];
  const barred: Barred[] = [];
  const rowsOf = groupByPerson(contacts);
  const candidates = [...people].flatMap((standing) => {
    const rows = rowsOf.get(standing.person_id);
    return rows === undefined ? [] : [{ standing, rows }];
  });
  for (const { standing, rows, overridden, person } of combinePeople(context, candidates, now)) {
    const personId = standing.person_id;
    if (!person.verdict.allowed && !overridden) {
      barred.push({ personId, rows, code: person.verdict.code ?? 'consent_missing' });
    } else {
      const unchanged = standing.fingerprint !== null && person.fingerprint.equals(standing.fingerprint);
      const asSent = standing.in_flight !== null && person.fingerprint.equals(standing.in_flight);
      ready.push({ personId, rows, contact: person.contact, fingerprint: person.fingerprint, unchanged, asSent });
    }
  }
  return { ready, barred };
}

function lease(context: Context, chunk: ChunkRow, ready: readonly Ready[], input: ClaimMerge): MergeChunk {
  const fence = chunk.fence + 1;
  // A lease that ran out was for a call nobody heard the end of.
  const unknown = chunk.unknown === 1 || chunk.lease_until > 0;
  context.db.run('UPDATE chunks SET lease_until = ?, fence = ?, unknown = ? WHERE request_id = ?', input.now + input.leaseMs, fence, Number(unknown), chunk.request_id);
  bookCall(context, chunk.request_id, input.now);
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
  releasePeople(context, [personId]);
  context.audit.append(
    {
      action: 'consent_withdrawn',
      actor: SYSTEM,
      ...asSubjects(subjectsOf(context, personId)),
      details: { effect: 'delivery_cancelled', code, contacts: countOf(rows), job_ids: jobIdsOf(context, rows) },
      privacy_compliance: { policy_version: context.policy.policyVersion, checked: 'at_send_time', ...retained(context, 'contactsMs', now) },
    },
    now,
  );
}

function settleUnchanged(context: Context, person: Ready, now: number): void {
  move(context, person.rows, 'unchanged', { now, reason: 'unchanged' });
  clearDeadLetters(context, [person.personId], now);
  releasePeople(context, [person.personId]);
  context.audit.append(
    {
      action: 'contact_unchanged',
      actor: SYSTEM,
      ...asSubjects(subjectsOf(context, person.personId)),
      details: { contacts: countOf(person.rows), job_ids: jobIdsOf(context, person.rows), commitment: commitmentTo(context, 'contact_content', [person.fingerprint]) },
      privacy_compliance: { policy_version: context.policy.policyVersion, ...retained(context, 'contactsMs', now) },
    },
    now,
  );
}

/** Whether who is first in line has waited long enough for company. */
function hasWaitedSince({ db }: Context, first: InLine | undefined, before: number): boolean {
  if (first === undefined) return false;
  const oldest = db.get<{ at: number | null }>(`SELECT min(received_at) AS at FROM contacts WHERE person_id = ? AND state = 'waiting'`, first.person_id);
  return oldest?.at !== null && oldest?.at !== undefined && oldest.at <= before;
}
