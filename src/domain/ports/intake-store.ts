import type { Channel, Contact, Finding } from '../contact/types.ts';
import type { FieldError } from '../errors.ts';
import type { Why } from '../identity/survivorship.ts';

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
  /** Who sent it, by which SOURCE_PRIORITY ranks it. */
  source?: string;
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

/** `bodyHash`: of the request's body, hex; kept only under a key. */
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

/** Where a value comes from: a contact of the batch by its index, or what is known already. */
export type Origin = { from: 'batch'; index: number } | { from: 'stored' };

/** What a preview says of a contact beyond its outcome. */
export type PreviewedContact = Outcome & {
  /** Whether the law that it is judged by asks for consent; absent for a contact rejected before the check. */
  covered?: boolean;
  preferredChannelMoved?: { from: Channel; to: Channel };
  /** What the batch does to the person; absent for a rejected contact. */
  effect?: 'new' | 'update' | 'unchanged';
  /** Whether the person takes a place in a request because of this contact. */
  costsRequest: boolean;
  /** Which version each field comes from, and why, where there are several of the person. */
  survivorship?: Record<string, Origin & { why: Why }>;
  /** Who may be the same person and is not merged. */
  possibleDuplicates?: Origin[];
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

/** What `POST /enrich-batch` answers, ready to be sent and to be stored under an idempotency key. */
export type BatchAnswer = { status: number; body: string };

export type StoredAnswer = BatchAnswer & { isSameBody: boolean };

export interface IntakeStore {
  /** Takes a whole batch in one transaction, the answer under its idempotency key included. Coded error: `queue_full`. */
  acceptBatch(input: { head: BatchHead; contacts: IncomingContact[]; metrics: AnswerMetrics; idempotency?: IdempotencyClaim }): Promise<BatchAnswer>;
  /** The decisions that `acceptBatch` would take, without writing anything. */
  previewBatch(input: { contacts: IncomingContact[]; now: number }): Promise<PreviewedContact[]>;
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
  /** Takes back an upload that ended early; one that is gone, or sealed, is left as it is. */
  abortBatch(input: { jobId: string; now: number }): Promise<void>;
  /** The answer under a caller's key, and whether `bodyHash` is of the body that it answered. */
  findAnswer(input: { caller: string; key: string; bodyHash?: string; now: number }): Promise<StoredAnswer | null>;
}
