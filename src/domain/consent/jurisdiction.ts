import { countryNameOf } from '../contact/country.ts';

/** The state of the law that the table below was drawn up on. Recorded with every decision that it led to. */
export const JURISDICTION_VERSION = '2026-11-01';

/**
 * Where consent is required before a contact may be used, each group with its ground.
 * The first five are covered by law; the rest is treated as covered because its own law asks for the same or because
 * a controller there commonly answers to a covered one.
 */
const COVERED_BY_GROUND = {
  /** Regulation (EU) 2016/679, article 3; member states as of 2020-02-01. */
  europeanUnion: 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK',
  /** EEA Joint Committee Decision 154/2018. */
  europeanEconomicArea: 'IS LI NO',
  /** UK GDPR and Data Protection Act 2018, with the Privacy and Electronic Communications Regulations 2003. */
  unitedKingdom: 'GB',
  /** Federal Act on Data Protection (revised), in force since 2023-09-01. */
  switzerland: 'CH',
  /** Parts of the Union with codes of their own: TFEU article 355(1) and (4). */
  partsOfTheUnion: 'AX GP GF MQ RE YT MF',
  /** French overseas collectivities, under Law 78-17 (articles 125 to 127), and Svalbard under Norwegian law. */
  overseas: 'BL PM WF PF NC TF SJ',
  /** Places whose own law follows the Regulation, most of them with an adequacy decision. */
  equivalentLaw: 'GI GG JE IM AD MC SM VA FO GL',
  /**
   * Codes that no country is assigned to, but that stand for one above: the Canary Islands, Ceuta and Melilla, the
   * Union and the euro zone, metropolitan France, Clipperton, and the names Greece and the United Kingdom go by.
   */
  reservedCodes: 'IC EA EU EZ FX CP EL UK',
} as const;

const COVERED: ReadonlySet<string> = new Set(Object.values(COVERED_BY_GROUND).flatMap((codes) => codes.split(' ')));

/**
 * Says whether the consent rules apply to a contact of this country.
 * A country that is not known, or a code that no country has, counts as covered: the doubt is the sender's.
 *
 * @param country alpha-2 code in capitals, after normalization.
 * @param extra further countries that an operator wants covered; it can only add.
 */
export function isCovered(country: string | undefined, extra?: ReadonlySet<string>): boolean {
  if (country === undefined || countryNameOf(country) === undefined) return true;
  return COVERED.has(country) || extra?.has(country) === true;
}
