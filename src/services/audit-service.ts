import type { AuditEntry } from '../domain/audit/entry.ts';
import { leafOf } from '../domain/audit/entry.ts';
import type { CheckpointStore } from '../domain/ports/checkpoints.ts';
import type { AuditFilter, AuditStore, AuditTree } from '../domain/ports/record-store.ts';

/** Entries read at once while a whole selection is streamed. */
const STREAM_PAGE = 500;

export type AuditQuery = Omit<AuditFilter, 'after' | 'limit'>;
export type AuditPage = { entries: AuditEntry[]; nextAfter: number | undefined; tree: AuditTree };

/** Reads the audit trail. */
export class AuditService {
  readonly #store: AuditStore & Pick<CheckpointStore, 'prunedTrail'>;

  constructor(store: AuditStore & Pick<CheckpointStore, 'prunedTrail'>) {
    this.#store = store;
  }

  /** One page after a sequence (-1: from the first). */
  async page(query: AuditQuery, after: number, limit: number): Promise<AuditPage> {
    const { entries, more, tree } = await this.#store.auditPage({ ...query, after, limit });
    return { entries, nextAfter: more ? entries.at(-1)?.sequence : undefined, tree };
  }

  /** The whole selection as it stands at the start, in flat memory. */
  async *stream(query: AuditQuery): AsyncGenerator<AuditEntry> {
    const { size } = await this.#store.auditTree();
    let after = -1;
    for (;;) {
      const { entries, more } = await this.#store.auditPage({ ...query, after, limit: STREAM_PAGE });
      for (const entry of entries) {
        if (entry.sequence >= size) return;
        yield entry;
      }
      if (!more) return;
      after = entries.at(-1)?.sequence ?? after;
    }
  }

  /** The entries at the beginning that are no longer kept, by which an export begins; undefined while all are. */
  async pruned(): Promise<{ size: number; hashes: string[] } | undefined> {
    const { size, hashes } = await this.#store.prunedTrail();
    return size === 0 ? undefined : { size, hashes: hashes.map((hash) => Buffer.from(hash).toString('base64')) };
  }

  tree(): Promise<AuditTree> {
    return this.#store.auditTree();
  }

  /** Proof hashes of RFC 9162, or null where the sizes ask for more than there is. */
  async proof(request: Parameters<AuditStore['auditProof']>[0]): Promise<string[] | null> {
    const proof = await this.#store.auditProof(request);
    return proof?.hashes.map((hash) => Buffer.from(hash).toString('base64')) ?? null;
  }
}

/** The exact bytes that the tree hashes for an entry, base64. */
export function leafBase64(entry: AuditEntry): string {
  return Buffer.from(leafOf(entry), 'utf8').toString('base64');
}
