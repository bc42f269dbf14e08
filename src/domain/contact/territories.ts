/**
 * Territories with a code of their own in ISO 3166-1, behind the state they belong to. People name either one for the
 * same place: a line that ends in "France" does not contradict a contact in Martinique.
 */
const TERRITORIES: Readonly<Record<string, string>> = {
  AU: 'CC CX HM NF',
  CN: 'HK MO',
  DK: 'FO GL',
  FI: 'AX',
  FR: 'BL GF GP MF MQ NC PF PM RE TF WF YT',
  GB: 'AI BM FK GG GI GS IM IO JE KY MS PN SH TC VG',
  NL: 'AW BQ CW SX',
  NO: 'BV SJ',
  NZ: 'CK NU TK',
  US: 'AS GU MP PR UM VI',
};

const stateOf = new Map(Object.entries(TERRITORIES).flatMap(([state, codes]) => codes.split(' ').map((code) => [code, state] as const)));

/** True where two alpha-2 codes can be meant for the same place. */
export function areOfOneState(one: string, other: string): boolean {
  return one === other || (stateOf.get(one) ?? one) === (stateOf.get(other) ?? other);
}
