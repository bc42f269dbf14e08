import { WORD } from './tokens.ts';

/*
 * Words of United States addresses. Street suffixes and unit designators: USPS Publication 28, appendices C1 and C2,
 * with the spellings that senders use in practice. "Strong" suffixes hardly occur in names of cities, "weak" ones do.
 */
const STRONG_SUFFIXES =
  'street st str strt avenue ave av aven avenu avn avnue road rd drive dr drv driv boulevard blvd boul blv bvd boulv lane ln court ct crt circle cir circ crcl ' +
  'place pl way wy parkway pkwy pky parkwy pkway terrace ter terr trail trl trails highway hwy hgwy hiwy hiway turnpike tpke trnpk pike expressway expy expwy expw freeway fwy frwy ' +
  'causeway cswy alley aly loop path crescent cres trace trce row walk extension ext extn bypass byp broadway throughway trwy esplanade driveway skyway courts overpass underpass';
const WEAK_SUFFIXES =
  'park pk run ridge rdg center ctr centre village vlg square sq plaza plz crossing xing heights hts hills hill bay cove cv creek crk grove grv landing lndg lake meadow meadows mdw mdws ' +
  'point pt valley view vw vista vis manor mnr island harbor hbr garden gardens gdns estate estates forest glen gln green grn isle junction jct knoll knolls mill mills mission ' +
  'mount oval shore shores spring springs station sta summit smt union villa bend bluff branch bridge brook canyon cape cliff club common commons corner corners course curve dale dam ' +
  'divide falls ferry field fields flat flats ford fork fort gateway hollow haven inlet key light mews mountain neck orchard pass pines plain plains port prairie ranch rapids rest river shoal trafficway tunnel vly ville well wells pointe mall motorway promenade industrial';
const DIRECTIONS = 'north south east west n s e w no so';
const DIAGONALS = 'ne nw se sw northeast northwest southeast southwest';
const UNITS =
  'apt apartment aptmt ste suite suit unit rm room dept department bldg building blg trlr trailer lot spc space slip hngr hangar ph penthouse fl floor flr tower bin file ms msc pmb stop condo ' +
  'ofc office level lvl mailbox mailstop wing bay cabin module pod hall';
const UNITS_ALONE = 'bsmt basement frnt front rear lowr lower uppr upper lobby lbby penthouse ph';
const NAMED_UNITS = 'floor fl flr hall tower wing lvl level bldg building blg';
const BOXES = 'po pob pobox p box lockbox lock lbx drawer rr hc hcr rt rte route rural star post caller postal';
const HIGHWAYS = 'highway hwy hgwy hiway route rte rt fm pr cr sr us spur loop interstate business sh th rm cth sth';
const HIGHWAY_TAILS = 'business bus bypass byp alt alternate spur loop truck';
const ROAD_QUALIFIERS = 'county country co state ranch forest township twp fs old cnty';
const CITY_LEADS =
  'st saint ste san santa fort ft mount mt mtn new los las el la le de del des du port pt lake north south east west n s e w upper lower little big grand great white black red green blue ' +
  'palm cedar oak rock high long old rio sault king royal coral college cape glen pine maple spring silver council iowa kansas oklahoma jefferson salt university highland santo sioux eau fond';
const CITY_TAILS =
  'city beach springs spring falls heights hts hills hill park pk grove rapids lake lakes island islands valley vly village vlg town township twp tw point pt bay harbor river creek gardens ' +
  'station junction bluff bluffs woods wood forest haven ridge center mills vista mesa shores branch rock bend ferry prairie crossing mountain estates cove hl hls wd bh ' +
  'square terrace rouge worth lauderdale wayne petersburg paul louis cloud joseph augustine charles george simons collins myers antonio diego jose francisco';
const NUMBER_WORDS = 'one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty seventy eighty ninety';
const RECIPIENTS = 'attn attention co client customer acct account re cust';
const NUMBER_MARKS = 'no num number nbr';

function buildWords(): ReadonlyMap<string, number> {
  const words = new Map<string, number>();
  const add = (list: string, bit: number): void => {
    for (const word of list.split(' ')) words.set(word, (words.get(word) ?? 0) | bit);
  };
  add(STRONG_SUFFIXES, WORD.strongSuffix);
  add(WEAK_SUFFIXES, WORD.weakSuffix);
  add(DIRECTIONS, WORD.direction);
  add(DIAGONALS, WORD.direction | WORD.diagonal);
  add(UNITS, WORD.unit);
  add(UNITS_ALONE, WORD.unitAlone);
  add(NAMED_UNITS, WORD.namedUnit);
  add(BOXES, WORD.box);
  add(HIGHWAYS, WORD.highway);
  add(HIGHWAY_TAILS, WORD.highwayTail);
  add(ROAD_QUALIFIERS, WORD.roadQualifier);
  add(CITY_LEADS, WORD.cityLead);
  add(CITY_TAILS, WORD.cityTail);
  add(NUMBER_WORDS, WORD.numberWord);
  add(RECIPIENTS, WORD.recipient);
  add(NUMBER_MARKS, WORD.numberMark);
  return words;
}

/** Key of a word (see `keyOf`) to what it can mean in a United States address, as bits of `WORD`. */
export const US_WORDS = buildWords();
