import type { Channel } from '../domain/contact/types.ts';
import { CHANNELS } from '../domain/contact/types.ts';
import { normalizeEmail } from '../domain/contact/email.ts';
import { normalizePhone } from '../domain/contact/phone.ts';
import { CodedError } from '../domain/errors.ts';
import type { Clock } from '../domain/ports/clock.ts';
import type { ConsentStore, SubjectQuery } from '../domain/ports/record-store.ts';

/** The consent ledger as callers see it. */
export class ConsentService {
  readonly #store: ConsentStore;
  readonly #clock: Clock;

  constructor(store: ConsentStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Takes consent back at this moment, on all channels unless some are named. Coded error: `invalid_request`. */
  async withdraw(subject: SubjectQuery, channels: readonly Channel[] | undefined, reason: string, actor: string): Promise<{ people: number; cancelled: number; channels: Channel[] }> {
    const withdrawn = channels === undefined || channels.length === 0 ? [...CHANNELS] : [...new Set(channels)];
    const result = await this.#store.withdrawConsent({ subject: canonicalSubject(subject), channels: withdrawn, reason, actor, now: this.#clock.now() });
    return { ...result, channels: withdrawn };
  }

  /** State and history of whoever the subject means; null for nobody. */
  async of(subject: SubjectQuery): ReturnType<ConsentStore['consentsOf']> {
    return this.#store.consentsOf(canonicalSubject(subject));
  }
}

/** A subject in the form in which people are found. Coded error: `invalid_request` where an identifier cannot be read. */
export function canonicalSubject(subject: SubjectQuery): SubjectQuery {
  const canonical: SubjectQuery = {};
  if (subject.email !== undefined) {
    const email = normalizeEmail(subject.email);
    if (!email.ok) throw invalid('email', 'not an e-mail address');
    canonical.email = email.email;
  }
  if (subject.phone !== undefined) {
    const phone = normalizePhone(subject.phone);
    if (!phone.ok) throw invalid('phone', 'not a phone number with its country code');
    canonical.phone = phone.e164;
  }
  if (subject.external_crm_id !== undefined && subject.external_crm_id.trim() !== '') canonical.external_crm_id = subject.external_crm_id.trim();
  if (Object.keys(canonical).length === 0) throw invalid('email', 'one of email, phone, external_crm_id is required');
  return canonical;
}

/** Reads an `X-Subject` header: an e-mail or a phone number. Coded error: `invalid_request`. */
export function subjectOfHeader(value: string): SubjectQuery {
  return canonicalSubject(value.includes('@') ? { email: value } : { phone: value });
}

function invalid(field: string, message: string): CodedError {
  return new CodedError('invalid_request', `The subject cannot be read: ${message}.`, { errors: [{ field, code: 'invalid_identifier', message }] });
}
