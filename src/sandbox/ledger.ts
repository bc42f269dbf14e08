import type { Api, CallbackRecord, Effect, MarketingDelivery, ProfileEffect, Registration, RequestRecord, SandboxStats } from './types.ts';

/** Counters that no record holds. */
type Counters = { replayedWithOtherBody: number; overlaps: number; secretsInUrl: number; contactsApplied: number; strays: number };

/**
 * What really happened at the tenant and at the sink: every call, every effect and how often it took place.
 * It is the judge of end-to-end tests, so it only ever records; nothing here decides anything.
 */
export class Ledger {
  readonly requests: RequestRecord[] = [];
  /** By canonical e-mail, E.164 number and external id, as they came in merges that were applied. */
  readonly emails = new Map<string, Effect>();
  readonly phones = new Map<string, Effect>();
  readonly externalIds = new Map<string, Effect>();
  /** Contact ids given out. */
  readonly people = new Set<string>();
  readonly profiles = new Map<string, ProfileEffect>();
  readonly callbacks: CallbackRecord[] = [];
  readonly registrations: Registration[] = [];
  readonly marketing: MarketingDelivery[] = [];
  /** Bodies that came to the CDP address. */
  readonly cdp: unknown[] = [];
  readonly tokensIssued: Record<Api, number> = { contacts: 0, profiles: 0 };
  readonly counters: Counters = { replayedWithOtherBody: 0, overlaps: 0, secretsInUrl: 0, contactsApplied: 0, strays: 0 };
  readonly #watchers = new Set<() => void>();

  /** Books a call on arrival; the caller fills in what becomes of it and says so with `changed`. */
  arrived(call: Omit<RequestRecord, 'seq' | 'status' | 'items' | 'replayed' | 'limited'>): RequestRecord {
    const record: RequestRecord = { seq: this.requests.length, status: null, items: 0, replayed: false, limited: false, ...call };
    this.requests.push(record);
    this.changed();
    return record;
  }

  /** Books one contact of a merge that took effect. */
  merged(contact: Record<string, unknown>, contactId: string, requestId: string): void {
    this.counters.contactsApplied += 1;
    this.people.add(contactId);
    for (const [map, key] of [
      [this.emails, emailKey(contact['email'])],
      [this.phones, contact['phone']],
      [this.externalIds, contact['external_crm_id']],
    ] as const) {
      if (typeof key === 'string' && key !== '') book(map, key, contact, contactId, requestId);
    }
  }

  /** Tells those who wait that something happened. */
  changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Calls back after every change, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Arrival times of the calls that a tenant's limit is about, refused and faulty ones included. */
  budgetTimes(): number[] {
    return this.requests.filter((r) => r.endpoint === 'merge' || r.endpoint === 'patch').map((r) => r.at);
  }

  stats(limits: { requestsPerWindow: number; windowMs: number }, faults: SandboxStats['faults']): SandboxStats {
    const times = this.budgetTimes();
    const merges = this.requests.filter((r) => r.endpoint === 'merge');
    return {
      budgetRequests: times.length,
      peakInWindow: peakInWindow(times, limits.windowMs),
      ...limits,
      calls: countCalls(this.requests),
      limited: this.requests.filter((r) => r.limited).length,
      replayed: this.requests.filter((r) => r.replayed).length,
      replayedWithOtherBody: this.counters.replayedWithOtherBody,
      overlaps: this.counters.overlaps,
      strays: this.counters.strays,
      secretsInUrl: this.counters.secretsInUrl,
      tokensIssued: { ...this.tokensIssued },
      mergeCalls: merges.length,
      contactsApplied: this.counters.contactsApplied,
      people: this.people.size,
      appliedAgain: [this.emails, this.phones].flatMap((map) => [...map.values()]).filter((effect) => effect.applied > 1).length,
      profilesPatched: this.profiles.size,
      callbacks: {
        created: this.callbacks.length,
        acknowledged: this.callbacks.filter((c) => c.acknowledged).length,
        unregistered: this.callbacks.filter((c) => c.url === undefined).length,
      },
      marketing: { deliveries: this.marketing.length, contacts: this.marketing.reduce((sum, d) => sum + contactsOf(d.body).length, 0) },
      faults,
    };
  }

  /** Everything as plain JSON; secrets of registrations stay out. */
  toJSON(): Record<string, unknown> {
    return {
      requests: this.requests,
      emails: Object.fromEntries(this.emails),
      phones: Object.fromEntries(this.phones),
      external_ids: Object.fromEntries(this.externalIds),
      profiles: Object.fromEntries(this.profiles),
      callbacks: this.callbacks,
      registrations: this.registrations.map(withoutSecret),
      marketing: this.marketing,
      cdp: this.cdp,
    };
  }
}

/** A registration as it may be shown. */
export function withoutSecret({ api, name, url, events, enabled }: Registration): Omit<Registration, 'secret'> {
  return { api, name, url, events, enabled };
}

/** The contacts in the body of an export; none where it has another shape. */
export function contactsOf(body: unknown): Record<string, unknown>[] {
  const contacts = (body as { contacts?: unknown } | null)?.contacts;
  return Array.isArray(contacts) ? contacts.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null) : [];
}

/** The form in which the ledger keeps an e-mail address. */
export function emailKey(email: unknown): string | undefined {
  return typeof email === 'string' ? email.trim().toLowerCase() : undefined;
}

/** The most of these times that lie in one half-open window of that length. Times may be in any order. */
export function peakInWindow(times: readonly number[], windowMs: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let first = 0;
  let peak = 0;
  sorted.forEach((time, index) => {
    while ((sorted[first] as number) <= time - windowMs) first += 1;
    peak = Math.max(peak, index - first + 1);
  });
  return peak;
}

function book(map: Map<string, Effect>, key: string, contact: Record<string, unknown>, contactId: string, requestId: string): void {
  const effect = map.get(key) ?? { applied: 0, requestIds: [], contactIds: [], consent: consentOf({}), last: {} };
  effect.applied += 1;
  effect.requestIds.push(requestId);
  if (!effect.contactIds.includes(contactId)) effect.contactIds.push(contactId);
  effect.consent = consentOf(contact);
  effect.last = contact;
  map.set(key, effect);
}

function consentOf(contact: Record<string, unknown>): Effect['consent'] {
  const { consent_to_email: email, consent_to_sms: sms, consent_to_phone: phone } = contact;
  return { email: email === true, sms: sms === true, phone: phone === true };
}

function countCalls(requests: readonly RequestRecord[]): SandboxStats['calls'] {
  const calls: SandboxStats['calls'] = {};
  for (const { endpoint, status } of requests) {
    const byStatus = (calls[endpoint] ??= {});
    const key = status === null ? 'none' : String(status);
    byStatus[key] = (byStatus[key] ?? 0) + 1;
  }
  return calls;
}
