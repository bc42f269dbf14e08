import { z } from 'zod';
import { Timestamp, Uuid, limit } from './common.ts';

export const Entry = z.looseObject({
  audit_id: Uuid,
  sequence: z.int(),
  action: z.string().describe('What was decided or done'),
  created_at: Timestamp,
  actor: z.string().describe('Name of the API key that asked, `system`, or `cxone`'),
  job_id: z.string().optional(),
  profile_id: z.string().optional(),
  request_id: z.string().optional().describe('Of the request that asked for it, or of the call to CXone that it tells of'),
  subject: z.string().optional().describe('Keyed hash of the person'),
  subjects: z.array(z.string()).optional().describe('Where it concerns several people, or one under several identifiers'),
  details: z.record(z.string(), z.unknown()).describe('Facts by action; `commitments` are keyed hashes of contents before and after'),
  privacy_compliance: z.record(z.string(), z.unknown()).describe('Policy version, jurisdiction, legal basis, reference to the evidence of consent, until when the record is kept, whether it is sealed; what applies'),
});

/** Any other text finds nothing. */
const Id = z.string().max(64).toLowerCase();

export const AuditQuery = z.strictObject({
  from: z.string().optional().describe('ISO 8601, inclusive'),
  to: z.string().optional().describe('ISO 8601, exclusive'),
  action: z.string().max(64).optional(),
  actor: z.string().max(64).optional(),
  job_id: Id.optional(),
  profile_id: Id.optional(),
  limit: limit(100, 1000),
  cursor: z.string().max(64).optional(),
});

export const AuditHeaders = z.object({ 'x-subject': z.string().max(320).optional().describe('An e-mail or a phone: the entries of that person') });

export const AuditPage = z.object({
  entries: z.array(Entry),
  next_cursor: z.string().optional(),
  tree: z.object({ size: z.int(), root_hash: z.string().describe('base64') }),
});

export const CheckpointNote = z.string().meta({ description: 'C2SP signed note: origin, size, root hash, signature', example: 'example.com/audit\n1042\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u2014 example.com/audit …\n' });
export const VerifierKeys = z.string().describe('Verifier keys (name+id+base64), one a line, the one in use first');
export const TrailReport = z.object({
  ok: z.boolean(),
  size: z.int(),
  root_hash: z.string().describe('base64'),
  checked_entries: z.int(),
  checkpoint: z.object({ size: z.int(), agrees: z.boolean() }).optional().describe('The newest signed checkpoint, and whether the entries lead to its root'),
  first_bad_sequence: z.int().optional(),
  last_bad_sequence: z.int().optional().describe('With it, the first bad entry lies somewhere between the two'),
  reason: z.string().optional(),
});

const Size = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const InclusionQuery = z.strictObject({ sequence: Size, size: Size.optional() });
export const ConsistencyQuery = z.strictObject({ from: Size, to: Size.optional() });
export const Inclusion = z.object({ sequence: z.int(), size: z.int(), hashes: z.array(z.string()) });
export const Consistency = z.object({ from: z.int(), to: z.int(), hashes: z.array(z.string()) });
