import { CodedError } from '../../../domain/errors.ts';
import type { KeyRotation } from '../../../domain/ports/privacy.ts';
import type { Requester } from '../../../domain/ports/record-store.ts';
import type { Context } from '../context.ts';
import { SYSTEM, askedBy } from '../context.ts';

/** Keys wrapped in one step. */
export const REWRAP_STEP = 500;
const STATE = 'rewrap';
const KEY_BYTES = 32;

/** How far the keys of people are under the current master key: all up to `after`, or all. */
type State = { keyId: string; after: number; rewrapped: number; done: boolean };

/**
 * Takes master keys into use while the store runs. The list must hold the key in use, so that nobody who does not know
 * it changes it. Coded error: `keys_refused`.
 */
export function useKeys(context: Context, input: { keys: string[]; now: number } & Requester): KeyRotation {
  const { vault } = context;
  const keys = input.keys.map((key) => Buffer.from(key, 'base64'));
  const before = vault.masterId;
  if (!vault.holdsCurrent(keys) || keys.some((key) => key.length !== KEY_BYTES)) throw new CodedError('keys_refused', 'The list must hold the key in use: put the new key first and the old ones behind it.');
  vault.adopt(keys);
  if (vault.masterId !== before) {
    context.audit.append({ action: 'key_rotated', ...askedBy(input), details: { purpose: 'encryption', from: before, to: vault.masterId, state: 'started' }, privacy_compliance: {} }, input.now);
  }
  return rewrapKeys(context, { limit: REWRAP_STEP, now: input.now });
}

/**
 * Wraps the next keys of people, and the secrets, under the first master key. A new person's key is under it anyway,
 * so one pass over the people is enough. Rows are overwritten in place.
 */
export function rewrapKeys(context: Context, { limit, now }: { limit: number; now: number }): KeyRotation {
  const { db, vault } = context;
  const state = stateOf(context);
  if (state.done) return { keyId: vault.masterId, rewrapped: state.rewrapped, done: true };
  const rows = db.all<{ person_id: number; wrapped: Uint8Array }>('SELECT person_id, wrapped FROM person_keys WHERE person_id > ? ORDER BY person_id LIMIT ?', state.after, limit);
  for (const row of rows) {
    const rewrapped = isDestroyed(row.wrapped) ? undefined : vault.rewrap(row.wrapped);
    if (rewrapped === undefined) continue;
    db.run('UPDATE person_keys SET wrapped = ? WHERE person_id = ?', rewrapped, row.person_id);
    state.rewrapped += 1;
  }
  state.after = rows.at(-1)?.person_id ?? state.after;
  if (rows.length < limit) {
    rewrapSecrets(context);
    state.done = true;
    if (state.rewrapped > 0) {
      context.audit.append({ action: 'key_rotated', actor: SYSTEM, details: { purpose: 'encryption', to: vault.masterId, state: 'completed', people: state.rewrapped }, privacy_compliance: {} }, now);
      context.afterCommit.wipe = true;
    }
  }
  db.run('INSERT OR REPLACE INTO upkeep (name, value) VALUES (?, ?)', STATE, JSON.stringify(state));
  return { keyId: vault.masterId, rewrapped: state.rewrapped, done: state.done };
}

function stateOf({ db, vault }: Context): State {
  const kept = db.get<{ value: string }>('SELECT value FROM upkeep WHERE name = ?', STATE)?.value;
  const state = kept === undefined ? undefined : (JSON.parse(kept) as State);
  return state?.keyId === vault.masterId ? state : { keyId: vault.masterId, after: 0, rewrapped: 0, done: false };
}

/** The keys of the service itself: few, so all at once. */
function rewrapSecrets({ db, vault }: Context): void {
  for (const [table, id] of [['secrets', 'name'], ['erasure_keys', 'erasure_no'], ['journal_key', 'only_row']] as const) {
    for (const row of db.all<{ id: string | number; wrapped: Uint8Array }>(`SELECT ${id} AS id, wrapped FROM ${table}`)) {
      const rewrapped = isDestroyed(row.wrapped) ? undefined : vault.rewrap(row.wrapped);
      if (rewrapped !== undefined) db.run(`UPDATE ${table} SET wrapped = ? WHERE ${id} = ?`, rewrapped, row.id);
    }
  }
}

/** An erasure leaves zeros where a key was. */
function isDestroyed(wrapped: Uint8Array): boolean {
  return wrapped[0] === 0;
}
