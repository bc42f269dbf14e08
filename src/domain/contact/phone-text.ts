/**
 * Reads how a phone number is written and reduces it to what a numbering plan is asked about:
 * digits, whether they begin with a country calling code, and the extension.
 *
 * Sources: RFC 3966 (tel URIs, `phone-context`, `ext`, `isub`), ITU-T E.123 (how numbers are written),
 * ITU-T E.161 (letters on a keypad).
 */

export type PhoneText = {
  /** ASCII digits only, without a plus. */
  digits: string;
  /** True where the digits begin with a country calling code, because a plus was written. */
  international: boolean;
  extension?: string;
  /** Id of the rule that read it, without its `phone.` prefix. */
  rule: 'plain' | 'cleaned' | 'uri' | 'vanity';
};

/** RFC 3966 sets no limit; nothing longer than this is a number that somebody wrote down. */
export const MAX_PHONE_CHARS = 250;

const PLAIN = /^\+?[\d ().\-/]+$/;
const NOT_DIGIT = /\D+/g;

/** The marks that are written between the digits of one number; `x`, `*` and `~` stand in for a digit or a dash. */
const BETWEEN = String.raw`\-\u2010-\u2015\u2212\u30fc\s().\[\]/~\u2053\u223cx*`;
/** Two digits, or at least three with only marks between them before any letter. */
const VIABLE = new RegExp(String.raw`^(?:\d\d|\+*(?:[${BETWEEN}]*\d){3}[${BETWEEN}\da-z]*)$`, 'i');

/** Characters that show nothing and are pasted along with a number: soft hyphen, joiners, directional marks. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const OTHER_DIGIT = /(?![0-9])\p{Nd}/gu;
const IS_DIGIT = /^\p{Nd}$/u;

const SEPARATORS = String.raw`[\s,\-]*`;
const EXTENSIONS = [
  // Labelled in words: nothing else is meant, so long ones are believed.
  String.raw`[\s,]*(?:;ext=|e?xt(?:ensi(?:o\u0301?|\u00f3))?n?|\u0434\u043e\u0431|anexo)[:.]?${SEPARATORS}(\d{1,20})#?`,
  // Marks that are also used for other things: as long as an extension usually is.
  String.raw`[\s,]*(?:[x#~]|int)[:.]?${SEPARATORS}(\d{1,9})#?`,
  // Dialled after a pause.
  String.raw`\s*(?:,,|;)[:.]?${SEPARATORS}(\d{1,15})#?`,
  String.raw`\s*,[:.]?${SEPARATORS}(\d{1,9})#?`,
  // `-910#`
  String.raw`[\s\-]+(\d{1,6})#`,
];
const EXTENSION = new RegExp(`(?:${EXTENSIONS.join('|')})$`, 'i');

/** A word for the kind of line, behind the number. */
const KIND = /[\s([]+(?:mobile|mob|cell|home|work|office|fax|main|direct|landline|tel)\.?[)\]]?$/i;

const KEYPAD = '22233344455566677778889999';

/** RFC 3966 `parameter`. */
const PARAMETER = /^[a-z\d-]+(?:=.*)?$/is;
/** `+` and digits with dashes, dots and brackets (RFC 3966 `global-number-digits`). */
const CONTEXT_NUMBER = /^\+[\d\-.()]*\d[\d\-.()]*$/;
/** A domain name (RFC 3966 `domainname`): it names a private plan and adds no digits. */
const CONTEXT_DOMAIN = /^(?:[a-z\d]+(?:-+[a-z\d]+)*\.)*[a-z]+(?:-*[a-z\d]+)*\.?$/i;

/**
 * Reads a number as somebody wrote it: tel URIs, full-width and other scripts' digits, extensions,
 * keypad letters, words before it.
 *
 * @param raw at most {@link MAX_PHONE_CHARS} characters are looked at; longer text is no number
 * @returns undefined where the text cannot be a phone number
 */
export function readPhoneText(raw: string): PhoneText | undefined {
  if (raw.length > MAX_PHONE_CHARS) return undefined;
  if (PLAIN.test(raw)) {
    const international = raw.charCodeAt(0) === 43;
    const digits = raw.replace(NOT_DIGIT, '');
    return digits.length < 2 ? undefined : { digits, international, rule: 'plain' };
  }
  const text = raw.replace(INVISIBLE, '').normalize('NFKC').replace(OTHER_DIGIT, asciiDigit).trim();
  const uri = /;phone-context=/i.test(text) || /\btel:/i.test(text);
  const written = uri ? readUri(text) : fromFirstDigit(text);
  if (written === undefined) return undefined;
  return readNumber(written, uri ? 'uri' : 'cleaned') ?? readNumber(written.replace(KIND, ''), 'cleaned');
}

/** The same text without a word for the kind of line at its end, or undefined where there is none. */
export function withoutLineKind(raw: string): string | undefined {
  const shorter = raw.replace(KIND, '');
  return shorter === raw ? undefined : shorter;
}

function readNumber(written: string, rule: 'uri' | 'cleaned'): PhoneText | undefined {
  const end = EXTENSION.exec(written);
  const extension = end?.slice(1).find((group) => group !== undefined);
  let body = written;
  // What is left must be a number by itself: in `650x2531234` the x is not the mark of an extension.
  if (end !== null && VIABLE.test(written.slice(0, end.index))) body = written.slice(0, end.index);
  if (!VIABLE.test(body)) return undefined;
  const letters = body.match(/[a-z]/gi)?.length ?? 0;
  const vanity = letters >= 3;
  const digits = (vanity ? body.replace(/[a-z]/gi, keypadDigit) : body).replace(NOT_DIGIT, '');
  const text: PhoneText = { digits, international: body.startsWith('+'), rule: vanity ? 'vanity' : rule };
  if (body !== written && extension !== undefined) text.extension = extension;
  return text;
}

/** The number in a tel URI, its `phone-context` put in front where it is one of digits. */
function readUri(text: string): string | undefined {
  const scheme = text.search(/\btel:/i);
  const [subscriber = '', ...parameters] = text.slice(scheme < 0 ? 0 : scheme + 4).split(';');
  const context = parameterOf(parameters, 'phone-context');
  // "Tel: 1; Fax: 2" only looks like one.
  if (context === undefined && !parameters.every((parameter) => PARAMETER.test(parameter))) return fromFirstDigit(text);
  let number = fromFirstDigit(subscriber) ?? '';
  if (context !== undefined) {
    if (CONTEXT_NUMBER.test(context)) number = context + number;
    else if (!CONTEXT_DOMAIN.test(context)) return undefined;
  }
  const extension = parameterOf(parameters, 'ext');
  return extension === undefined ? number : `${number};ext=${extension}`;
}

function parameterOf(parameters: string[], name: string): string | undefined {
  const found = parameters.find((parameter) => parameter.toLowerCase().startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

/** From the first digit or plus on, without a second number behind a slash and without trailing marks. */
function fromFirstDigit(text: string): string | undefined {
  const start = text.search(/[+\d]/);
  if (start < 0) return undefined;
  return text
    .slice(start)
    .replace(/[\\/] *x.*$/is, '')
    .replace(/[^\p{N}\p{L}#]+$/u, '');
}

function keypadDigit(letter: string): string {
  return KEYPAD[letter.toLowerCase().charCodeAt(0) - 97] as string;
}

/** Unicode keeps the ten digits of a script in one ascending run, so the place in the run is the value. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) as number;
  let value = 0;
  while (value < 9 && IS_DIGIT.test(String.fromCodePoint(code - value - 1))) value += 1;
  return String(value);
}
