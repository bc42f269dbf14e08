import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { cleanReason, REASON_MAX_CHARS } from '../../../src/domain/delivery/reason.ts';
import { cpuMs } from '../../support/cpu-time.ts';

describe('the words of CXone, made fit to keep', () => {
  const cases: [string, string, unknown, string][] = [
    ['plain words stay', 'postal_code is invalid', undefined, 'postal_code is invalid'],
    ['e-mail', 'duplicate of jane.doe@example.com, see log', undefined, 'duplicate of [email], see log'],
    ['e-mail in quotes', 'bad value "jane@example.com"', undefined, 'bad value "[email]"'],
    ['e-mail, percent-encoded', 'GET /x?email=jane%40example.com failed', undefined, 'GET /x?email=[email] failed'],
    ['e-mail in full-width letters', 'bad ｊａｎｅ＠example.com', undefined, 'bad [email]'],
    ['phone, E.164', 'phone +15125550123 unknown', undefined, 'phone [number] unknown'],
    ['phone, grouped', 'phone (512) 555-0123 unknown', undefined, 'phone ([number] unknown'],
    ['card', 'card 4111 1111 1111 1111', undefined, 'card [number]'],
    ['short numbers stay', 'index 3 of 50, code 4001', undefined, 'index 3 of 50, code 4001'],
    ['line breaks and controls', 'one\r\ntwo\u0000three', undefined, 'one two three'],
    ['a name that was sent', 'Jane Doe has no city', [{ first_name: 'Jane', last_name: 'Doe' }], '[value] [value] has no city'],
    ['in another case', 'JANE is unknown', [{ first_name: 'Jane' }], '[value] is unknown'],
    ['only whole words', 'cannot annul', [{ first_name: 'Ann' }], 'cannot annul'],
    ['names of fields stay', 'email is required', [{ email: 'a@b.example', preferred: 'email' }], 'email is required'],
    ['words of the rules stay', 'no merge for US in TX', [{ country: 'US', state: 'TX' }], 'no merge for US in TX'],
    ['nested values', 'note "likes tea" too long', { attributes: { notes: ['likes tea'] } }, 'note "[value]" too long'],
    ['numbers that were sent', 'income 52000 too high', { attributes: { income: 52_000 } }, 'income [value] too high'],
    ['patterns in values are text', 'bad a.c', [{ first_name: 'a.c', last_name: 'x|(y' }], 'bad [value]'],
    ['nothing readable', '\u0000 \n', undefined, ''],
  ];
  for (const [name, text, sent, want] of cases) test(name, () => assert.equal(cleanReason(text, sent), want));

  test('is capped', () => {
    assert.equal(cleanReason('a b '.repeat(500)).length, REASON_MAX_CHARS);
  });

  test('what is cut off cannot leave half an address behind', () => {
    const address = (letter: string, length: number): string => `${letter.repeat(length)}@example.com`;
    const shrinking = `${address('y', 180)} `.repeat(10);
    for (let length = 60; length < 200; length += 7) {
      const clean = cleanReason(shrinking + address('x', length));
      assert.ok(clean.startsWith('[email] [email]'));
      assert.ok(!clean.includes('xxx'), clean);
    }
  });

  test('no address, long number or sent value comes through, whatever stands around it', () => {
    const local = fc.stringMatching(/^[a-z][a-z0-9.]{1,12}$/);
    const email = local.map((name) => `${name}@example.org`);
    const phone = fc.stringMatching(/^\+[1-9]\d{7,12}$/);
    const name = fc.stringMatching(/^[A-Z][a-z]{3,9}$/);
    const around = fc.constantFrom(' ', '"', ' (', ': ', ', ', '<');
    fc.assert(
      fc.property(email, phone, name, around, fc.string(), (mail, call, who, gap, rest) => {
        const clean = cleanReason([rest, mail, call, who].join(gap), [{ first_name: who }]);
        assert.ok(!clean.includes(mail), clean);
        assert.ok(!clean.includes(call), clean);
        assert.ok(!clean.split(/\W+/).includes(who), clean);
      }),
    );
  });

  test('is quick on the worst text', () => {
    const started = cpuMs();
    for (const text of ['a'.repeat(1e6), '1-'.repeat(5e5), '@'.repeat(1e6), '+'.repeat(1e6)]) cleanReason(text, [{ a: 'a'.repeat(50) }]);
    assert.ok(cpuMs() - started < 1_500);
  });
});
