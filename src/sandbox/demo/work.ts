import { randomUUID } from 'node:crypto';
import { contactsOf } from '../ledger.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Answer, Client } from './client.ts';

const DAY_MS = 86_400_000;

/** What the sample says should become of one of its contacts. */
export type Expectation = {
  external_crm_id: string;
  outcome: 'delivered' | 'same_person' | 'rejected';
  code?: string;
  email?: string;
  phone?: string;
  exported: boolean;
};
export type SampleContact = Record<string, unknown> & { external_crm_id: string };

export type BatchResult = { jobId: string; contacts: SampleContact[]; answer: Answer };
export type ProfileResult = { name: string; profileId: string; expect: { status: number; code?: string }; answer: Answer };

/** Sends the contacts in order, in that many batches, one after the other. */
export async function sendBatches(
  client: Client,
  contacts: readonly SampleContact[],
  batches: number,
  onBatch: (result: BatchResult) => void,
): Promise<BatchResult[]> {
  const size = Math.ceil(contacts.length / batches);
  const results: BatchResult[] = [];
  for (let begin = 0; begin < contacts.length; begin += size) {
    const part = contacts.slice(begin, begin + size);
    const answer = await client.post('/enrich-batch', { contacts: part }, { 'idempotency-key': randomUUID() });
    const result = { jobId: String(answer.body['job_id']), contacts: part, answer };
    results.push(result);
    onBatch(result);
  }
  return results;
}

/**
 * Enriches a handful of profiles one after the other, while the contacts are still on their way: good ones, one whose
 * facts are too old, one that carries a card number.
 *
 * @param now epoch milliseconds
 */
export async function enrichProfiles(client: Client, now: number): Promise<ProfileResult[]> {
  const recent = new Date(now - 3 * DAY_MS).toISOString();
  const old = new Date(now - 400 * DAY_MS).toISOString();
  const cases: readonly Omit<ProfileResult & { attributes: object }, 'profileId' | 'answer'>[] = [
    { name: 'loyalty tier', expect: { status: 200 }, attributes: { loyalty_tier: 'gold', last_purchase_date: recent } },
    { name: 'lifetime value', expect: { status: 200 }, attributes: { lifetime_value: 1234.5, visits: 17, last_seen_at: recent } },
    { name: 'preferences', expect: { status: 200 }, attributes: { preferred_language: 'pt-BR', newsletter: ['spring', 'autumn'] } },
    { name: 'stale facts', expect: { status: 422, code: 'stale_data' }, attributes: { loyalty_tier: 'silver', last_purchase_date: old } },
    // A number of the card schemes' own test range.
    { name: 'leaked card number', expect: { status: 422, code: 'pii_blocked' }, attributes: { note: 'paid with 4111 1111 1111 1111' } },
  ];
  const results: ProfileResult[] = [];
  for (const { name, expect, attributes } of cases) {
    const profileId = randomUUID();
    const body = { attributes, mergeStrategy: 'OVERWRITE', sourceSystem: 'demo-crm' };
    results.push({ name, profileId, expect, answer: await client.post(`/profiles/${profileId}/enrich`, body) });
  }
  return results;
}

/** How far the tenant and the sink have come with what the sample expects. */
export type Progress = {
  expected: number;
  delivered: number;
  callbacks: number;
  confirmed: number;
  toExport: number;
  exported: number;
  requests: number;
};

/** Counts progress by the ledger alone. */
export function progressOf(sandbox: Sandbox, expected: readonly Expectation[]): Progress {
  const ledger = sandbox.ledger();
  const confirmations = ledger.callbacks.filter(({ api }) => api === 'contacts');
  const people = expected.filter(({ outcome }) => outcome === 'delivered');
  const exported = exportedEmails(sandbox);
  const toExport = new Set(people.flatMap(({ exported: wanted, email }) => (wanted && email !== undefined ? [email] : [])));
  return {
    expected: people.length,
    delivered: people.filter((person) => isDelivered(sandbox, person)).length,
    callbacks: confirmations.length,
    confirmed: confirmations.filter(({ acknowledged }) => acknowledged).length,
    toExport: toExport.size,
    exported: [...toExport].filter((email) => exported.has(email)).length,
    requests: ledger.budgetTimes().length,
  };
}

/** Whether the tenant has this person, by e-mail, or by phone where there is no e-mail. */
export function isDelivered(sandbox: Sandbox, { email, phone }: Pick<Expectation, 'email' | 'phone'>): boolean {
  const ledger = sandbox.ledger();
  return email === undefined ? phone !== undefined && ledger.phones.has(phone) : ledger.emails.has(email);
}

/** The e-mail addresses that the sink was given. */
export function exportedEmails(sandbox: Sandbox): Set<string> {
  return new Set(sandbox.ledger().marketing.flatMap(({ body }) => contactsOf(body)).map(({ email }) => String(email)));
}
