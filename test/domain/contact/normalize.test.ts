import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalizeContact } from '../../../src/domain/contact/normalize.ts';
import type { NormalizedContact, NormalizeOptions } from '../../../src/domain/contact/normalize.ts';
import { parseIsoTimestamp } from '../../../src/domain/timestamp.ts';
import type { Contact } from '../../../src/domain/contact/types.ts';

const US = { email: 'ada@example.com', country: 'US' };

function normalize(raw: unknown, options: NormalizeOptions = {}): NormalizedContact {
  return normalizeContact(raw, { explain: true, ...options });
}

function codes(found: { field: string; code: string }[]): string[] {
  return found.map(({ field, code }) => `${field}:${code}`);
}

test('a whole contact comes out in the form of the contract', () => {
  const result = normalize({
    email: ' Ada@Example.COM ',
    phone: '(512) 555-0123',
    first_name: 'Ada ',
    last_name: 'Love\tlace',
    address1: '1  Main St',
    city: 'Austin',
    state: 'Texas',
    postal_code: '78701',
    country: 'United States',
    timezone: 'Central Standard Time',
    consent_to_email: 'true',
    consent_to_sms: false,
    consent_date: '2026-03-01T12:00:00+02:00',
    consent_source: 'web form',
    external_crm_id: 'crm-1',
    interaction_history: [{ type: 'call', at: '2026-01-01' }],
    communication_preferences: { preferred_channel: 'Email', frequency: 'weekly' },
    updated_at: '2026-03-02',
  });
  assert.deepEqual(result.errors, []);
  assert.deepEqual(result.warnings, []);
  assert.deepEqual(result.contact, {
    email: 'ada@example.com',
    phone: '+15125550123',
    first_name: 'Ada',
    last_name: 'Love lace',
    address1: '1 Main St',
    city: 'Austin',
    state: 'TX',
    postal_code: '78701',
    country: 'US',
    timezone: 'America/Chicago',
    consent_to_email: true,
    consent_to_sms: false,
    consent_date: '2026-03-01T10:00:00.000Z',
    consent_source: 'web form',
    external_crm_id: 'crm-1',
    interaction_history: [{ type: 'call', at: '2026-01-01' }],
    communication_preferences: { preferred_channel: 'email', frequency: 'weekly' },
    updated_at: '2026-03-02T00:00:00.000Z',
  } satisfies Contact);
  assert.equal(result.covered_country, 'US');
  const changed = result.changes.map(({ field }) => field).sort();
  assert.deepEqual(changed, [
    'address1',
    'communication_preferences.preferred_channel',
    'consent_date',
    'country',
    'email',
    'first_name',
    'last_name',
    'phone',
    'state',
    'timezone',
    'updated_at',
  ]);
});

for (const raw of [null, undefined, 1, 'ada@example.com', true, [], [US]]) {
  test(`${JSON.stringify(raw)} is no contact`, () => {
    assert.deepEqual(codes(normalize(raw).errors), [':not_an_object']);
  });
}

type Case = { name: string; raw: Record<string, unknown>; options?: NormalizeOptions; contact?: Partial<Contact>; warnings?: string[]; errors?: string[] };

const CASES: Case[] = [
  // Identifiers
  { name: 'neither e-mail nor phone', raw: { first_name: 'Ada' }, errors: ['email:identifier_missing'] },
  { name: 'empty text counts as not given', raw: { email: '', phone: ' ', country: '' }, errors: ['email:identifier_missing'] },
  { name: 'null counts as not given', raw: { email: null, phone: '+15125550123', country: 'US', city: null }, contact: { phone: '+15125550123' } },
  { name: 'an invalid phone beside a valid e-mail', raw: { ...US, phone: '123-456-7890' }, contact: { phone: undefined, email: 'ada@example.com' }, warnings: ['phone:phone_invalid'] },
  { name: 'an invalid e-mail beside a valid phone', raw: { email: 'ada@', phone: '+15125550123', country: 'US' }, contact: { email: undefined }, warnings: ['email:email_invalid'] },
  { name: 'both invalid', raw: { email: 'ada@', phone: '1', country: 'US' }, warnings: ['phone:phone_invalid', 'email:email_invalid'], errors: ['email:identifier_missing'] },
  { name: 'an extension is said', raw: { ...US, phone: '512-555-0123 x9' }, contact: { phone: '+15125550123' }, warnings: ['phone:phone_extension_dropped'] },
  { name: 'a phone of another country', raw: { ...US, phone: '+49 30 123456' }, contact: { phone: '+4930123456', country: 'US' }, warnings: ['phone:phone_country_mismatch'] },
  { name: 'a toll-free number fits every country of its plan', raw: { ...US, country: 'CA', phone: '1-800-356-9377' }, contact: { phone: '+18003569377' } },
  { name: 'a phone that is no text', raw: { ...US, phone: 5125550123 }, errors: ['phone:invalid_type'] },
  { name: 'an e-mail that is no text', raw: { email: ['a@b.co'], phone: '+15125550123' }, errors: ['email:invalid_type'] },
  // Country
  { name: 'no default country', raw: { email: 'a@b.co', phone: '512 555 0123' }, contact: { country: undefined, phone: undefined }, warnings: ['phone:phone_invalid'] },
  { name: 'the default country of the operator', raw: { email: 'a@b.co', phone: '512 555 0123' }, options: { defaultCountry: 'US' }, contact: { country: 'US', phone: '+15125550123' } },
  { name: 'the country of a phone prefix', raw: { phone: '+4930123456' }, contact: { country: 'DE' } },
  { name: 'a phone prefix speaks before the default country', raw: { phone: '+4930123456' }, options: { defaultCountry: 'US' }, contact: { country: 'DE' } },
  { name: 'a country that is not understood is not replaced', raw: { email: 'a@b.co', country: 'Atlantis', phone: '+15125550123' }, options: { defaultCountry: 'US' }, contact: { country: undefined, phone: '+15125550123' }, warnings: ['country:country_unknown'] },
  { name: 'a country of a wrong type is not replaced', raw: { email: 'a@b.co', country: ['US'], address: '1 Main St, Austin, TX 78701' }, contact: { country: undefined }, warnings: ['country:invalid_type', 'country:country_unknown'] },
  { name: 'state and ZIP that agree name the country', raw: { email: 'a@b.co', state: 'TX', postal_code: '78701' }, contact: { country: 'US', postal_code: '78701' } },
  { name: 'a ZIP alone names none', raw: { email: 'a@b.co', postal_code: '78701' }, contact: { country: undefined, postal_code: '78701' } },
  { name: 'a code and a province of another country name none', raw: { email: 'a@b.co', state: 'MI', postal_code: '20121' }, contact: { country: undefined } },
  // Place
  { name: 'a line is split', raw: { ...US, address: '1 Main St, Apt 2, Austin, TX 78701' }, contact: { address1: '1 Main St', address2: 'Apt 2', city: 'Austin', state: 'TX', postal_code: '78701' } },
  { name: 'the country is read from a line', raw: { email: 'a@b.co', address: '1 Main St, Austin, TX 78701, USA', phone: '512 555 0123' }, contact: { country: 'US', phone: '+15125550123' } },
  { name: 'a given field wins over the line', raw: { ...US, address: '1 Main St, Austin, TX 78701', city: 'Dallas' }, contact: { city: 'Dallas', address1: '1 Main St' }, warnings: ['city:address_mismatch'] },
  { name: 'an explicit country wins over the line', raw: { email: 'a@b.co', country: 'DE', address: 'Hauptstr. 1, 10115 Berlin, Austria' }, contact: { country: 'DE' }, warnings: ['address:address_country_mismatch'] },
  { name: 'a line that names the state of a territory', raw: { email: 'a@b.co', country: 'MQ', phone: '+33 1 42 68 53 00', address: '1 Rue Victor Hugo, 97200 Fort-de-France, France' }, contact: { country: 'MQ', postal_code: '97200' } },
  { name: 'an invalid postal code is not sent', raw: { ...US, postal_code: 'ABC' }, contact: { postal_code: undefined }, warnings: ['postal_code:postal_code_invalid'] },
  { name: 'a postal code of another state', raw: { ...US, state: 'TX', postal_code: '10001' }, contact: { state: 'TX', postal_code: '10001' }, warnings: ['postal_code:postal_code_state_mismatch'] },
  { name: 'a postal code that lies within another division is no contradiction', raw: { ...US, country: 'GB', state: 'East Sussex', postal_code: 'bn23 6qd' }, contact: { postal_code: 'BN23 6QD' } },
  { name: 'a ZIP that lost its zeros, in a state that has it with them', raw: { ...US, state: 'Massachusetts', postal_code: 2138 }, contact: { state: 'MA', postal_code: '02138' } },
  { name: 'a ZIP that lost a digit', raw: { ...US, state: 'TX', postal_code: '7870' }, contact: { postal_code: undefined }, warnings: ['postal_code:postal_code_country_mismatch'] },
  { name: 'a ZIP with a letter that looks the same as its digit', raw: { ...US, postal_code: '7870l' }, contact: { postal_code: '78701' } },
  { name: 'what a ZIP with other letters may mean is a guess, and not sent', raw: { ...US, postal_code: '7B7o1' }, contact: { postal_code: undefined }, warnings: ['postal_code:postal_code_guessed'] },
  { name: 'a whole number as postal code', raw: { ...US, postal_code: 78701 }, contact: { postal_code: '78701' } },
  { name: 'a guessed country judges no given value', raw: { phone: '+15125550123', postal_code: 'SW1A 1AA', state: 'texas' }, contact: { country: 'US', postal_code: 'SW1A 1AA', state: 'texas' } },
  { name: 'a state that is not known stays', raw: { ...US, country: 'DE', state: 'Somewhere' }, contact: { state: 'Somewhere' } },
  { name: 'an unknown zone is not sent', raw: { ...US, timezone: 'Mars/Olympus' }, contact: { timezone: undefined }, warnings: ['timezone:timezone_unknown'] },
  { name: 'an IANA zone passes', raw: { ...US, timezone: 'America/Denver' }, contact: { timezone: 'America/Denver' } },
  { name: 'an abbreviation that is none of the country is a guess, and not sent', raw: { ...US, country: 'DE', timezone: 'EST' }, contact: { timezone: undefined }, warnings: ['timezone:timezone_guessed'] },
  { name: 'an offset that the country does not have is a guess, and not sent', raw: { ...US, country: 'DE', timezone: '-05:00' }, contact: { timezone: undefined }, warnings: ['timezone:timezone_guessed'] },
  { name: 'an offset that several clocks of the country show in turn', raw: { ...US, timezone: '-06:00' }, contact: { timezone: undefined }, warnings: ['timezone:timezone_guessed'] },
  { name: 'an offset that one clock of the country shows', raw: { ...US, country: 'DE', timezone: '+01:00' }, contact: { timezone: 'Europe/Berlin' } },
  { name: 'a zone of another country is said', raw: { ...US, country: 'DE', timezone: 'America/Denver' }, contact: { timezone: 'America/Denver' }, warnings: ['timezone:timezone_country_mismatch'] },
  { name: 'a zone of a neighbour with the same clock contradicts nothing', raw: { ...US, country: 'DE', timezone: 'Romance Standard Time' }, contact: { timezone: 'Europe/Paris' } },
  { name: 'a zone of no country contradicts none', raw: { ...US, timezone: 'UTC' }, contact: { timezone: 'Etc/UTC' } },
  { name: 'a zone of a territory contradicts its state as little', raw: { ...US, timezone: 'Pacific/Guam' }, contact: { timezone: 'Pacific/Guam' } },
  { name: 'a guessed country contradicts no zone', raw: { phone: '+4930123456', timezone: 'America/Denver' }, contact: { country: 'DE', timezone: 'America/Denver' } },
  { name: 'a zone that the place leaves no choice about', raw: { email: 'a@b.co', country: 'FR' }, contact: { timezone: 'Europe/Paris' } },
  { name: 'no zone where there is a choice', raw: US, contact: { timezone: undefined } },
  // Consent
  ...[1, 'yes', 'TRUE', ' true', [true], null, {}].map((value) => ({
    name: `consent ${JSON.stringify(value)} is none`,
    raw: { ...US, consent_to_email: value },
    contact: { consent_to_email: undefined },
    warnings: ['consent_to_email:consent_invalid_value'],
  })),
  { name: 'consent that is not given', raw: { ...US, consent_to_email: '' }, contact: { consent_to_email: undefined } },
  { name: 'consent in text', raw: { ...US, consent_to_sms: 'false', consent_to_phone: 'true' }, contact: { consent_to_sms: false, consent_to_phone: true } },
  { name: 'the override is read elsewhere', raw: { ...US, gdpr_consent_override: true } },
  // The rest
  { name: 'a timestamp that is none', raw: { ...US, updated_at: '2026-02-30', consent_date: 'yesterday' }, contact: { updated_at: undefined, consent_date: undefined }, warnings: ['consent_date:invalid_timestamp', 'updated_at:invalid_timestamp'] },
  { name: 'a history that is none', raw: { ...US, interaction_history: 'called' }, contact: { interaction_history: undefined }, warnings: ['interaction_history:invalid_type'] },
  { name: 'a history as JSON text', raw: { ...US, interaction_history: '[{"a":"\\u00e9"}]' }, contact: { interaction_history: [{ a: 'é' }] } },
  { name: 'preferences as JSON text', raw: { ...US, communication_preferences: '{"preferred_channel":"sms"}' }, contact: { communication_preferences: { preferred_channel: 'sms' } } },
  { name: 'a channel that there is not', raw: { ...US, communication_preferences: { preferred_channel: 'fax', tone: 1 } }, contact: { communication_preferences: undefined }, warnings: ['communication_preferences.preferred_channel:invalid_value', 'communication_preferences.tone:unknown_field'] },
  { name: 'preferences of a wrong type', raw: { ...US, communication_preferences: ['email'] }, warnings: ['communication_preferences:invalid_type'] },
  { name: 'an unknown field', raw: { ...US, loyalty: 'gold' }, warnings: ['loyalty:unknown_field'] },
  { name: 'a field too long', raw: { ...US, first_name: 'x'.repeat(1_001) }, contact: { first_name: undefined }, warnings: ['first_name:too_long'] },
  { name: 'a phone too long', raw: { ...US, phone: '1'.repeat(251) }, contact: { phone: undefined }, warnings: ['phone:phone_invalid'] },
  { name: 'an e-mail too long', raw: { email: `${'x'.repeat(320)}@b.co`, phone: '+15125550123', country: 'US' }, warnings: ['email:email_invalid'] },
  { name: 'a NUL', raw: { ...US, first_name: 'A\0da' }, errors: ['first_name:invalid_string'] },
  { name: 'half a surrogate pair', raw: { ...US, city: 'A\ud800' }, errors: ['city:invalid_string'] },
  { name: 'half a surrogate pair in a history', raw: { ...US, interaction_history: [{ note: ['\udc00'] }] }, errors: ['interaction_history:invalid_string'] },
  { name: 'half a surrogate pair as a key', raw: { ...US, interaction_history: [{ '\udc00': 1 }] }, errors: ['interaction_history:invalid_string'] },
  { name: 'a NUL in a preference', raw: { ...US, communication_preferences: { frequency: '\0' } }, errors: ['communication_preferences.frequency:invalid_string'] },
  { name: 'line breaks are folded', raw: { ...US, address1: ' 1 Main St\r\n\tAustin ' }, contact: { address1: '1 Main St Austin' } },
  { name: 'two inner spaces of an identifier stay', raw: { ...US, external_crm_id: ' a  b\n' }, contact: { external_crm_id: 'a  b' } },
  { name: 'an identifier that is a number', raw: { ...US, external_crm_id: 42 }, contact: { external_crm_id: '42' } },
  { name: 'composed characters', raw: { ...US, city: 'Zu\u0308rich' }, contact: { city: 'Z\u00fcrich' } },
];

for (const { name, raw, options, contact = {}, warnings = [], errors = [] } of CASES) {
  test(name, () => {
    const result = normalize(raw, options);
    assert.deepEqual(codes(result.errors), errors);
    assert.deepEqual(codes(result.warnings), warnings);
    for (const [field, value] of Object.entries(contact)) assert.deepEqual(result.contact[field as keyof Contact], value, field);
  });
}

test('a guessed country never lifts the protection of a person', () => {
  assert.equal(normalize({ phone: '+15125550123' }).covered_country, undefined);
  assert.equal(normalize({ email: 'a@b.co' }).covered_country, undefined);
  assert.equal(normalize({ phone: '+15125550123', country: 'Atlantis' }).covered_country, undefined);
  assert.equal(normalize({ phone: '+4930123456' }, { defaultCountry: 'US' }).covered_country, undefined);
  assert.equal(normalize({ email: 'a@b.co' }, { defaultCountry: 'US' }).covered_country, 'US');
  assert.equal(normalize({ phone: '512 555 0123' }, { defaultCountry: 'US' }).covered_country, 'US');
  assert.equal(normalize({ email: 'a@b.co', address: '1 Main St, Austin, TX 78701' }).covered_country, 'US');
  assert.equal(normalize({ email: 'a@b.co', country: 'Germany', address: '1 Main St, Austin, TX 78701' }).covered_country, 'DE');
});

test('what is guessed is marked in the changes', () => {
  const change = normalize({ phone: '+15125550123' }).changes.find(({ field }) => field === 'country');
  assert.deepEqual(change, { field: 'country', from: null, to: 'US', rule: 'country.phone-prefix', confidence: 0.6 });
});

test('what is dropped is in the changes, with the reason', () => {
  const { changes } = normalize({ ...US, city: 'x'.repeat(1_001), consent_date: 'yesterday', postal_code: 'ABC', interaction_history: 'called', last_name: ['x'], updated_at: ' ' });
  assert.deepEqual(
    changes.map(({ field, to, rule }) => [field, to, rule]),
    [
      ['postal_code', null, 'postal_code.invalid'],
      ['last_name', null, 'dropped.invalid_type'],
      ['city', null, 'dropped.too_long'],
      ['consent_date', null, 'dropped.invalid_timestamp'],
      ['interaction_history', null, 'dropped.invalid_type'],
    ],
  );
  fc.assert(
    fc.property(contacts, (raw) => {
      const { contact, changes: all, errors } = normalize(raw);
      if (errors.length > 0) return;
      const told = new Set(all.map(({ field }) => field.split('.')[0]));
      for (const [field, given] of Object.entries(raw as Record<string, unknown>)) {
        if (field === 'address' || given === null || (typeof given === 'string' && given.trim() === '') || told.has(field)) continue;
        const kept = contact[field as keyof Contact];
        assert.equal(typeof given === 'string' ? given : JSON.stringify(given), typeof kept === 'string' ? kept : JSON.stringify(kept), field);
      }
    }),
  );
});

test('a guess at a given value is a suggestion and never takes its place', () => {
  const { changes, contact } = normalize({ ...US, postal_code: '7B7o1', timezone: '-06:00' });
  assert.deepEqual([contact.postal_code, contact.timezone], [undefined, undefined]);
  assert.deepEqual(
    changes,
    [
      { field: 'postal_code', from: '7B7o1', to: null, rule: 'postal.lookalike', confidence: 0.7, suggestion: '78701' },
      { field: 'timezone', from: '-06:00', to: null, rule: 'timezone.offset', confidence: 0.7, suggestion: 'America/Chicago' },
    ],
  );
  fc.assert(
    fc.property(contacts, (raw) => {
      // What was read from a line or derived took the place of nothing.
      const { address: _, ...fields } = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
      for (const { field, from, to, confidence } of normalize(fields).changes) {
        assert.ok(confidence >= 0.8 || from === null || to === null, `${field}: ${from} → ${to}`);
      }
    }),
  );
});

test('raw address and phone are kept as they were given', () => {
  const { raw } = normalize({ ...US, phone: ' 512-555-0123\t', address: '1 Main St,\nAustin, TX 78701' });
  assert.deepEqual(raw, { phone: ' 512-555-0123\t', address: '1 Main St,\nAustin, TX 78701' });
});

test('changes are collected only where they are asked for', () => {
  assert.deepEqual(normalizeContact({ email: 'A@B.CO', country: 'usa' }, {}).changes, []);
});

test('timestamps come out as the instant they name, in UTC', () => {
  const odd = ['2026-01-31', '2026-01-31T24:00:00Z', '2016-12-31T23:59:60Z', '2026-01-31T12:00:00Z', '2026-01-31T12:00Z', '2026-01-31T12:00:00.5+05:30'];
  for (const text of odd) {
    const time = parseIsoTimestamp(text) as number;
    assert.equal(normalize({ ...US, updated_at: text }).contact.updated_at, new Date(time).toISOString(), text);
  }
});

test('a history is capped to its newest entries, and not read too deep', () => {
  const many = normalize({ ...US, interaction_history: Array.from({ length: 1_500 }, (_, index) => index) });
  assert.equal(many.contact.interaction_history?.length, 1_000);
  assert.equal(many.contact.interaction_history?.at(-1), 1_499);
  assert.deepEqual(codes(many.warnings), ['interaction_history:too_many_entries']);
  let deep: unknown = 'x';
  for (let level = 0; level < 10_000; level += 1) deep = [deep];
  const nested = normalize({ ...US, interaction_history: deep });
  assert.equal(nested.contact.interaction_history, undefined);
  assert.deepEqual(codes(nested.warnings), ['interaction_history:too_deep']);
});

test('names of unknown fields are cleaned, capped and counted', () => {
  const raw: Record<string, unknown> = { ...US, '<b>x@y.zz\r\n': 1, '': 1, ['n'.repeat(500)]: 1 };
  const named = normalize(raw);
  assert.deepEqual(named.unknownFields, ['bxy.zz', 'unnamed', 'n'.repeat(64)]);
  for (let index = 0; index < 1_000; index += 1) raw[`f${index}`] = index;
  const counted = normalize(raw);
  assert.equal(counted.unknownFields.length, 51);
  assert.equal(counted.warnings.at(-1)?.code, 'unknown_fields_more');
});

const FIELDS = ['email', 'phone', 'first_name', 'address', 'address1', 'city', 'state', 'postal_code', 'country', 'timezone', 'consent_to_email', 'consent_date', 'interaction_history', 'communication_preferences', 'updated_at', 'external_crm_id'];
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom('+15125550123', 'ada@example.com', 'US', 'Texas', '78701', 'EST', 'true', '2026-01-01', '1 Main St, Austin, TX 78701', 'Germany'),
  fc.jsonValue({ maxDepth: 3 }),
);
const contacts = fc.oneof({ weight: 9, arbitrary: fc.dictionary(fc.constantFrom(...FIELDS), value) }, { weight: 1, arbitrary: fc.jsonValue() });

test('any JSON value is answered, with a usable contact or a reason, and no message repeats a value', () => {
  fc.assert(
    fc.property(contacts, fc.constantFrom(undefined, 'US', 'DE'), (raw, defaultCountry) => {
      const result = normalize(raw, { defaultCountry });
      if (result.errors.length === 0) assert.ok(result.contact.email !== undefined || result.contact.phone !== undefined);
      const text = JSON.stringify(result.contact);
      assert.ok(text.isWellFormed() && !text.includes('\\u0000'));
      for (const { message } of [...result.errors, ...result.warnings]) assert.match(message, /^[A-Z][^"]*\.$/);
    }),
    { numRuns: 1_000 },
  );
});

test('a normalized contact is left as it is when it comes again', () => {
  fc.assert(
    fc.property(contacts, (raw) => {
      const first = normalize(raw);
      // What was dropped or guessed the first time is not there, or no longer a guess, the second time.
      const whole = first.contact.country === first.covered_country && !first.warnings.some(({ code }) => code.endsWith('_unknown'));
      if (first.errors.length > 0 || !whole) return;
      const second = normalize(first.contact);
      assert.deepEqual(second.contact, first.contact);
      assert.deepEqual(second.errors, []);
    }),
    { numRuns: 1_000 },
  );
});

test('explaining changes nothing', () => {
  fc.assert(
    fc.property(contacts, (raw) => {
      const { changes, ...explained } = normalize(raw);
      const { changes: none, ...plain } = normalizeContact(raw, {});
      assert.deepEqual(plain, explained);
      assert.equal(none.length, 0);
      for (const change of changes) assert.notEqual(change.from, change.to);
    }),
  );
});
