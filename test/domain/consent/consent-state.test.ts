import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHANNELS } from '../../../src/domain/contact/types.ts';
import {
  UNDATED_GRANT, UNDATED_REFUSAL, assertionOf, effective, emptyConsent, joinConsent,
} from '../../../src/domain/consent/consent-state.ts';
import type { ChannelState, ConsentState } from '../../../src/domain/consent/consent-state.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const DAY = 86_400_000;

const EFFECTIVE: [string, ChannelState, string][] = [
  ['nothing known', {}, 'none'],
  ['a grant alone', { grantedAt: 5 }, 'granted'],
  ['an undated grant alone', { grantedAt: UNDATED_GRANT }, 'granted'],
  ['a refusal alone', { refusedAt: 5 }, 'refused'],
  ['a newer grant', { grantedAt: 6, refusedAt: 5 }, 'granted'],
  ['a tie', { grantedAt: 5, refusedAt: 5 }, 'refused'],
  ['a newer refusal', { grantedAt: 5, refusedAt: 6 }, 'refused'],
  ['an undated refusal', { grantedAt: NOW, refusedAt: UNDATED_REFUSAL }, 'refused'],
  ['an undated grant after any refusal', { grantedAt: UNDATED_GRANT, refusedAt: -5 }, 'refused'],
];

for (const [name, state, expected] of EFFECTIVE) {
  test(`effective: ${name} is ${expected}`, () => assert.equal(effective(state), expected));
}

test('an assertion is dated by the consent date', () => {
  const state = assertionOf({ consent_to_email: true, consent_to_sms: false, consent_date: '2026-01-02' }, NOW);
  const date = Date.parse('2026-01-02');
  assert.deepEqual(state, { email: { grantedAt: date }, sms: { refusedAt: date }, phone: {} });
});

test('without a date a grant is the oldest evidence and a refusal the newest', () => {
  const state = assertionOf({ consent_to_email: true, consent_to_sms: false }, NOW);
  assert.deepEqual(state, { email: { grantedAt: UNDATED_GRANT }, sms: { refusedAt: UNDATED_REFUSAL }, phone: {} });
});

test('a date in the future dates a refusal but no grant', () => {
  const tomorrow = '2026-06-02T12:00:00Z';
  const state = assertionOf({ consent_to_email: true, consent_to_sms: false, consent_date: tomorrow }, NOW);
  assert.equal(state.email.grantedAt, UNDATED_GRANT);
  assert.equal(state.sms.refusedAt, NOW + DAY);
});

test('a date that cannot be read counts as none', () => {
  const state = assertionOf({ consent_to_email: true, consent_date: '2026-02-30' }, NOW);
  assert.equal(state.email.grantedAt, UNDATED_GRANT);
});

test('a state survives JSON', () => {
  const state = joinConsent(assertionOf({ consent_to_email: true }, NOW), assertionOf({ consent_to_email: false }, NOW));
  assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
});

// Few distinct moments, so that ties are common.
const moment = fc.constantFrom(1, 2, 3, UNDATED_GRANT, UNDATED_REFUSAL);
const channelState = fc.record({ grantedAt: moment, refusedAt: moment }, { requiredKeys: [], noNullPrototype: true });
const consentState: fc.Arbitrary<ConsentState> = fc.record(
  { email: channelState, sms: channelState, phone: channelState },
  { noNullPrototype: true },
);

test('joining is commutative, associative and idempotent, and has a neutral element', () => {
  fc.assert(fc.property(consentState, consentState, consentState, (a, b, c) => {
    assert.deepEqual(joinConsent(a, b), joinConsent(b, a));
    assert.deepEqual(joinConsent(joinConsent(a, b), c), joinConsent(a, joinConsent(b, c)));
    assert.deepEqual(joinConsent(a, a), a);
    assert.deepEqual(joinConsent(a, emptyConsent()), a);
  }));
});

test('any order and repetition of events leads to the same state', () => {
  const events = fc.array(consentState, { maxLength: 6 });
  const shuffled = events.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 })));
  fc.assert(fc.property(shuffled, ([list, other]) => {
    assert.deepEqual(other.reduce(joinConsent, emptyConsent()), list.reduce(joinConsent, emptyConsent()));
  }));
});

test('a join permits no channel that an input refuses with evidence no grant is newer than', () => {
  fc.assert(fc.property(fc.array(consentState, { minLength: 1, maxLength: 5 }), (states) => {
    const joined = states.reduce(joinConsent);
    for (const channel of CHANNELS) {
      const grants = states.map((state) => state[channel].grantedAt ?? -Infinity);
      const standing = states.some(({ [channel]: { refusedAt } }) =>
        refusedAt !== undefined && grants.every((grant) => grant <= refusedAt));
      if (standing) assert.notEqual(effective(joined[channel]), 'granted');
      if (effective(joined[channel]) === 'granted') {
        assert.ok(states.some((state) => effective(state[channel]) === 'granted'));
      }
    }
  }));
});

test('joining changes neither of its arguments', () => {
  const a = emptyConsent();
  const b: ConsentState = { email: { grantedAt: 1 }, sms: { refusedAt: 2 }, phone: {} };
  const joined = joinConsent(a, b);
  joined.email.grantedAt = 9;
  assert.deepEqual(a, emptyConsent());
  assert.equal(b.email.grantedAt, 1);
});
