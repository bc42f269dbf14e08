import type { Channel } from '../domain/contact/types.ts';
import { CHANNELS } from '../domain/contact/types.ts';
import { canonicalSubject } from '../domain/identity/subject.ts';
import type { Clock } from '../domain/ports/clock.ts';
import type { PrivacyStore } from '../domain/ports/privacy.ts';
import type { ConsentStore, Requester, SubjectQuery } from '../domain/ports/record-store.ts';
import { fileAcknowledged } from './file-backlog.ts';

type LedgerStore = ConsentStore & Pick<PrivacyStore, 'fileBacklog'>;

/** The consent ledger as callers see it. */
export class ConsentService {
  readonly #store: LedgerStore;
  readonly #clock: Clock;

  constructor(store: LedgerStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Takes consent back at this moment, on all channels unless some are named. Coded error: `invalid_request`. */
  async withdraw(subject: SubjectQuery, channels: readonly Channel[] | undefined, reason: string, by: Requester): Promise<{ people: number; cancelled: number; channels: Channel[] }> {
    const withdrawn = channels === undefined || channels.length === 0 ? [...CHANNELS] : [...new Set(channels)];
    const result = await this.#store.withdrawConsent({ subject: canonicalSubject(subject), channels: withdrawn, reason, ...by, now: this.#clock.now() });
    return { ...result, channels: withdrawn };
  }

  /** State and history of whoever the subject means; null for nobody. */
  async of(subject: SubjectQuery): ReturnType<ConsentStore['consentsOf']> {
    const canonical = canonicalSubject(subject);
    await fileAcknowledged(this.#store);
    return this.#store.consentsOf(canonical);
  }
}
