import type { AuditEntry } from '../audit/entry.ts';
import type { Contact } from '../contact/types.ts';
import type { Fault } from '../delivery/outcome.ts';
import type { Requester } from './record-store.ts';
import type { PiiField } from '../privacy/pii-fields.ts';
import type { ExportContact } from './export.ts';

/** A chunk that is ours to send until the lease ends; every later write names its fence. */
export type MergeChunk = {
  requestId: string;
  fence: number;
  attempts: number;
  firstAttemptAt: number;
  /** True when an earlier attempt ended without an answer: it may have been applied. */
  unknown: boolean;
  /** In the order in which they are sent; `contacts[i]` is the combined version of the i-th person. */
  contacts: Contact[];
  /** How many original contacts the chunk carries. */
  originals: number;
};

export type ClaimMerge = {
  now: number;
  limit: number;
  leaseMs: number;
  /** Fewer than `limit` people go only if one has waited since before this time. */
  lingerBefore: number;
};

export type MergeSettlement =
  | { kind: 'accepted'; contactIds: (string | undefined)[]; confirmed: boolean }
  | { kind: 'retry'; dueAt: number; countAttempt: boolean; unknown: boolean; reason: string }
  | { kind: 'set_aside'; reason: string }
  | { kind: 'rejected'; reason: string; at: Fault[] };

/** What goes out until something is done, each a part of how long that takes. */
export type WorkAhead = {
  /** People whose merge waits: in line, behind a call that is in the air, or not in line yet. */
  people: number;
  /** Merge calls that are to be sent again. */
  chunks: number;
  /** Profiles with patches that wait: a call each. */
  profiles: number;
};

export interface MergeStore {
  /**
   * The next chunk: a retry that is due, else people that wait, combined; and when to claim again: when a retry is due
   * next, or now where so many were looked at who cost no request that others get their turn before the chunk is
   * filled up. `lingering`: there is no chunk, but somebody waits for company.
   */
  claimMerge(input: ClaimMerge): Promise<{ chunk: MergeChunk | null; nextDueAt: number | null; lingering: boolean }>;
  /** When there is something to send next, epoch ms; null when nothing waits. */
  mergeWork(input: { now: number }): Promise<number | null>;
  /** What goes out up to the last contact of a job, or of everything; a job that is sent has no people ahead. */
  workAhead(input: { jobId?: string; now: number }): Promise<WorkAhead>;
  /** Times of the calls to CXone since a moment, of this process and those before it; oldest first. */
  recentCalls(input: { since: number }): Promise<number[]>;
  /** Writes what an answer meant, under the chunk's fence; a stale fence changes nothing and answers false. */
  settleMerge(input: {
    requestId: string;
    fence: number;
    now: number;
    latencyMs: number;
    status: number | null;
    settlement: MergeSettlement;
  }): Promise<boolean>;
  /** Gives leases back that were claimed and not sent, without an attempt spent. */
  releaseMerge(input: { requestId: string; fence: number; now: number }): Promise<void>;
  listDeadLetters(input: { after?: string; limit: number; reason?: string; jobId?: string; from?: number; to?: number }): Promise<DeadLetterView[]>;
  retryDeadLetters(input: {
    id?: string;
    reason?: string;
    jobId?: string;
    from?: number;
    to?: number;
    limit: number;
    now: number;
  } & Requester): Promise<number>;
}

export type DeadLetterView = {
  id: string;
  jobId: string;
  index: number;
  api: 'contacts' | 'profiles';
  reason: string;
  createdAt: number;
  attempts: number;
};

export type MergeStrategy = 'OVERWRITE' | 'APPEND' | 'KEEP_LATEST';

export type ProfilePatch = {
  profileId: string;
  attributes: Record<string, unknown>;
  mergeStrategy: MergeStrategy;
  sourceSystem: string;
  tags: string[];
};

export type PatchFacts = {
  dataHash: string;
  classification: Record<string, string>;
  /** Attributes in which the policy masked something. */
  masked: PiiField[];
  policyVersion: string;
};

export type PatchLease = {
  requestId: string;
  /** Of the patches that the call carries, in their order. */
  jobIds: string[];
  fence: number;
  attempts: number;
  firstAttemptAt: number;
  unknown: boolean;
  /** What is sent: the patches combined. */
  patch: ProfilePatch;
  /** Whether one of them appends, which is not to be repeated blindly. */
  appends: boolean;
};

export type PatchSettlement =
  | { kind: 'done'; updatedAttributes: number; mergeResult: string; deduplicationTrigger: boolean }
  | { kind: 'retry'; dueAt: number; countAttempt: boolean; unknown: boolean; reason: string }
  | { kind: 'set_aside'; reason: string }
  /** Refused for what it says: where several patches said it together, each is sent by itself. */
  | { kind: 'rejected'; reason: string };

export interface PatchStore {
  /** Stores the intent; `lease` is null when another patch of the same profile goes first. */
  acceptPatch(input: {
    jobId: string;
    requestId: string;
    caller: string;
    /** The request that brought the patch; `requestId` is that of its call to CXone. */
    askedIn?: string;
    patch: ProfilePatch;
    facts: PatchFacts;
    now: number;
    leaseMs: number;
  }): Promise<{ lease: PatchLease | null }>;
  /** Leaves the entry of a patch that is refused; `blocked` names the attributes that the policy blocks. */
  rejectPatch(input: { profileId: string; caller: string; askedIn?: string; code: string; facts: Record<string, unknown>; blocked?: PiiField[]; now: number }): Promise<AuditEntry>;
  /** Patches of one profile that wait together go as one call, under an id that what they say together keeps. */
  claimPatch(input: { now: number; leaseMs: number; requestId?: string }): Promise<{ lease: PatchLease | null }>;
  settlePatch(input: {
    requestId: string;
    fence: number;
    now: number;
    latencyMs: number;
    status: number | null;
    settlement: PatchSettlement;
  }): Promise<AuditEntry | null>;
  /** When the next patch may go, epoch ms; null when none waits. */
  patchWork(): Promise<number | null>;
  /** Gives a claim back of which nothing was sent, to be taken again at `dueAt`. */
  releasePatch(input: { requestId: string; fence: number; now: number; dueAt: number }): Promise<void>;
}

export type WebhookEvent = {
  /** The sender's id, or a hash of the body where it gave none. */
  eventId: string;
  type: string;
  /** Whether this type says that a merge is done. */
  confirms: boolean;
  contactId?: string;
  profileId?: string;
  requestId?: string;
  receivedAt: number;
};

export interface WebhookStore {
  /** Stores an event before it is acknowledged and confirms what it speaks of, now or once its id is known. */
  recordWebhook(event: WebhookEvent): Promise<{ duplicate: boolean; confirmed: number }>;
}

export type ExportLease = {
  messageId: string;
  fence: number;
  attempts: number;
  firstAttemptAt: number;
  contacts: ExportContact[];
};

export type ExportSettlement =
  | { kind: 'delivered' }
  | { kind: 'retry'; dueAt: number; reason: string }
  | { kind: 'set_aside'; reason: string };

export interface ExportStore {
  /** The next message, and when to claim again where there is none: when one is due, or now where others wait. */
  claimExport(input: { now: number; limit: number; leaseMs: number }): Promise<{ lease: ExportLease | null; nextDueAt: number | null }>;
  settleExport(input: { messageId: string; fence: number; now: number; latencyMs: number; settlement: ExportSettlement }): Promise<boolean>;
}
