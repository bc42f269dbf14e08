import { z } from 'zod';
import { JOB_STATUSES } from '../../domain/delivery/states.ts';
import { WHYS } from '../../domain/identity/survivorship.ts';
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

export const BatchQuery = z.strictObject({ dry_run: z.enum(['true', 'false']).default('false') });
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

const From = {
  from: z.enum(['batch', 'stored']).describe('A contact of this batch, or what is known already'),
  index: z.int().optional().describe('Which contact of the batch'),
};

const Change = z.object({
  field: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  rule: z.string(),
  confidence: z.number().describe('0 to 1; below 0.8 it is a guess'),
  suggestion: z.string().optional().describe('What the value may mean: a guess, which does not take its place'),
});

const PreviewLine = z.object({
  index: z.int(),
  outcome: z.enum(['accepted', 'duplicate', 'rejected']),
  duplicate_of: z.int().optional(),
  effect: z.enum(['new', 'update', 'unchanged']).optional().describe('What the batch does to the person; unchanged costs no request'),
  covered: z.boolean().optional().describe('Whether consent is required where the contact is'),
  channels: z.object({ email: z.boolean(), sms: z.boolean(), phone: z.boolean() }).optional().describe('Which channels may be used'),
  contact: z.record(z.string(), z.unknown()),
  changes: z.array(Change),
  survivorship: z
    .record(z.string(), z.object({ ...From, why: z.enum(WHYS) }))
    .optional()
    .describe('For each field the version that it comes from and why, where there are several of the person'),
  possible_duplicates: z.array(z.object(From)).optional().describe('Who may be the same person and is not merged'),
  pii: z.record(z.string(), z.string()),
  errors: z.array(PlainFinding),
  warnings: z.array(PlainFinding),
});

export const BatchPreview = z.object({
  dry_run: z.literal(true),
  ...Counts,
  errors: z.array(Finding),
  requests_needed: z.int(),
  estimated_seconds: z.number(),
  results: z.array(PreviewLine),
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
