import { domainToASCII } from 'node:url';

export type EmailResult =
  | { ok: true; email: string; rule: 'email.as-is' | 'email.case' | 'email.cleaned' | 'email.idn' }
  | { ok: false; reason: 'not_an_email' | 'local_part' | 'domain' | 'too_long' };

/** RFC 5321 4.5.3.1: a path holds 256 octets with its angle brackets, a local part 64. */
export const MAX_EMAIL_OCTETS = 254;
const MAX_LOCAL_OCTETS = 64;
/** What is looked at at all: long enough for the longest address with a display name around it. */
const MAX_EMAIL_CHARS = 1_000;

const ATOM = "[a-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** Two or more labels, the last one of two characters at least and not a number. */
const DOMAIN_NAME = `(?:${LABEL}\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]`;
/** The common address, already canonical. */
const CANONICAL = new RegExp(`^${ATOM}(?:\\.${ATOM})*@${DOMAIN_NAME}$`);
const DOMAIN = new RegExp(`^${DOMAIN_NAME}$`);
/** RFC 6531: every character outside ASCII is allowed where an atom is; here those that are letters, digits or marks. */
const LOCAL = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const QUOTED_LOCAL = /^"(?:[\p{L}\p{M}\p{N} !#-[\]-~])+"$/u;

const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const ASCII_ONLY = /^[\x20-\x7e]*$/;

/**
 * Gives the canonical form of an e-mail address: trimmed, NFKC, lower case, its domain in ASCII (UTS 46).
 * Two addresses with the same canonical form reach the same mailbox; dots and `+tags` are kept, because
 * only some providers ignore them.
 *
 * @param raw an address, also as `mailto:a@b.c` or `Name <a@b.c>`
 */
export function normalizeEmail(raw: string): EmailResult {
  if (isCanonical(raw)) return withinLimits(raw, 'email.as-is');
  if (raw.length > MAX_EMAIL_CHARS) return { ok: false, reason: 'too_long' };
  const lower = raw.toLowerCase();
  if (isCanonical(lower)) return withinLimits(lower, 'email.case');
  const text = unwrap(raw.replace(INVISIBLE, '').normalize('NFKC').trim()).toLowerCase().normalize('NFKC');
  const at = text.lastIndexOf('@');
  if (at < 1) return { ok: false, reason: 'not_an_email' };
  const local = unquote(text.slice(0, at));
  if (!LOCAL.test(local) && !QUOTED_LOCAL.test(local)) return { ok: false, reason: 'local_part' };
  const written = text.slice(at + 1).replace(/\.$/, '');
  const domain = asciiDomain(written);
  if (domain === undefined) return { ok: false, reason: 'domain' };
  return withinLimits(`${local}@${domain}`, domain === written ? 'email.cleaned' : 'email.idn');
}

function isCanonical(text: string): boolean {
  return text.length <= MAX_EMAIL_OCTETS && CANONICAL.test(text);
}

/** Quotes around what needs none mean nothing (RFC 5321 4.1.2). */
function unquote(local: string): string {
  const inside = local.slice(1, -1);
  return QUOTED_LOCAL.test(local) && LOCAL.test(inside) ? inside : local;
}

function withinLimits(email: string, rule: 'email.as-is' | 'email.case' | 'email.cleaned' | 'email.idn'): EmailResult {
  const local = email.slice(0, email.lastIndexOf('@'));
  if (local.length > MAX_LOCAL_OCTETS || email.length > MAX_EMAIL_OCTETS) return { ok: false, reason: 'too_long' };
  if (!ASCII_ONLY.test(local)) {
    const octets = Buffer.byteLength(local);
    if (octets > MAX_LOCAL_OCTETS || octets + email.length - local.length > MAX_EMAIL_OCTETS) return { ok: false, reason: 'too_long' };
  }
  return { ok: true, email, rule };
}

/** The address inside `mailto:…?subject=…` or `Name <…>`, without the mark that separated it from the next one. */
function unwrap(text: string): string {
  const angle = /^[^<>]*<([^<>]+)>[\s,;]*$/.exec(text);
  const address = (angle?.[1] ?? text).trim().replace(/[,;]+$/, '');
  return /^mailto:/i.test(address) ? address.slice('mailto:'.length).replace(/\?.*$/s, '') : address;
}

function asciiDomain(written: string): string | undefined {
  // Checked before and after: a URL host also takes `1.2.3`, `%41` and `a/b`, and turns them into something else.
  if (/[\s/\\?#%:@[\]<>]/.test(written)) return undefined;
  const domain = ASCII_ONLY.test(written) ? written : domainToASCII(written);
  return domain.length <= 253 && DOMAIN.test(domain) ? domain : undefined;
}
