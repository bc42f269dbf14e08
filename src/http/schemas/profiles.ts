import { z } from 'zod';
import { Finding, Uuid, text } from './common.ts';

export const DEFAULT_TAGS = ['enriched_via_rest', 'digital_engagement'];
const ATTRIBUTES_MAX = 50;

export const EnrichBody = z.strictObject({
  attributes: z
    .record(text(1, 128), z.unknown())
    .refine((value) => Object.keys(value).length >= 1 && Object.keys(value).length <= ATTRIBUTES_MAX, `1 to ${ATTRIBUTES_MAX} attributes`),
  mergeStrategy: z.enum(['OVERWRITE', 'APPEND', 'KEEP_LATEST']),
  sourceSystem: text(1, 64),
  tags: z.array(text(1, 128)).max(10).default(DEFAULT_TAGS),
});

const Enrichment = z.object({
  status: z.int(),
  profileId: Uuid,
  latencyMs: z.number(),
  piiClassification: z.record(z.string(), z.string()),
  dataHash: z.string(),
  timestamp: z.string(),
  updatedAttributes: z.int(),
  mergeResult: z.string(),
  deduplicationTrigger: z.boolean(),
});

export const Enriched = z.object({ enrichmentResult: Enrichment, auditEntry: z.record(z.string(), z.unknown()), accuracyRate: z.number() });

export const EnrichPreview = z.object({
  dry_run: z.literal(true),
  accepted: z.boolean(),
  piiClassification: z.record(z.string(), z.string()),
  pii: z.array(z.object({ attribute: z.string(), class: z.string(), pointer: z.string(), detector: z.string(), score: z.number(), action: z.string() })),
  dataHash: z.string(),
  freshness: z.array(z.object({ attribute: z.string(), verdict: z.string() })),
  errors: z.array(Finding.omit({ index: true })),
});

export const EnrichQueued = z.object({ job_id: Uuid, status: z.literal('queued_for_retry') });
