import { randomUUID } from 'node:crypto';
import type { ServiceProcess } from './service-process.ts';
import { until } from './until.ts';

/** What a contact is made for, and so what must become of it. */
export type Role = 'clean' | 'covered' | 'no_consent' | 'duplicate';

export type Person = { email: string; role: Role };

/** A batch that was sent until it was answered, and what was answered. */
export type Batch = {
  people: Person[];
  jobId: string;
  received: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  answeredAt: number;
  /** Tries without an answer, which leave open whether that try took effect. */
  unanswered: number;
};

export type BatchOptions = { roles?: readonly Role[]; size?: number; prefix?: string };

const GIVE_UP_MS = 120_000;
const ROLES: readonly Role[] = ['clean', 'duplicate', 'covered', 'clean', 'no_consent', 'clean', 'clean', 'covered'];
let serial = 0;

/** A contact that nobody else is; its e-mail is also its fingerprint in every ledger. */
export function contactOf(person: Person, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const consent = person.role !== 'no_consent';
  return {
    email: person.email,
    first_name: 'Robin',
    last_name: 'Marlow',
    country: person.role === 'clean' ? 'US' : 'DE',
    consent_to_email: consent,
    consent_to_sms: consent,
    consent_to_phone: consent,
    consent_source: 'form',
    external_crm_id: `crm-${person.email.split('@')[0]}`,
    ...changes,
  };
}

/** Makes people; a duplicate is the one before it, again. */
export function crowd({ roles = ROLES, size = 20, prefix = 'p' }: BatchOptions = {}): Person[] {
  const people: Person[] = [];
  for (let i = 0; i < size; i += 1) {
    const role = roles[i % roles.length] ?? 'clean';
    const before = people.at(-1);
    if (role === 'duplicate' && before !== undefined && before.role !== 'duplicate') people.push({ email: before.email, role });
    else {
      serial += 1;
      people.push({ email: `${prefix}${serial}@kestrel-mail.example`, role: role === 'duplicate' ? 'clean' : role });
    }
  }
  return people;
}

/**
 * Posts a batch under one idempotency key until some life of the service answers 202, as a careful caller does.
 * `service` gives the life of the moment.
 */
export async function post(service: () => ServiceProcess, people: Person[], changes?: Readonly<Record<string, unknown>>): Promise<Batch> {
  const body = JSON.stringify({ contacts: people.map((person) => contactOf(person, changes)) });
  const key = randomUUID();
  let unanswered = 0;
  return until(async () => {
    const answer = await service().call('POST', '/enrich-batch', body, { 'idempotency-key': key }).catch(() => undefined);
    if (answer === undefined) unanswered += 1;
    if (answer?.status !== 202) {
      if (answer !== undefined && ![409, 429, 503].includes(answer.status)) throw new Error(`a batch was answered ${answer.status}: ${answer.text}`);
      return undefined;
    }
    const { job_id: jobId, received, accepted, duplicates, rejected } = answer.json as Record<string, number> & { job_id: string };
    return { people, jobId, received, accepted, duplicates, rejected, answeredAt: Date.now(), unanswered } as Batch;
  }, GIVE_UP_MS, 'a batch being taken');
}
