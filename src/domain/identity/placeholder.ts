/**
 * Values that people type to get past a required field. Many share them, so they say nothing about who someone is and
 * must not join people. Numbers reserved for fiction (NANP 555-01xx) are not among them: each is a number of its own,
 * and test data that uses them with care must behave like real data.
 */

const NOBODY =
  /^(?:no[._-]?reply|do[._-]?not[._-]?reply|no[._-]?e?mail|not[._-]?(?:provided|available)|none|null|undefined|nil|n[._-]?a|unknown|anonymous|nobody|no[._-]?one|no[._-]?(?:address|thanks)|mailer-daemon|asdf+|qwerty|xxx+|aaa+|abcd?123|blah|fake|dummy|placeholder)$/;
const GENERIC = /^(?:tests?|tester|testing|test[._-]?(?:user|e?mail|account)|name|e-?mail|mail|your[._-]?(?:name|e?mail)|someone|example|foo|bar)$/;
/** Domains that a form filler makes up on the spot, and those that RFC 6761 keeps from ever being real. */
const MADE_UP_DOMAIN =
  /^(?:(?:tests?|testing|e?mail|none|no|noe?mail|domain|yourdomain|fake|asdf|abc|xx+|foo|bar|website|company|yourcompany|na|null)\.[a-z]{2,6}|(?:.+\.)?(?:invalid|localhost))$/;

/**
 * An address nobody reads (`noreply@…`, `none@…`), or a generic name at a made-up domain (`test@test.com`).
 * Addresses at the documentation domains of RFC 2606 count as real, as fictional numbers do.
 */
export function isPlaceholderEmail(email: string): boolean {
  const at = email.lastIndexOf('@');
  if (at < 1) return true;
  const local = email.slice(0, at).toLowerCase();
  return NOBODY.test(local) || (GENERIC.test(local) && MADE_UP_DOMAIN.test(email.slice(at + 1).toLowerCase()));
}

/** How many trailing digits of one kind make a number a filler: the whole of a seven-digit subscriber number. */
const SAME_DIGITS = 7;
/** How long a run up or down must be: `123-4567` alone is too likely to be somebody's. */
const RUN_DIGITS = 8;
/** Directory assistance in every NANP area. */
const NANP_INFORMATION = /^\+1\d{3}5551212$/;

/**
 * A number nobody answers: it ends in seven equal digits (`000-0000`), or in eight or more that count up or down
 * (`123456789`, `0123456789`, `1234567890`), or is directory assistance.
 *
 * @param e164 the number with its plus sign.
 */
export function isPlaceholderPhone(e164: string): boolean {
  const digits = e164.replace(/^\+/, '');
  if (NANP_INFORMATION.test(e164)) return true;
  if (trailingRun(digits, 0) >= SAME_DIGITS) return true;
  return trailingRun(digits, 1) >= RUN_DIGITS || trailingRun(digits, 9) >= RUN_DIGITS;
}

/** How many digits at the end follow each other by `step`, modulo ten. */
function trailingRun(digits: string, step: number): number {
  let length = 1;
  for (let place = digits.length - 1; place > 0; place -= 1, length += 1) {
    if ((Number(digits[place - 1]) + step) % 10 !== Number(digits[place])) break;
  }
  return length;
}
