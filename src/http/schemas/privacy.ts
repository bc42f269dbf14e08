import { z } from 'zod';
import { ERASURE_SYSTEMS } from '../../domain/ports/privacy.ts';
import { Timestamp, Uuid } from './common.ts';

const Identifier = z.string().min(1).max(320);

const Subject = {
  email: Identifier.optional(),
  phone: Identifier.optional().describe('With its country code, or beside `country`'),
  external_crm_id: Identifier.optional(),
  profile_id: Uuid.optional().describe('Of the Profile API'),
  country: z.string().regex(/^[A-Za-z]{2}$/).optional().describe('By which a phone without its country code is read'),
};

export const ErasureBody = z.strictObject({
  ...Subject,
  reason: z.string().min(1).max(500).default('art17').describe('A code, kept in the trail; words in place of a code are kept as `other`, as they could name the person'),
  everyone: z.boolean().default(false).describe('Erase all who bear the identifier, where it is more than one'),
});
export const AccessBody = z.strictObject({ ...Subject, reason: z.string().max(500).optional() });

const Legs = z.array(z.object({ system: z.enum(ERASURE_SYSTEMS), status: z.enum(['in_progress', 'completed', 'not_needed', 'manual', 'failed']), detail: z.string().optional() }));
const Status = z.enum(['in_progress', 'completed']);

export const ErasureAccepted = z.object({ erasure_id: Uuid, status: Status, people: z.int(), legs: Legs });

export const Erasure = ErasureAccepted.extend({
  reason: z.string(),
  requested_at: Timestamp,
  completed_at: Timestamp.optional(),
  erased: z.record(z.string(), z.int()).describe('Counts; `mentions` are patches of other profiles that named the person'),
  certificate: z
    .object({
      note: z.string().describe('C2SP signed note over the facts'),
      entry: z.record(z.string(), z.unknown()).describe('The audit entry that says so'),
      leaf: z.string().describe('Its bytes in the tree, base64'),
      inclusion: z.object({ sequence: z.int(), size: z.int(), hashes: z.array(z.string()) }),
      checkpoint: z.string().describe('C2SP signed note of the tree that holds it'),
    })
    .optional()
    .describe('Once it is completed'),
});

const Held = z.looseObject({
  identifiers: z.array(z.looseObject({ kind: z.string() })),
  contacts: z.array(z.looseObject({ job_id: z.string(), index: z.int(), status: z.string() })),
});

export const Access = z.object({
  held: z.boolean(),
  generated_at: Timestamp,
  people: z.array(Held),
  purposes: z.array(z.object({ purpose: z.string(), legal_basis: z.string() })),
  recipients: z.array(z.object({ name: z.string(), data: z.string() })),
  sources: z.array(z.string()),
  retention: z.record(z.string(), z.string()),
});

export const KeysBody = z.strictObject({ encryption_keys: z.array(z.string().min(1).max(64)).min(1).max(16) });
export const Keys = z.object({ key_id: z.string(), rewrapped: z.int(), done: z.boolean() });
