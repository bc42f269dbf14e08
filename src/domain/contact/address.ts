import { groupsOf } from './address/groups.ts';
import { parseInternational } from './address/international.ts';
import { countryOfLine } from './address/line-country.ts';
import type { ParsedAddress } from './address/parsed-address.ts';
import { tokenize, WORD, type Token } from './address/tokens.ts';
import { US_WORDS } from './address/us-words.ts';
import { parseUs, usTailOf } from './address/us.ts';
import { isZip, type UsTail } from './address/us-tail.ts';
import { subdivisionOfPostalCode } from './postal-code.ts';

const INVISIBLE = /\p{Cf}+/gu;

const stateOfZip = (zip: string): string | undefined => subdivisionOfPostalCode(zip, 'US');

/** Whether a word of the line before its end is one of a United States street or box. */
function hasUsWords(tokens: readonly Token[], end: number): boolean {
  for (let at = 0; at < end; at += 1) if (((tokens[at]?.flags ?? 0) & (WORD.strongSuffix | WORD.box | WORD.highway)) !== 0) return true;
  return false;
}

/** States whose names are those of countries too, so that a name alone at the end says nothing. */
const COUNTRY_NAMESAKES: ReadonlySet<string> = new Set(['GA', 'FM', 'MH', 'PW', 'PR', 'GU', 'VI', 'AS', 'MP']);

/** Whether a line that names no country is of the United States: state and ZIP that agree, or one of them and their words. */
function looksUs(tokens: readonly Token[], tail: UsTail): boolean {
  if (tail.state === undefined || tail.end <= 0) return false;
  if (tail.countryWritten || tail.stateFrom === 'displaced') return true;
  if (tail.stateFrom !== 'written') return tail.stateFrom === 'mistyped' && hasUsWords(tokens, tail.end);
  if (tail.zip !== undefined && isZip(tail.zip) && tail.zipState === tail.state) return true;
  if (tail.zip === undefined && COUNTRY_NAMESAKES.has(tail.state) && tokens.at(-1)?.key.length !== 2) return false;
  // Perth WA 6000: Australia writes this state and four digits as well.
  return !(tail.state === 'WA' && tail.zip !== undefined && !isZip(tail.zip)) && hasUsWords(tokens, tail.end);
}

/**
 * Takes one line apart: street, unit, city, state, postal code, country, recipient. Linear in the length of the line,
 * which the caller limits. The parts are the source's own words; state, postal code and country are in their codes.
 * Format characters (Unicode Cf: joiners, direction marks, tags) are left out.
 * @param country alpha-2 that the source gave; it wins over one in the line
 * @returns undefined where the line is empty, or names no country and gives no hint of one
 */
export function parseAddress(line: string, country?: string): ParsedAddress | undefined {
  const text = line.replace(INVISIBLE, '').normalize('NFC');
  if (country === undefined || country === 'US') {
    const tokens = tokenize(text, US_WORDS);
    const tail = usTailOf(tokens, stateOfZip);
    if (country === 'US' || looksUs(tokens, tail)) return parseUs(tokens, tail);
  }
  const found = countryOfLine(groupsOf(text), country);
  return found && parseInternational(found);
}
