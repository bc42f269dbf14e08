import type { SweepInput } from '../../../domain/ports/store.ts';
import type { Context } from '../context.ts';
import { SYSTEM } from '../context.ts';

type Input = Pick<SweepInput, 'now' | 'limit' | 'retention'>;

const DAY_MS = 86_400_000;
/** Webhook events are kept to recognise a repetition and to meet an id that comes late. */
const WEBHOOK_KEEP_MS = 7 * DAY_MS;
/** A sweep that finds nothing more rests this long, so that the trail says in one entry what went in a while. */
const REST_MS = 10 * 60_000;
const NEXT_SWEEP = 'retention_next';

/**
 * One small step of what time alone deletes: the contents of delivered contacts, dead letters with what they held,
 * webhook events, answers under idempotency keys. Leaves an entry with the counts. Answers whether there is more.
 */
export function sweepRetention(context: Context, input: Input): boolean {
  const { db } = context;
  const next = Number(db.get<{ value: string }>('SELECT value FROM upkeep WHERE name = ?', NEXT_SWEEP)?.value ?? 0);
  if (input.now < next && next <= input.now + REST_MS) return false;
  const counts = {
    idempotency_answers: db.run('DELETE FROM idempotency WHERE (caller, key_hash) IN (SELECT caller, key_hash FROM idempotency WHERE expires_at <= ? LIMIT ?)', input.now, input.limit),
    webhook_events: db.run(
      'DELETE FROM webhook_events WHERE event_id IN (SELECT event_id FROM webhook_events WHERE received_at <= ? LIMIT ?)',
      input.now - (input.retention?.webhooksMs ?? WEBHOOK_KEEP_MS),
      input.limit,
    ),
    contacts: input.retention === undefined ? 0 : forgetContacts(context, input.now - input.retention.contactsMs, input.limit),
    dead_letters: input.retention === undefined ? 0 : forgetLetters(context, input.now - input.retention.deadLettersMs, input.limit),
  };
  const more = Object.values(counts).some((count) => count >= input.limit);
  if (!more) db.run('INSERT OR REPLACE INTO upkeep (name, value) VALUES (?, ?)', NEXT_SWEEP, String(input.now + REST_MS));
  if (Object.values(counts).every((count) => count === 0)) return false;
  const days = input.retention === undefined ? {} : { limits_days: { contacts: input.retention.contactsMs / DAY_MS, dead_letters: input.retention.deadLettersMs / DAY_MS, webhook_events: input.retention.webhooksMs / DAY_MS } };
  context.audit.append(
    { action: 'retention_swept', actor: SYSTEM, details: { swept: counts, ...days }, privacy_compliance: { policy_version: context.policy.policyVersion, legal_ground: 'GDPR Article 5(1)(e)' } },
    input.now,
  );
  return more;
}

/** What a delivered contact held goes; that it was delivered stays. */
function forgetContacts({ db }: Context, before: number, limit: number): number {
  return db.run(
    `UPDATE contacts SET payload = NULL
      WHERE contact_no IN (SELECT contact_no FROM contacts
                            WHERE settled_at <= ? AND payload IS NOT NULL AND state IN ('confirmed', 'unconfirmed', 'unchanged', 'superseded', 'cancelled')
                            LIMIT ?)`,
    before,
    limit,
  );
}

/** A dead letter that nobody put back goes with what it held; its contact or patch stays set aside. */
function forgetLetters({ db }: Context, before: number, limit: number): number {
  const letters = db.all<{ dead_letter_id: string; contact_no: number | null; patch_id: string | null; job_no: number; idx: number }>(
    'SELECT dead_letter_id, contact_no, patch_id, job_no, idx FROM dead_letters WHERE created_at <= ? ORDER BY dead_letter_id LIMIT ?',
    before,
    limit,
  );
  for (const letter of letters) {
    if (letter.contact_no !== null) db.run(`UPDATE contacts SET payload = NULL WHERE job_no = ? AND state = 'set_aside' AND (contact_no = ? OR duplicate_of = ?)`, letter.job_no, letter.contact_no, letter.idx);
    if (letter.patch_id !== null) db.run(`UPDATE patches SET payload = NULL WHERE request_id = ? AND state = 'set_aside'`, letter.patch_id);
    db.run('DELETE FROM dead_letters WHERE dead_letter_id = ?', letter.dead_letter_id);
  }
  return letters.length;
}
