import assert from 'node:assert/strict';
import test from 'node:test';
import { contactsOf, emailKey } from '../../src/sandbox/ledger.ts';
import type { Ledger } from '../../src/sandbox/ledger.ts';
import { drained } from '../support/oracle.ts';
import { seededRandom } from '../support/random.ts';
import { until } from '../support/until.ts';
import { withWorkplace } from '../support/workplace.ts';
import type { Workplace } from '../support/workplace.ts';

/** A request that was on the wire when consent was withdrawn may still arrive, on a machine as busy as this one. */
const ON_THE_WIRE_MS = 1500;
const WITHIN_MS = 20_000;
const ROUNDS = 10;
const BATCHES = 3;
const OLD = '2026-01-05T10:00:00Z';
const YES = { consent_to_email: true, consent_to_sms: true, consent_to_phone: true, consent_date: OLD };

/** Slow enough that contacts wait for their turn while consent is withdrawn. */
const PER_MINUTE = 720;
const CHUNK = 5;

/** What no version of a contact may be sent with: each is rejected, whatever comes before or after it. */
const UNLAWFUL: readonly Record<string, unknown>[] = [
  { country: 'DE' },
  { country: 'Germany', ...YES, consent_to_sms: false },
  { country: 'FR', ...YES, consent_to_email: 'yes' },
  { country: 'GB', ...YES, consent_to_phone: undefined },
  { country: 'CH', ...YES, consent_to_sms: 1 },
  { country: undefined, consent_to_email: true },
  { country: 'Atlantis', consent_to_email: true },
  { country: undefined, phone: '+1 512 555 01' },
  { address: 'Hauptstr. 1, 10115 Berlin, Germany' },
  { country: 'DE', ...YES, consent_to_email: false, consent_to_sms: false, consent_to_phone: false },
  { country: 'DE', gdpr_consent_override: { reason: 'we have a contract' } },
];
const LAWFUL: readonly Record<string, unknown>[] = [{ country: 'DE', ...YES }, { country: 'Frankreich', ...YES }, { country: 'US', ...YES }, { ...YES }];

type Person = {
  email: string;
  phone: string;
  crm: string;
  fields: Record<string, unknown>;
  lawful: boolean;
  /** Epoch ms from which and until which nothing of the person may arrive. */
  barred: Span[];
};
/** `told`: the refusal itself is sent where no consent is needed to be known, so that the tenant learns of it. */
type Span = { from: number; until: number; told: boolean };

class Workload {
  readonly people: Person[] = [];
  readonly #place: Workplace;
  readonly #random: () => number;
  #versions = 0;

  constructor(place: Workplace, seed: number) {
    this.#place = place;
    this.#random = seededRandom(seed);
  }

  dice(below: number): number {
    return Math.floor(this.#random() * below);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.dice(values.length)]!;
  }

  meet(): Person {
    const n = this.people.length;
    const lawful = this.dice(5) < 3;
    const person = { email: `w${n}@kestrel-mail.example`, phone: `+49301${String(100_000 + n)}`, crm: `crm-w${n}`, fields: this.pick(lawful ? LAWFUL : UNLAWFUL), lawful, barred: [] };
    this.people.push(person);
    return person;
  }

  /** One more version of a person, unlike the ones before, so that only the law can keep it back. */
  version(person: Person, more: Record<string, unknown> = {}): Record<string, unknown> {
    this.#versions += 1;
    return { email: person.email, phone: person.phone, external_crm_id: person.crm, first_name: 'Robin', last_name: `V${this.#versions}`, ...person.fields, ...more };
  }

  async post(contacts: readonly Record<string, unknown>[]): Promise<void> {
    const answer = await this.#place.service.call('POST', '/enrich-batch', { contacts });
    assert.ok(answer.status === 202 || answer.status === 422, answer.text);
  }

  /** Takes consent back, by a call of any kind or by a row of a batch, and notes from when on it counts. */
  async withdraw(person: Person): Promise<void> {
    const way = this.dice(4);
    if (way === 3) {
      const refusal = { consent_to_email: false, consent_to_sms: false, consent_to_phone: false, consent_date: new Date().toISOString() };
      await this.post([this.version(person), this.version(person, refusal), this.version(person)]);
    } else {
      const subject = [{ email: ` ${person.email.toUpperCase()}` }, { phone: person.phone }, { external_crm_id: person.crm }][way];
      const answer = await this.#place.service.call('POST', '/consents/withdraw', { ...subject, reason: 'asked' });
      assert.equal(answer.status, 200, answer.text);
    }
    person.barred.push({ from: Date.now(), until: Infinity, told: way === 3 && person.fields['country'] === 'US' });
  }

  /** Consent given anew, later than it was taken back. */
  async renew(person: Person): Promise<void> {
    const last = person.barred.at(-1)!;
    last.until = Date.now();
    await this.post([this.version(person, { ...YES, consent_date: new Date(last.until).toISOString() })]);
  }

  async round(): Promise<void> {
    const batches = Array.from({ length: BATCHES }, () => Array.from({ length: 8 + this.dice(8) }, () => this.version(this.meet())));
    const known = this.people.filter(({ lawful, barred }) => lawful && barred.length === 0);
    const leaving = known.filter(() => this.dice(4) === 0);
    // Those who left come again with what they said before.
    const gone = this.people.filter(({ lawful, barred }) => lawful && barred.at(-1)?.until === Infinity);
    const again = gone.filter(() => this.dice(3) === 0).map((person) => this.version(person));
    const back = gone.filter(() => this.dice(6) === 0);
    await Promise.all([...batches.map((batch) => this.post(batch)), ...(again.length === 0 ? [] : [this.post(again)]), ...leaving.map((person) => this.withdraw(person))]);
    for (const person of back) await this.renew(person);
  }
}

/** Everything that arrived, at the tenant with effect or at the sink, held against what was allowed at the time. */
function judge(ledger: Ledger, people: readonly Person[], graceMs: number): { sent: number; exported: number } {
  const arrivals = new Map<string, number[]>();
  for (const { requestId = '', at } of ledger.requests) arrivals.set(requestId, [...(arrivals.get(requestId) ?? []), at]);
  const exports = new Map<string, number[]>();
  for (const { at, body } of ledger.marketing) for (const { email } of contactsOf(body)) exports.set(emailKey(email) ?? '', [...(exports.get(emailKey(email) ?? '') ?? []), at]);
  let sent = 0;
  const isBarred = (at: number, spans: readonly Span[]): boolean => spans.some(({ from, until: to }) => at > from + graceMs && at < to);
  for (const { email, phone, crm, fields, lawful, barred } of people) {
    const effects = [ledger.emails.get(email), ledger.phones.get(phone), ledger.externalIds.get(crm)].filter((effect) => effect !== undefined);
    if (!lawful) assert.deepEqual([effects.length, exports.get(email)], [0, undefined], `${email} was never to be sent: ${JSON.stringify(fields)}`);
    if (effects.length > 0) sent += 1;
    // The first arrival of a request is the one that took effect; a repetition is answered from memory.
    const times = effects.flatMap(({ requestIds }) => requestIds.map((id) => Math.min(...(arrivals.get(id) ?? [Infinity]))));
    const unlawful = times.find((at) => isBarred(at, barred.filter(({ told }) => !told)));
    assert.equal(unlawful, undefined, `${email} was sent: ${JSON.stringify({ barred, times })}`);
    assert.equal((exports.get(email) ?? []).find((at) => isBarred(at, barred)), undefined, `${email} was exported: ${JSON.stringify(barred)}`);
    const last = barred.at(-1);
    if (last?.told === true && last.until === Infinity && times.some((at) => isBarred(at, [last]))) {
      for (const { consent } of effects) assert.deepEqual(consent, { email: false, sms: false, phone: false }, `${email} withdrew`);
    }
  }
  return { sent, exported: exports.size };
}

for (const seed of [11, 4711]) {
  test(`nobody rejected or withdrawn reaches the tenant or the sink under a random workload (seed ${seed})`, async () => {
    const settings = { CONSENT_POLICY: 'all', CXONE_MERGE_CHUNK_SIZE: String(CHUNK) };
    const sandbox = { seed, latency: { minMs: 1, maxMs: 40 }, requestsPerWindow: PER_MINUTE } as const;
    await withWorkplace({ sandbox, settings }, async (place) => {
      await place.start();
      const load = new Workload(place, seed);
      // The first few for certain, for the dice may spare a short run.
      place.fault({ kind: '503', endpoint: 'merge', count: 3 });
      place.fault({ kind: '503', endpoint: 'merge', rate: 0.15 });
      place.fault({ kind: '503', endpoint: 'marketing', rate: 0.2 });
      for (let round = 0; round < ROUNDS; round += 1) await load.round();
      await drained(place, { withinMs: WITHIN_MS });
      const { sent, exported } = judge(place.sandbox.ledger(), load.people, ON_THE_WIRE_MS);
      assert.ok(sent > 40 && exported > 20, `the workload went through: ${sent} sent, ${exported} exported`);
      assert.ok(load.people.filter(({ barred }) => barred.length > 0).length > 10, 'consent was withdrawn');
      assert.ok(place.fired('merge/503') > 0, 'merges had to be repeated');
    });
  });
}

test('what waits to be sent, again or for the first time, goes nowhere once consent is withdrawn', async () => {
  await withWorkplace({ sandbox: { seed: 7 } }, async (place) => {
    await place.start();
    const load = new Workload(place, 7);
    const people = Array.from({ length: 60 }, () => load.meet());
    for (const person of people) Object.assign(person, { lawful: true, fields: load.pick(LAWFUL) });
    const [toMerge, toExport] = [people.slice(0, 40), people.slice(40)];

    // Confirmed, and waiting for a sink that is down.
    const sink = place.fault({ kind: '503', endpoint: 'marketing' });
    await load.post(toExport.map((person) => load.version(person)));
    await until(() => sink.fired > 0 && toExport.every(({ email }) => place.sandbox.ledger().emails.has(email)), WITHIN_MS, 'exports being tried');
    // Tried, and waiting for a tenant that is down; then some that never were tried.
    const tenant = place.fault({ kind: '503', endpoint: 'merge' });
    await load.post(toMerge.slice(0, 30).map((person) => load.version(person)));
    await until(() => tenant.fired > 0, WITHIN_MS, 'merges being tried');
    await place.service.call('POST', '/admin/pause');
    await load.post(toMerge.slice(30).map((person) => load.version(person)));

    const leaving = people.filter((_, i) => i % 2 === 0);
    for (const person of leaving) await load.withdraw(person);
    tenant.clear();
    sink.clear();
    await place.service.call('POST', '/admin/resume');
    await load.post(leaving.map((person) => load.version(person)));
    await drained(place, { withinMs: WITHIN_MS });

    const ledger = place.sandbox.ledger();
    const { sent, exported } = judge(ledger, people, 0);
    const told = leaving.filter((person) => toMerge.includes(person) && person.barred[0]?.told === true).length;
    assert.deepEqual([sent, exported], [40 + told, 30], 'the others arrived');
  });
});
