import type { FieldError } from './errors.ts';
import type { AnswerMetrics, BatchAnswer, BatchHead, BatchReceipt } from './ports/intake-store.ts';
import { problemOf } from './problem.ts';

/** Findings listed in one answer; the job's own report has them all. */
export const FINDINGS_MAX = 10_000;

/**
 * The answer to a batch: 202 with the counts and every finding, or 422 when nothing of it was accepted.
 * A pure function of the receipt, so that it can be stored in the transaction that accepts the batch.
 */
export function batchAnswer(head: BatchHead, receipt: BatchReceipt, metrics: AnswerMetrics): BatchAnswer {
  const errors = receipt.errors.slice(0, FINDINGS_MAX);
  if (receipt.accepted === 0) {
    const problem = problemOf('all_contacts_rejected', `None of the ${receipt.received} contacts was accepted.`, head.requestId, errors);
    const more = { job_id: receipt.jobId, received: receipt.received, accepted: 0, duplicates: receipt.duplicates, rejected: receipt.rejected };
    return { status: 422, body: JSON.stringify({ ...problem, ...more, warnings: receipt.warnings.slice(0, FINDINGS_MAX), audit_ids: receipt.auditIds }) };
  }
  const omitted = overflow(receipt.errors) + overflow(receipt.warnings);
  const body = {
    success: true,
    job_id: receipt.jobId,
    status: 'accepted',
    received: receipt.received,
    accepted: receipt.accepted,
    duplicates: receipt.duplicates,
    rejected: receipt.rejected,
    errors,
    warnings: receipt.warnings.slice(0, FINDINGS_MAX),
    ...(omitted === 0 ? {} : { findings_omitted: omitted }),
    audit_ids: receipt.auditIds.slice(0, FINDINGS_MAX),
    metrics: {
      total_processed: metrics.total_processed + receipt.accepted + receipt.duplicates,
      total_duplicates: metrics.total_duplicates + receipt.duplicates,
      avg_latency_ms: metrics.avg_latency_ms,
      failed_exports: metrics.failed_exports,
    },
  };
  return { status: 202, body: JSON.stringify(body) };
}

function overflow(findings: readonly FieldError[]): number {
  return Math.max(0, findings.length - FINDINGS_MAX);
}
