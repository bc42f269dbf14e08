import type { Requester, SubjectQuery } from './record-store.ts';

/** Who is meant by a request of a data subject; a profile is named by its id at CXone. */
export type PrivacySubject = SubjectQuery & { profile_id?: string };

/** Where the data of an erased person is or was. */
export const ERASURE_SYSTEMS = ['store', 'queue', 'marketing', 'cxone'] as const;
export type ErasureSystem = (typeof ERASURE_SYSTEMS)[number];

/**
 * How a leg of an erasure stands. `not_needed`: nothing of the person was there. `manual`: this service cannot do it,
 * somebody must. `failed`: the recipient did not take it, and somebody must.
 */
export type LegStatus = 'in_progress' | 'completed' | 'not_needed' | 'manual' | 'failed';
export type ErasureLeg = { system: ErasureSystem; status: LegStatus; detail?: string };

export type ErasureView = {
  erasureId: string;
  status: 'in_progress' | 'completed';
  requestedAt: number;
  completedAt: number | null;
  reason: string;
  /** How many people were found and erased; 0: nobody was known, and only tombstones were left. */
  people: number;
  counts: ErasureCounts;
  legs: ErasureLeg[];
  /** Sequence of the audit entry that ends it. */
  completedSequence: number | null;
};

/** `mentions`: open patches of other profiles that named the person. */
export type ErasureCounts = { contacts: number; cancelled: number; consentEvents: number; deadLetters: number; patches: number; mentions?: number; exports: number; answers: number };

/** What the next step of an erasure needs: nothing, the file wiped first, or a word to the recipients. */
export type ErasureStep = { next: 'again' | 'wipe' | 'notices' | 'completed' };

/** A recipient still to be told that a person is erased. */
export type ErasureNotice = {
  messageId: string;
  erasureId: string;
  fence: number;
  attempts: number;
  firstAttemptAt: number;
  externalId: string;
  erasedAt: number;
};

export type NoticeSettlement = { kind: 'delivered' } | { kind: 'retry'; dueAt: number } | { kind: 'failed'; reason: string };

export interface PrivacyStore {
  /** Files some of what was acknowledged and not filed yet, the oldest first, 1,000 contacts or more. Answers how many are left. */
  fileBacklog(): Promise<number>;
  /**
   * Notes an erasure, leaves tombstones and takes what waits out of the queues: from here on nothing of the person is
   * sent and no import brings it back. Coded error: `subject_ambiguous`.
   */
  requestErasure(input: { erasureId: string; subject: PrivacySubject; everyone: boolean; reason: string; now: number } & Requester): Promise<ErasureView>;
  /** Does one step of an erasure, as one commit; `wiped` says that the file was wiped since the step before. */
  stepErasure(input: { erasureId: string; wiped: boolean; marketing: boolean; now: number }): Promise<ErasureStep>;
  /** Erasures that are not completed, oldest first. */
  openErasures(): Promise<string[]>;
  erasureOf(input: { erasureId: string }): Promise<ErasureView | null>;
  /** Brings what was deleted out of the files too: zeros in the database, an empty write-ahead log. */
  wipe(): Promise<void>;
  claimNotice(input: { now: number; leaseMs: number }): Promise<{ notice: ErasureNotice | null; nextDueAt: number | null }>;
  settleNotice(input: { messageId: string; fence: number; settlement: NoticeSettlement; now: number }): Promise<boolean>;
  /** Everything that is held about whoever the subject means; audited. */
  accessSubject(input: { subject: PrivacySubject; now: number } & Requester): Promise<AccessedPerson[]>;
  /** Takes a list of master keys into use, the first for sealing; must hold the one in use. Coded error: `keys_refused`. */
  useKeys(input: { keys: string[]; now: number } & Requester): Promise<KeyRotation>;
  /** Wraps some keys anew that are not under the first master key yet. */
  rewrapKeys(input: { limit: number; now: number }): Promise<KeyRotation>;
}

export type KeyRotation = { keyId: string; rewrapped: number; done: boolean };

/** Everything held about one person, opened. */
export type AccessedPerson = {
  identifiers: { kind: string }[];
  current: { contact: unknown; cxone_contact_id: string | null } | null;
  contacts: { job_id: string; index: number; status: string; reason: string | null; received_at: string; settled_at: string | null; request_id: string | null; normalized: unknown; raw: unknown }[];
  consents: { state: Record<string, string>; events: unknown[] };
  exports: { recipient: string; status: string; confirmed_at: string; external_id: string | null; message_id: string | null }[];
  dead_letters: { id: string; api: string; reason: string; created_at: string; attempts: number }[];
  profile_patches: { request_id: string; profile_id: string; status: string; received_at: string; patch: unknown }[];
  jobs: { job_id: string; kind: string; caller: string; created_at: string }[];
  audit_entries: number;
};
