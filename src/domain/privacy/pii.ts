import { findCards, findIbans } from './detectors/bank.ts';
import { findBirthDates, findNationalIds, findPassports } from './detectors/documents.ts';
import { findEmails } from './detectors/email.ts';
import { findIpAddresses } from './detectors/ip.ts';
import { findPhones } from './detectors/phone.ts';
import { PII_CLASSES, readKey, subjectOf } from './detectors/subject.ts';
import type { Detector, PiiClass, Span } from './detectors/subject.ts';
import { findNhsNumbers, findNinos, findSsns } from './detectors/us-uk.ts';


/** `allow` and `flag` let a class pass, the latter as something to look at; `mask` blanks it; `block` bars sending. */
export const PII_ACTIONS = ['allow', 'flag', 'mask', 'block'] as const;
export type PiiAction = (typeof PII_ACTIONS)[number];
export type PiiPolicy = Partial<Record<PiiClass, PiiAction>>;

/** One kind of personal data in one value: where (RFC 6901 pointer), what found it, and how sure it is (0 to 1). */
export type PiiHit = { class: PiiClass; pointer: string; detector: string; score: number };

/** What a policy that says nothing of a class does with it. */
export const DEFAULT_ACTION: PiiAction = 'flag';
/** How many characters of one string are examined. */
export const MAX_EXAMINED = 10_000;
/** How many values of one attribute are examined, and how deep they may lie. */
const MAX_VALUES = 10_000;
const MAX_DEPTH = 32;

/** The more telling detectors go first: what one has found, the later ones leave alone. */
const DETECTORS: readonly Detector[] = [
  findEmails, findIbans, findIpAddresses, findCards, findNinos, findSsns, findBirthDates, findNhsNumbers, findPassports,
  findNationalIds, findPhones,
];
/** What needs few digits or none: the rest looks at nothing with fewer than four. */
const DETECTORS_WITHOUT_DIGITS: readonly Detector[] = [findEmails, findIpAddresses];
const MANY_DIGITS = /(?:\p{N}[^\p{N}]*){4}/u;
/** No class is shorter than the `::` address; nothing but that is found in a text without `@`, `:` or a digit. */
const WORTH_A_LOOK = /[@:＠：\p{N}]/u;

export type Examined = {
  hits: PiiHit[];
  /** Pointers of values of which only the beginning was examined, or nothing where they lie too deep. */
  truncated: string[];
};

/**
 * Finds personal data in one attribute, in its nested values, array items and member names too, by value and by the
 * name it stands under. Time is linear in the length of the value.
 *
 * @param key the attribute's name. @param pointer where the value stands; by default `/key`.
 */
export function classifyValue(key: string, value: unknown, pointer: string = `/${escapePointer(key)}`): PiiHit[] {
  return examineValue(key, value, pointer).hits;
}

/** As `classifyValue`, and also says what was too large to be examined in full. */
export function examineValue(key: string, value: unknown, pointer: string = `/${escapePointer(key)}`): Examined {
  const examined: Examined = { hits: [], truncated: [] };
  rewrite(key, value, pointer, { examined, values: 0, masked: new Set() }, 0);
  return examined;
}

/** The classes of hits in a stable order, joined by commas, or `NON_PII`. */
export function classText(hits: readonly Pick<PiiHit, 'class'>[]): string {
  const found = new Set(hits.map((hit) => hit.class));
  return PII_CLASSES.filter((each) => found.has(each)).join(',') || 'NON_PII';
}

export type PolicyResult = {
  /** A copy in which finds of a class to be masked are replaced by its name in brackets. */
  attributes: Record<string, unknown>;
  /** For each attribute its classes, or `NON_PII`; what is allowed is named as well. */
  classification: Record<string, string>;
  hits: (PiiHit & { action: PiiAction })[];
  /** The hits that bar the attributes from being sent. */
  blocked: PiiHit[];
  truncated: string[];
};

/** Examines attributes and does with each class what the policy says. The attributes given are not changed. */
export function applyPolicy(attributes: Readonly<Record<string, unknown>>, policy: PiiPolicy): PolicyResult {
  const masked = new Set(PII_CLASSES.filter((each) => policy[each] === 'mask'));
  const result: PolicyResult = { attributes: {}, classification: {}, hits: [], blocked: [], truncated: [] };
  for (const [key, value] of Object.entries(attributes)) {
    const examined: Examined = { hits: [], truncated: [] };
    const copy = rewrite(key, value, `/${escapePointer(key)}`, { examined, values: 0, masked }, 0);
    define(result.attributes, key, copy);
    define(result.classification, key, classText(examined.hits));
    for (const hit of examined.hits) {
      const action = policy[hit.class] ?? DEFAULT_ACTION;
      result.hits.push({ ...hit, action });
      if (action === 'block') result.blocked.push(hit);
    }
    result.truncated.push(...examined.truncated);
  }
  return result;
}

type Walk = { examined: Examined; values: number; masked: ReadonlySet<PiiClass> };

/** Examines a value and gives it back with what is to be masked replaced; the same value where nothing is. */
function rewrite(key: string, value: unknown, pointer: string, walk: Walk, depth: number): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value;
  walk.values += 1;
  if (depth > MAX_DEPTH || walk.values > MAX_VALUES) {
    // The first value beyond the limit stands for all that follow.
    if (walk.values <= MAX_VALUES + 1) walk.examined.truncated.push(pointer);
    return value;
  }
  if (typeof value !== 'object') {
    const text = typeof value === 'string' ? value : String(value as number);
    const rewritten = rewriteText(text, key, pointer, walk);
    return rewritten === text ? value : rewritten;
  }
  if (Array.isArray(value)) {
    return value.map((item, place) => rewrite(key, item, `${pointer}/${place}`, walk, depth + 1));
  }
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    // A pointer ends up in answers and logs, so it never holds the personal data that a name may consist of.
    const at = `${pointer}/${escapePointer(cover(name, findSpans(name.slice(0, MAX_EXAMINED), '')))}`;
    // A member without a telling name of its own stands under that of the whole: {"phone": {"main": …}}.
    const memberKey = readKey(name).keyClass === undefined ? key : name;
    define(copy, freeName(copy, rewriteText(name, '', at, walk)), rewrite(memberKey, member, at, walk, depth + 1));
  }
  return copy;
}

function rewriteText(text: string, key: string, pointer: string, walk: Walk): string {
  if (text.length > MAX_EXAMINED) walk.examined.truncated.push(pointer);
  const examined = text.slice(0, MAX_EXAMINED);
  const spans = findSpans(examined, key);
  for (const hit of bestHits(spans, pointer)) walk.examined.hits.push(hit);
  return cover(text, spans.filter((span) => walk.masked.has(span.class)));
}

/** The text with each span replaced by the name of its class in brackets. */
function cover(text: string, spans: readonly Span[]): string {
  let result = '';
  let done = 0;
  for (const { start, end, class: found } of spans) {
    result += `${text.slice(done, start)}[${found}]`;
    done = end;
  }
  return result + text.slice(done);
}

/** Finds that do not overlap, in the order of the text. */
function findSpans(text: string, name: string): Span[] {
  if (!WORTH_A_LOOK.test(text)) return [];
  const subject = subjectOf(text, name);
  const detectors = MANY_DIGITS.test(subject.text) ? DETECTORS : DETECTORS_WITHOUT_DIGITS;
  const spans: Span[] = [];
  for (const detect of detectors) {
    const found = withoutOverlaps(detect(subject));
    if (found.length === 0) continue;
    spans.push(...found);
    // What is found is blanked, so that a later detector neither finds it again nor reads across it.
    subject.text = blank(subject.text, found);
  }
  return spans.sort((a, b) => a.start - b.start);
}

/** Of finds of one detector that overlap, the first and then the surest stays. */
function withoutOverlaps(found: Span[]): Span[] {
  let end = 0;
  return found
    .sort((a, b) => a.start - b.start || b.score - a.score)
    .filter((span) => {
      const isFree = span.start >= end;
      if (isFree) end = span.end;
      return isFree;
    });
}

/** The text with each unit of the spans made one that no detector reads. */
function blank(text: string, spans: readonly Span[]): string {
  let result = '';
  let done = 0;
  for (const { start, end } of spans) {
    result += text.slice(done, start) + '\u0000'.repeat(end - start);
    done = end;
  }
  return result + text.slice(done);
}

/** One hit for each class in a value, the surest. */
function bestHits(spans: readonly Span[], pointer: string): PiiHit[] {
  const best = new Map<PiiClass, PiiHit>();
  for (const { class: found, detector, score } of spans) {
    if (score > (best.get(found)?.score ?? 0)) best.set(found, { class: found, pointer, detector, score });
  }
  return [...best.values()];
}

/** Two members whose names were masked alike both stay. */
function freeName(members: object, name: string): string {
  let free = name;
  for (let count = 2; Object.hasOwn(members, free); count += 1) free = `${name} ${count}`;
  return free;
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Assigns a member also where its name is `__proto__`. */
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}
