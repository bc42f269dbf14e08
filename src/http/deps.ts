import type { AccessService } from '../services/access-service.ts';
import type { AuditService } from '../services/audit-service.ts';
import type { CheckpointService } from '../services/checkpoint-service.ts';
import type { ConsentService } from '../services/consent-service.ts';
import type { IngestService } from '../services/ingest-service.ts';
import type { JobService } from '../services/job-service.ts';
import type { OperationsService } from '../services/operations-service.ts';
import type { PrivacyService } from '../services/privacy-service.ts';
import type { ProfileService } from '../services/profile-service.ts';
import type { TrailCheckService } from '../services/trail-check-service.ts';
import type { WebhookService } from '../services/webhook-service.ts';
import type { Events } from '../telemetry/events.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ApiKey } from './plugins/auth.ts';
import type { Stopping } from './plugins/stopping.ts';

/** What the routes work with; put together in `main.ts`. */
export type HttpDeps = {
  ingest: IngestService;
  jobs: JobService;
  profiles: ProfileService;
  webhooks: WebhookService;
  audit: AuditService;
  checkpoints: CheckpointService;
  trailCheck: TrailCheckService;
  consents: ConsentService;
  privacy: PrivacyService;
  operations: OperationsService;
  access: AccessService;
  metrics: Metrics;
  events: Events;
  stopping: Stopping;
  apiKeys: readonly ApiKey[] | undefined;
  /** 0: no limit. */
  rateLimitPerMinute: number;
  version: string;
  /** A UUIDv7. */
  newId(): string;
};
