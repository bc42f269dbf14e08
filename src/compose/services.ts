import { PLATFORM } from '../cxone/dialects/platform.ts';
import { verifyWebhook } from '../cxone/webhook-signature.ts';
import { createMarketingExporter } from '../exporters/marketing.ts';
import type { MarketingExporter } from '../exporters/marketing.ts';
import { AccessService } from '../services/access-service.ts';
import { AuditService } from '../services/audit-service.ts';
import { ConsentService } from '../services/consent-service.ts';
import { DeliveryService } from '../services/delivery-service.ts';
import { ExportService } from '../services/export-service.ts';
import { IngestService } from '../services/ingest-service.ts';
import { JobService } from '../services/job-service.ts';
import { OperationsService } from '../services/operations-service.ts';
import { ObjectLimit } from '../domain/delivery/object-limit.ts';
import type { PrivacyService } from '../services/privacy-service.ts';
import { ProfileService } from '../services/profile-service.ts';
import { WebhookService } from '../services/webhook-service.ts';
import type { Kind } from './kinds.ts';
import { composeTrail } from './checkpoints.ts';
import type { TrailServices } from './checkpoints.ts';
import type { Ground } from './ground.ts';
import { composePrivacy } from './privacy.ts';

/** Asks for a run of a kind of work at a time, epoch ms. */
export type Schedule = (kind: Kind, at: number) => void;

export type Services = TrailServices & {
  ingest: IngestService;
  delivery: DeliveryService;
  profiles: ProfileService;
  exporter: MarketingExporter | undefined;
  exports: ExportService | undefined;
  webhooks: WebhookService;
  jobs: JobService;
  audit: AuditService;
  consents: ConsentService;
  privacy: PrivacyService;
  operations: OperationsService;
  access: AccessService;
};

/** Puts the services together. Services do not know each other: what one has done reaches another by the agenda. */
export function composeServices(ground: Ground, schedule: Schedule): Services {
  const { config, store, clock, gate, policyVersion } = ground;
  const soon = (...kinds: Kind[]): void => {
    for (const kind of kinds) schedule(kind, clock.now());
  };
  const exporter = exporterOf(ground);
  const trail = composeTrail(ground, schedule);
  const access = new AccessService({ store, clock, schedule: (at) => schedule('access', at), onError: (error, where) => ground.events.failed(error, where) });
  return {
    ingest: new IngestService({
      store,
      clock,
      policyVersion,
      defaultCountry: config.consent.defaultCountry,
      newId: ground.newId,
      overrideAllowed: config.consent.override === 'allow',
      metrics: () => ground.metrics.answerMetrics(),
      onAccepted: () => soon('merge'),
    }),
    ...sendersOf(ground, exporter, schedule),
    exporter,
    webhooks: webhooksOf(ground, access, soon, schedule),
    jobs: new JobService(store, clock, () => soon('merge', 'patch')),
    audit: new AuditService(store),
    ...trail,
    privacy: composePrivacy(ground, { notary: trail.checkpoints, notices: exporter }, (at) => schedule('erasure', at)),
    consents: new ConsentService(store, clock),
    access,
    operations: new OperationsService({
      store,
      gate,
      clock,
      chunkSize: config.delivery.chunkSize,
      lingerMs: config.delivery.lingerMs,
      onResumed: () => soon('merge', 'patch'),
    }),
  };
}

/** Services that send: merges and patches to CXone, exports to marketing. */
function sendersOf(ground: Ground, exporter: Services['exporter'], schedule: Schedule): Pick<Services, 'delivery' | 'profiles' | 'exports'> {
  const { config, store, clock, random, gate, cxone, events, metrics, policyVersion } = ground;
  const onError = (error: unknown, where: string): void => events.failed(error, where);
  const common = { store, clock, random, retry: config.retry, onError };
  return {
    delivery: new DeliveryService({ ...common, cxone, gate, settings: config.delivery, schedule: (at) => schedule('merge', at) }),
    profiles: new ProfileService({
      ...common,
      cxone,
      gate,
      policyVersion,
      settings: { ...config.profiles, unknownAppend: config.delivery.patchUnknown, callTimeoutMs: config.delivery.callTimeoutMs },
      objectLimit: config.budget.perObject === undefined ? undefined : new ObjectLimit(config.budget.perObject),
      accuracyRate: () => metrics.accuracyRate,
      schedule: (at) => schedule('patch', at),
    }),
    exports: exporter === undefined ? undefined : new ExportService({ ...common, exporter, events, callTimeoutMs: config.cxone.timeoutMs, schedule: (at) => schedule('export', at) }),
  };
}

function exporterOf({ config, clock }: Ground): Services['exporter'] {
  if (config.marketing === undefined) return undefined;
  const { url, secret } = config.marketing;
  return createMarketingExporter({ url, ...(secret === undefined ? {} : { secret }), timeoutMs: config.cxone.timeoutMs, clock });
}

function webhooksOf({ config, store, cxone, gate, clock, random, events, webhookSecrets }: Ground, access: AccessService, soon: (...kinds: Kind[]) => void, schedule: Schedule): WebhookService {
  return new WebhookService({
    store,
    cxone,
    gate,
    clock,
    random,
    events,
    onRefused: (reason) => access.refused({ reason: `signature_${reason}`, route: 'POST /webhooks/cxone-merge' }),
    types: eventTypes(),
    verify: (headers, body, now) => verifyWebhook(config.webhooks.scheme, headers, body, webhookSecrets, now),
    onConfirmed: () => soon('export', 'merge'),
    schedule: (api, at) => schedule(`register:${api}`, at),
    onRegistrationTried: () => soon('merge'),
  });
}

/** Event types that we know, and whether they confirm a merge. */
function eventTypes(): ReadonlyMap<string, { confirms: boolean }> {
  const types = new Map<string, { confirms: boolean }>();
  for (const type of PLATFORM.events.confirming) types.set(type, { confirms: true });
  for (const type of PLATFORM.events.informing) types.set(type, { confirms: false });
  return types;
}
