import type { AuditEntry } from '../audit/entry.ts';
import type { BatchAnswer } from '../batch-answer.ts';
import type { Channel, Contact, Finding } from '../contact/types.ts';
import type { ContactState, JobStatus } from '../delivery/states.ts';
import type { Fault } from '../delivery/outcome.ts';
import type { FieldError } from '../errors.ts';
import type { ExportContact } from './export.ts';

/**
 * What the services need from a durable store. Every method that changes something is one transaction:
 * when its promise resolves the change is on disk, and its audit entries with it. All times are epoch
 * milliseconds and come from the caller, so that a store has no clock of its own.
 */
export type Store = IntakeStore &
  JobStore &
  MergeStore &
  PatchStore &
  WebhookStore &
  ExportStore &
  ConsentStore &
  AuditStore & {
    stats(): Promise<StoreStats>;
    /** A secret kept under a name: the one kept before, else the candidate, which is kept from now on. */
    keepSecret(input: { name: string; candidate: string }): Promise<string>;
    sweep(input: { now: number; limit: number; confirmationTimeoutMs: number }): Promise<{ more: boolean }>;
    close(): Promise<void>;
  };

export type StoreStats = {
  waiting: number;
  inFlight: number;
  submitted: number;
  unconfirmed: number;
  deadLetters: number;
  patchesWaiting: number;
  exportsWaiting: number;
  /** When the oldest contact that still waits was received; null when none waits. */
  oldestWaitingSince: number | null;
};

// ------------------------------------------------------------------ intake

/** A contact of a batch after normalization, as the store needs it to decide and to keep it. */
export type IncomingContact = {
  index: number;
  contact: Contact;
  raw: { address?: string; phone?: string };
  /** What barred it before the store was asked; such a contact is only counted and audited. */
  errors: Finding[];
  /** What normalization found that does not bar it. */
  warnings: Finding[];
  /** Country the consent check speaks of; undefined counts as covered. */
  country: string | undefined;
  /** When the source's consent evidence was captured, if it said so. */
  capturedAt: number | undefined;
  /** True when the batch's caller may override consent and gave a reason for this contact. */
  override?: { reason: string };
  /** True when an override was asked for and does not count. */
  overrideRefused?: boolean;
};

export type BatchHead = {
  jobId: string;
  caller: string;
  requestId: string;
  receivedAt: number;
  policyVersion: string;
};

export type IdempotencyClaim = { caller: string; key: string; bodyHash: string; expiresAt: number };

export type Outcome = {
  index: number;
  outcome: 'accepted' | 'duplicate' | 'rejected';
  duplicateOf?: number;
  errors: Finding[];
  warnings: Finding[];
  /** How the person was found: a rule id of identity matching. */
  rule?: string;
  /** What may be used after the consent check; absent for a contact rejected before it. */
  channels?: Record<Channel, boolean>;
  preferredChannel?: string;
};

export type BatchReceipt = {
  jobId: string;
  received: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  errors: FieldError[];
  warnings: FieldError[];
  auditIds: string[];
};

/** What an answer tells of the service as a whole, as it stood before the batch. */
export type AnswerMetrics = { total_processed: number; total_duplicates: number; avg_latency_ms: number; failed_exports: number };

export type StoredAnswer = BatchAnswer & { bodyHash: string };

export interface IntakeStore {
  /** Takes a whole batch in one transaction, the answer under its idempotency key included. Coded error: `queue_full`. */
  acceptBatch(input: { head: BatchHead; contacts: IncomingContact[]; metrics: AnswerMetrics; idempotency?: IdempotencyClaim }): Promise<BatchAnswer>;
  /** The decisions that `acceptBatch` would take, without writing anything. */
  previewBatch(input: { contacts: IncomingContact[]; now: number }): Promise<Outcome[]>;
  /** Opens a job whose contacts arrive in slices; nothing of it is sent before `sealBatch`. Coded error: `queue_full`. */
  openBatch(head: BatchHead): Promise<void>;
  stageSlice(input: { jobId: string; contacts: IncomingContact[]; now: number }): Promise<{ errors: FieldError[]; warnings: FieldError[] }>;
  /** Makes the upload count, with the findings that the answer is to list. */
  sealBatch(input: {
    head: BatchHead;
    errors: FieldError[];
    warnings: FieldError[];
    metrics: AnswerMetrics;
    idempotency?: IdempotencyClaim;
  }): Promise<BatchAnswer>;
  /** Takes back an upload that ended early. */
  abortBatch(input: { jobId: string; now: number }): Promise<void>;
  findAnswer(input: { caller: string; key: string; now: number }): Promise<StoredAnswer | null>;
}

// -------------------------------------------------------------------- jobs

export type JobView = {
  jobId: string;
  kind: 'merge' | 'profile';
  status: JobStatus;
  received: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  submitted: number;
  confirmed: number;
  failed: number;
  pending: number;
  attempts: number;
  nextAttemptAt: number | null;
  createdAt: number;
  completedAt: number | null;
};

export type JobContactView = {
  index: number;
  status: ContactState | 'duplicate';
  contactId?: string;
  duplicateOf?: number;
  reason?: string;
};

export interface JobStore {
  getJob(input: { jobId: string; after: number; limit: number }): Promise<{ job: JobView; contacts: JobContactView[]; more: boolean } | null>;
  listJobs(input: { status?: JobStatus; before?: string; limit: number }): Promise<JobView[]>;
}

// ------------------------------------------------------------------- merge

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

export interface MergeStore {
  /** The next chunk: a retry that is due, else people that wait, combined. `waitingPeople` counts up to the limit. */
  claimMerge(input: ClaimMerge): Promise<{ chunk: MergeChunk | null; nextDueAt: number | null; waitingPeople: number }>;
  /** When there is something to send next, epoch ms; null when nothing waits. */
  mergeWork(input: { now: number }): Promise<number | null>;
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
    actor: string;
    now: number;
  }): Promise<number>;
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

// ------------------------------------------------------------------ patches

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
  masked: string[];
  policyVersion: string;
};

export type PatchLease = {
  requestId: string;
  jobId: string;
  fence: number;
  attempts: number;
  firstAttemptAt: number;
  unknown: boolean;
  patch: ProfilePatch;
  facts: PatchFacts;
};

export type PatchSettlement =
  | { kind: 'done'; updatedAttributes: number; mergeResult: string; deduplicationTrigger: boolean }
  | { kind: 'retry'; dueAt: number; countAttempt: boolean; unknown: boolean; reason: string }
  | { kind: 'set_aside'; reason: string };

export interface PatchStore {
  /** Stores the intent; `lease` is null when another patch of the same profile goes first. */
  acceptPatch(input: {
    jobId: string;
    requestId: string;
    caller: string;
    patch: ProfilePatch;
    facts: PatchFacts;
    now: number;
    leaseMs: number;
  }): Promise<{ lease: PatchLease | null }>;
  rejectPatch(input: { profileId: string; caller: string; code: string; facts: Record<string, unknown>; now: number }): Promise<AuditEntry>;
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
  releasePatch(input: { requestId: string; fence: number; now: number }): Promise<void>;
}

// ----------------------------------------------------------------- webhooks

export type WebhookEvent = {
  /** The sender's id, or a hash of the body where it gave none. */
  eventId: string;
  bodyHash: string;
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

// ------------------------------------------------------------------ exports

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
  claimExport(input: { now: number; limit: number; leaseMs: number }): Promise<{ lease: ExportLease | null; nextDueAt: number | null }>;
  settleExport(input: { messageId: string; fence: number; now: number; latencyMs: number; settlement: ExportSettlement }): Promise<boolean>;
}

// ------------------------------------------------------------------ consent

export type SubjectQuery = { email?: string; phone?: string; external_crm_id?: string };

export type ConsentEventView = {
  channel: Channel;
  event: 'granted' | 'refused' | 'withdrawn';
  captured_at: string | null;
  recorded_at: string;
  source: string | null;
  job_id: string | null;
};

export interface ConsentStore {
  withdrawConsent(input: {
    subject: SubjectQuery;
    channels: Channel[];
    reason: string;
    actor: string;
    now: number;
  }): Promise<{ people: number; cancelled: number }>;
  consentsOf(subject: SubjectQuery): Promise<{ state: Record<Channel, 'granted' | 'refused' | 'none'>; events: ConsentEventView[] } | null>;
}

// -------------------------------------------------------------------- audit

export type AuditFilter = {
  from?: number;
  to?: number;
  action?: string;
  actor?: string;
  jobId?: string;
  profileId?: string;
  subject?: SubjectQuery;
  /** Entries with a sequence above this one. */
  after: number;
  limit: number;
};

export type AuditDraft = Omit<AuditEntry, 'audit_id' | 'sequence' | 'created_at'>;

export type AuditTree = { size: number; root: Uint8Array };

export interface AuditStore {
  auditPage(filter: AuditFilter): Promise<{ entries: AuditEntry[]; more: boolean; tree: AuditTree }>;
  auditTree(): Promise<AuditTree>;
  appendAudit(input: { drafts: AuditDraft[]; now: number }): Promise<AuditEntry[]>;
  auditProof(input: { kind: 'inclusion'; sequence: number; size: number } | { kind: 'consistency'; from: number; to: number }): Promise<{ hashes: Uint8Array[] } | null>;
}
