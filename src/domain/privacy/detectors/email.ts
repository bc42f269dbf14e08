import type { Detector, Span } from './subject.ts';

/** RFC 5321 section 4.5.3.1: octets of a local part, of a domain; RFC 1035 section 2.3.4: of a label. */
const MAX_LOCAL = 64;
const MAX_DOMAIN = 253;
const MAX_LABEL = 63;

/** Left out of RFC 5322's atext: what separates an address from its surroundings in URLs, code and lists. */
const LOCAL_UNIT = /[\p{L}\p{N}\p{M}.!#%'*+~_-]/u;
const DOMAIN_UNIT = /[\p{L}\p{N}\p{M}.-]/u;
const LABEL = /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]*[\p{L}\p{N}\p{M}])?$/u;
const TOP_LABEL = /^(?:\p{L}[\p{L}\p{M}]+|xn--[a-z0-9-]*[a-z0-9])$/iu;
const QUOTED = /(?<![\p{L}\p{N}"])"[^"\n]{1,62}"$/u;

/** Addresses as RFC 5321 writes them, with RFC 6531 letters, outward from each `@`. */
export const findEmails: Detector = ({ text }) => {
  const spans: Span[] = [];
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const start = startOfLocal(text, at);
    if (start === undefined) continue;
    const end = endOfDomain(text, at);
    if (end !== undefined) spans.push({ class: 'EMAIL', detector: 'email', score: 0.95, start, end });
  }
  return spans;
};

function startOfLocal(text: string, at: number): number | undefined {
  if (text[at - 1] === '"') {
    const quoted = QUOTED.exec(text.slice(Math.max(0, at - MAX_LOCAL - 1), at));
    return quoted === null ? undefined : at - quoted[0].length;
  }
  let start = at;
  while (start > 0 && at - start <= MAX_LOCAL && LOCAL_UNIT.test(unitAt(text, start - 1))) start -= 1;
  if (at - start > MAX_LOCAL) return undefined;
  // What is left of two dots belongs to another word; quotes and dots open no address.
  const lastGap = text.slice(start, at).lastIndexOf('..');
  if (lastGap !== -1) start += lastGap + 2;
  while (start < at && /[.'*~-]/.test(text[start]!)) start += 1;
  if (start === at || text[at - 1] === '.') return undefined;
  // A closing quote glued to the word means that this is the tail of something that is no address.
  if (text[start - 1] === '"' && start > 1 && /[\p{L}\p{N}]/u.test(text[start - 2]!)) return undefined;
  return start;
}

function endOfDomain(text: string, at: number): number | undefined {
  let end = at + 1;
  while (end < text.length && end - at <= MAX_DOMAIN + 1 && DOMAIN_UNIT.test(unitAt(text, end))) end += 1;
  while (end > at + 1 && /[.-]/.test(text[end - 1]!)) end -= 1;
  const domain = text.slice(at + 1, end);
  const labels = domain.split('.');
  if (domain.length > MAX_DOMAIN || labels.length < 2) return undefined;
  if (labels.some((label) => label.length > MAX_LABEL || !LABEL.test(label))) return undefined;
  return TOP_LABEL.test(labels.at(-1)!) ? end : undefined;
}

/** The character that a unit belongs to, so that letters beyond the basic plane count as letters. */
function unitAt(text: string, place: number): string {
  const code = text.charCodeAt(place);
  if (code >= 0xdc00 && code <= 0xdfff) return text.slice(place - 1, place + 1);
  return code >= 0xd800 && code <= 0xdbff ? text.slice(place, place + 2) : text[place]!;
}
