import type { AuditEntry } from '../audit/entry.ts';
import type { Channel } from '../contact/types.ts';
import type { ContactState, JobStatus } from '../delivery/states.ts';

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

/** Who asks, by the name of the API key, and in which request, if it was one. */
export type Requester = { actor: string; requestId?: string };

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
    now: number;
  } & Requester): Promise<{ people: number; cancelled: number }>;
  consentsOf(subject: SubjectQuery): Promise<{ state: Record<Channel, 'granted' | 'refused' | 'none'>; events: ConsentEventView[] } | null>;
}

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
