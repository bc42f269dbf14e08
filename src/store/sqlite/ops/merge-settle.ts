import { v7 as uuidv7 } from 'uuid';
import type { MergeSettlement } from '../../../domain/ports/delivery-store.ts';
import type { AuditDraft } from '../../../domain/ports/record-store.ts';
import type { Context } from '../context.ts';
import { SYSTEM } from '../context.ts';
import { takeBackCall } from './calls.ts';
import { dropIfEmpty, newChunk, partsOf } from './chunks.ts';
import type { ChunkRow } from './chunks.ts';
import { asCombined } from './combine-person.ts';
import { commitmentTo, legalBasesOf, retained } from './compliance.ts';
import { confirm, confirmEarly } from './confirmations.ts';
import { countOf, groupByPerson, inFlightOf, jobIdsOf, move } from './contacts.ts';
import type { ContactRow } from './contacts.ts';
import { clearDeadLetters } from './dead-letters.ts';
import { closeErased, isGone } from './erased.ts';
import { asSubjects, releasePeople, standingsOf, subjectsOf, subjectsOfAll } from './persons.ts';
import type { CurrentVersion, Standing } from './persons.ts';

/** How long the next version of a person waits for the word that the last one is merged. */
export const HOLD_AFTER_SUBMIT_MS = 10_000;

export type Settle = {
  requestId: string;
  fence: number;
  now: number;
  latencyMs: number;
  status: number | null;
  settlement: MergeSettlement;
};

/** See {@link import('../../../domain/ports/store.ts').MergeStore}. */
export function settleMerge(context: Context, input: Settle): boolean {
  // A claim is settled once: what is said again of a chunk that waits for its retry is of no claim.
  const chunk = context.db.get<ChunkRow>('SELECT * FROM chunks WHERE request_id = ? AND fence = ? AND lease_until > 0', input.requestId, input.fence);
  if (chunk === undefined) return false;
  const rows = inFlightOf(context, input.requestId);
  const people = groupByPerson(rows);
  const { settlement } = input;
  countAttempt(context, rows, settlement.kind !== 'retry' || settlement.countAttempt);
  switch (settlement.kind) {
    case 'accepted':
      submitted(context, chunk, people, settlement.contactIds, settlement.confirmed, input);
      break;
    case 'retry':
      retryLater(context, chunk, settlement, input);
      return true;
    case 'set_aside':
      for (const contacts of people.values()) setAside(context, contacts, settlement.reason, chunk.attempts + 1, input.now);
      context.audit.append(outcomeDraft(context, 'batch_failed', rows, input, { reason: settlement.reason }), input.now);
      break;
    case 'rejected':
      isolate(context, chunk, people, settlement, input);
      break;
  }
  dropIfEmpty(context, chunk.request_id);
  return true;
}

export function releaseMerge(context: Context, input: { requestId: string; fence: number; now: number }): void {
  const released = context.db.run('UPDATE chunks SET lease_until = 0, due_at = ? WHERE request_id = ? AND fence = ?', input.now, input.requestId, input.fence);
  if (released > 0) takeBackCall(context, input.requestId);
}

function submitted(
  context: Context,
  chunk: ChunkRow,
  people: Map<number, ContactRow[]>,
  contactIds: readonly (string | undefined)[],
  confirmed: boolean,
  input: Settle,
): void {
  const rows = [...people.values()].flat();
  const standings = standingsOf(context, [...people.keys()]);
  context.audit.append(deliveredDraft(context, chunk, rows, [...people.keys()].flatMap((id) => standings.get(id) ?? []), input), input.now);
  closeErased(context, rows.filter((row) => !standings.has(row.person_id)), input.now);
  const held: Held[] = [...people].flatMap(([personId, contacts], i) => {
    const standing = standings.get(personId);
    const id = contactIds[i];
    // What came as JSON has null where there was no id.
    const named = id == null ? undefined : { id, hash: context.pseudonyms.of('contact_id', id) };
    return standing === undefined ? [] : [{ standing, contacts, named }];
  });
  for (const person of held) rememberCurrent(context, person, input.now);
  move(context, held.flatMap(({ contacts }) => contacts), 'submitted', { now: input.now });
  clearDeadLetters(context, held.map(({ standing }) => standing.person_id), input.now);
  if (confirmed) {
    confirm(context, held.map(({ standing }) => standing.person_id), input.now, 'answer');
    return;
  }
  const told = { requestId: input.requestId, request: context.pseudonyms.of('request', input.requestId).toString('hex'), sentAt: chunk.first_attempt_at };
  for (const { standing, named } of held) {
    if (named !== undefined) confirmEarly(context, standing.person_id, { ...told, contact: named.hash }, input.now);
  }
}

type Held = { standing: Standing; contacts: ContactRow[]; named: { id: string; hash: Buffer } | undefined };

/**
 * Keeps what CXone has now, to combine later versions with and to see when nothing changed. The hold passes
 * from the call to the confirmation, which may be here already and ends it.
 */
function rememberCurrent(context: Context, { standing, contacts, named }: Held, now: number): void {
  const combined = asCombined(context, standing, contacts, now);
  if (combined === undefined) return;
  context.prepared.forget(standing.person_id);
  const next: CurrentVersion = named === undefined ? combined.next : { ...combined.next, contactId: named.id };
  const hash = named?.hash ?? (next.contactId === undefined ? null : context.pseudonyms.of('contact_id', next.contactId));
  context.db.run(
    `UPDATE persons
        SET current = ?, fingerprint = in_flight, cxone_hash = coalesce(?, cxone_hash), held_by = 'confirmation', held_until = ?, awaited = 1
      WHERE person_id = ?`,
    context.vault.seal(JSON.stringify(next), combined.key),
    hash,
    now + HOLD_AFTER_SUBMIT_MS,
    standing.person_id,
  );
}

function retryLater(context: Context, chunk: ChunkRow, settlement: Extract<MergeSettlement, { kind: 'retry' }>, input: Settle): void {
  context.db.run(
    `UPDATE chunks
        SET attempts = attempts + ?, due_at = ?, lease_until = 0, unknown = max(unknown, ?), reason = ?
      WHERE request_id = ?`,
    Number(settlement.countAttempt),
    settlement.dueAt,
    Number(settlement.unknown),
    settlement.reason,
    chunk.request_id,
  );
  // A wait for the budget or for a mended setting is no failure of the batch; what counts is.
  if (settlement.countAttempt) {
    const rows = inFlightOf(context, chunk.request_id);
    context.audit.append(
      outcomeDraft(context, 'batch_failed', rows, input, { reason: settlement.reason, attempt: chunk.attempts + 1, retry_at: new Date(settlement.dueAt).toISOString(), outcome_known: !settlement.unknown }),
      input.now,
    );
  }
}

/** CXone refuses the chunk: who it names is set aside, the rest goes again; where it names nobody, in two halves. */
function isolate(context: Context, chunk: ChunkRow, people: Map<number, ContactRow[]>, settlement: Extract<MergeSettlement, { kind: 'rejected' }>, input: Settle): void {
  const order = [...people.entries()];
  const named = new Map(settlement.at.filter((fault) => fault.index < order.length).map((fault) => [fault.index, fault]));
  const alone = order.length === 1;
  const rest: ContactRow[][] = [];
  for (const [i, [, contacts]] of order.entries()) {
    const fault = named.get(i);
    if (fault === undefined && !alone && !isGone(context, contacts[0]!.person_id)) rest.push(contacts);
    else setAside(context, contacts, fault?.reason ?? settlement.reason, chunk.attempts + 1, input.now);
  }
  const rows = order.flatMap(([, contacts]) => contacts);
  context.audit.append(outcomeDraft(context, 'batch_failed', rows, input, { reason: settlement.reason, set_aside: order.length - rest.length }), input.now);
  if (rest.length === 0) return;
  const middle = named.size > 0 ? rest.length : Math.ceil(rest.length / 2);
  for (const half of [rest.slice(0, middle), rest.slice(middle)]) {
    if (half.length > 0) newChunk(context, partsOf(half.flat()), { from: chunk, now: input.now });
  }
}

function setAside(context: Context, rows: ContactRow[], reason: string, attempts: number, now: number): void {
  const [first] = rows;
  if (first === undefined) return;
  if (isGone(context, first.person_id)) return closeErased(context, rows, now);
  for (const row of rows) {
    // A duplicate is settled with its contact, where that is here; alone it would be lost without a letter.
    if (rows.some((other) => other.job_no === row.job_no && other.idx === row.duplicate_of)) continue;
    context.db.run(
      `INSERT INTO dead_letters (dead_letter_id, api, contact_no, person_id, job_no, idx, reason, attempts, created_at)
       VALUES (?, 'contacts', ?, ?, ?, ?, ?, ?, ?)`,
      uuidv7(),
      row.contact_no,
      row.person_id,
      row.job_no,
      row.idx,
      reason,
      attempts,
      now,
    );
  }
  move(context, rows, 'set_aside', { now, reason, requestId: null });
  releasePeople(context, [first.person_id]);
  context.audit.append(
    {
      action: 'dead_lettered',
      actor: SYSTEM,
      ...asSubjects(subjectsOf(context, first.person_id)),
      details: { api: 'contacts', reason, attempts, job_ids: jobIdsOf(context, rows) },
      privacy_compliance: { policy_version: context.policy.policyVersion, ...retained(context, 'deadLettersMs', now) },
    },
    now,
  );
}

function countAttempt({ db }: Context, rows: readonly ContactRow[], counted: boolean): void {
  if (!counted) return;
  for (const jobNo of new Set(rows.map((row) => row.job_no))) db.run('UPDATE jobs SET attempts = attempts + 1 WHERE job_no = ?', jobNo);
}

/** `people` in the order in which they were sent. */
function deliveredDraft(context: Context, chunk: ChunkRow, rows: readonly ContactRow[], people: readonly Standing[], input: Settle): AuditDraft {
  const commitments = {
    before: commitmentTo(context, 'contact_content', people.map((person) => person.fingerprint)),
    after: commitmentTo(context, 'contact_content', people.map((person) => person.in_flight)),
  };
  const draft = outcomeDraft(context, 'batch_delivered', rows, input, { people: people.length, commitments, ...(chunk.unknown === 1 ? { maybe_duplicate: true } : {}) });
  return { ...draft, privacy_compliance: { ...draft.privacy_compliance, legal_basis: legalBasesOf(people) } };
}

function outcomeDraft(context: Context, action: 'batch_delivered' | 'batch_failed', rows: readonly ContactRow[], input: Settle, details: Record<string, unknown>): AuditDraft {
  const people = [...new Set(rows.map((row) => row.person_id))];
  return {
    action,
    actor: SYSTEM,
    request_id: input.requestId,
    subjects: action === 'batch_delivered' ? [...subjectsOfAll(context, people).values()].flat() : [],
    details: { api: 'contacts', contacts: countOf(rows), status: input.status, latency_ms: Math.round(input.latencyMs), job_ids: jobIdsOf(context, rows), ...details },
    privacy_compliance: { policy_version: context.policy.policyVersion, consent_checked: 'at_send_time' },
  };
}
