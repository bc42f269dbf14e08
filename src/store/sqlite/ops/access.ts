import { effective } from '../../../domain/consent/consent-state.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import { combine } from '../../../domain/identity/survivorship.ts';
import type { AccessedPerson, PrivacySubject } from '../../../domain/ports/privacy.ts';
import type { Requester } from '../../../domain/ports/record-store.ts';
import { askedBy } from '../context.ts';
import type { Context } from '../context.ts';
import type { PersonKey } from '../vault.ts';
import type { ContactPayload } from './contacts.ts';
import { consentOf, keyOf, openCurrent, personById } from './persons.ts';
import { hashesOf, peopleMeant } from './privacy-subject.ts';

/** Answers what is held about whoever the subject means, opened, and leaves an entry that it was asked for. */
export function accessSubject(context: Context, input: { subject: PrivacySubject; now: number } & Requester): AccessedPerson[] {
  context.journal.empty(context);
  const people = peopleMeant(context, input.subject);
  const held = people.map((personId) => personHeld(context, personId));
  const subjects = new Set(hashesOf(context, input.subject).map(({ hash }) => Buffer.from(hash).toString('hex')));
  for (const personId of people) for (const { hash } of identifiersOf(context, personId)) subjects.add(Buffer.from(hash).toString('hex'));
  context.audit.append(
    {
      action: 'subject_accessed',
      ...askedBy(input),
      subjects: [...subjects],
      details: { people: people.length, contacts: held.reduce((sum, person) => sum + person.contacts.length, 0) },
      privacy_compliance: { policy_version: context.policy.policyVersion, legal_ground: 'GDPR Articles 15 and 20' },
    },
    input.now,
  );
  return held;
}

function personHeld(context: Context, personId: number): AccessedPerson {
  const key = keyOf(context, personId);
  return {
    identifiers: identifiersOf(context, personId).map(({ kind }) => ({ kind })),
    current: currentOf(context, personId, key),
    contacts: contactsHeld(context, personId, key),
    consents: consentsHeld(context, personId, key),
    exports: exportsHeld(context, personId, key),
    dead_letters: lettersHeld(context, personId),
    profile_patches: patchesHeld(context, personId, key),
    jobs: jobsOf(context, personId),
    audit_entries: auditEntriesOf(context, personId),
  };
}

function identifiersOf({ db }: Context, personId: number): { hash: Uint8Array; kind: string }[] {
  return db.all('SELECT hash, kind FROM identifiers WHERE person_id = ? ORDER BY kind', personId);
}

function currentOf(context: Context, personId: number, key: PersonKey): AccessedPerson['current'] {
  const person = personById(context, personId);
  const current = person === undefined ? undefined : openCurrent(context, person, key);
  if (current === undefined) return null;
  return { contact: combine(current.versions, { sourcePriority: context.policy.sourcePriority }).contact, cxone_contact_id: current.contactId ?? null };
}

function contactsHeld({ db, vault }: Context, personId: number, key: PersonKey): AccessedPerson['contacts'] {
  type Row = { job_id: string; idx: number; state: string; reason: string | null; received_at: number; settled_at: number | null; request_id: string | null; payload: Uint8Array | null };
  const rows = db.all<Row>(
    `SELECT j.job_id, c.idx, c.state, c.reason, c.received_at, c.settled_at, c.request_id, c.payload
       FROM contacts AS c
       JOIN jobs AS j USING (job_no)
      WHERE c.person_id = ?
      ORDER BY c.contact_no`,
    personId,
  );
  return rows.map((row) => {
    const payload = row.payload === null ? undefined : (JSON.parse(vault.open(row.payload, key)) as ContactPayload);
    return {
      job_id: row.job_id,
      index: row.idx,
      status: row.state,
      reason: row.reason,
      received_at: iso(row.received_at),
      settled_at: row.settled_at === null ? null : iso(row.settled_at),
      request_id: row.request_id,
      normalized: payload?.contact ?? null,
      raw: payload?.raw ?? null,
    };
  });
}

function consentsHeld(context: Context, personId: number, key: PersonKey): AccessedPerson['consents'] {
  type Row = { recorded_at: number; captured_at: number | null; event: string; email: number | null; sms: number | null; phone: number | null; evidence: Uint8Array | null; job_id: string | null };
  const rows = context.db.all<Row>(
    `SELECT e.*, j.job_id
       FROM consent_events AS e
       LEFT JOIN jobs AS j USING (job_no)
      WHERE e.person_id = ?
      ORDER BY e.event_no`,
    personId,
  );
  const state = consentOf(personById(context, personId)!);
  return {
    state: Object.fromEntries(CHANNELS.map((channel) => [channel, effective(state[channel])])),
    events: rows.map((row) => ({
      event: row.event,
      channels: Object.fromEntries(CHANNELS.flatMap((channel) => (row[channel] === null ? [] : [[channel, row[channel] === 1 ? 'granted' : 'refused']]))),
      captured_at: row.captured_at === null ? null : iso(row.captured_at),
      recorded_at: iso(row.recorded_at),
      job_id: row.job_id,
      evidence: row.evidence === null ? null : (JSON.parse(context.vault.open(row.evidence, key)) as unknown),
    })),
  };
}

function exportsHeld({ db, vault }: Context, personId: number, key: PersonKey): AccessedPerson['exports'] {
  const rows = db.all<{ state: string; merged_at: number; external_id: Uint8Array | null; message_id: string | null }>(
    'SELECT state, merged_at, external_id, message_id FROM exports WHERE person_id = ? ORDER BY export_no',
    personId,
  );
  return rows.map((row) => ({
    recipient: 'marketing',
    status: row.state,
    confirmed_at: iso(row.merged_at),
    external_id: row.external_id === null ? null : vault.open(row.external_id, key),
    message_id: row.message_id,
  }));
}

function lettersHeld({ db }: Context, personId: number): AccessedPerson['dead_letters'] {
  const rows = db.all<{ dead_letter_id: string; api: string; reason: string; created_at: number; attempts: number }>('SELECT * FROM dead_letters WHERE person_id = ? ORDER BY dead_letter_id', personId);
  return rows.map((row) => ({ id: row.dead_letter_id, api: row.api, reason: row.reason, created_at: iso(row.created_at), attempts: row.attempts }));
}

function patchesHeld({ db, vault }: Context, personId: number, key: PersonKey): AccessedPerson['profile_patches'] {
  const rows = db.all<{ request_id: string; profile_id: string; state: string; created_at: number; payload: Uint8Array | null }>(
    `SELECT p.request_id, p.profile_id, p.state, j.created_at, p.payload
       FROM patches AS p
       JOIN jobs AS j USING (job_no)
      WHERE p.person_id = ?
      ORDER BY p.job_no`,
    personId,
  );
  return rows.map((row) => ({
    request_id: row.request_id,
    profile_id: row.profile_id,
    status: row.state,
    received_at: iso(row.created_at),
    patch: row.payload === null ? null : (JSON.parse(vault.open(row.payload, key)) as { patch: unknown }).patch,
  }));
}

function jobsOf({ db }: Context, personId: number): AccessedPerson['jobs'] {
  const rows = db.all<{ job_id: string; kind: string; caller: string; created_at: number }>(
    `SELECT job_id, kind, caller, created_at
       FROM jobs
      WHERE job_no IN (SELECT job_no FROM contacts WHERE person_id = ? UNION SELECT job_no FROM patches WHERE person_id = ?)
      ORDER BY job_no`,
    personId,
    personId,
  );
  return rows.map((row) => ({ ...row, created_at: iso(row.created_at) }));
}

function auditEntriesOf({ db }: Context, personId: number): number {
  return db.get<{ n: number }>('SELECT count(DISTINCT sequence) AS n FROM audit_ref_runs CROSS JOIN audit_refs USING (run) WHERE ref IN (SELECT hash FROM identifiers WHERE person_id = ?)', personId)?.n ?? 0;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
