import type { GateOptions } from '../../domain/consent/consent-gate.ts';
import type { Requester } from '../../domain/ports/record-store.ts';
import type { RetentionLimits } from '../../domain/ports/store.ts';
import type { AuditLog } from './audit-log.ts';
import type { Database } from './database.ts';
import type { Journal } from './journal.ts';
import type { PreparedPeople } from './prepared-people.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import type { Vault } from './vault.ts';

/** The rules a store needs to decide what it is asked to decide inside a transaction. */
export type StorePolicy = {
  consent: GateOptions;
  policyVersion: string;
  /** Whether confirmed contacts are queued for the marketing export. */
  exportOn: boolean;
  /** An identifier that more people share is none. */
  identifierMaxPeople: number;
  /** Contacts that may wait at once. */
  queueMaxContacts: number;
  /** Order of trust in sources, most trusted first. */
  sourcePriority: string[];
  /** How long records are kept, as entries of the trail name it; left out: no limit is named. */
  retention?: Pick<RetentionLimits, 'contactsMs' | 'deadLettersMs'>;
  /** Whether an erased person may come back with a consent newer than the erasure; not where it is left out. */
  erasureAllowReturn?: boolean;
};

/** What every operation works on; the caller has opened a transaction. */
export type Context = {
  db: Database;
  vault: Vault;
  pseudonyms: Pseudonyms;
  audit: AuditLog;
  journal: Journal;
  prepared: PreparedPeople;
  policy: StorePolicy;
  /** What is to be done once the transaction has committed. */
  afterCommit: { wipe: boolean };
};

/** How an entry names who asked for what it tells. */
export function askedBy({ actor, requestId }: Requester): { actor: string; request_id?: string } {
  return { actor, ...(requestId === undefined ? {} : { request_id: requestId }) };
}

/** Who acts when no caller does. */
export const SYSTEM = 'system';
