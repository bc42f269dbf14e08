import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_EMAIL_OCTETS, normalizeEmail } from '../../../src/domain/contact/email.ts';
import { cpuMs } from '../../support/cpu-time.ts';

const VALID: [raw: string, email: string, rule: string][] = [
  ['ada@example.com', 'ada@example.com', 'email.as-is'],
  ['Ada.Lovelace+crm@Example.COM', 'ada.lovelace+crm@example.com', 'email.case'],
  ["o'brien@example.ie", "o'brien@example.ie", 'email.as-is'],
  ['a@1337.com', 'a@1337.com', 'email.as-is'],
  ['a@xn--d1acufc.xn--p1ai', 'a@xn--d1acufc.xn--p1ai', 'email.as-is'],
  [' ada@example.com\u00a0', 'ada@example.com', 'email.cleaned'],
  ['\u200bada@example.com', 'ada@example.com', 'email.cleaned'],
  ['Ada <ADA@example.com>', 'ada@example.com', 'email.cleaned'],
  ['"Lovelace, Ada" <ada@example.com>;', 'ada@example.com', 'email.cleaned'],
  ['mailto:ada@example.com?subject=hi', 'ada@example.com', 'email.cleaned'],
  ['ada@example.com.', 'ada@example.com', 'email.cleaned'],
  ['ada@example.com;', 'ada@example.com', 'email.cleaned'],
  ['"ada"@example.com', 'ada@example.com', 'email.cleaned'],
  ['"ada l"@example.com', '"ada l"@example.com', 'email.cleaned'],
  ['\uff41\uff44\uff41\uff20example.com', 'ada@example.com', 'email.cleaned'],
  ['hans@M\u00fcller.com', 'hans@xn--mller-kva.com', 'email.idn'],
  ['hans@mu\u0308ller.com', 'hans@xn--mller-kva.com', 'email.idn'],
  ['\u7528\u6237@\u4f8b\u5b50\u3002\u5e7f\u544a', '\u7528\u6237@xn--fsqu00a.xn--4rr70v', 'email.idn'],
  [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`, 'email.as-is'],
];

for (const [raw, email, rule] of VALID) {
  test(`reads ${JSON.stringify(raw)}`, () => {
    assert.deepEqual(normalizeEmail(raw), { ok: true, email, rule });
  });
}

const REFUSED: [raw: string, reason: string][] = [
  ['', 'not_an_email'],
  ['n/a', 'not_an_email'],
  ['@example.com', 'not_an_email'],
  ['ada@', 'domain'],
  ['ada@localhost', 'domain'],
  ['ada@1.2.3.4', 'domain'],
  ['ada@[1.2.3.4]', 'domain'],
  ['ada@1.2', 'domain'],
  ['ada@_b.com', 'domain'],
  ['ada@-b.com', 'domain'],
  ['ada@b-.com', 'domain'],
  ['ada@b..com', 'domain'],
  ['ada@example.c', 'domain'],
  ['ada@exa mple.com', 'domain'],
  ['ada@b.com/path', 'domain'],
  ['ada@%62.com', 'domain'],
  [`ada@${'b'.repeat(64)}.com`, 'domain'],
  ['a@b@c.com', 'local_part'],
  ['a b@c.com', 'local_part'],
  ['.a@c.com', 'local_part'],
  ['a.@c.com', 'local_part'],
  ['a..b@c.com', 'local_part'],
  ['"a@c.com', 'local_part'],
  ['a@c.com, b@c.com', 'local_part'],
  ['a@c.com\r\nBcc: x@y.zz', 'local_part'],
  [`${'a'.repeat(65)}@example.com`, 'too_long'],
  [`${'\u00e4'.repeat(33)}@example.com`, 'too_long'],
  [`a@${'b.'.repeat(127)}com`, 'domain'],
  [`${'a'.repeat(60)}@${'b.'.repeat(96)}com`, 'too_long'],
  ['x'.repeat(2_000), 'too_long'],
];

for (const [raw, reason] of REFUSED) {
  test(`refuses ${JSON.stringify(raw.slice(0, 40))}`, () => {
    assert.deepEqual(normalizeEmail(raw), { ok: false, reason });
  });
}

const anyText = fc.oneof(
  fc.emailAddress(),
  fc.string({ unit: fc.constantFrom(...'aB.@"<> \u00fc\u3002\uff20-_,;\u212a\u0130\u1e9e\ufb01'), maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `${text}@example.com`),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `ada@${text}.com`),
);

test('a canonical address is its own canonical form, and fits the limits of SMTP', () => {
  fc.assert(
    fc.property(anyText, (raw) => {
      const result = normalizeEmail(raw);
      if (!result.ok) return;
      assert.match(result.email, /^[^@]+@[a-z0-9.-]+\.[a-z0-9-]{2,}$/);
      assert.ok(Buffer.byteLength(result.email) <= MAX_EMAIL_OCTETS);
      const again = normalizeEmail(result.email);
      assert.ok(again.ok, result.email);
      assert.equal(again.email, result.email);
    }),
    { numRuns: 3_000 },
  );
});

test('case, surrounding space and width never tell two mailboxes apart', () => {
  fc.assert(
    fc.property(fc.emailAddress(), (email) => {
      const plain = normalizeEmail(email);
      assert.deepEqual(normalizeEmail(email.toUpperCase()).ok, plain.ok);
      const padded = normalizeEmail(`  ${email.toUpperCase()} `);
      if (plain.ok && padded.ok) assert.equal(padded.email, plain.email);
    }),
  );
});

test('reading takes linear time', () => {
  for (const part of ['a.', 'a@', '<', '"', 'b-', 'b.', ',;', ' ']) {
    const start = cpuMs();
    normalizeEmail(`a@${part.repeat(450)}`);
    normalizeEmail(`${part.repeat(450)}@b`);
    assert.ok(cpuMs() - start < 50, part);
  }
});
