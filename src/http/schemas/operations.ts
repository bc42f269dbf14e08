import { z } from 'zod';
import { CHANNELS } from '../../domain/contact/types.ts';
import { text } from './common.ts';

export const Acknowledged = z.object({ acknowledged: z.literal(true), event_type: z.string(), duplicate: z.literal(true).optional(), ignored: z.literal(true).optional() });

export const MetricsJson = z.looseObject({
  total_processed: z.int(),
  total_duplicates: z.int(),
  avg_latency_ms: z.number(),
  failed_exports: z.int(),
  accuracy_rate: z.number(),
  queue_depth: z.int(),
  dead_letters: z.int(),
});

export const Live = z.object({ status: z.literal('live') });
const ApiHealth = z.object({ breaker: z.string(), reason: z.string().optional(), paused: z.boolean() });
export const Ready = z.object({ status: z.enum(['ready', 'stopping', 'unavailable']), store: z.boolean(), cxone: z.object({ contacts: ApiHealth, profiles: ApiHealth }), audit: z.object({ integrity: z.boolean(), reason: z.string().optional() }) });

export const PauseQuery = z.strictObject({ api: z.enum(['contacts', 'profiles']).optional().describe('Both when left out') });
export const Paused = z.object({ paused: z.array(z.string()) });

export const QueueView = z.object({
  waiting: z.int(),
  in_flight: z.int(),
  submitted: z.int(),
  unconfirmed: z.int(),
  patches_waiting: z.int(),
  exports_waiting: z.int(),
  dead_letters: z.int(),
  oldest_waiting_seconds: z.number(),
  estimated_seconds: z.number(),
  next_attempt_at: z.string().optional(),
  budget: z.object({ limit: z.int(), effective_limit: z.number(), tokens: z.int(), in_flight: z.int(), used_last_window: z.int(), blocked_for_ms: z.number() }),
  cxone: z.object({ contacts: ApiHealth, profiles: ApiHealth }),
});

const Identifier = text(1, 320);
export const WithdrawBody = z.strictObject({
  email: Identifier.optional(),
  phone: Identifier.optional(),
  external_crm_id: Identifier.optional(),
  channels: z.array(z.enum(CHANNELS)).max(CHANNELS.length).optional().describe('All when left out'),
  reason: text(1, 500),
});
export const Withdrawn = z.object({ people: z.int(), cancelled: z.int(), channels: z.array(z.enum(CHANNELS)) });

const State = z.enum(['granted', 'refused', 'none']);
export const Consents = z.object({
  state: z.object({ email: State, sms: State, phone: State }),
  events: z.array(
    z.object({
      channel: z.enum(CHANNELS),
      event: z.enum(['granted', 'refused', 'withdrawn']),
      captured_at: z.string().nullable(),
      recorded_at: z.string(),
      source: z.string().nullable(),
      job_id: z.string().nullable(),
    }),
  ),
});
export const ConsentsQuery = z.strictObject({ external_crm_id: Identifier.optional() });
