import type { ParsedAddress } from './address/parsed-address.ts';
import { tokenize } from './address/tokens.ts';
import { US_WORDS } from './address/us-words.ts';
import { parseUs, usTailOf } from './address/us.ts';

export type { ParsedAddress } from './address/parsed-address.ts';

/**
 * Takes one line apart: street, unit, city, state, postal code, country, recipient. Linear in the length of the line.
 * @param country alpha-2 that the source gave; it wins over one in the line
 * @returns undefined where the line is empty or gives nothing that can be used
 */
export function parseAddress(line: string, country?: string): ParsedAddress | undefined {
  const tokens = tokenize(line.normalize('NFC'), US_WORDS);
  if (tokens.length === 0) return undefined;
  if (country !== undefined && country !== 'US') return undefined;
  return parseUs(tokens, usTailOf(tokens, () => undefined));
}
