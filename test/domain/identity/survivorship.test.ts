import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Contact } from '../../../src/domain/contact/types.ts';
import { ADDRESS_FIELDS } from '../../../src/domain/identity/address-block.ts';
import { MAX_INTERACTIONS } from '../../../src/domain/identity/interaction-history.ts';
import { combine } from '../../../src/domain/identity/survivorship.ts';
import type { ContactVersion } from '../../../src/domain/identity/survivorship.ts';

const OLD = '2026-01-01T00:00:00.000Z';
const NEW = '2026-02-01T00:00:00.000Z';
const RECEIVED = Date.parse('2026-03-01T00:00:00.000Z');

function version(contact: Contact, receivedLater = 0, source?: string): ContactVersion {
  const receivedAt = RECEIVED + receivedLater;
  return source === undefined ? { contact, receivedAt } : { contact, receivedAt, source };
}

test('the newest value of each field wins, and says why', () => {
  const { contact, from } = combine([
    version({ first_name: 'Ana', last_name: 'Silva', updated_at: NEW }),
    version({ first_name: 'Anna', phone: '+351211234567', updated_at: OLD }),
  ]);
  assert.deepEqual(contact, { first_name: 'Ana', last_name: 'Silva', phone: '+351211234567', updated_at: NEW });
  assert.deepEqual(from['first_name'], { index: 0, why: 'newest' });
  assert.deepEqual(from['last_name'], { index: 0, why: 'only' });
  assert.deepEqual(from['phone'], { index: 1, why: 'only' });
});

test('an empty value never takes the place of a full one', () => {
  const { contact } = combine([version({ first_name: 'Ana', updated_at: OLD }), version({ first_name: '', updated_at: NEW })]);
  assert.equal(contact.first_name, 'Ana');
});

test('a record without updated_at is the oldest', () => {
  const { contact } = combine([version({ first_name: 'Undated' }, 99), version({ first_name: 'Dated', updated_at: OLD }, 1)]);
  assert.equal(contact.first_name, 'Dated');
});

test('a record that a clock ahead of ours has dated wins until the next is received, and no longer', () => {
  const ahead = version({ first_name: 'Ahead', updated_at: '2030-01-01T00:00:00.000Z' });
  const names = (...versions: ContactVersion[]): string | undefined => combine(versions).contact.first_name;
  assert.equal(names(ahead, version({ first_name: 'Earlier', updated_at: NEW }, 10)), 'Ahead');
  assert.equal(names(ahead, version({ first_name: 'Later', updated_at: new Date(RECEIVED + 5).toISOString() }, 10)), 'Later');
  assert.equal(names(ahead, version({ first_name: 'Ahead as well', updated_at: '2029-01-01T00:00:00.000Z' }, 10)), 'Ahead as well');
});

test('ties go to the trusted source, then the later receipt, then the later place', () => {
  const names = (versions: ContactVersion[]): [string | undefined, string | undefined] => {
    const { contact, from } = combine(versions, { sourcePriority: ['crm', 'shop'] });
    return [contact.first_name, from['first_name']?.why];
  };
  const by = (first_name: string, receivedAt: number, source?: string): ContactVersion => version({ first_name, updated_at: OLD }, receivedAt, source);
  assert.deepEqual(names([by('A', 1, 'crm'), by('B', 2, 'shop')]), ['A', 'source']);
  assert.deepEqual(names([by('A', 1, 'shop'), by('B', 2, 'unnamed')]), ['A', 'source']);
  assert.deepEqual(names([by('A', 3, 'shop'), by('B', 2, 'shop')]), ['A', 'received_last']);
  assert.deepEqual(names([by('A', 1), by('B', 1)]), ['B', 'last']);
  assert.deepEqual(names([by('A', 1), by('A', 1)]), ['A', 'same']);
});

const BERLIN: Contact = { address1: 'Invalidenstr. 1', city: 'Berlin', postal_code: '10115', country: 'DE', timezone: 'Europe/Berlin' };

const ADDRESSES: { name: string; older: Contact; newer: Contact; expect: Contact }[] = [
  { name: 'a new address takes the place of the old as a whole', older: BERLIN, newer: { city: 'Wien', country: 'AT' }, expect: { city: 'Wien', country: 'AT' } },
  { name: 'a country alone confirms the address', older: BERLIN, newer: { country: 'DE' }, expect: BERLIN },
  { name: 'a part of the address confirms it', older: BERLIN, newer: { city: 'BERLIN', country: 'DE' }, expect: BERLIN },
  { name: 'another country alone replaces it', older: BERLIN, newer: { country: 'US' }, expect: { country: 'US' } },
  { name: 'a record without address leaves it', older: BERLIN, newer: { first_name: 'Jo' }, expect: { ...BERLIN, first_name: 'Jo' } },
  { name: 'a country alone completes an address without one', older: { address1: '1 Main St', city: 'Austin' }, newer: { country: 'US' }, expect: { address1: '1 Main St', city: 'Austin', country: 'US' } },
  { name: 'another street in the same city brings no old postal code along', older: BERLIN, newer: { address1: 'Hauptstr. 2', city: 'Berlin', country: 'DE' }, expect: { address1: 'Hauptstr. 2', city: 'Berlin', country: 'DE' } },
  { name: 'the same address keeps its newer writing', older: { city: 'BERLIN' }, newer: { city: 'Berlin' }, expect: { city: 'Berlin' } },
  { name: 'an address without country takes none from another place', older: BERLIN, newer: { city: 'Springfield' }, expect: { city: 'Springfield' } },
];

for (const { name, older, newer, expect } of ADDRESSES) {
  test(`address: ${name}`, () => {
    const { contact } = combine([version({ ...older, updated_at: OLD }), version({ ...newer, updated_at: NEW })]);
    assert.deepEqual(contact, { ...expect, updated_at: NEW });
  });
}

test('consent flags are left to the evidence; its date and source stay together', () => {
  const { contact } = combine([
    version({ consent_to_email: true, consent_date: '2026-01-05', consent_source: 'form', updated_at: OLD }),
    version({ consent_to_email: false, consent_date: '2025-01-05', updated_at: NEW }),
  ]);
  assert.deepEqual(contact, { consent_date: '2026-01-05', consent_source: 'form', updated_at: NEW });
});

test('preferences are combined one by one', () => {
  const { contact, from } = combine([
    version({ communication_preferences: { preferred_channel: 'email', frequency: 'weekly' }, updated_at: OLD }),
    version({ communication_preferences: { preferred_channel: 'sms' }, updated_at: NEW }),
  ]);
  assert.deepEqual(contact.communication_preferences, { preferred_channel: 'sms', frequency: 'weekly' });
  assert.deepEqual(from['communication_preferences.frequency'], { index: 0, why: 'only' });
});

test('histories are joined in order and without repeats, whatever the order of members', () => {
  const { contact, from } = combine([
    version({ interaction_history: [{ type: 'call', at: 1 }, { type: 'mail', at: 2 }], updated_at: OLD }),
    version({ interaction_history: [{ at: 2, type: 'mail' }, { type: 'chat', at: 3 }], updated_at: NEW }),
  ]);
  assert.deepEqual(contact.interaction_history, [{ type: 'call', at: 1 }, { type: 'mail', at: 2 }, { type: 'chat', at: 3 }]);
  assert.equal(from['interaction_history']?.why, 'joined');
});

test('a long history keeps its newest entries, by time where each has one', () => {
  const day = (n: number): string => new Date(n * 86_400_000).toISOString();
  const newestFirst = Array.from({ length: MAX_INTERACTIONS + 5 }, (_, n) => ({ timestamp: day(5000 - n) }));
  const timed = combine([version({ interaction_history: newestFirst })]).contact.interaction_history!;
  assert.deepEqual([timed.length, timed[0]], [MAX_INTERACTIONS, { timestamp: day(5000) }]);
  const untimed = combine([version({ interaction_history: Array.from({ length: MAX_INTERACTIONS + 5 }, (_, n) => n) })]).contact.interaction_history!;
  assert.deepEqual([untimed.length, untimed[0]], [MAX_INTERACTIONS, 5]);
});

const text = fc.constantFrom('', 'x', 'y', 'z');
const contacts: fc.Arbitrary<Contact> = fc.record({
  first_name: text, last_name: text, phone: text, external_crm_id: text, address1: text, city: text, postal_code: text, country: text,
  updated_at: fc.constantFrom(OLD, NEW), interaction_history: fc.array(fc.jsonValue(), { maxLength: 3 }),
}, { requiredKeys: [], noNullPrototype: true });
const versions = fc.array(contacts, { minLength: 1, maxLength: 5 }).map((list) => list.map((contact, n) => version(contact, n)));

test('a field that some record fills is never lost, and only holds what its record said', () => {
  fc.assert(fc.property(versions, (list) => {
    const { contact, from } = combine(list);
    for (const field of ['first_name', 'last_name', 'phone', 'external_crm_id'] as const) {
      assert.equal(contact[field] !== undefined, list.some((each) => (each.contact[field] ?? '') !== ''));
      if (contact[field] !== undefined) assert.equal(contact[field], list[from[field]!.index]!.contact[field]);
    }
  }));
});

test('the street, city and postal code always come from one record', () => {
  fc.assert(fc.property(versions, (list) => {
    const { contact, from } = combine(list);
    const origins = ADDRESS_FIELDS.filter((field) => field !== 'country' && contact[field] !== undefined).map((field) => from[field]!.index);
    assert.ok(new Set(origins).size <= 1);
    for (const field of ADDRESS_FIELDS) {
      if (origins[0] !== undefined && field !== 'country') assert.equal(contact[field] ?? '', list[origins[0]]!.contact[field] ?? '');
    }
  }));
});

test('the order of the list does not matter, and combining again changes nothing', () => {
  const shuffled = versions.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
  fc.assert(fc.property(shuffled, ([list, other]) => {
    const { contact } = combine(list);
    assert.deepEqual(combine(other).contact, contact);
    assert.deepEqual(combine([version(contact)]).contact, contact);
  }));
});
