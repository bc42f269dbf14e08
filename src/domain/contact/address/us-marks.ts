import { ROLE, WORD, type Role, type Token } from './tokens.ts';

/*
 * Marks what can be told word by word, before the city and the street are known: units (`Apt 4B`, `# 12`, `4th floor`),
 * post office boxes (`PO Box 12`, `RR 3 Box 212`, `Lockbox 77`) and notes for the carrier (`Attn …`, `c/o …`).
 */

const has = (token: Token | undefined, bits: number): boolean => token !== undefined && (token.flags & bits) !== 0;
const keyAt = (tokens: readonly Token[], at: number): string => tokens[at]?.key ?? '';

function mark(tokens: readonly Token[], start: number, end: number, role: Role): void {
  for (let at = start; at < end; at += 1) {
    const token = tokens[at];
    if (token) token.role = role;
  }
}

/** Skips `#`, `no.` and the like before a value. */
function skipNumberMark(tokens: readonly Token[], at: number, end: number): number {
  const token = tokens[at];
  if (at >= end || !token) return at;
  if (token.key === '' && has(token, WORD.hash)) return at + 1;
  if (has(token, WORD.numberMark) && has(tokens[at + 1], WORD.digit | WORD.hash)) return at + 1;
  return at;
}

const isValue = (token: Token | undefined): boolean => has(token, WORD.digit | WORD.letter) || (has(token, WORD.hash) && token?.key !== '');

/** End of a box's number that begins at `at`, or -1: `12`, `# 12`, `103 a`, `cs 198422`. */
function boxValueEnd(tokens: readonly Token[], at: number, end: number): number {
  let next = skipNumberMark(tokens, at, end);
  if (next >= end) return -1;
  const token = tokens[next];
  if (!isValue(token)) {
    if (keyAt(tokens, next).length > 3 || !has(tokens[next + 1], WORD.digit) || next + 1 >= end) return -1;
    next += 1;
  }
  next += 1;
  const last = tokens[next - 1];
  const suffix = tokens[next];
  if (next < end && last && !last.comma && has(last, WORD.digit) && has(suffix, WORD.letter) && !has(suffix, WORD.direction)) next += 1;
  return next;
}

/** End of `po box`, `pob`, `p o drawer`, `lock box`, `box` at `at` (the words alone), or -1. */
function boxWordsEnd(tokens: readonly Token[], at: number): number {
  const key = keyAt(tokens, at);
  const next = keyAt(tokens, at + 1);
  const isHolder = (word: string): boolean => word === 'box' || word === 'drawer';
  if (key === 'pob' || key === 'lockbox' || key === 'lbx' || key === 'pobox' || isHolder(key)) return at + 1;
  if ((key === 'po' || key === 'lock' || key === 'caller' || key === 'postal') && isHolder(next)) return at + 2;
  if (key === 'p' && next === 'o' && isHolder(keyAt(tokens, at + 2))) return at + 3;
  if (key === 'post' && next === 'office' && isHolder(keyAt(tokens, at + 2))) return at + 3;
  return -1;
}

/** End of a rural route and its box (`RR # 3 Box 212`, `Route 1 Box 54`, `HC 4 Box 2`), or -1. */
function ruralBoxEnd(tokens: readonly Token[], at: number, end: number): number {
  let next = at + 1;
  const key = keyAt(tokens, at);
  if ((key === 'rural' || key === 'star') && keyAt(tokens, next) === 'route') next += 1;
  else if (!['rr', 'hc', 'hcr', 'rt', 'rte', 'route'].includes(key)) return -1;
  next = skipNumberMark(tokens, next, end);
  if (has(tokens[next], WORD.digit)) next += 1;
  const words = boxWordsEnd(tokens, next);
  const box = words < 0 ? -1 : boxValueEnd(tokens, words, end);
  if (box >= 0) return box;
  return (key === 'rr' || key === 'hc') && next > at + 1 && has(tokens[next - 1], WORD.digit) ? next : -1;
}

function boxEnd(tokens: readonly Token[], at: number, end: number): number {
  const rural = ruralBoxEnd(tokens, at, end);
  if (rural >= 0) return rural;
  const words = boxWordsEnd(tokens, at);
  return words < 0 ? -1 : boxValueEnd(tokens, words, end);
}

/** `dept 696 809675382`: further numbers belong to the unit once the house or box number is behind us. */
function moreNumbersEnd(tokens: readonly Token[], at: number, end: number, addressed: boolean): number {
  let next = at;
  if (!addressed) return at;
  while (next < end && tokens[next - 1]?.comma !== true && has(tokens[next], WORD.digit) && !has(tokens[next], WORD.ordinal)) next += 1;
  return next;
}

/** Names of storeys that have no number. */
const STOREYS: ReadonlySet<string> = new Set(['ground', 'main', 'lower', 'upper', 'top', 'mezzanine']);

/** Start and end of a unit whose designator stands at `at`, or undefined. */
function unitSpan(tokens: readonly Token[], at: number, end: number, addressed: boolean): [number, number] | undefined {
  const token = tokens[at];
  if (!token) return undefined;
  if (has(token, WORD.hash)) {
    const next = token.key === '' ? at + 1 : at;
    return next < end ? [at, moreNumbersEnd(tokens, next + 1, end, addressed)] : undefined;
  }
  const mailPair = token.key === 'mail' && (keyAt(tokens, at + 1) === 'code' || keyAt(tokens, at + 1) === 'stop');
  if (!mailPair && !has(token, WORD.unit | WORD.unitAlone)) return undefined;
  const before = tokens[at - 1];
  const named = has(token, WORD.namedUnit) && at > 0 && before?.comma !== true && before?.role !== ROLE.box;
  if (named && has(before, WORD.ordinal)) return [at - 1, at + 1];
  const value = skipNumberMark(tokens, mailPair ? at + 2 : at + 1, end);
  const sided = named && has(before, WORD.direction) && !has(before, WORD.diagonal | WORD.letter) && token.key !== 'bldg';
  if (value < end && tokens[value - 1]?.comma !== true && isValue(tokens[value])) {
    return [sided ? at - 1 : at, moreNumbersEnd(tokens, value + 1, end, addressed)];
  }
  if (named && STOREYS.has(keyAt(tokens, at - 1))) return [at - 1, at + 1];
  const apart = tokens[at - 2]?.comma === true || has(tokens[at - 2], WORD.strongSuffix | WORD.diagonal);
  if (sided && apart) return [at - 1, at + 1];
  if (named && before?.role === ROLE.none && tokens[at - 2]?.role === ROLE.unit) return [at - 1, at + 1];
  const alone = has(token, WORD.unitAlone) || ['apt', 'ste', 'suite', 'unit'].includes(token.key);
  return alone && has(before, WORD.strongSuffix | WORD.direction) && !has(tokens[at + 1], WORD.strongSuffix) ? [at, at + 1] : undefined;
}

/**
 * Gives the roles of unit, box and recipient to the tokens before `end` that carry them on their face.
 * One pass from left to right.
 */
export function markUnitsAndBoxes(tokens: readonly Token[], end: number): void {
  let addressed = false;
  let noting = false;
  for (let at = 0; at < end; ) {
    const token = tokens[at];
    if (!token) return;
    let next = at + 1;
    if (has(token, WORD.recipient) && isNote(tokens, at)) {
      next = noteEnd(tokens, at, end);
      mark(tokens, at, next, ROLE.recipient);
      noting = true;
    } else if (has(token, WORD.box) && boxEnd(tokens, at, end) > 0) {
      next = boxEnd(tokens, at, end);
      const drawerOfBox = token.key === 'drawer' && next < end && boxEnd(tokens, next, end) > 0;
      mark(tokens, at, next, drawerOfBox ? ROLE.unit : ROLE.box);
      addressed = true;
      noting = false;
    } else if (has(token, WORD.unit | WORD.unitAlone | WORD.hash) || token.key === 'mail') {
      const span = unitSpan(tokens, at, end, addressed);
      if (span) {
        mark(tokens, span[0], span[1], noting ? ROLE.recipient : ROLE.unit);
        next = span[1];
      }
    } else if (has(token, WORD.digit)) {
      addressed = true;
      noting = false;
    }
    if (tokens[next - 1]?.comma) noting = false;
    at = next;
  }
}

/** `co` and `re` are notes only as `c/o` and `re:`. */
function isNote(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at];
  if (token?.key === 'co') return token.text.includes('/');
  if (token?.key === 're') return token.text.endsWith(':');
  return at === 0 || token?.key === 'attn' || token?.key === 'attention' || has(tokens[at + 1], WORD.hash);
}

/** End of the words that surely belong to a note: its number, or a box that it names itself (`attn: lockbox # 7`). */
function noteEnd(tokens: readonly Token[], at: number, end: number): number {
  let next = at + 1;
  if (next >= end || tokens[at]?.comma) return next;
  if (has(tokens[next], WORD.recipient)) next += 1;
  const box = has(tokens[next], WORD.box) && keyAt(tokens, next) !== 'po' && keyAt(tokens, next) !== 'p' ? boxWordsEnd(tokens, next) : -1;
  if (box >= 0) {
    const value = boxValueEnd(tokens, box, end);
    return value >= 0 && has(tokens[value - 1], WORD.digit) ? value : box;
  }
  const value = skipNumberMark(tokens, next, end);
  if (value > next && has(tokens[value], WORD.digit | WORD.letter)) return value + 1;
  return Math.min(next + 1, end);
}
