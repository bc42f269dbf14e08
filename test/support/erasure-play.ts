import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { parseCheckpoint, parseVerifierKey, verifyNote } from '../../src/domain/audit/checkpoint.ts';
import { leafHash, verifyInclusion } from '../../src/domain/audit/merkle.ts';
import { Pseudonyms } from '../../src/store/sqlite/pseudonyms.ts';
import { Vault } from '../../src/store/sqlite/vault.ts';
import { filesUnder, findBytes, findWord, wordsOf } from './byte-search.ts';
import { contactOf, post } from './crowd.ts';
import type { Batch, Person } from './crowd.ts';
import { until } from './until.ts';
import type { Workplace } from './workplace.ts';

/** What has become of somebody by the time of the erasure: it decides what there is to erase. */
export type Fate = 'exported' | 'set_aside' | 'waiting' | 'mentioned';

/** Somebody who is to be erased, with everything by which that is judged. */
export type Victim = {
  fate: Fate;
  email: string;
  words: string[];
  batch: Batch | undefined;
  erasureId: string;
  /** Sealed under the person's key, or that key itself, as it lay in the file: bytes that occur nowhere else. */
  sealed: Uint8Array[];
};

const SOON_MS = 60_000;
/** A sealed value begins with what tells its key; nonce and tag behind that are random. */
const RANDOM = [5, 33] as const;
let serial = 0;

/** Whom `poison` is played against. */
export const POISON = 'spoilt';

/** Brings somebody into the service and waits until the fate has come true. */
export async function newVictim(place: Workplace, fate: Fate): Promise<Victim> {
  serial += 1;
  const name = `canary${fate === 'set_aside' ? POISON : ''}${serial}wendehals`;
  const email = `${name}@vogelwarte.example`;
  const victim: Victim = { fate, email, words: [name, `crm-${name}`, `Zaunkoenig${serial}qq`], batch: undefined, erasureId: '', sealed: [] };
  if (fate === 'mentioned') return victim;
  const person: Person = { email, role: 'covered' };
  victim.batch = await post(() => place.service, [person], { last_name: victim.words[2], address: `${name} lane 7, Berlin`, interaction_history: [{ note: `${name} rang` }] });
  if (fate === 'exported') await until(() => exportsOf(place, email).length > 0, SOON_MS, `the export of ${email}`);
  if (fate === 'set_aside') {
    const job = async () => (await place.service.call('GET', `/jobs/${victim.batch!.jobId}`).catch(() => undefined))?.json['contacts'] as { status: string }[] | undefined;
    await until(async () => (await job())?.[0]?.status === 'set_aside', SOON_MS, `${email} being set aside`);
  }
  return victim;
}

/** Patches of profiles of other people that name a victim; they wait while the service holds its patches back. */
export async function mention(place: Workplace, victims: readonly Victim[], count: number): Promise<void> {
  const patches = Array.from({ length: count }, (_, n) => {
    const named = n % 9 === 0 ? victims[(n / 9) % victims.length] : undefined;
    return named === undefined ? { hobby: `birds ${n}` } : { household: [{ partner: named.email.toUpperCase() }] };
  });
  await Promise.all(patches.map((attributes) => place.service.call('POST', `/profiles/${randomUUID()}/enrich`, { attributes, mergeStrategy: 'OVERWRITE', sourceSystem: 'crm' })));
}

/** Notes how a victim's data lie in the file, while they are there. */
export function lookAt(place: Workplace, victims: readonly Victim[]): void {
  const vault = new Vault([Buffer.from(place.settings['ENCRYPTION_KEY']!, 'base64')]);
  reading(place, (db) => {
    const { wrapped } = db.prepare(`SELECT wrapped FROM secrets WHERE name = 'pseudonyms'`).get() as { wrapped: Uint8Array };
    const pseudonyms = new Pseudonyms(vault.unwrap(wrapped).key);
    for (const victim of victims) {
      const sealed = db
        .prepare(
          `WITH who AS (SELECT person_id FROM identifiers WHERE hash = ?)
           SELECT wrapped AS sealed FROM person_keys WHERE person_id IN (SELECT person_id FROM who)
           UNION ALL SELECT payload FROM contacts WHERE person_id IN (SELECT person_id FROM who)
           UNION ALL SELECT current FROM persons WHERE person_id IN (SELECT person_id FROM who)
           UNION ALL SELECT evidence FROM consent_events WHERE person_id IN (SELECT person_id FROM who)
           UNION ALL SELECT external_id FROM exports WHERE person_id IN (SELECT person_id FROM who)
           UNION ALL SELECT sealed FROM journal WHERE job_no = (SELECT job_no FROM jobs WHERE job_id = ?)`,
        )
        .all(pseudonyms.of('email', victim.email), victim.batch?.jobId ?? '') as { sealed: Uint8Array | null }[];
      victim.sealed = sealed.flatMap((row) => (row.sealed === null ? [] : [row.sealed.slice(...RANDOM)]));
      assert.equal(victim.sealed.length > 0, victim.fate !== 'mentioned', `${victim.fate} has something to erase`);
    }
  });
  for (const { sealed } of victims) if (sealed.length > 0) assert.notEqual(findBytes(filesUnder(place.folder), sealed), undefined, 'the search finds what is there');
}

/** Asks for an erasure until some life of the service says that it is noted. */
export async function erase(place: Workplace, victim: Victim): Promise<void> {
  const answer = await until(async () => {
    const asked = await place.service.call('POST', '/privacy/erasure', { email: ` ${victim.email.toUpperCase()}`, reason: 'art17' }).catch(() => undefined);
    return asked?.status === 202 ? asked : undefined;
  }, SOON_MS, `the erasure of ${victim.email} being noted`);
  victim.erasureId = String(answer.json['erasure_id']);
}

/** The steps at which erasures stand that are not over, as the file says. */
export function openSteps(place: Workplace): string[] {
  return reading(place, (db) => db.prepare(`SELECT step FROM erasures WHERE step <> 'completed'`).all().map((row) => String(row['step'])));
}

/** What must hold of somebody once the erasure is said to be completed; gives when it was, epoch ms. */
export async function judgeErasure(place: Workplace, victim: Victim): Promise<number> {
  const view = await until(async () => {
    const answer = await place.service.call('GET', `/privacy/erasure/${victim.erasureId}`).catch(() => undefined);
    return answer?.status === 200 && answer.json['status'] === 'completed' && answer.json['certificate'] !== undefined ? answer : undefined;
  }, SOON_MS, `the erasure of ${victim.email} (${victim.fate}) being completed`);
  await certified(place, view.json, victim);
  const legs = Object.fromEntries((view.json['legs'] as { system: string; status: string }[]).map(({ system, status }) => [system, status]));
  assert.deepEqual([legs['store'], legs['queue']], ['completed', 'completed']);
  const places = [...filesUnder(place.folder), ...wordsOf(place.lives), ['the erasure', Buffer.from(view.text)] as const];
  assert.equal(findWord(places, victim.words), undefined);
  assert.equal(findBytes(filesUnder(place.folder), victim.sealed), undefined, `${victim.email} (${victim.fate}) is still in a file`);
  // Again by the same person, and by one with another e-mail and the same external id.
  for (const email of [victim.email, `other-${victim.email}`]) {
    if (victim.batch === undefined && email !== victim.email) continue;
    const again = await until(() => place.service.call('POST', '/enrich-batch', { contacts: [contactOf({ email, role: 'covered' }, { external_crm_id: `crm-${victim.words[0]}` })] }).catch(() => undefined), SOON_MS, 'an import');
    assert.deepEqual([again.status, (again.json['errors'] as { code: string }[])[0]?.code], [422, 'erased_subject'], again.text);
  }
  return Date.parse(String(view.json['completed_at']));
}

/** What the tenant and the sink must have seen of somebody by the end. */
export function judgeOutside(place: Workplace, victim: Victim, completedAt: number): void {
  const { requests, emails, marketing } = place.sandbox.ledger();
  const arrivedAt = new Map(requests.map((call) => [call.requestId, call.at]));
  for (const id of emails.get(victim.email)?.requestIds ?? []) assert.ok((arrivedAt.get(id) ?? 0) <= completedAt, `${victim.email} was sent after its erasure`);
  const exported = exportsOf(place, victim.email);
  const told = marketing.filter(({ body }) => (body as { type?: string }).type === 'contact.erased' && JSON.stringify(body).includes(`crm-${victim.words[0]}`));
  if (exported.length > 0) {
    assert.ok(told.length > 0 && told.every(({ signature }) => signature === 'valid'), `marketing was not told of ${victim.email}`);
    assert.equal(new Set(told.map(({ id }) => id)).size, 1, 'told under one id');
    assert.ok(Math.max(...exported.map(({ at }) => at)) <= Math.min(...told.map(({ at }) => at)), 'the word of the erasure is the last one');
  }
  for (const { attributes, requestIds } of place.sandbox.ledger().profiles.values()) {
    if (!JSON.stringify(attributes).toLowerCase().includes(victim.email)) continue;
    for (const id of requestIds) assert.ok((arrivedAt.get(id) ?? 0) <= completedAt, 'a patch that names an erased person was sent after the erasure');
  }
}

function exportsOf(place: Workplace, email: string) {
  return place.sandbox.ledger().marketing.filter(({ body }) => ((body as { contacts?: { email?: string }[] }).contacts ?? []).some((contact) => contact.email === email));
}

/** The facts are signed by the log, the entry is their leaf, the leaf is in the tree, and the tree is signed. */
async function certified(place: Workplace, view: Record<string, unknown>, victim: Victim): Promise<void> {
  const { note, entry, leaf, inclusion, checkpoint } = view['certificate'] as { note: string; entry: { action: string; details: { erasure_id: string } }; leaf: string; inclusion: { sequence: number; size: number; hashes: string[] }; checkpoint: string };
  const listed = await until(() => place.service.call('GET', '/audit-trail/key').catch(() => undefined), SOON_MS, 'the keys of the log');
  const keys = listed.text.trim().split('\n').map(parseVerifierKey);
  const tree = verifyNote(checkpoint, keys);
  assert.ok(verifyNote(note, keys).ok && tree.ok);
  const { size, root } = parseCheckpoint(tree.text);
  const bytes = Buffer.from(leaf, 'base64');
  assert.ok(verifyInclusion({ leafHash: leafHash(bytes), index: inclusion.sequence, size, root, proof: inclusion.hashes.map((hash) => Buffer.from(hash, 'base64')) }));
  assert.deepEqual(JSON.parse(bytes.toString('utf8')), entry);
  assert.deepEqual([entry.action, entry.details.erasure_id], ['erasure_completed', victim.erasureId]);
}

/** Reads the file beside whoever writes it; never writes, so that a checkpoint is not its doing. */
function reading<T>(place: Workplace, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(place.databasePath, { readOnly: true, timeout: 5000 });
  try {
    return read(db);
  } finally {
    db.close();
  }
}
