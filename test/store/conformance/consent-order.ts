import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertionOf, effective, emptyConsent, joinConsent } from '../../../src/domain/consent/consent-state.ts';
import type { ConsentState } from '../../../src/domain/consent/consent-state.ts';
import { CHANNELS } from '../../../src/domain/contact/types.ts';
import type { Channel, Contact } from '../../../src/domain/contact/types.ts';
import type { Harness } from '../harness.ts';
import { START, Scene, person } from '../scene.ts';
import type { Row } from '../scene.ts';

/** One thing that is said of a person's consent: by a contact, or by a withdrawal at a time. */
type Said = { row: Partial<Contact> } | { withdrawn: Channel[]; at: number };
/** The same things in an order, cut into batches. */
type Telling = { order: Said[]; cuts: boolean[] };

const DAY_MS = 86_400_000;
const date = fc.integer({ min: 1, max: 60 }).map((days) => START - days * DAY_MS);
const flag = fc.constantFrom(true, false, undefined);
const asserted = fc
  .record({ consent_to_email: flag, consent_to_sms: flag, consent_to_phone: flag, date: fc.option(date, { nil: undefined }) })
  .map(({ date: at, ...flags }): Said => ({ row: { ...flags, ...(at === undefined ? {} : { consent_date: new Date(at).toISOString() }) } }));
const withdrawal = fc.record({ withdrawn: fc.subarray([...CHANNELS], { minLength: 1 }), at: date }) as fc.Arbitrary<Said>;
const said = fc.array(fc.oneof({ weight: 3, arbitrary: asserted }, { weight: 1, arbitrary: withdrawal }), { minLength: 1, maxLength: 6 });

function tellingOf(things: Said[]): fc.Arbitrary<Telling> {
  const shuffled = fc.shuffledSubarray(things, { minLength: things.length, maxLength: things.length });
  return fc.record({ order: shuffled, cuts: fc.array(fc.boolean(), { minLength: things.length, maxLength: things.length }) });
}

const tellings = said.chain((things) => fc.record({ things: fc.constant(things), one: tellingOf(things), other: tellingOf(things) }));

/** The consent ledger does not hang on the order in which things come to be known. */
export function consentOrderTests(newHarness: () => Harness): void {
  test('any order of what is said, in any batches, withdrawals included, gives the same ledger', async (t) => {
    const scene = await Scene.open(t, newHarness);
    let people = 0;
    await fc.assert(
      fc.asyncProperty(tellings, async ({ things, one, other }) => {
        people += 2;
        const [a, b] = [`order${people}@example.com`, `order${people + 1}@example.com`];
        await tell(scene, a, one);
        await tell(scene, b, other);
        const [left, right] = [await scene.store.consentsOf({ email: a }), await scene.store.consentsOf({ email: b })];
        const expected = things.reduce((state, thing) => joinConsent(state, stateOf(thing)), emptyConsent());
        const amounts = { email: effective(expected.email), sms: effective(expected.sms), phone: effective(expected.phone) };
        assert.deepEqual(left?.state ?? NOTHING, amounts);
        assert.deepEqual(right?.state ?? NOTHING, amounts);
        assert.deepEqual(facts(left), facts(right), 'the ledger holds the same events');
      }),
      { numRuns: 60 },
    );
  });

  test('the ledger is append-only: what it holds is never changed by what comes later', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const subject = { email: 'ada@example.com' };
    let before: NonNullable<Events>['events'] = [];
    const rows: Row[] = [
      { ...subject, country: 'DE', consent_to_email: true, consent_date: '2026-01-01T00:00:00Z', consent_source: 'form' },
      { ...subject, country: 'DE', consent_to_email: false },
      { ...subject, country: 'DE', consent_to_email: true, consent_to_sms: true, consent_date: '2026-02-01T00:00:00Z' },
    ];
    for (const row of rows) {
      scene.now += 1000;
      await scene.batch([row]);
      await scene.store.withdrawConsent({ subject, channels: ['phone'], reason: 'asked', actor: 'desk', now: scene.now });
      const { events } = (await scene.store.consentsOf(subject))!;
      assert.deepEqual(events.slice(0, before.length), before);
      assert.ok(events.length > before.length);
      before = events;
    }
    const [first, , refused] = before;
    assert.partialDeepStrictEqual(first, { event: 'granted', captured_at: '2026-01-01T00:00:00.000Z', source: 'form' });
    assert.deepEqual([refused?.captured_at, refused?.source], [null, null], 'a date or source that was not given is not made up');
    assert.notEqual(refused?.recorded_at, null);
  });

  test('the refusal in a contact that is rejected for something else counts', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const faulty: Row = { email: 'ada@example.com', country: 'DE', consent_to_email: false, consent_date: '2026-02-01T00:00:00Z', errors: [{ field: 'city', code: 'invalid_string', message: 'Bad.' }] };
    await scene.batch([faulty]);
    const consented = { consent_to_email: true, consent_to_sms: true, consent_to_phone: true };
    await scene.batch([{ email: 'ada@example.com', country: 'DE', ...consented, consent_date: '2026-01-01T00:00:00Z' }]);
    assert.equal(await scene.claim(), null);
  });

  test('a withdrawal that comes after an override counts, also where the contact waits', async (t) => {
    const scene = await Scene.open(t, newHarness);
    await scene.batch([{ email: 'ada@example.com', country: 'DE', override: 'contract' }, { email: 'bob@example.com', country: 'DE', override: 'contract' }]);
    scene.now += 1;
    await scene.store.withdrawConsent({ subject: { email: 'ada@example.com' }, channels: ['email'], reason: 'asked', actor: 'desk', now: scene.now });
    assert.deepEqual((await scene.mustClaim()).contacts.map(({ email }) => email), ['bob@example.com']);
  });

  test('a grant that has grown too old meanwhile is neither sent nor exported', async (t) => {
    const scene = await Scene.open(t, newHarness, { consent: { policy: 'all', maxAgeDays: 60 } });
    await scene.batch([person(1)]);
    await scene.deliver();
    await scene.batch([person(2)]);
    const exports = { now: scene.now, limit: 50, leaseMs: 1000 };
    scene.now += 60 * DAY_MS;
    assert.equal(await scene.claim(), null);
    assert.equal((await scene.store.claimExport({ ...exports, now: scene.now })).lease, null);
  });

  test('a refusal that was acknowledged bars what was acknowledged before it, however much waits between them', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const crowd = (from: number): Row[] => Array.from({ length: 60 }, (_, i) => ({ email: `busy${from + i}@example.com`, country: 'US' }));
    const refusal: Row = { country: 'DE', consent_to_email: false, consent_to_sms: false, consent_to_phone: false, consent_date: '2026-02-01T00:00:00Z' };
    const { email: _, ...byPhone } = person(2, { phone: '+4930123456' });
    await scene.batch([person(1), byPhone, ...crowd(0)]);
    await scene.batch(crowd(100));
    await scene.batch([{ email: 'person1@example.com', ...refusal }]);
    await scene.batch([{ phone: '+4930123456', ...refusal }, ...crowd(200)]);
    const sent = (await scene.deliver()).flatMap(({ contacts }) => contacts);
    assert.equal(sent.length, 180);
    assert.ok(sent.every((contact) => contact.email?.startsWith('busy')));
  });

  test('a withdrawal by an identifier binds who brings it while it is in the journal', async (t) => {
    const scene = await Scene.open(t, newHarness);
    const crowd = (from: number): Row[] => Array.from({ length: 150 }, (_, i) => ({ email: `busy${from + i}@example.com`, country: 'US' }));
    await scene.batch(crowd(0));
    await scene.batch(crowd(150));
    const phone = '+4930123456';
    const consented = { country: 'DE', consent_to_email: true, consent_to_sms: true, consent_to_phone: true, consent_date: '2026-01-01T00:00:00Z' };
    await scene.batch([{ email: 'a@example.com', phone, ...consented }, { email: 'b@example.com', phone, ...consented }, { email: 'c@example.com', external_crm_id: 'crm-c', ...consented }]);
    await scene.store.withdrawConsent({ subject: { phone }, channels: ['email'], reason: 'asked', actor: 'desk', now: scene.now });
    await scene.store.withdrawConsent({ subject: { external_crm_id: 'crm-c' }, channels: ['email'], reason: 'asked', actor: 'desk', now: scene.now });
    const sent = (await scene.deliver()).flatMap(({ contacts }) => contacts.map(({ email }) => email));
    assert.equal(sent.length, 300);
    assert.ok(sent.every((email) => email?.startsWith('busy')));
  });
}

const NOTHING = { email: 'none', sms: 'none', phone: 'none' };

function stateOf(thing: Said): ConsentState {
  if ('row' in thing) return assertionOf(thing.row, START);
  const state = emptyConsent();
  for (const channel of thing.withdrawn) state[channel] = { refusedAt: thing.at };
  return state;
}

/** Tells it to the store: contacts that follow each other go in one batch until it is cut. */
async function tell(scene: Scene, email: string, { order, cuts }: Telling): Promise<void> {
  let batch: Row[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await scene.batch(batch);
    batch = [];
  };
  for (const [i, thing] of order.entries()) {
    if ('row' in thing) batch.push({ email, country: 'DE', ...thing.row });
    if (cuts[i] === true || !('row' in thing)) await flush();
    if ('withdrawn' in thing) await scene.store.withdrawConsent({ subject: { email }, channels: thing.withdrawn, reason: 'asked', actor: 'desk', now: thing.at });
  }
  await flush();
}

type Events = Awaited<ReturnType<Scene['store']['consentsOf']>>;

function facts(ledger: Events): string[] {
  return (ledger?.events ?? []).map(({ channel, event, captured_at }) => `${channel} ${event} ${captured_at}`).sort();
}
