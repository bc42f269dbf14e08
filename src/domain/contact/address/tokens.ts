/** What a word can mean in an address, as bits: one table lookup per token answers every later question. */
export const WORD = {
  strongSuffix: 1,
  weakSuffix: 2,
  direction: 4,
  diagonal: 8,
  unit: 16,
  unitAlone: 32,
  namedUnit: 64,
  box: 128,
  highway: 256,
  highwayTail: 512,
  cityLead: 1024,
  cityTail: 2048,
  numberWord: 4096,
  recipient: 8192,
  digit: 16_384,
  hash: 32_768,
  ordinal: 65_536,
  letter: 131_072,
  numberMark: 262_144,
  roadQualifier: 524_288,
} as const;

/** Where a token ends up. */
export const ROLE = { none: 0, recipient: 1, street: 2, unit: 3, box: 4, city: 5 } as const;
export type Role = (typeof ROLE)[keyof typeof ROLE];

export type Token = {
  /** As the source wrote it, without the separator behind it. */
  text: string;
  /** Lower case, letters and digits only. */
  key: string;
  flags: number;
  /** A comma, semicolon or line break follows. */
  comma: boolean;
  role: Role;
};

const CHAR = { tab: 9, newline: 10, return: 13, space: 32, hash: 35, comma: 44, semicolon: 59 } as const;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLowerLatin = (code: number): boolean => code >= 97 && code <= 122;

/** Lower case with everything but letters and digits dropped. */
export function keyOf(text: string): string {
  const lower = text.toLowerCase();
  for (let at = 0; at < lower.length; at += 1) {
    const code = lower.charCodeAt(at);
    if (!isLowerLatin(code) && !isDigit(code)) return lower.replace(/[^\p{L}\p{M}\p{N}]+/gu, '');
  }
  return lower;
}

function shapeFlags(text: string, key: string): number {
  if (key.length === 0) return text.charCodeAt(0) === CHAR.hash ? WORD.hash : 0;
  let flags = text.charCodeAt(0) === CHAR.hash ? WORD.hash : 0;
  let digits = 0;
  for (let at = 0; at < key.length; at += 1) if (isDigit(key.charCodeAt(at))) digits += 1;
  if (digits > 0) {
    flags |= WORD.digit;
    if (isDigit(key.charCodeAt(0)) && key.length - digits === 2 && /^\d+(?:st|nd|rd|th)$/.test(key)) flags |= WORD.ordinal;
  } else if (key.length === 1) flags |= WORD.letter;
  return flags;
}

/**
 * Cuts a line into tokens at blanks and at commas, semicolons and line breaks; a `#` starts a token of its own.
 * Linear in the length of the line.
 * @param words meaning of a key as bits of `WORD`
 */
export function tokenize(line: string, words: ReadonlyMap<string, number>): Token[] {
  const tokens: Token[] = [];
  let start = -1;
  const flush = (end: number): void => {
    if (start < 0) return;
    const text = line.slice(start, end);
    start = -1;
    const key = keyOf(text);
    if (key.length === 0 && text.charCodeAt(0) !== CHAR.hash) return;
    tokens.push({ text, key, flags: (words.get(key) ?? 0) | shapeFlags(text, key), comma: false, role: ROLE.none });
  };
  for (let at = 0; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if (code === CHAR.comma || code === CHAR.semicolon || code === CHAR.newline || code === CHAR.return) {
      flush(at);
      const last = tokens.at(-1);
      if (last) last.comma = true;
    } else if (code === CHAR.space || code === CHAR.tab) flush(at);
    else {
      if (code === CHAR.hash) flush(at);
      if (start < 0) start = at;
    }
  }
  flush(line.length);
  return tokens;
}

/** The tokens of one role in their order, as written, separated by one blank. */
export function textOf(tokens: readonly Token[], role: Role): string | undefined {
  let text = '';
  for (const token of tokens) if (token.role === role) text = text ? `${text} ${token.text}` : token.text;
  return text || undefined;
}
