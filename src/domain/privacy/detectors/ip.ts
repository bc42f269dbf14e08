import type { Detector, Span } from './subject.ts';
import { contextOf } from './subject.ts';

/** A run of what addresses are made of; the longest are an IPv6 address with an IPv4 tail, 45 characters. */
const RUN = /[0-9a-f:.]{2,}/gi;
const MAX_RUN = 64;

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
/** RFC 4007 section 11, with an interface name as long as systems take them (IFNAMSIZ). */
const ZONE = /^%([\w.-]*)/;
const MAX_ZONE = 16;
/** A hardware address: written like eight groups, each of two digits (IEEE EUI-64). */
const EUI_64 = /^[0-9a-f]{2}(?::[0-9a-f]{2}){7}$/i;
const VERSION_BEFORE = /(?:\bv|\bversion|\bver\.?|\brelease)[ :=]*$/i;

/** IPv4 (RFC 791, dotted decimal without leading zeros) and IPv6 (RFC 4291 section 2.2) addresses. */
export const findIpAddresses: Detector = (subject) => {
  const spans: Span[] = [];
  for (const match of subject.text.matchAll(RUN)) {
    if (match[0].length > MAX_RUN || !/[:.].*[:.]/.test(match[0])) continue;
    const found = readRun(subject.text, match[0], match.index);
    if (found === undefined) continue;
    const bare = found.detector === 'ipv6' && found.end - found.start === 2;
    if (bare && !isSpokenOf(subject.text, contextOf(subject, found.start, found.end))) continue;
    spans.push(found);
  }
  return spans;
};

/** `::` alone is an address only where it is the whole value or something says so: code is full of it. */
function isSpokenOf(text: string, context: string | undefined): boolean {
  return context === 'IP_ADDRESS' || text.trim() === '::';
}

function readRun(text: string, run: string, index: number): Span | undefined {
  const colons = run.split(':').length - 1;
  return colons >= 2 ? readIpv6(text, run, index) : readIpv4(text, run, index);
}

function readIpv4(text: string, run: string, index: number): Span | undefined {
  // `source:10.0.0.1` and `10.0.0.1:8080`: a label before, a port after.
  const port = /^(\d[\d.]*):\d*$/.exec(run);
  const label = /^[0-9a-f]*:([\d.]*)$/i.exec(run);
  const core = (port?.[1] ?? label?.[1] ?? run).replace(/\.+$/, '');
  const letters = /^[a-f]*/i.exec(core)![0].length;
  const start = index + run.indexOf(core) + letters;
  const address = core.slice(letters);
  if (!IPV4.test(address)) return undefined;
  const end = start + address.length;
  if (letters > 0 || /[\p{L}\p{N}_.]/u.test(text[start - 1] ?? ' ') || /[\p{L}_]/u.test(text[end] ?? ' ')) return undefined;
  if (VERSION_BEFORE.test(text.slice(Math.max(0, start - 12), start))) return undefined;
  return { class: 'IP_ADDRESS', detector: 'ipv4', score: 0.9, start, end };
}

function readIpv6(text: string, run: string, index: number): Span | undefined {
  // The colon of a port or a sentence's stop may follow; `::` itself ends an address.
  const trimmed = run.replace(/\.+$/, '').replace(/([^:]):$/, '$1');
  const start = index;
  let end = start + trimmed.length;
  if (!isIpv6(trimmed) || EUI_64.test(trimmed)) return undefined;
  const before = text[start - 1] ?? ' ';
  const glued = /[\p{L}\p{N}_]/u.test(before) && !trimmed.includes('.');
  const zone = ZONE.exec(text.slice(end, end + 80));
  if (zone !== null && zone[1]!.length > MAX_ZONE) return undefined;
  if (zone !== null) end += zone[0].length;
  if (glued || /[\p{L}\p{N}_]/u.test(text[end] ?? ' ')) return undefined;
  return { class: 'IP_ADDRESS', detector: 'ipv6', score: 0.9, start, end };
}

function isIpv6(text: string): boolean {
  const tail = text.lastIndexOf(':') + 1;
  const hasIpv4 = text.includes('.');
  if (hasIpv4 && !IPV4.test(text.slice(tail))) return false;
  // An IPv4 tail stands for two groups.
  const address = hasIpv4 ? `${text.slice(0, tail)}0:0` : text;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  return halves.length === 2 ? groups.length <= 7 : groups.length === 8;
}
