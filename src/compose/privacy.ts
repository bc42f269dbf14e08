import type { ErasureNoticePort } from '../domain/ports/export.ts';
import { PrivacyService } from '../services/privacy-service.ts';
import type { Disclosure, Notary } from '../services/privacy-service.ts';
import type { Ground } from './ground.ts';

const DAY_MS = 86_400_000;

/** The service that answers data subjects. */
export function composePrivacy(ground: Ground, { notary, notices }: { notary: Notary; notices: ErasureNoticePort | undefined }, schedule: (at: number) => void): PrivacyService {
  const { config, store, clock, random, events } = ground;
  return new PrivacyService({
    store,
    notary,
    notices,
    clock,
    random,
    retry: config.retry,
    defaultCountry: config.consent.defaultCountry,
    disclosure: disclosureOf(config),
    events,
    schedule,
    onError: (error, where) => events.failed(error, where),
  });
}

function disclosureOf({ cxone, marketing, privacy }: Ground['config']): Disclosure {
  const days = (ms: number): string => `${ms / DAY_MS} days`;
  const { peopleMs } = privacy.retention;
  const kept = peopleMs === undefined ? 'until erasure' : `until nothing came of the person for ${days(peopleMs)}, or erasure`;
  return {
    purposes: [
      { purpose: 'Keeping contacts clean and merged in NICE CXone', legal_basis: 'consent per channel where the law of the country asks for it' },
      ...(marketing === undefined ? [] : [{ purpose: 'Marketing by e-mail', legal_basis: 'consent to e-mail' }]),
    ],
    recipients: [
      { name: `NICE CXone (${new URL(cxone.contacts.baseUrl).host})`, data: 'the normalized contact and its consent; attributes of profiles' },
      ...(marketing === undefined ? [] : [{ name: `Marketing (${new URL(marketing.url).host})`, data: 'external id, e-mail, consent to e-mail, time of the merge' }]),
    ],
    retention: {
      contacts: `${days(privacy.retention.contactsMs)} after delivery`,
      current_version: kept,
      consents: peopleMs === undefined ? kept : `${kept}; refusals until erasure`,
      dead_letters: days(privacy.retention.deadLettersMs),
      webhook_events: days(privacy.retention.webhooksMs),
      idempotency_answers: '24 hours',
    },
  };
}
