import { decideMatch } from '../../../domain/identity/match.ts';
import type { Context } from '../context.ts';

/** By what a contact may be known again; hashes as latin1 strings. */
type Identity = { email: string | undefined; phone: string | undefined; name: () => string | undefined; externalId: string | undefined };
type Row = { email_hash: Uint8Array; name_hash: string | null; erased_at: number };

/** The erased people of a store, as an import asks for them. Costs one read a slice while there are none. */
export class Tombstones {
  readonly #context: Context;
  readonly #isEmpty: boolean;

  constructor(context: Context) {
    this.#context = context;
    this.#isEmpty = context.db.get('SELECT 1 AS one FROM tombstones LIMIT 1') === undefined;
  }

  /**
   * When the person of a contact was erased, epoch ms; undefined for anybody else. An e-mail address always tells.
   * An external id does, and so does a phone by the rule that joins people by their phone, unless the contact is of
   * somebody who is known and so was not erased.
   */
  erasedAt(identity: Identity, isKnown: boolean): number | undefined {
    if (this.#isEmpty) return undefined;
    const found: number[] = [];
    if (identity.email !== undefined) for (const row of this.#rows(bytesOf(identity.email))) found.push(row.erased_at);
    if (!isKnown) {
      if (identity.externalId !== undefined) for (const row of this.#rows(this.#context.pseudonyms.of('crm', identity.externalId))) found.push(row.erased_at);
      if (identity.phone !== undefined) for (const row of this.#rows(bytesOf(identity.phone))) if (isSamePerson(identity, row)) found.push(row.erased_at);
    }
    return found.length === 0 ? undefined : Math.max(...found);
  }

  #rows(hash: Uint8Array): Row[] {
    return this.#context.db.all<Row>('SELECT email_hash, name_hash, erased_at FROM tombstones WHERE hash = ?', hash);
  }
}

/** Leaves tombstones for the identifiers of one person. */
export function bury({ db }: Context, dead: { identifiers: { hash: Uint8Array; kind: string }[]; email: Uint8Array | null; name: string | null; erasureNo: number; now: number }): void {
  for (const { hash, kind } of dead.identifiers) {
    db.run(
      'INSERT OR REPLACE INTO tombstones (hash, email_hash, name_hash, kind, erased_at, erasure_no) VALUES (?, ?, ?, ?, ?, ?)',
      hash,
      dead.email ?? new Uint8Array(0),
      dead.email === null ? dead.name : null,
      kind,
      dead.now,
      dead.erasureNo,
    );
  }
}

function isSamePerson(identity: Identity, row: Row): boolean {
  const email = Buffer.from(row.email_hash).toString('latin1');
  const dead = { id: '0', ...(email === '' ? {} : { emailKey: email }), ...(row.name_hash === null ? {} : { nameKey: row.name_hash }) };
  const name = identity.name();
  const record = { ...(identity.email === undefined ? {} : { emailKey: identity.email }), ...(name === undefined ? {} : { nameKey: name }) };
  return decideMatch(record, undefined, [dead]).kind === 'same';
}

function bytesOf(key: string): Buffer {
  return Buffer.from(key, 'latin1');
}
