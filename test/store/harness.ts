import type { AuditEntry } from '../../src/domain/audit/entry.ts';
import type { GateOptions } from '../../src/domain/consent/consent-gate.ts';
import type { Store } from '../../src/domain/ports/store.ts';

/** What a store is told of the rules; what is left out has the value of `DEFAULT_RULES`. */
export type StoreRules = {
  consent: GateOptions;
  exportOn: boolean;
  identifierMaxPeople: number;
  queueMaxContacts: number;
  sourcePriority: string[];
  retention?: { contactsMs: number; deadLettersMs: number };
};

export const POLICY_VERSION = 'policy-1';
export const DEFAULT_RULES: StoreRules = {
  consent: { policy: 'all' },
  exportOn: true,
  identifierMaxPeople: 5,
  queueMaxContacts: 1_000_000,
  sourcePriority: [],
};

/** What the conformance suite needs of a back end: an empty store, the same again after a stop, and an end. */
export type Harness = {
  /** An empty store. */
  open(options: { rules: StoreRules; now: number }): Promise<Store>;
  /** The same data after the process that had it has stopped, with nothing said to the store. */
  reopen(options: { rules: StoreRules; now: number }): Promise<Store>;
  /** Every audit entry that the store told of after its commit. */
  committed(): AuditEntry[];
  close(): Promise<void>;
  /**
   * True where batches are acknowledged before they are filed under their people: a batch that follows at once may
   * then be decided without what they say of consent. What is sent is decided anew in any case.
   */
  filesLater?: boolean;
};
