import type { CheckpointStore } from './checkpoints.ts';
import type { ExportStore, MergeStore, PatchStore, WebhookStore } from './delivery-store.ts';
import type { IntakeStore } from './intake-store.ts';
import type { PrivacyStore } from './privacy.ts';
import type { AuditStore, ConsentStore, JobStore } from './record-store.ts';

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
  AuditStore &
  CheckpointStore &
  PrivacyStore & {
    stats(): Promise<StoreStats>;
    /** A secret kept under a name: the one kept before, else the candidate, which is kept from now on. */
    keepSecret(input: { name: string; candidate: string }): Promise<string>;
    sweep(input: SweepInput): Promise<{ more: boolean }>;
    close(): Promise<void>;
  };

/** `retention`: how long each kind of record is kept, ms; left out: only what has a fixed limit goes. */
export type SweepInput = { now: number; limit: number; confirmationTimeoutMs: number; retention?: RetentionLimits };
/** `peopleMs`: since the last that came of a person; left out: people are kept until they are erased. */
export type RetentionLimits = { contactsMs: number; deadLettersMs: number; webhooksMs: number; peopleMs?: number };

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
