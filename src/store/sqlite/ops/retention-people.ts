import type { SweepInput } from '../../../domain/ports/store.ts';
import type { Context } from '../context.ts';
import { SYSTEM } from '../context.ts';
import { NO_PROFILE } from './erase-rows.ts';

type Row = { person_id: number; cxone_hash: Uint8Array | null; refused: number; holds: number };

const DAY_MS = 86_400_000;
/** After everybody was looked at. */
const REST_MS = 3_600_000;
const PROGRESS = 'people_retention';

/** Contacts in the hands of the queue; what is over is not. */
const OPEN = `('staged', 'waiting', 'in_flight', 'submitted')`;

/** Of the next people, those of whom nothing came since a time, and with whom nothing is open. */
const QUIET = `
SELECT p.person_id, p.cxone_hash, p.current IS NOT NULL OR p.cxone_hash IS NOT NULL AS holds,
       coalesce(p.refused_email, p.refused_sms, p.refused_phone) IS NOT NULL AS refused
  FROM persons AS p
 WHERE p.person_id > ? AND p.person_id <= ?
   AND p.rank IS NULL AND p.held_by IS NULL
   AND coalesce((SELECT received_at FROM contacts WHERE contact_no = (SELECT max(contact_no) FROM contacts WHERE person_id = p.person_id)), 0) <= ?
   AND coalesce((SELECT max(recorded_at) FROM consent_events WHERE person_id = p.person_id), 0) <= ?
   AND coalesce((SELECT created_at FROM jobs WHERE job_no = (SELECT max(job_no) FROM patches WHERE person_id = p.person_id)), 0) <= ?
   AND NOT EXISTS (SELECT 1 FROM contacts WHERE person_id = p.person_id AND state IN ${OPEN})
   AND NOT EXISTS (SELECT 1 FROM patches WHERE person_id = p.person_id AND state IN ('waiting', 'in_flight'))
   AND NOT EXISTS (SELECT 1 FROM exports WHERE person_id = p.person_id AND state IN ('waiting', 'in_flight'))
   AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE person_id = p.person_id)
   AND p.person_id NOT IN (SELECT person_id FROM erasure_people)`;

/**
 * Looks at some people, and forgets those of whom nothing came for the time that people are kept: their key, what CXone
 * holds of them, their contacts' contents, consents, exports and identifiers. Of somebody who refused or withdrew
 * consent the refusal stays, with the identifiers that it is found by, since it must outlive what it forbids. Leaves an
 * entry with the counts. Answers whether there is more to do at once.
 */
export function sweepPeople(context: Context, { now, limit, retention }: Pick<SweepInput, 'now' | 'limit' | 'retention'>): boolean {
  const { db } = context;
  if (retention?.peopleMs === undefined) return false;
  const progress = db.get<{ value: string }>('SELECT value FROM upkeep WHERE name = ?', PROGRESS);
  const { after, next } = progress === undefined ? { after: 0, next: 0 } : (JSON.parse(progress.value) as { after: number; next: number });
  if (now < next && next <= now + REST_MS) return false;
  const slice = db.get<{ upto: number | null; size: number }>('SELECT max(person_id) AS upto, count(*) AS size FROM (SELECT person_id FROM persons WHERE person_id > ? ORDER BY person_id LIMIT ?)', after, limit)!;
  const isLast = slice.size < limit;
  const since = now - retention.peopleMs;
  const quiet = slice.upto === null ? [] : db.all<Row>(QUIET, after, slice.upto, since, since, since);
  const forgotten = { people: 0, refusals_kept: 0 };
  for (const row of quiet) {
    if (row.refused === 0) forgotten.people += forget(context, row);
    else if (row.holds === 1) forgotten.refusals_kept += forgetVersion(context, row);
  }
  db.run('INSERT OR REPLACE INTO upkeep (name, value) VALUES (?, ?)', PROGRESS, JSON.stringify(isLast ? { after: 0, next: now + REST_MS } : { after: slice.upto, next: 0 }));
  if (forgotten.people + forgotten.refusals_kept === 0) return false;
  context.audit.append(
    {
      action: 'retention_swept',
      actor: SYSTEM,
      details: { swept: forgotten, limits_days: { people: retention.peopleMs / DAY_MS } },
      privacy_compliance: { policy_version: context.policy.policyVersion, legal_ground: 'GDPR Article 5(1)(e)' },
    },
    now,
  );
  return !isLast;
}

function forget({ db }: Context, { person_id: id, cxone_hash: cxone }: Row): number {
  db.run('UPDATE person_keys SET wrapped = zeroblob(length(wrapped)) WHERE person_id = ?', id);
  db.run('UPDATE contacts SET payload = NULL, person_id = NULL WHERE person_id = ?', id);
  db.run('UPDATE patches SET payload = NULL, profile_id = ? WHERE person_id = ?', NO_PROFILE, id);
  if (cxone !== null) db.run('DELETE FROM webhook_events WHERE target_hash = ?', cxone);
  for (const table of ['exports', 'consent_events', 'identifiers', 'persons']) db.run(`DELETE FROM ${table} WHERE person_id = ?`, id);
  return 1;
}

/** What CXone holds goes; who it is, and what was refused, stays known. */
function forgetVersion({ db }: Context, { person_id: id, cxone_hash: cxone }: Row): number {
  if (cxone !== null) db.run('DELETE FROM webhook_events WHERE target_hash = ?', cxone);
  db.run('UPDATE contacts SET payload = NULL WHERE person_id = ?', id);
  db.run('DELETE FROM exports WHERE person_id = ?', id);
  return db.run('UPDATE persons SET current = NULL, fingerprint = NULL, in_flight = NULL, cxone_hash = NULL, name_hash = NULL WHERE person_id = ?', id);
}
