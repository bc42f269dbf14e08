import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHANNELS } from '../../../src/domain/contact/types.ts';
import type { Contact } from '../../../src/domain/contact/types.ts';
import { gate, withVerdict } from '../../../src/domain/consent/consent-gate.ts';
import type { GateOptions, Verdict } from '../../../src/domain/consent/consent-gate.ts';
import { CONSENT_FIELD, assertionOf, effective, emptyConsent, joinConsent } from '../../../src/domain/consent/consent-state.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const ALL: GateOptions = { policy: 'all' };
const PER_CHANNEL: GateOptions = { policy: 'per-channel' };

/** `+` granted, `-` refused, `.` not said; email, sms, phone. */
function flags(text: string): Pick<Contact, 'consent_to_email' | 'consent_to_sms' | 'consent_to_phone'> {
  const contact: Contact = {};
  for (const [place, channel] of CHANNELS.entries()) {
    if (text[place] !== '.') contact[CONSENT_FIELD[channel]] = text[place] === '+';
  }
  return contact;
}

type Case = {
  name: string; country?: string; own: string; date?: string; known?: string; knownDate?: string;
  options: GateOptions; expect: string;
};

/** The verdict in one line: channels, then the code and the field. */
function summary(verdict: Verdict): string {
  const channels = CHANNELS.map((channel) => (verdict.channels[channel] ? '+' : '-')).join('');
  return verdict.allowed ? channels : `${verdict.code} ${verdict.field}`;
}

const CASES: Case[] = [
  { name: 'all, everything granted', country: 'DE', own: '+++', options: ALL, expect: '+++' },
  { name: 'all, nothing said', country: 'DE', own: '...', options: ALL, expect: 'consent_missing consent_to_email' },
  { name: 'all, one missing', country: 'FR', own: '++.', options: ALL, expect: 'consent_missing consent_to_phone' },
  { name: 'all, one refused', country: 'FR', own: '+-+', options: ALL, expect: 'consent_refused consent_to_sms' },
  { name: 'all, country unknown', own: '++.', options: ALL, expect: 'consent_missing consent_to_phone' },
  { name: 'all, withdrawn later', country: 'DE', own: '+++', date: '2026-01-01', known: '.-.', knownDate: '2026-02-01', options: ALL, expect: 'consent_withdrawn consent_to_sms' },
  { name: 'all, withdrawn at the same moment', country: 'DE', own: '+++', date: '2026-02-01', known: '.-.', knownDate: '2026-02-01', options: ALL, expect: 'consent_withdrawn consent_to_sms' },
  { name: 'all, granted again after a withdrawal', country: 'DE', own: '+++', date: '2026-03-01', known: '---', knownDate: '2026-02-01', options: ALL, expect: '+++' },
  { name: 'all, an undated grant does not undo a withdrawal', country: 'DE', own: '+++', known: '-..', knownDate: '2020-01-01', options: ALL, expect: 'consent_withdrawn consent_to_email' },
  { name: 'all, a grant known from elsewhere does not speak for the record', country: 'DE', own: '...', known: '+++', knownDate: '2026-01-01', options: ALL, expect: 'consent_missing consent_to_email' },
  { name: 'all, own refusal stands beside a newer grant from elsewhere', country: 'DE', own: '---', date: '2020-01-01', known: '+++', knownDate: '2026-01-01', options: ALL, expect: 'consent_refused consent_to_email' },
  { name: 'all, expired', country: 'DE', own: '+++', date: '2025-01-01', options: { ...ALL, maxAgeDays: 365 }, expect: 'consent_expired consent_to_email' },
  { name: 'all, renewed elsewhere', country: 'DE', own: '+++', date: '2025-01-01', known: '+++', knownDate: '2026-01-01', options: { ...ALL, maxAgeDays: 365 }, expect: '+++' },
  { name: 'all, of unknown age where age counts', country: 'DE', own: '+++', options: { ...ALL, maxAgeDays: 365 }, expect: 'consent_expired consent_to_email' },
  { name: 'all, a country of the operator', country: 'BR', own: '...', options: { ...ALL, extraCountries: new Set(['BR']) }, expect: 'consent_missing consent_to_email' },
  { name: 'per channel, one of three', country: 'DE', own: '-+.', options: PER_CHANNEL, expect: '-+-' },
  { name: 'per channel, none said', country: 'DE', own: '...', options: PER_CHANNEL, expect: 'consent_missing consent_to_email' },
  { name: 'per channel, refused tells more than missing', country: 'DE', own: '.-.', options: PER_CHANNEL, expect: 'consent_refused consent_to_sms' },
  { name: 'per channel, withdrawn tells more than refused', country: 'DE', own: '--+', date: '2026-01-01', known: '..-', knownDate: '2026-02-01', options: PER_CHANNEL, expect: 'consent_withdrawn consent_to_phone' },
  { name: 'per channel, one withdrawn of two', country: 'DE', own: '+.+', date: '2026-01-01', known: '..-', knownDate: '2026-02-01', options: PER_CHANNEL, expect: '+--' },
  { name: 'not covered, nothing said', country: 'US', own: '...', options: ALL, expect: '+++' },
  { name: 'not covered, own flags as said', country: 'US', own: '+-.', options: ALL, expect: '+-+' },
  { name: 'not covered, own refusal of everything is carried', country: 'US', own: '---', options: ALL, expect: '---' },
  { name: 'not covered, a withdrawal closes its channel', country: 'US', own: '+++', date: '2026-01-01', known: '-..', knownDate: '2026-02-01', options: ALL, expect: '-++' },
  { name: 'not covered, everything withdrawn', country: 'US', own: '+++', date: '2026-01-01', known: '---', knownDate: '2026-02-01', options: ALL, expect: 'consent_withdrawn consent_to_email' },
  { name: 'not covered, everything withdrawn and nothing said', country: 'US', own: '...', known: '---', knownDate: '2026-02-01', options: ALL, expect: 'consent_withdrawn consent_to_email' },
  { name: 'not covered, the rest withdrawn', country: 'US', own: '-.+', date: '2026-01-01', known: '.--', knownDate: '2026-02-01', options: ALL, expect: 'consent_withdrawn consent_to_sms' },
];

for (const { name, country, own, date, known, knownDate, options, expect } of CASES) {
  test(`gate: ${name}`, () => {
    const contact: Contact = { email: 'a@example.org', ...flags(own) };
    if (country !== undefined) contact.country = country;
    if (date !== undefined) contact.consent_date = date;
    const ledger = assertionOf({ ...flags(known ?? '...'), ...(knownDate === undefined ? {} : { consent_date: knownDate }) }, NOW);
    assert.equal(summary(gate(contact, assertionOf(contact, NOW), ledger, options, NOW)), expect);
  });
}

test('the preferred channel moves to one that is consented and reachable, and says so', () => {
  const contact: Contact = {
    phone: '+4930901820', country: 'DE', ...flags('+-+'), communication_preferences: { preferred_channel: 'sms', frequency: 'weekly' },
  };
  const verdict = gate(contact, assertionOf(contact, NOW), emptyConsent(), PER_CHANNEL, NOW);
  assert.deepEqual(verdict.preferredChannel, { from: 'sms', to: 'phone' });
  const sent = withVerdict(contact, verdict);
  assert.deepEqual(sent.communication_preferences, { preferred_channel: 'phone', frequency: 'weekly' });
  assert.equal(contact.communication_preferences?.preferred_channel, 'sms');
});

test('a preferred channel that may be used stays', () => {
  const contact: Contact = { email: 'a@example.org', country: 'DE', ...flags('+--'), communication_preferences: { preferred_channel: 'email' } };
  assert.equal(gate(contact, assertionOf(contact, NOW), emptyConsent(), PER_CHANNEL, NOW).preferredChannel, undefined);
});

test('flags go out as said, and false where the channel is closed', () => {
  const contact: Contact = { email: 'a@example.org', country: 'US', ...flags('+.+'), consent_date: '2026-01-01' };
  const withdrawn = assertionOf({ ...flags('..-'), consent_date: '2026-02-01' }, NOW);
  const sent = withVerdict(contact, gate(contact, assertionOf(contact, NOW), withdrawn, ALL, NOW));
  assert.equal(sent.consent_to_email, true);
  assert.equal('consent_to_sms' in sent, false);
  assert.equal(sent.consent_to_phone, false);
});

const flag = fc.constantFrom(true, false, undefined);
const date = fc.constantFrom('2026-01-01', '2026-02-01', '2026-03-01', '2027-01-01', undefined);
const assertion = fc.record({ consent_to_email: flag, consent_to_sms: flag, consent_to_phone: flag, consent_date: date })
  .map((raw) => JSON.parse(JSON.stringify(raw)) as Contact);
const options: fc.Arbitrary<GateOptions> = fc.constantFrom<GateOptions>(ALL, PER_CHANNEL, { ...ALL, maxAgeDays: 100 }, { ...PER_CHANNEL, maxAgeDays: 100 });

test('no channel of a covered contact opens without its own grant and against a refusal that stands', () => {
  fc.assert(fc.property(assertion, assertion, options, (contact, other, choice) => {
    const own = assertionOf(contact, NOW);
    const joined = joinConsent(own, assertionOf(other, NOW));
    const verdict = gate({ country: 'DE', email: 'a@example.org' }, own, joined, choice, NOW);
    for (const channel of CHANNELS) {
      if (!verdict.channels[channel]) continue;
      assert.equal(contact[CONSENT_FIELD[channel]], true);
      assert.equal(effective(joined[channel]), 'granted');
      if (choice.maxAgeDays !== undefined) assert.ok(joined[channel].grantedAt! >= NOW - choice.maxAgeDays * 86_400_000);
    }
    assert.equal(verdict.allowed, CHANNELS[choice.policy === 'all' ? 'every' : 'some']((channel) => verdict.channels[channel]));
    assert.equal(verdict.allowed, verdict.code === undefined);
  }));
});

test('further evidence of a refusal never opens anything', () => {
  const refusals = assertion.map((contact) => JSON.parse(JSON.stringify(contact, (_, value: unknown) => (value === true ? undefined : value))) as Contact);
  fc.assert(fc.property(assertion, assertion, refusals, fc.constantFrom('DE', 'US'), options, (contact, other, refusal, country, choice) => {
    const own = assertionOf(contact, NOW);
    const known = joinConsent(own, assertionOf(other, NOW));
    const before = gate({ country }, own, known, choice, NOW);
    const after = gate({ country }, own, joinConsent(known, assertionOf(refusal, NOW)), choice, NOW);
    for (const channel of CHANNELS) assert.ok(before.channels[channel] || !after.channels[channel]);
    assert.ok(before.allowed || !after.allowed);
  }));
});
