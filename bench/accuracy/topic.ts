import { normalizeContact } from '../../src/domain/contact/normalize.ts';
import type { Contact } from '../../src/domain/contact/types.ts';

/** What one run of a set gave. `wrong` names the cases, with what came out. */
export type Score = { right: number; total: number; wrong: string[] };

/**
 * One set of cases with its target: the share of cases that must be right, asked of the rule alone and, where the set
 * can be asked so, of a whole contact that holds nothing but the fields of the case.
 */
export type Topic = { name: string; target: number; rule(dataDir: string): Score; whole?(dataDir: string): Score };

/** What normalization makes of these fields; an e-mail beside them, so that the contact stands whatever becomes of them. */
export function contactOf(fields: Readonly<Record<string, unknown>>): Contact {
  return normalizeContact({ email: 'someone@example.com', ...fields }, {}).contact;
}
