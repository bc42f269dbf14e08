import { v7 as uuidv7 } from 'uuid';
import { isExpired } from '../../../domain/consent/consent-gate.ts';
import { effective } from '../../../domain/consent/consent-state.ts';
import { combine } from '../../../domain/identity/survivorship.ts';
import type { ExportContact } from '../../../domain/ports/export.ts';
import type { ExportLease, ExportSettlement } from '../../../domain/ports/delivery-store.ts';
import type { Context } from '../context.ts';
import { SYSTEM } from '../context.ts';
import type { PersonKey } from '../vault.ts';
import { jobIdsOf } from './contacts.ts';
import { ERASED_REASON } from './erased.ts';
import { consentOf, openCurrent, peopleById, subjectsOf, subjectsOfAll } from './persons.ts';
import type { PersonRow } from './persons.ts';

type MessageRow = { message_id: string; attempts: number; first_attempt_at: number; fence: number };
type ExportRow = { export_no: number; person_id: number; job_no: number; merged_at: number };
type Claim = { lease: ExportLease | null; nextDueAt: number | null };

/** A message that is due again, else a new one of the people that wait. Consent is asked again each time. */
export function claimExport(context: Context, input: { now: number; limit: number; leaseMs: number }): Claim {
  const { db } = context;
  const due = db.get<MessageRow>('SELECT * FROM export_messages WHERE due_at <= ? AND lease_until <= ? ORDER BY due_at LIMIT 1', input.now, input.now);
  const lease = due === undefined ? null : take(context, due, input);
  const taken = lease ?? gather(context, input);
  // Where all who were looked at have taken their consent back, those behind them come at once.
  if (taken === null && db.get(`SELECT 1 AS one FROM exports WHERE state = 'waiting' LIMIT 1`) !== undefined) return { lease: null, nextDueAt: input.now };
  const next = db.get<{ at: number | null }>('SELECT min(max(due_at, lease_until)) AS at FROM export_messages');
  return { lease: taken, nextDueAt: next?.at ?? null };
}

function gather(context: Context, input: { now: number; limit: number; leaseMs: number }): ExportLease | null {
  const { db } = context;
  const waiting = db.all<{ export_no: number }>(`SELECT export_no FROM exports WHERE state = 'waiting' ORDER BY export_no LIMIT ?`, input.limit);
  if (waiting.length === 0) return null;
  const message: MessageRow = { message_id: `msg_${uuidv7()}`, attempts: 0, first_attempt_at: input.now, fence: 0 };
  db.run('INSERT INTO export_messages (message_id, first_attempt_at, due_at) VALUES (?, ?, ?)', message.message_id, input.now, input.now);
  db.run(
    `UPDATE exports SET state = 'in_flight', message_id = ? WHERE export_no IN (SELECT value FROM json_each(?))`,
    message.message_id,
    JSON.stringify(waiting.map((row) => row.export_no)),
  );
  return take(context, message, input);
}

function take(context: Context, message: MessageRow, input: { now: number; leaseMs: number }): ExportLease | null {
  const { db, vault } = context;
  const rows = db.all<ExportRow>(`SELECT export_no, person_id, job_no, merged_at FROM exports WHERE message_id = ? AND state = 'in_flight' ORDER BY export_no`, message.message_id);
  const people = peopleById(context, rows.map((row) => row.person_id));
  const contacts: ExportContact[] = [];
  for (const row of rows) {
    const person = people.get(row.person_id);
    const key = person === undefined ? undefined : vault.unwrap(person.wrapped_key);
    const contact = person === undefined || key === undefined ? undefined : exportable(context, person, key, row, input.now);
    if (contact === undefined || key === undefined) cancel(context, row, person === undefined, input.now);
    else {
      contacts.push(contact);
      // Under which id marketing may know the person from now on: an erasure must tell it by the same.
      db.run('UPDATE exports SET external_id = ? WHERE export_no = ?', vault.seal(contact.external_id, key), row.export_no);
    }
  }
  if (contacts.length === 0) {
    db.run('DELETE FROM export_messages WHERE message_id = ?', message.message_id);
    return null;
  }
  const fence = message.fence + 1;
  db.run('UPDATE export_messages SET lease_until = ?, fence = ? WHERE message_id = ?', input.now + input.leaseMs, fence, message.message_id);
  return { messageId: message.message_id, fence, attempts: message.attempts, firstAttemptAt: message.first_attempt_at, contacts };
}

/** The four fields, of a person who consents to e-mail at this moment. */
function exportable(context: Context, person: PersonRow, key: PersonKey, row: ExportRow, now: number): ExportContact | undefined {
  const { email } = consentOf(person);
  if (effective(email) !== 'granted' || isExpired(email, context.policy.consent, now)) return undefined;
  const current = openCurrent(context, person, key);
  if (current === undefined) return undefined;
  const { contact } = combine(current.versions, { sourcePriority: context.policy.sourcePriority });
  const externalId = contact.external_crm_id ?? current.contactId;
  if (contact.email === undefined || externalId === undefined) return undefined;
  return { external_id: externalId, email: contact.email, consent_status: 'granted', merged_at: new Date(row.merged_at).toISOString() };
}

export function settleExport(context: Context, input: { messageId: string; fence: number; now: number; latencyMs: number; settlement: ExportSettlement }): boolean {
  const { db } = context;
  const message = db.get<MessageRow>('SELECT * FROM export_messages WHERE message_id = ? AND fence = ?', input.messageId, input.fence);
  if (message === undefined) return false;
  const { settlement } = input;
  if (settlement.kind === 'retry') {
    db.run('UPDATE export_messages SET attempts = attempts + 1, due_at = ?, lease_until = 0 WHERE message_id = ?', settlement.dueAt, input.messageId);
    return true;
  }
  const rows = db.all<ExportRow>(`SELECT export_no, person_id, job_no, merged_at FROM exports WHERE message_id = ? AND state = 'in_flight'`, input.messageId);
  const delivered = settlement.kind === 'delivered';
  db.run(
    'UPDATE exports SET state = ?, reason = ? WHERE export_no IN (SELECT value FROM json_each(?))',
    delivered ? 'delivered' : 'set_aside',
    delivered ? null : settlement.reason,
    JSON.stringify(rows.map((row) => row.export_no)),
  );
  db.run('DELETE FROM export_messages WHERE message_id = ?', input.messageId);
  context.audit.append(
    {
      action: delivered ? 'export_delivered' : 'dead_lettered',
      actor: SYSTEM,
      request_id: input.messageId,
      subjects: [...subjectsOfAll(context, rows.map((row) => row.person_id)).values()].flat(),
      details: { recipient: 'marketing', job_ids: jobIdsOf(context, rows), contacts: rows.length, attempts: message.attempts + 1, latency_ms: Math.round(input.latencyMs), ...(delivered ? {} : { reason: settlement.reason }) },
      privacy_compliance: { policy_version: context.policy.policyVersion, legal_basis: 'consent_to_email', checked: 'at_send_time', fields: ['external_id', 'email', 'consent_status', 'merged_at'] },
    },
    input.now,
  );
  return true;
}

function cancel(context: Context, row: ExportRow, gone: boolean, now: number): void {
  context.db.run(`UPDATE exports SET state = 'cancelled', reason = ? WHERE export_no = ?`, gone ? ERASED_REASON : 'consent_withdrawn', row.export_no);
  context.audit.append(
    {
      action: 'export_cancelled',
      actor: SYSTEM,
      subjects: subjectsOf(context, row.person_id),
      details: { recipient: 'marketing', job_ids: jobIdsOf(context, [row]), reason: gone ? ERASED_REASON : 'no_consent_to_email' },
      privacy_compliance: { policy_version: context.policy.policyVersion, checked: 'at_send_time' },
    },
    now,
  );
}
