import { MENTION_KINDS, callingCodeOf, mentionsIn } from '../../../domain/privacy/mentions.ts';
import type { MentionKind } from '../../../domain/privacy/mentions.ts';
import type { PrivacySubject } from '../../../domain/ports/privacy.ts';
import type { Context } from '../context.ts';
import { SYSTEM } from '../context.ts';
import type { ContactPayload } from './contacts.ts';
import { ERASED_REASON } from './erased.ts';
import { carriedBy, sendApart, shiftJob } from './patch-rows.ts';
import { keyOf, openCurrent, personById } from './persons.ts';

/** How far the open patches were searched, and the calling codes by which numbers in them are read. */
export type MentionSearch = { upto: number; callingCodes: string[] };

type Row = {
  request_id: string;
  call_id: string | null;
  job_no: number;
  job_id: string;
  person_id: number;
  profile_id: string;
  state: 'waiting' | 'in_flight' | 'set_aside';
  lease_until: number;
  payload: Uint8Array;
};
type Sought = { kinds: ReadonlySet<MentionKind>; hashes: ReadonlySet<string>; callingCodes: readonly string[] };

/** Patches opened in one step, and things that somebody could be known by hashed in it: about 20 ms. */
const PATCHES_A_STEP = 100;
const HASHES_A_STEP = 10_000;
/** Contacts of one person whose phones say in which countries its numbers are. */
const CONTACTS_MAX = 200;

/** What to search by, from what is known of the people of an erasure while it is still there. */
export function newSearch(context: Context, subject: PrivacySubject, people: readonly number[]): MentionSearch {
  const phones = [subject.phone, ...people.flatMap((personId) => phonesOf(context, personId))];
  const codes = phones.map((phone) => (phone === undefined ? undefined : callingCodeOf(phone)));
  return { upto: -1, callingCodes: [...new Set(codes)].filter((code) => code !== undefined) };
}

/**
 * Searches some of the open patches of other profiles for people of an erasure: by e-mail, phone, external id and
 * profile, as the tombstones know them. One that mentions them is cancelled as a whole: it was the caller who put them
 * there, who sees it in the job and can send the rest again. Answers how many were cancelled, and whether all are searched.
 */
export function searchMentions(context: Context, erasure: { no: number; id: string; search: MentionSearch; now: number }): { cancelled: number; done: boolean } {
  const { search } = erasure;
  const sought = soughtBy(context, erasure.no, search.callingCodes);
  let cancelled = 0;
  let hashes = 0;
  for (let patches = 0; patches < PATCHES_A_STEP && hashes < HASHES_A_STEP; patches += 1) {
    const row = sought.kinds.size === 0 ? undefined : nextHeld(context, search.upto);
    if (row === undefined) return { cancelled, done: true };
    search.upto = row.job_no;
    const { patch } = JSON.parse(context.vault.open(row.payload, keyOf(context, row.person_id))) as { patch: unknown };
    for (const { kind, value } of mentionsIn(patch, sought)) {
      hashes += 1;
      if (!sought.hashes.has(context.pseudonyms.of(kind, value).toString('latin1'))) continue;
      cancel(context, row, erasure);
      cancelled += 1;
      break;
    }
  }
  return { cancelled, done: false };
}

function nextHeld({ db }: Context, after: number): Row | undefined {
  return db.get<Row>(
    `SELECT p.request_id, p.call_id, p.job_no, j.job_id, p.person_id, p.profile_id, p.state, p.lease_until, p.payload
       FROM patches AS p
       JOIN jobs AS j USING (job_no)
      WHERE p.payload IS NOT NULL AND p.job_no > ?
      ORDER BY p.job_no
      LIMIT 1`,
    after,
  );
}

function soughtBy({ db }: Context, erasureNo: number, callingCodes: readonly string[]): Sought {
  const rows = db.all<{ kind: MentionKind; hash: Uint8Array }>('SELECT kind, hash FROM tombstones WHERE erasure_no = ?', erasureNo);
  return { kinds: new Set(MENTION_KINDS.filter((kind) => rows.some((row) => row.kind === kind))), hashes: new Set(rows.map(({ hash }) => Buffer.from(hash).toString('latin1'))), callingCodes };
}

/** Ends a patch. One in the air loses its contents, and is closed by its answer. */
function cancel(context: Context, row: Row, erasure: { id: string; now: number }): void {
  const { db } = context;
  const { now } = erasure;
  const isInAir = row.state === 'in_flight' && row.lease_until > now;
  db.run('UPDATE patches SET payload = NULL WHERE request_id = ?', row.request_id);
  if (!isInAir) {
    db.run(`UPDATE patches SET state = 'cancelled', reason = ? WHERE request_id = ?`, ERASED_REASON, row.request_id);
    db.run('DELETE FROM dead_letters WHERE patch_id = ?', row.request_id);
    if (row.state !== 'set_aside') shiftJob(context, row.job_no, row.state, 'failed', now);
    if (row.state === 'in_flight' && row.call_id !== null) sendApart(context, carriedBy(context, row.call_id), { now, dueAt: now, countAttempt: false, unknown: row.lease_until > 0 });
  }
  context.audit.append(
    {
      action: 'patch_cancelled',
      actor: SYSTEM,
      job_id: row.job_id,
      profile_id: row.profile_id,
      request_id: row.request_id,
      details: { reason: 'mentions_erased_subject', erasure_id: erasure.id, in_air: isInAir },
      privacy_compliance: { policy_version: context.policy.policyVersion, legal_ground: 'GDPR Article 17' },
    },
    now,
  );
}

function phonesOf(context: Context, personId: number): string[] {
  const person = personById(context, personId);
  if (person === undefined) return [];
  const key = context.vault.unwrap(person.wrapped_key);
  const rows = context.db.all<{ payload: Uint8Array }>('SELECT payload FROM contacts WHERE person_id = ? AND payload IS NOT NULL LIMIT ?', personId, CONTACTS_MAX);
  const kept = rows.map(({ payload }) => (JSON.parse(context.vault.open(payload, key)) as ContactPayload).contact);
  const sent = (openCurrent(context, person, key)?.versions ?? []).map(({ contact }) => contact);
  return [...kept, ...sent].flatMap(({ phone }) => phone ?? []);
}
