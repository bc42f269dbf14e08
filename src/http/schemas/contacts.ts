import { z } from 'zod';
import { JOB_STATUSES } from '../../domain/delivery/states.ts';
import { Finding, Problem, Timestamp, Uuid } from './common.ts';

const Flag = z.union([z.boolean(), z.enum(['true', 'false'])]).describe('Anything else is no consent, and is reported');

/** For the description only: a contact that does not fit is rejected by itself, never the batch with it. */
export const Contact = z.object({
  email: z.string().max(320).optional(),
  phone: z.string().max(64).optional(),
  first_name: z.string().optional(),
  last_name: z.string().optional(),
  address: z.string().max(500).optional().describe('One comma-separated line, instead of address1 and the rest'),
  address1: z.string().optional(),
  address2: z.string().optional(),
  city: z.string().optional(),
  state: z.string().optional(),
  postal_code: z.string().optional(),
  country: z.string().optional().describe('Any spelling; beats the one in the address'),
  timezone: z.string().optional().describe('IANA, Windows or CLDR name, or an offset'),
  consent_to_email: Flag.optional(),
  consent_to_sms: Flag.optional(),
  consent_to_phone: Flag.optional(),
  consent_date: Timestamp.optional(),
  consent_source: z.string().optional(),
  gdpr_consent_override: z.union([z.boolean(), z.string(), z.object({ reason: z.string() })]).optional(),
  interaction_history: z.array(z.unknown()).optional(),
  external_crm_id: z.string().optional(),
  communication_preferences: z.object({ preferred_channel: z.enum(['email', 'sms', 'phone']).optional(), frequency: z.string().optional() }).optional(),
  updated_at: Timestamp.optional().describe('When the source last saw this contact'),
});

const { $schema: _, ...contactJsonSchema } = z.toJSONSchema(Contact, { io: 'input' });

export const BatchBody = z.object({
  contacts: z.array(z.unknown().meta({ ...contactJsonSchema, description: 'At least one of email and phone' })).min(1).max(10_000),
});

export const BatchQuery = z.object({ dry_run: z.enum(['true', 'false']).default('false') });
export const BatchHeaders = z.object({ 'idempotency-key': z.string().min(1).max(255).optional() });

const Counts = { received: z.int(), accepted: z.int(), duplicates: z.int(), rejected: z.int() };

export const BatchAccepted = z.object({
  success: z.literal(true),
  job_id: Uuid,
  status: z.literal('accepted'),
  ...Counts,
  errors: z.array(Finding),
  warnings: z.array(Finding),
  findings_omitted: z.int().optional(),
  audit_ids: z.array(Uuid),
  metrics: z.object({ total_processed: z.int(), total_duplicates: z.int(), avg_latency_ms: z.number(), failed_exports: z.int() }),
});

export const BatchRejected = Problem.extend({ job_id: Uuid, ...Counts, warnings: z.array(Finding), audit_ids: z.array(Uuid) });

const PlainFinding = Finding.omit({ index: true });

export const BatchPreview = z.object({
  dry_run: z.literal(true),
  ...Counts,
  errors: z.array(Finding),
  requests_needed: z.int(),
  estimated_seconds: z.number(),
  results: z.array(
    z.object({
      index: z.int(),
      outcome: z.enum(['accepted', 'duplicate', 'rejected']),
      duplicate_of: z.int().optional(),
      contact: z.record(z.string(), z.unknown()),
      changes: z.array(z.object({ field: z.string(), from: z.string().nullable(), to: z.string().nullable(), rule: z.string(), confidence: z.number() })),
      pii: z.record(z.string(), z.string()),
      errors: z.array(PlainFinding),
      warnings: z.array(PlainFinding),
    }),
  ),
});

const JobFields = {
  job_id: Uuid,
  kind: z.enum(['merge', 'profile']),
  status: z.enum(JOB_STATUSES),
  ...Counts,
  submitted: z.int(),
  confirmed: z.int(),
  failed: z.int(),
  pending: z.int(),
  attempts: z.int(),
  next_attempt_at: Timestamp.optional(),
  created_at: Timestamp,
  completed_at: Timestamp.optional(),
};

export const Job = z.object({
  ...JobFields,
  estimated_seconds: z.number().optional(),
  contacts: z.array(z.object({ index: z.int(), status: z.string(), contact_id: z.string().optional(), duplicate_of: z.int().optional(), reason: z.string().optional() })),
  next_cursor: z.string().optional(),
});

export const JobList = z.object({ jobs: z.array(z.object(JobFields)), next_cursor: z.string().optional() });

export const DeadLetters = z.object({
  dead_letters: z.array(
    z.object({ id: Uuid, job_id: Uuid, index: z.int(), api: z.enum(['contacts', 'profiles']), reason: z.string(), attempts: z.int(), created_at: Timestamp }),
  ),
  next_cursor: z.string().optional(),
});
