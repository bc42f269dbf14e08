import { Agenda } from '../queue/agenda.ts';
import type { Ground } from './ground.ts';
import type { Kind } from './kinds.ts';
import type { Services } from './services.ts';

const SWEEP_LIMIT = 500;

/** What is done when a moment of a kind has come, and where the store is asked for further moments. */
export function composeAgenda({ config, clock, store, events }: Ground, { delivery, profiles, exports, webhooks, privacy, checkpoints, anchors, access }: Services): Agenda<Kind> {
  const sweep = async (): Promise<void> => {
    const { more } = await store.sweep({ now: clock.now(), limit: SWEEP_LIMIT, confirmationTimeoutMs: config.delivery.confirmationTimeoutMs, retention: config.privacy.retention });
    // Of a trail that broke, nothing goes: it is evidence.
    const trail = checkpoints.integrity().ok ? await store.pruneTrail({ before: clock.now() - config.audit.retentionMs, limit: SWEEP_LIMIT, now: clock.now() }) : { more: false };
    agenda.at('merge', clock.now());
    if (more || trail.more) agenda.at('sweep', clock.now());
  };
  const agenda = new Agenda<Kind>({
    tickMs: config.retry.tickMs,
    clock,
    onError: (error) => events.failed(error, 'queue'),
    handlers: {
      merge: async () => {
        if (config.delivery.confirmation === 'response' || webhooks.mayMerge) await delivery.run();
        else webhooks.register('contacts');
      },
      patch: () => profiles.run(),
      export: async () => exports?.run(),
      sweep,
      erasure: async () => privacy.start(),
      checkpoint: () => checkpoints.run(),
      anchor: () => anchors.run(),
      access: () => access.run(),
      'register:contacts': async () => webhooks.register('contacts'),
      'register:profiles': async () => webhooks.register('profiles'),
    },
    refill: async () => {
      const now = clock.now();
      const [merge, patch] = [await store.mergeWork({ now }), await store.patchWork()];
      const due: [Kind, number][] = [['export', now], ['sweep', now], ['erasure', now]];
      if (merge !== null) due.push(['merge', merge]);
      if (patch !== null) due.push(['patch', patch]);
      return due;
    },
  });
  return agenda;
}
