import { emptyConsent } from '../../../domain/consent/consent-state.ts';
import type { ChannelState, ConsentState } from '../../../domain/consent/consent-state.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import { isPlaceholderEmail, isPlaceholderPhone } from '../../../domain/identity/placeholder.ts';
import type { ContactVersion } from '../../../domain/identity/survivorship.ts';
import type { SubjectQuery } from '../../../domain/ports/record-store.ts';
import type { Context } from '../context.ts';
import { LOOKUP_BYTES } from '../pseudonyms.ts';
import type { Kind } from '../pseudonyms.ts';
import type { PersonKey } from '../vault.ts';
import { CONTACTS_PER_JOB } from './contacts.ts';

/** Where a person stands, without anything sealed. */
export type Standing = {
  person_id: number;
  has_email: number;
  fingerprint: Uint8Array | null;
  in_flight: Uint8Array | null;
  granted_email: number | null;
  refused_email: number | null;
  granted_sms: number | null;
  refused_sms: number | null;
  granted_phone: number | null;
  refused_phone: number | null;
  held_by: string | null;
};

export type PersonRow = Standing & { email_hash: Uint8Array | null; name_hash: Uint8Array | null; wrapped_key: Uint8Array; current: Uint8Array | null };

/** What CXone holds for a person, as last submitted: the versions that still speak for a field of it. */
export type CurrentVersion = { versions: KeptVersion[]; contactId?: string };

/** A version with the country by which its consent is judged; absent counts as covered. */
export type KeptVersion = ContactVersion & { judged?: string };

const STANDING = `persons.person_id, email_hash IS NOT NULL AS has_email, fingerprint, in_flight, held_by,
       granted_email, refused_email, granted_sms, refused_sms, granted_phone, refused_phone`;

const PERSON = `SELECT ${STANDING}, email_hash, name_hash, wrapped AS wrapped_key, current FROM persons JOIN person_keys USING (person_id)`;

export function personById({ db }: Context, id: number): PersonRow | undefined {
  return db.get<PersonRow>(`${PERSON} WHERE person_id = ?`, id);
}

/** The people that are there, by their id. */
export function peopleById({ db }: Context, ids: readonly number[]): Map<number, PersonRow> {
  return byId(db.all<PersonRow>(`${PERSON} WHERE persons.person_id IN (SELECT value FROM json_each(?))`, JSON.stringify(ids)));
}

/** Where people stand, by their id and in its order; who is not there any more was erased. */
export function standingsOf({ db }: Context, ids: readonly number[]): Map<number, Standing> {
  return byId(db.all<Standing>(`SELECT ${STANDING} FROM persons WHERE person_id IN (SELECT value FROM json_each(?)) ORDER BY person_id`, JSON.stringify(ids)));
}

/** A person whose turn it is. */
export type InLine = Standing & { turn: number };

/** People whose turn it is, in their order, after a turn. */
export function peopleInLine({ db }: Context, limit: number, after = Number.MIN_SAFE_INTEGER): InLine[] {
  return db.all<InLine>(`SELECT ${STANDING}, available_rank AS turn FROM persons WHERE available_rank > ? ORDER BY available_rank LIMIT ?`, after, limit);
}

function byId<Row extends Standing>(rows: readonly Row[]): Map<number, Row> {
  return new Map(rows.map((row) => [row.person_id, row]));
}

/** Gives a new person a key of its own. */
export function giveKey({ db, vault }: Context, personId: number): PersonKey {
  const { key, wrapped } = vault.newPersonKey();
  db.run('INSERT INTO person_keys (person_id, wrapped) VALUES (?, ?)', personId, wrapped);
  return key;
}

/** The key of a person that is there. */
export function keyOf({ db, vault }: Context, personId: number): PersonKey {
  const row = db.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM person_keys WHERE person_id = ?', personId);
  if (row === undefined) throw new Error('a person without a key');
  return vault.unwrap(row.wrapped);
}

/** Those of identifiers that anybody bears; hashes as latin1 strings. */
export function knownOf({ db }: Context, keys: readonly string[]): Set<string> {
  const rows = db.all<{ at: number }>(
    'SELECT value AS at FROM json_each(?) WHERE EXISTS (SELECT 1 FROM identifiers WHERE hash = substr(?, value * ? + 1, ?))',
    JSON.stringify([...keys.keys()]),
    Buffer.from(keys.join(''), 'latin1'),
    LOOKUP_BYTES,
    LOOKUP_BYTES,
  );
  return new Set(rows.map(({ at }) => keys[at]!));
}

/** People who bear an identifier; one more than the limit at the most, so that a shared one is seen as such. */
export function peopleWith({ db, policy }: Context, hash: Uint8Array): number[] {
  return db
    .all<{ person_id: number }>('SELECT person_id FROM identifiers WHERE hash = ? LIMIT ?', hash, policy.identifierMaxPeople + 1)
    .map((row) => row.person_id);
}

/** Everybody a subject request can mean: whoever bears one of the identifiers. */
export function peopleOf(context: Context, subject: SubjectQuery): number[] {
  const people = new Set<number>();
  for (const [kind, value] of identifiersOf(subject)) {
    const rows = context.db.all<{ person_id: number }>('SELECT person_id FROM identifiers WHERE hash = ?', context.pseudonyms.of(kind, value));
    for (const row of rows) people.add(row.person_id);
  }
  return [...people];
}

/** The identifiers of a contact or subject, in the order of their weight. */
export function identifiersOf(subject: SubjectQuery): [Kind & ('email' | 'phone' | 'crm'), string][] {
  const found: [Kind & ('email' | 'phone' | 'crm'), string][] = [];
  if (subject.email !== undefined) found.push(['email', subject.email]);
  if (subject.phone !== undefined) found.push(['phone', subject.phone]);
  if (subject.external_crm_id !== undefined) found.push(['crm', subject.external_crm_id]);
  return found;
}

/** Whether an identifier says who somebody is: a placeholder does not. */
export function identifies(kind: Kind, value: string): boolean {
  if (kind === 'email') return !isPlaceholderEmail(value);
  if (kind === 'phone') return !isPlaceholderPhone(value);
  return true;
}

/** The pseudonyms a person has in the audit trail, hex. */
export function subjectsOf(context: Context, personId: number): string[] {
  return subjectsOfAll(context, [personId]).get(personId) ?? [];
}

/** The pseudonyms that people have in the audit trail, hex, by person. */
export function subjectsOfAll({ db }: Context, people: readonly number[]): Map<number, string[]> {
  const subjects = new Map<number, string[]>();
  const rows = db.all<{ person_id: number; hash: Uint8Array }>('SELECT person_id, hash FROM identifiers WHERE person_id IN (SELECT value FROM json_each(?))', JSON.stringify(people));
  for (const { person_id: person, hash } of rows) {
    const subject = Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('hex');
    const known = subjects.get(person);
    if (known === undefined) subjects.set(person, [subject]);
    else known.push(subject);
  }
  return subjects;
}

/** The pseudonyms of one person as an audit entry bears them: the first names the entry's subject, the rest go beside it. */
export function asSubjects([subject, ...subjects]: readonly string[]): { subject?: string; subjects?: string[] } {
  return { ...(subject === undefined ? {} : { subject }), ...(subjects.length === 0 ? {} : { subjects }) };
}

export function consentOf(row: Standing): ConsentState {
  const state = emptyConsent();
  for (const channel of CHANNELS) {
    const side: ChannelState = {};
    const granted = row[`granted_${channel}`];
    const refused = row[`refused_${channel}`];
    if (granted !== null) side.grantedAt = granted;
    if (refused !== null) side.refusedAt = refused;
    state[channel] = side;
  }
  return state;
}

export function saveConsent({ db }: Context, personId: number, state: ConsentState): void {
  db.run(
    `UPDATE persons
        SET granted_email = ?, refused_email = ?, granted_sms = ?, refused_sms = ?, granted_phone = ?, refused_phone = ?
      WHERE person_id = ?`,
    ...consentColumns(state),
    personId,
  );
}

export function consentColumns(state: ConsentState): (number | null)[] {
  return CHANNELS.flatMap((channel) => [state[channel].grantedAt ?? null, state[channel].refusedAt ?? null]);
}

export function openCurrent({ vault }: Context, row: PersonRow, key: PersonKey): CurrentVersion | undefined {
  if (row.current === null) return undefined;
  return JSON.parse(vault.open(row.current, key)) as CurrentVersion;
}

/** Lets waiting contacts of people go again: in the turn they were given meanwhile, or that of each one's oldest. */
export function releasePeople({ db }: Context, people: readonly number[]): void {
  db.run(
    `UPDATE persons
        SET held_by = NULL, held_until = NULL,
            rank = (SELECT coalesce(persons.rank, min(job_no * ${CONTACTS_PER_JOB} + idx))
                      FROM contacts
                     WHERE contacts.person_id = persons.person_id AND state = 'waiting'
                    HAVING count(*) > 0)
      WHERE person_id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(people),
  );
}
