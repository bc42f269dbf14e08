import type { Clock } from '../../src/domain/ports/clock.ts';
import type { ErasureNoticePort } from '../../src/domain/ports/export.ts';
import type { PrivacyOptions } from '../../src/services/privacy-service.ts';

type Given = { store: PrivacyOptions['store']; clock: Clock; tell: ErasureNoticePort['tellErased'] | undefined };

/** The options of a privacy service that stands alone: no trail is signed, nobody is disclosed. */
export function privacyOptions({ store, clock, tell }: Given): PrivacyOptions {
  return {
    store,
    clock,
    notary: { sign: (text) => text, current: () => Promise.resolve({ size: 0, note: '' }) },
    notices: tell === undefined ? undefined : { tellErased: tell },
    random: () => 0.5,
    retry: { tickMs: 1000, baseMs: 1000, maxMs: 10_000, maxAttempts: 3, maxAgeMs: 60_000 } as PrivacyOptions['retry'],
    defaultCountry: undefined,
    disclosure: { purposes: [], recipients: [], retention: {} },
    events: { exportFailed: () => undefined },
    schedule: () => undefined,
    onError: (error) => {
      throw error;
    },
  };
}
