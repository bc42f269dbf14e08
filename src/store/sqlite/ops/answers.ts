import type { BatchAnswer, IdempotencyClaim, StoredAnswer } from '../../../domain/ports/intake-store.ts';
import type { Context } from '../context.ts';
import type { Database } from '../database.ts';
import type { PersonKey, Vault } from '../vault.ts';

/** Under which the secret is kept that answers are sealed with. */
const SECRET = 'answers';

/** The answer that was given under a caller's key, and whether `bodyHash` is of the body that it answered. */
export function findAnswer(context: Context, { caller, key, bodyHash, now }: { caller: string; key: string; bodyHash?: string; now: number }): StoredAnswer | null {
  const row = context.db.get<{ body_hash: string; status: number; body: string }>(
    'SELECT body_hash, status, body FROM idempotency WHERE caller = ? AND key_hash = ? AND expires_at > ?',
    caller,
    context.pseudonyms.of('idempotency', key),
    now,
  );
  if (row === undefined) return null;
  return { isSameBody: bodyHash !== undefined && row.body_hash === keyedBody(context, bodyHash), status: row.status, body: openAnswer(context, row.body) };
}

export function saveAnswer(context: Context, claim: IdempotencyClaim, answer: BatchAnswer, jobNo: number): void {
  context.db.run(
    'INSERT OR REPLACE INTO idempotency (caller, key_hash, body_hash, status, body, expires_at, job_no) VALUES (?, ?, ?, ?, ?, ?, ?)',
    claim.caller,
    context.pseudonyms.of('idempotency', claim.key),
    keyedBody(context, claim.bodyHash),
    answer.status,
    sealAnswer(context, answer.body),
    claim.expiresAt,
    jobNo,
  );
}

/**
 * Stored answers to batches that held a person: what they say of its contacts goes. An answer about nobody else
 * goes as a whole; the batch is decided anew if it comes again. Answers how many there were.
 */
export function cleanAnswers(context: Context, personId: number): number {
  const { db } = context;
  const rows = db.all<{ caller: string; key_hash: Uint8Array; body: string; job_no: number }>(
    'SELECT caller, key_hash, body, job_no FROM idempotency WHERE job_no IN (SELECT job_no FROM contacts WHERE person_id = ?)',
    personId,
  );
  for (const row of rows) {
    const indexes = new Set(db.all<{ idx: number }>('SELECT idx FROM contacts WHERE job_no = ? AND person_id = ?', row.job_no, personId).map(({ idx }) => idx));
    const isAlone = db.get('SELECT 1 AS one FROM contacts WHERE job_no = ? AND person_id IS NOT ? LIMIT 1', row.job_no, personId) === undefined;
    if (isAlone) db.run('DELETE FROM idempotency WHERE caller = ? AND key_hash = ?', row.caller, row.key_hash);
    else db.run('UPDATE idempotency SET body = ? WHERE caller = ? AND key_hash = ?', sealAnswer(context, without(openAnswer(context, row.body), indexes)), row.caller, row.key_hash);
  }
  return rows.length;
}

/**
 * An answer names fields that are not known, and where a file has no header row its first person stands in their place:
 * so it is kept sealed like everything that callers wrote.
 */
export function sealAnswer({ db, vault }: { db: Database; vault: Vault }, body: string): string {
  return vault.seal(body, answersKey(db, vault)).toString('base64');
}

function openAnswer({ db, vault }: Context, sealed: string): string {
  return vault.open(Buffer.from(sealed, 'base64'), answersKey(db, vault));
}

function answersKey(db: Database, vault: Vault): PersonKey {
  const stored = db.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM secrets WHERE name = ?', SECRET);
  if (stored !== undefined) return vault.unwrap(stored.wrapped);
  const { key, wrapped } = vault.newPersonKey();
  db.run('INSERT INTO secrets (name, wrapped) VALUES (?, ?)', SECRET, wrapped);
  return key;
}

/** A body may be guessed and its hash tried out, as personal data is often little; under a key it cannot. */
function keyedBody({ pseudonyms }: Context, bodyHash: string): string {
  return pseudonyms.of('body', bodyHash).toString('hex');
}

function without(body: string, indexes: ReadonlySet<number>): string {
  const answer = JSON.parse(body) as Record<string, unknown>;
  for (const name of ['errors', 'warnings']) {
    const findings = answer[name];
    if (Array.isArray(findings)) answer[name] = (findings as { index?: number }[]).filter(({ index }) => index === undefined || !indexes.has(index));
  }
  return JSON.stringify(answer);
}
