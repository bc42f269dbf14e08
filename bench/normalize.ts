/**
 * What normalizing one contact costs, on one core, by the kind of contact.
 *
 *   node bench/normalize.ts
 *
 * The contacts are made from a seed and each run gets new ones, so that caches of whole values do not flatter the
 * figures.
 */
import { normalizeEmail } from '../src/domain/contact/email.ts';
import { normalizeContact } from '../src/domain/contact/normalize.ts';
import { normalizePhone } from '../src/domain/contact/phone.ts';
import { machineLine } from './support/machine.ts';

type Raw = Record<string, unknown>;

const CONTACTS = 5_000;
const RUNS = 21;
const BUDGET_MICROSECONDS = 25;

let state = 20_261;
/** A whole number below `limit`, from a linear congruential generator. */
function dice(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

function pick<T>(values: readonly T[]): T {
  return values[dice(values.length)] as T;
}

function digits(count: number): string {
  return Array.from({ length: count }, () => dice(10)).join('');
}

const FIRST = ['Ada', 'Grace', 'Linus', 'Barbara', 'Edsger', 'Margaret', 'José', 'Zoë'];
const LAST = ['Lovelace', 'Hopper', 'O’Neill', 'Liskov', 'Dijkstra', 'Hamilton', 'García', 'Müller'];
const US_PLACES = [
  ['Austin', 'TX', '787', '512'],
  ['Denver', 'CO', '802', '303'],
  ['Boston', 'MA', '021', '617'],
  ['Seattle', 'WA', '981', '206'],
  ['Portland', 'OR', '972', '503'],
] as const;
const EU_PLACES = [
  ['Berlin', '10115', 'Germany', '+49 30', 'W. Europe Standard Time'],
  ['Lyon', '69001', 'France', '+33 4 72', 'Romance Standard Time'],
  ['Madrid', '28001', 'ES', '+34 91', 'Europe/Madrid'],
  ['Milano', '20121', 'Italia', '+39 02', 'Europe/Rome'],
] as const;

function person(): Raw {
  const first = pick(FIRST);
  const last = pick(LAST);
  return {
    email: `${dice(3) === 0 ? first.toUpperCase() : 'user'}.${digits(6)}@example${dice(50)}.com`.normalize('NFD').replace(/[^\x21-\x7e]/g, ''),
    first_name: first,
    last_name: last,
    consent_to_email: true,
    consent_to_sms: dice(2) === 0,
    consent_to_phone: 'true',
    consent_date: `2026-0${1 + dice(9)}-1${dice(10)}T08:00:00Z`,
    external_crm_id: `crm-${digits(7)}`,
    updated_at: `2026-0${1 + dice(9)}-1${dice(10)}`,
    interaction_history: [{ type: 'call', at: '2026-01-01T00:00:00Z', note: 'asked for a quote' }],
    communication_preferences: { preferred_channel: 'email', frequency: 'weekly' },
  };
}

function usFields(): Raw {
  const [city, region, zip, area] = pick(US_PLACES);
  const phone = `(${area}) ${2 + dice(8)}${digits(2)}-${digits(4)}`;
  return { ...person(), phone, address1: `${1 + dice(9_999)} Main St`, city, state: region, postal_code: zip + digits(2), country: 'US', timezone: 'America/Chicago' };
}

function usLine(): Raw {
  const [city, region, zip, area] = pick(US_PLACES);
  const line = `${1 + dice(9_999)} Oak Ave, Apt ${1 + dice(99)}, ${city}, ${region} ${zip}${digits(2)}`;
  return { ...person(), phone: `+1${area}${2 + dice(8)}${digits(6)}`, address: line, country: 'United States' };
}

function euFields(): Raw {
  const [city, code, country, prefix, timezone] = pick(EU_PLACES);
  return { ...person(), phone: `${prefix} ${digits(6)}`, address1: `Hauptstr. ${1 + dice(200)}`, city, postal_code: code, country, timezone };
}

function euLine(): Raw {
  const [city, code, country, prefix] = pick(EU_PLACES);
  return { ...person(), phone: `${prefix} ${digits(6)}`, address: `Hauptstr. ${1 + dice(200)}, ${code} ${city}, ${country}` };
}

/** Half of it US fields, the rest in equal parts lines and other countries. */
function mixture(): Raw {
  return pick([usFields, usFields, usFields, usLine, euFields, euLine])();
}

/** Median microseconds for one item, over runs that each get items of their own. */
function measure<T>(build: () => T, work: (item: T) => unknown): number {
  const perItem: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    // As a request brings them: parsed, not put together from pieces that the first reader would have to join.
    const items = JSON.parse(JSON.stringify(Array.from({ length: CONTACTS }, build))) as T[];
    const start = performance.now();
    for (const item of items) work(item);
    perItem.push(((performance.now() - start) / items.length) * 1_000);
  }
  return perItem.toSorted((a, b) => a - b)[RUNS >> 1] as number;
}

function report(name: string, microseconds: number, note = ''): void {
  console.log(`${name.padEnd(44)}${microseconds.toFixed(2).padStart(8)} µs  ${note}`.trimEnd());
}

console.log(machineLine());
console.log(`median of ${RUNS} runs over ${CONTACTS} different contacts, one core\n`);

const whole = measure(mixture, (raw) => normalizeContact(raw, {}));
report('a contact of the mixture', whole, whole <= BUDGET_MICROSECONDS ? `ok, budget ${BUDGET_MICROSECONDS}` : `OVER ${BUDGET_MICROSECONDS}`);
report('a contact of the mixture, explained', measure(mixture, (raw) => normalizeContact(raw, { explain: true })));
report('  US, address in fields', measure(usFields, (raw) => normalizeContact(raw, {})));
report('  US, address in one line', measure(usLine, (raw) => normalizeContact(raw, {})));
report('  Europe, address in fields', measure(euFields, (raw) => normalizeContact(raw, {})));
report('  Europe, address in one line', measure(euLine, (raw) => normalizeContact(raw, {})));
report('a phone alone', measure(() => mixture()['phone'] as string, (phone) => normalizePhone(phone, 'US')));
report('an e-mail alone', measure(() => mixture()['email'] as string, (email) => normalizeEmail(email)));
process.exitCode = whole <= BUDGET_MICROSECONDS ? 0 : 1;
