import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { mergeOutcome, missingScope, patchOutcome, registrationOutcome } from '../../../src/domain/delivery/answer.ts';
import type { Answer, AnswerRules, Outcome } from '../../../src/domain/delivery/outcome.ts';

const MERGE: AnswerRules = { what: 'merging contacts', scope: 'contact:write', completedCodes: [200], goneCodes: [], existsCodes: [] };
const PATCH: AnswerRules = { what: 'patching a profile', scope: 'profile:write', completedCodes: [], goneCodes: [404, 410], existsCodes: [] };
const HOOK: AnswerRules = { what: 'registering a webhook', scope: 'webhook:write', completedCodes: [], goneCodes: [], existsCodes: [409] };
const ID = '0190b0c4-7e0a-7cc0-8a5e-3f1d2c4b5a69';
const CONTACTS = [{ email: 'ann@example.com' }, { email: 'bob@example.com' }];

const merge = (answer: Answer): Outcome => mergeOutcome(answer, MERGE, CONTACTS);
const patch = (answer: Answer): Outcome => patchOutcome(answer, PATCH, ID, { attributes: { tier: 'gold' } });

describe('an answer to a merge', () => {
  const cases: [string, number, unknown, Outcome][] = [
    ['ids in order', 202, { job_id: 'j', contacts: ['c-1', 'c-2'] }, { kind: 'accepted', contactIds: ['c-1', 'c-2'] }],
    ['200 without a status', 200, { contacts: ['c-1', 'c-2'] }, { kind: 'accepted', contactIds: ['c-1', 'c-2'] }],
    ['completed', 200, { status: 'completed', contacts: ['c-1', 'c-2'] }, { kind: 'completed', contactIds: ['c-1', 'c-2'] }],
    ['202 promises only', 202, { status: 'completed', contacts: ['c-1', 'c-2'] }, { kind: 'accepted', contactIds: ['c-1', 'c-2'] }],
    ['another status', 200, { status: 'queued', contacts: ['c-1', 'c-2'] }, { kind: 'accepted', contactIds: ['c-1', 'c-2'] }],
    ['a denial in a 200', 200, { status: 'FAILED', contacts: [] }, { kind: 'unknown', reason: 'answered 200 with "failed"' }],
    ['ids as objects', 202, { contacts: [{ contact_id: 'a' }, { id: 'b' }] }, { kind: 'accepted', contactIds: ['a', 'b'] }],
    ['ids as numbers', 202, { contacts: [7, 2 ** 60] }, { kind: 'accepted', contactIds: ['7', undefined] }],
    ['ids that are none', 202, { contacts: ['', 'a\nb'] }, { kind: 'accepted', contactIds: [undefined, undefined] }],
    ['one missing in its place', 202, { contacts: [null, 'c-2'] }, { kind: 'accepted', contactIds: [undefined, 'c-2'] }],
    ['fewer ids than contacts', 202, { contacts: ['c-2'] }, { kind: 'accepted', contactIds: [undefined, undefined] }],
    ['more ids than contacts', 202, { contacts: ['a', 'b', 'c'] }, { kind: 'accepted', contactIds: [undefined, undefined] }],
    ['one id for two contacts', 202, { contact_id: 'c-1' }, { kind: 'accepted', contactIds: [undefined, undefined] }],
    ['a job alone', 202, { job_id: 'j' }, { kind: 'accepted', contactIds: [undefined, undefined] }],
    ['an empty object', 200, {}, { kind: 'unknown', reason: 'answered 200 without saying what became of the merge' }],
    ['an error in a 200', 200, { error: 'x' }, { kind: 'unknown', reason: 'answered 200 without saying what became of the merge' }],
    ['a list', 200, [], { kind: 'unknown', reason: 'answered 200, not in the form agreed' }],
    ['404: no such path, whatever the contacts are', 404, undefined, {
      kind: 'misconfigured',
      reason: 'no merging contacts at this address: answered 404 without saying why',
    }],
  ];
  for (const [name, status, body, want] of cases) test(name, () => assert.deepEqual(merge({ status, body }), want));

  test('contact_id is the id of a contact sent alone', () => {
    const outcome = mergeOutcome({ status: 202, body: { contact_id: 'c-9' } }, MERGE, [{}]);
    assert.deepEqual(outcome, { kind: 'accepted', contactIds: ['c-9'] });
  });

  test('a body that could not be read says why', () => {
    assert.deepEqual(merge({ status: 204, flaw: 'without a body' }), { kind: 'unknown', reason: 'answered 204, without a body' });
  });
});

describe('an answer to a PATCH', () => {
  const good = { profileId: ID, updatedAttributes: 3, mergeResult: 'SUCCESS', deduplicationTrigger: true, timestamp: '2026-11-22T10:00:00Z' };
  const { profileId: _id, ...patched } = good;
  const cases: [string, number, unknown, Outcome][] = [
    ['in full', 200, good, { kind: 'patched', ...patched }],
    ['the id in upper case', 200, { ...good, profileId: ID.toUpperCase() }, { kind: 'patched', ...patched }],
    ['a result other than success is passed on', 200, { ...good, mergeResult: 'PARTIAL' }, { kind: 'patched', ...patched, mergeResult: 'PARTIAL' }],
    ['the least that will do', 200, { updatedAttributes: 0, mergeResult: 'SUCCESS' }, {
      kind: 'patched', updatedAttributes: 0, mergeResult: 'SUCCESS', deduplicationTrigger: false,
    }],
    ['a timestamp that is none', 200, { ...good, timestamp: 'now' }, {
      kind: 'patched', updatedAttributes: 3, mergeResult: 'SUCCESS', deduplicationTrigger: true,
    }],
    ['somebody else', 200, { ...good, profileId: 'b' }, { kind: 'unknown', reason: 'answered 200 about another profile' }],
    ['no count', 200, { ...good, updatedAttributes: 'three' }, { kind: 'unknown', reason: 'answered 200 without a result' }],
    ['no result', 200, { updatedAttributes: 3 }, { kind: 'unknown', reason: 'answered 200 without a result' }],
    ['markup for a result', 200, { ...good, mergeResult: '<b>' }, { kind: 'unknown', reason: 'answered 200 without a result' }],
    ['gone', 404, { error: 'no such profile' }, { kind: 'gone', reason: 'no such profile' }],
    ['gone for good', 410, undefined, { kind: 'gone', reason: 'answered 410 without saying why' }],
    ['values of ours are blanked', 422, { error: 'tier gold unknown' }, { kind: 'rejected', reason: 'tier [value] unknown', at: [] }],
  ];
  for (const [name, status, body, want] of cases) test(name, () => assert.deepEqual(patch({ status, body }), want));
});

describe('an answer to a registration', () => {
  const cases: [number, Outcome][] = [
    [200, { kind: 'registered', existed: false }],
    [201, { kind: 'registered', existed: false }],
    [204, { kind: 'registered', existed: false }],
    [409, { kind: 'registered', existed: true }],
    [500, { kind: 'failed', status: 500 }],
  ];
  for (const [status, want] of cases) test(String(status), () => assert.deepEqual(registrationOutcome({ status }, HOOK, {}), want));
});

describe('refusals', () => {
  const cases: [number, string][] = [
    [300, 'misconfigured'], [302, 'misconfigured'], [304, 'misconfigured'], [308, 'misconfigured'],
    [400, 'rejected'], [401, 'unauthorized'], [402, 'forbidden'], [403, 'forbidden'], [404, 'misconfigured'],
    [405, 'misconfigured'], [408, 'failed'], [409, 'conflict'], [410, 'misconfigured'], [413, 'rejected'],
    [415, 'misconfigured'], [421, 'failed'], [422, 'rejected'], [423, 'conflict'], [425, 'failed'], [429, 'throttled'],
    [431, 'misconfigured'], [451, 'forbidden'], [499, 'misconfigured'], [500, 'failed'], [501, 'failed'],
    [502, 'failed'], [503, 'failed'], [504, 'failed'], [599, 'failed'], [999, 'failed'],
  ];
  for (const [status, kind] of cases) test(`${status} is ${kind}`, () => assert.equal(merge({ status }).kind, kind));

  test('waits that were asked for are kept', () => {
    assert.deepEqual(merge({ status: 429, retryAfterMs: 7_000 }), { kind: 'throttled', retryAfterMs: 7_000 });
    assert.deepEqual(merge({ status: 503, retryAfterMs: 7_000 }), { kind: 'failed', status: 503, retryAfterMs: 7_000 });
    assert.deepEqual(merge({ status: 429 }), { kind: 'throttled' });
  });

  test('a redirect names its host and no more', () => {
    const outcome = merge({ status: 302, location: 'https://login.example.com/?user=ann@example.com' });
    assert.deepEqual(outcome, {
      kind: 'misconfigured',
      reason: 'answered 302, a redirect to login.example.com; redirects are never followed',
    });
  });

  test('a 403 names scope and role', () => {
    const outcome = merge({ status: 403, body: { message: 'role missing' } });
    assert.deepEqual(outcome, { kind: 'forbidden', reason: 'merging contacts needs the scope contact:write and its role: role missing' });
  });

  test('faults are believed only where they can be', () => {
    const errors = [
      { index: 1, field: 'postal_code', message: 'bad for bob@example.com' },
      { index: 0 },
      { index: 2, message: 'not sent' },
      { index: -1 },
      { index: '1' },
      { index: 0.5 },
      { index: 0, field: 'a b <script>', message: '  ' },
      null,
      'x',
    ];
    assert.deepEqual(merge({ status: 422, body: { error: 'two are bad', errors } }), {
      kind: 'rejected',
      reason: 'two are bad',
      at: [
        { index: 1, field: 'postal_code', reason: 'bad for [value]' },
        { index: 0, reason: 'rejected without a reason' },
        { index: 0, reason: 'rejected without a reason' },
      ],
    });
  });

  test('no more of them are kept than a call can need', () => {
    const outcome = merge({ status: 422, body: { errors: Array.from({ length: 5_000 }, () => ({ index: 0, message: 'x' })) } });
    assert.equal(outcome.kind === 'rejected' && outcome.at.length, 1_000);
  });

  test('the reason is looked for where others put it', () => {
    const reasonOf = (body: unknown): unknown => (merge({ status: 400, body }) as { reason?: string }).reason;
    assert.equal(reasonOf({ error: 'invalid', error_description: 'in words' }), 'in words');
    assert.equal(reasonOf({ detail: 'a problem' }), 'a problem');
    assert.equal(reasonOf({ errors: [{ message: 'the first' }] }), 'the first');
    assert.equal(reasonOf({ errors: ['as text'] }), 'as text');
    for (const body of [undefined, null, [], 'x', {}, { error: '' }, { error: { code: 1 } }]) {
      assert.equal(reasonOf(body), 'answered 400 without saying why');
    }
  });
});

test('no answer at all makes the reading throw, and every one has a meaning', () => {
  const status = fc.integer({ min: 200, max: 999 });
  fc.assert(
    fc.property(status, fc.jsonValue(), (code, body) => {
      for (const outcome of [merge({ status: code, body }), patch({ status: code, body }), registrationOutcome({ status: code, body }, HOOK, {})]) {
        assert.equal(typeof outcome.kind, 'string');
        if (outcome.kind === 'accepted' || outcome.kind === 'completed') assert.equal(outcome.contactIds.length, CONTACTS.length);
      }
    }),
  );
});

describe('scopes, before a call', () => {
  test('a missing one is named, with what there is', () => {
    assert.deepEqual(missingScope(new Set(['contact:read', 'a']), MERGE), {
      kind: 'forbidden',
      reason: 'the token lacks the scope contact:write, which merging contacts needs; it has: a contact:read',
    });
  });
  test('a token that grants nothing says so', () => {
    assert.deepEqual(missingScope(new Set(), PATCH), {
      kind: 'forbidden',
      reason: 'the token lacks the scope profile:write, which patching a profile needs; it has: none',
    });
  });
  test('nothing is missing when it is there, or when nothing was told', () => {
    assert.equal(missingScope(new Set(['contact:write']), MERGE), undefined);
    assert.equal(missingScope(undefined, MERGE), undefined);
  });
});
