import type { AuditDraft } from '../../domain/ports/record-store.ts';
import type { Store } from '../../domain/ports/store.ts';
import type { Context } from './context.ts';
import { accessSubject } from './ops/access.ts';
import { findAnswer } from './ops/answers.ts';
import { auditPage, auditProof, auditTree } from './ops/audit-read.ts';
import { pruneTrail, prunedTrail } from './ops/audit-prune.ts';
import { checkpointState, recordAnchor, recordCheckpoint, recordSigningKey } from './ops/checkpoints.ts';
import { recordWebhook } from './ops/confirmations.ts';
import { consentsOf, withdrawConsent } from './ops/consents.ts';
import { listDeadLetters, retryDeadLetters } from './ops/dead-letters.ts';
import { claimNotice, settleNotice } from './ops/erasure-notices.ts';
import { erasureOf, openErasures, requestErasure, stepErasure } from './ops/erasure.ts';
import { claimExport, settleExport } from './ops/exports.ts';
import { abortBatch, acceptBatch, openBatch, sealBatch, stageSlice } from './ops/intake.ts';
import { previewBatch } from './ops/intake-preview.ts';
import { getJob, listJobs } from './ops/jobs.ts';
import { rewrapKeys, useKeys } from './ops/key-rotation.ts';
import { claimMerge, mergeWork, recentCalls } from './ops/merge-claim.ts';
import { releaseMerge, settleMerge } from './ops/merge-settle.ts';
import { settlePatch } from './ops/patch-settle.ts';
import { acceptPatch, claimPatch, patchWork, rejectPatch, releasePatch } from './ops/patches.ts';
import { checkEntries, checkRefs } from './ops/trail-check.ts';
import { keepSecret, stats, sweep } from './ops/upkeep.ts';
import { workAhead } from './ops/work-ahead.ts';

/** The store port as this thread sees it: synchronous, inside a transaction that somebody else commits. */
type Operations = {
  [Name in Exclude<keyof Store, 'close'>]: (context: Context, ...input: Parameters<Store[Name]>) => Awaited<ReturnType<Store[Name]>>;
};

export const OPERATIONS: Operations = {
  acceptBatch,
  previewBatch,
  openBatch,
  stageSlice,
  sealBatch,
  abortBatch,
  findAnswer,
  getJob,
  listJobs,
  claimMerge,
  mergeWork,
  recentCalls,
  workAhead,
  settleMerge,
  releaseMerge,
  listDeadLetters,
  retryDeadLetters,
  acceptPatch,
  rejectPatch,
  claimPatch,
  patchWork,
  settlePatch,
  releasePatch,
  recordWebhook,
  claimExport,
  settleExport,
  withdrawConsent,
  consentsOf,
  auditPage,
  auditTree,
  auditProof,
  appendAudit: (context: Context, input: { drafts: AuditDraft[]; now: number }) => input.drafts.map((draft) => context.audit.append(draft, input.now)),
  checkpointState,
  recordCheckpoint,
  recordSigningKey,
  recordAnchor,
  checkEntries,
  checkRefs,
  pruneTrail,
  prunedTrail,
  fileBacklog: (context: Context) => context.journal.fileSome(context),
  requestErasure,
  stepErasure,
  openErasures,
  erasureOf,
  wipe: (context: Context) => {
    context.afterCommit.wipe = true;
  },
  claimNotice,
  settleNotice,
  accessSubject,
  useKeys,
  rewrapKeys,
  stats,
  keepSecret,
  sweep,
};

export type OperationName = keyof Operations;
