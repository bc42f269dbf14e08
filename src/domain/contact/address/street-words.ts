/*
 * Words that say "this part is a street" or "this part is a unit" in the languages of addresses outside the United States.
 * Keys as `keyOf` makes them; endings for languages that write the word onto the name (Bahnhofstraße, Kanalvägen).
 */
const STREET_WORDS =
  'street st road rd avenue ave av drive dr boulevard blvd bd lane ln close court crescent cres terrace parade grove square sq highway hwy mews walk way embankment hill rise row wharf quay esplanade ' +
  'rue allée allee impasse quai chemin route rte place pl cours passage sentier faubourg parvis ' +
  'via viale piazza corso largo vicolo strada piazzale lungomare contrada ' +
  'calle avenida avda carrer carrera cra plaza plaça paseo passeig camino transversal diagonal avinguda jirón jiron pasaje autopista ' +
  'rua travessa praça praca pç estrada alameda rodovia beco ' +
  'straße strasse str weg platz allee gasse ring straat laan plein gracht kade gade vej gata gatan vägen veien vegen katu tie plats torg ' +
  'utca út ut tér ter körút krt ulica ul ulice plac aleja aleje náměstí namesti nábřeží trg ulitsa bulevard bulevardul bul bulevardi bulvari calea șoseaua soseaua intrarea piața piata rruga iela gatvė gatve prospektas tänav tanav maantee mnt ' +
  'улица ул проспект пр просп переулок пер площадь пл бульвар бул шоссе набережная наб вулиця вул гудамж ' +
  'sokak sokağı sokagi sok sk caddesi caddes cad cd mahallesi mah bulvarı yolu ' +
  'jalan jl jln lorong lrg soi thanon marg gali chowk salai ' +
  'شارع طريق نهج جادة شاع خط odos leoforos οδός λεωφόρος רחוב שדרות';
const STREET_ENDING = /(?:stra(?:ß|ss)e|str|weg|platz|gasse|allee|damm|ufer|straat|laan|plein|gracht|kade|gade|vej|gata|gatan|gate|vägen|veien|vegen|katu|通り|通|路|街|丁目)$/u;
const UNIT_WORDS =
  'flat unit apt apartment suite ste room floor level fl piso étage etage bâtiment batiment bat appartement appt apto depto oficina of local edificio building bldg block tower torre scala interno int ' +
  'wohnung top stiege og etaj ap bl sc et кв квартира корпус корп офис оф д lägenhet lgh daire kat villa plot lot shop';
const BOX_WORDS = 'po pobox box bp boîte boite postfach pob apartado casilla postbus pmb gpo кутия ящик skrytka';

/** Keys of words for streets; see `isStreetWord` for names with the word at their end. */
const streets: ReadonlySet<string> = new Set(STREET_WORDS.split(' '));
const units: ReadonlySet<string> = new Set(UNIT_WORDS.split(' '));
const boxes: ReadonlySet<string> = new Set(BOX_WORDS.split(' '));

/** The shortest word that can be a name with its street word written onto it. */
const COMPOUND_MIN = 6;

export const isStreetWord = (key: string): boolean => streets.has(key) || (key.length >= COMPOUND_MIN && STREET_ENDING.test(key)) || /通り$|丁目$|号$/u.test(key);
export const isUnitWord = (key: string): boolean => units.has(key);
export const isBoxWord = (key: string): boolean => boxes.has(key);
