import { cleanReason } from '../../../domain/delivery/reason.ts';
import type { ErasureCounts, ErasureLeg, ErasureStep, ErasureView, LegStatus, PrivacySubject } from '../../../domain/ports/privacy.ts';
import type { Requester } from '../../../domain/ports/record-store.ts';
import type { Context } from '../context.ts';
import { SYSTEM, askedBy } from '../context.ts';
import { stopQueues, wasSentToCxone } from './erase-queues.ts';
import { newSearch, searchMentions } from './erase-mentions.ts';
import type { MentionSearch } from './erase-mentions.ts';
import { eraseRows } from './erase-rows.ts';
import { personById } from './persons.ts';
import { hashesOf, peopleMeant, refuseAmbiguous } from './privacy-subject.ts';
import { bury } from './tombstones.ts';

/**
 * An erasure goes through these steps, each a commit of its own, so that it goes on where a crash has left it:
 *
 * | step         | what it does                                                     | then                     |
 * |--------------|------------------------------------------------------------------|--------------------------|
 * | (requested)  | tombstones; the queues let go of the person                      | rows                     |
 * | rows         | patches of others that mention the person are searched out, some | rows, or bytes           |
 * |              | at a time; then the key and all rows are deleted, and notices to |                          |
 * |              | recipients are left                                              |                          |
 * | bytes        | the file was wiped of what was deleted                           | notices, or completed    |
 * | notices      | every recipient was told                                         | notice_keys              |
 * | notice_keys  | the key and the rows of the notices are deleted                  | notice_bytes             |
 * | notice_bytes | the file was wiped again                                         | completed                |
 */
type StepName = 'rows' | 'bytes' | 'notices' | 'notice_keys' | 'notice_bytes' | 'completed';
type Facts = { people: number; cxone: LegStatus; marketing: LegStatus; marketingDetail?: string; counts: ErasureCounts; search?: MentionSearch };
type Row = { erasure_no: number; erasure_id: string; requested_at: number; actor: string; reason: string; step: StepName; facts: string; completed_at: number | null; completed_sequence: number | null };

const NOTHING: ErasureCounts = { contacts: 0, cancelled: 0, consentEvents: 0, deadLetters: 0, patches: 0, mentions: 0, exports: 0, answers: 0 };
const LEGAL_GROUND = 'GDPR Article 17';
const CXONE_DETAIL = 'The CXone API of this dialect has no call to erase: erase the contact there.';

type Request = { erasureId: string; subject: PrivacySubject; everyone: boolean; reason: string; now: number } & Requester;

/** See {@link import('../../../domain/ports/privacy.ts').PrivacyStore}. */
export function requestErasure(context: Context, input: Request): ErasureView {
  const { db, vault } = context;
  context.journal.empty(context);
  if (!input.everyone) refuseAmbiguous(context, input.subject);
  const people = peopleMeant(context, input.subject);
  const no = db.insert(
    `INSERT INTO erasures (erasure_id, requested_at, actor, reason, step, facts) VALUES (?, ?, ?, ?, 'rows', '{}')`,
    input.erasureId,
    input.now,
    input.actor,
    cleanReason(input.reason, input.subject),
  );
  db.run('INSERT INTO erasure_keys (erasure_no, wrapped) VALUES (?, ?)', no, vault.newPersonKey().wrapped);
  const facts: Facts = { people: people.length, cxone: 'not_needed', marketing: 'in_progress', counts: { ...NOTHING }, search: newSearch(context, input.subject, people) };
  const given = hashesOf(context, input.subject);
  const email = given.find(({ kind }) => kind === 'email')?.hash ?? null;
  if (people.length === 0) bury(context, { identifiers: given, email, name: null, erasureNo: no, now: input.now });
  for (const personId of people) {
    db.run('INSERT INTO erasure_people (erasure_no, person_id) VALUES (?, ?)', no, personId);
    if (wasSentToCxone(context, personId)) facts.cxone = 'manual';
    buryPerson(context, personId, { given, no, now: input.now });
    const stopped = stopQueues(context, personId, input.now);
    facts.counts.cancelled += stopped.contacts;
    facts.counts.deadLetters += stopped.deadLetters;
  }
  saveFacts(context, no, facts);
  context.audit.append(
    {
      action: 'erasure_requested',
      ...askedBy(input),
      subjects: subjectsOf(context, no),
      details: { erasure_id: input.erasureId, reason: cleanReason(input.reason, input.subject), people: people.length, contacts_cancelled: facts.counts.cancelled },
      privacy_compliance: { policy_version: context.policy.policyVersion, legal_ground: LEGAL_GROUND },
    },
    input.now,
  );
  return viewOf(rowOf(context, input.erasureId)!);
}

/** See {@link import('../../../domain/ports/privacy.ts').PrivacyStore}. */
export function stepErasure(context: Context, input: { erasureId: string; wiped: boolean; marketing: boolean; now: number }): ErasureStep {
  const row = rowOf(context, input.erasureId);
  if (row === undefined) throw new Error('no such erasure');
  const facts = JSON.parse(row.facts) as Facts;
  switch (row.step) {
    case 'rows':
      return eraseHeld(context, row, facts, input.now);
    case 'bytes':
      if (!input.wiped) return { next: 'wipe' };
      return afterBytes(context, row, facts, input);
    case 'notices':
      if (!input.marketing) giveUpNotices(context, row, facts, 'manual', 'MARKETING_API_URL is not set.');
      if (hasNotices(context, row)) return { next: 'notices' };
      return to(context, row, 'notice_keys', 'again');
    case 'notice_keys':
      context.db.run('UPDATE erasure_keys SET wrapped = zeroblob(length(wrapped)) WHERE erasure_no = ?', row.erasure_no);
      context.db.run('DELETE FROM exports WHERE person_id IN (SELECT person_id FROM erasure_people WHERE erasure_no = ?)', row.erasure_no);
      return to(context, row, 'notice_bytes', 'wipe');
    case 'notice_bytes':
      return input.wiped ? complete(context, row, facts, input.now) : { next: 'wipe' };
    case 'completed':
      return { next: 'completed' };
  }
}

export function openErasures({ db }: Context): string[] {
  return db.all<{ erasure_id: string }>(`SELECT erasure_id FROM erasures WHERE step <> 'completed' ORDER BY erasure_no`).map((row) => row.erasure_id);
}

export function erasureOf(context: Context, { erasureId }: { erasureId: string }): ErasureView | null {
  const row = rowOf(context, erasureId);
  return row === undefined ? null : viewOf(row);
}

/** Notes how the word to marketing ended for one notice, once it is over. */
export function noteMarketing(context: Context, erasureNo: number, status: 'completed' | 'failed', detail?: string): void {
  const row = context.db.get<Row>('SELECT * FROM erasures WHERE erasure_no = ?', erasureNo);
  if (row === undefined) return;
  const facts = JSON.parse(row.facts) as Facts;
  if (facts.marketing !== 'failed') facts.marketing = status === 'completed' && hasNotices(context, row) ? 'in_progress' : status;
  if (detail !== undefined) facts.marketingDetail = detail;
  saveFacts(context, erasureNo, facts);
}

function eraseHeld(context: Context, row: Row, { search, ...facts }: Facts, now: number): ErasureStep {
  const found = search === undefined ? { cancelled: 0, done: true } : searchMentions(context, { no: row.erasure_no, id: row.erasure_id, search, now });
  facts.counts.mentions = (facts.counts.mentions ?? 0) + found.cancelled;
  if (found.done) return deleteRows(context, row, facts, now);
  saveFacts(context, row.erasure_no, { ...facts, search: search! });
  return { next: 'again' };
}

function deleteRows(context: Context, row: Row, facts: Facts, now: number): ErasureStep {
  const { db, vault } = context;
  const key = vault.unwrap(db.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM erasure_keys WHERE erasure_no = ?', row.erasure_no)!.wrapped);
  let notices = 0;
  for (const personId of peopleOfErasure(context, row)) {
    // What came between the request and this step is stopped too.
    facts.counts.cancelled += stopQueues(context, personId, now).contacts;
    const erased = eraseRows(context, personId, { no: row.erasure_no, key, now });
    for (const name of ['contacts', 'consentEvents', 'patches', 'exports', 'answers'] as const) facts.counts[name] += erased[name];
    notices += erased.notices;
  }
  context.journal.empty(context);
  facts.marketing = notices > 0 ? 'in_progress' : 'not_needed';
  saveFacts(context, row.erasure_no, facts);
  return to(context, row, 'bytes', 'wipe');
}

function afterBytes(context: Context, row: Row, facts: Facts, input: { now: number }): ErasureStep {
  return hasNotices(context, row) ? to(context, row, 'notices', 'again') : complete(context, row, facts, input.now);
}

function complete(context: Context, row: Row, facts: Facts, now: number): ErasureStep {
  const legs = legsOf({ ...row, step: 'completed' }, facts);
  const entry = context.audit.append(
    {
      action: 'erasure_completed',
      actor: SYSTEM,
      subjects: subjectsOf(context, row.erasure_no),
      details: { erasure_id: row.erasure_id, people: facts.people, erased: { ...facts.counts }, legs: legs.map(({ system, status }) => ({ system, status })), latency_ms: now - row.requested_at },
      privacy_compliance: { policy_version: context.policy.policyVersion, legal_ground: LEGAL_GROUND, left: 'keyed tombstones' },
    },
    now,
  );
  context.db.run('DELETE FROM erasure_people WHERE erasure_no = ?', row.erasure_no);
  context.db.run(`UPDATE erasures SET step = 'completed', completed_at = ?, completed_sequence = ? WHERE erasure_no = ?`, now, entry.sequence, row.erasure_no);
  return { next: 'completed' };
}

function giveUpNotices(context: Context, row: Row, facts: Facts, status: LegStatus, detail: string): void {
  if (!hasNotices(context, row)) return;
  context.db.run('DELETE FROM erasure_notices WHERE erasure_no = ?', row.erasure_no);
  saveFacts(context, row.erasure_no, { ...facts, marketing: status, marketingDetail: detail });
}

function buryPerson(context: Context, personId: number, { given, no, now }: { given: { hash: Uint8Array; kind: string }[]; no: number; now: number }): void {
  const { db } = context;
  const person = personById(context, personId);
  const own = db.all<{ hash: Uint8Array; kind: string }>('SELECT hash, kind FROM identifiers WHERE person_id = ?', personId);
  // An identifier that too many bear tells nobody apart: it must not bar the others.
  const telling = own.filter(({ hash }) => (db.get<{ n: number }>('SELECT count(*) AS n FROM identifiers WHERE hash = ?', hash)?.n ?? 0) <= context.policy.identifierMaxPeople);
  const name = person?.name_hash == null ? null : Buffer.from(person.name_hash).toString('utf8');
  bury(context, { identifiers: [...given, ...telling], email: person?.email_hash ?? null, name, erasureNo: no, now });
}

function to({ db }: Context, row: Row, step: StepName, next: ErasureStep['next']): ErasureStep {
  db.run('UPDATE erasures SET step = ? WHERE erasure_no = ?', step, row.erasure_no);
  return { next };
}

function rowOf({ db }: Context, erasureId: string): Row | undefined {
  return db.get<Row>('SELECT * FROM erasures WHERE erasure_id = ?', erasureId);
}

function peopleOfErasure({ db }: Context, row: Row): number[] {
  return db.all<{ person_id: number }>('SELECT person_id FROM erasure_people WHERE erasure_no = ?', row.erasure_no).map(({ person_id: id }) => id);
}

function hasNotices({ db }: Context, row: Row): boolean {
  return db.get('SELECT 1 AS one FROM erasure_notices WHERE erasure_no = ? LIMIT 1', row.erasure_no) !== undefined;
}

function saveFacts({ db }: Context, erasureNo: number, facts: Facts): void {
  db.run('UPDATE erasures SET facts = ? WHERE erasure_no = ?', JSON.stringify(facts), erasureNo);
}

/** The pseudonyms under which the audit trail speaks of the people of an erasure, hex. */
function subjectsOf({ db }: Context, erasureNo: number): string[] {
  const rows = db.all<{ hash: Uint8Array }>('SELECT DISTINCT hash FROM tombstones WHERE erasure_no = ?', erasureNo);
  return rows.map(({ hash }) => Buffer.from(hash).toString('hex'));
}

function legsOf(row: Row, facts: Facts): ErasureLeg[] {
  const isWiped = row.step !== 'rows' && row.step !== 'bytes';
  return [
    { system: 'store', status: isWiped ? 'completed' : 'in_progress' },
    { system: 'queue', status: 'completed' },
    { system: 'marketing', status: facts.marketing, ...(facts.marketingDetail === undefined ? {} : { detail: facts.marketingDetail }) },
    { system: 'cxone', status: facts.cxone, ...(facts.cxone === 'manual' ? { detail: CXONE_DETAIL } : {}) },
  ];
}

function viewOf(row: Row): ErasureView {
  const facts = JSON.parse(row.facts) as Facts;
  return {
    erasureId: row.erasure_id,
    status: row.step === 'completed' ? 'completed' : 'in_progress',
    requestedAt: row.requested_at,
    completedAt: row.completed_at,
    reason: row.reason,
    people: facts.people,
    counts: facts.counts,
    legs: legsOf(row, facts),
    completedSequence: row.completed_sequence,
  };
}
