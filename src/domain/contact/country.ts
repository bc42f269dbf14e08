import { COUNTRY_ALIASES_BY_HAND, COUNTRY_CODES_BY_HAND } from './country-aliases.ts';
import { nameKey, remember } from './name-key.ts';
import { COUNTRY_ALIASES, COUNTRY_CODES, COUNTRY_NAME_KEYS, COUNTRY_NAMES } from './tables/countries.ts';

export type CountryMatch = {
  /** ISO 3166-1 alpha-2. */
  alpha2: string;
  rule: string;
  /** 0 to 1. */
  confidence: number;
};

const CACHE_LIMIT = 10_000;
const MAX_LENGTH = 120;
const cache = new Map<string, CountryMatch | undefined>();

type Index = { codes: Map<string, string>; englishNames: Map<string, string> };
/** `english`: English names and our own variants; `foreign`: names in other languages, which yield to them; `words`: English in any order. */
type NameIndex = { english: Map<string, string>; foreign: Map<string, string>; words: Map<string, string> };
let codeIndex: Index | undefined;
let nameIndex: NameIndex | undefined;

/**
 * The country that a spelling means: alpha-2, alpha-3 or numeric code, a name in one of 15 languages or in a language of the
 * country itself (CLDR), an official long form, or a common variant. Undefined where it means none.
 */
export function findCountry(raw: string): CountryMatch | undefined {
  if (raw.length > MAX_LENGTH) return undefined;
  const known = cache.get(raw);
  if (known !== undefined || cache.has(raw)) return known;
  return remember(cache, CACHE_LIMIT, raw, look(raw));
}

/** The English name of a country by alpha-2, as CLDR has it. */
export function countryNameOf(alpha2: string): string | undefined {
  return codes().englishNames.get(alpha2);
}

function look(raw: string): CountryMatch | undefined {
  const text = raw.normalize('NFKC').trim();
  if (text === '') return undefined;
  return byCode(text) ?? byName(text);
}

function byCode(text: string): CountryMatch | undefined {
  const { codes: index } = codes();
  const code = text.replaceAll('.', '').toUpperCase();
  if (/^\d{1,3}$/.test(code)) return match(index.get(code.padStart(3, '0')), 'country.numeric', code.length === 3 ? 1 : 0.9);
  if (!/^[A-Z]{2,3}$/.test(code)) return undefined;
  return match(index.get(code), code.length === 2 ? 'country.alpha2' : 'country.alpha3', 1) ?? match(index.get(`~${code}`), 'country.code_variant', 0.9);
}

function byName(text: string): CountryMatch | undefined {
  const { words } = allNames();
  const key = nameKey(text);
  if (key === '') return undefined;
  const direct = match(named(key), 'country.name', 1);
  if (direct !== undefined) return direct;
  const plain = plainWords(key);
  return (
    match(named(plain.join(' ')), 'country.name_variant', 0.95) ??
    match(words.get(wordKey(plain)), 'country.word_order', 0.95) ??
    byLongForm(plain) ??
    byParentheses(text)
  );
}

/** "Republic of the Marshall Islands", "Solomon": the name that stays when the form of government is taken away, with or without "islands". */
function byLongForm(plain: readonly string[]): CountryMatch | undefined {
  const { words } = allNames();
  const rest = plain.filter((word) => !FORMS.has(word));
  if (rest.length === 0 || NEED_FORM.has(rest.join(' '))) return undefined;
  const found = named(rest.join(' ')) ?? words.get(wordKey(rest)) ?? words.get(wordKey([...rest, 'islands']));
  return match(found, 'country.long_form', 0.9);
}

/** Territories with a code of their own, by the state they belong to: "Greenland (Denmark)" is no contradiction. */
const TERRITORIES = 'AU CC CX HM NF|CN HK MO TW|DK FO GL|FI AX|FR BL GF GP MF MQ NC PF PM RE TF WF YT|GB AC AI BM FK GG GI GS IM IO JE KY MS PN SH TA TC VG|NL AW BQ CW SX|NO BV SJ|NZ CK NU TK|US AS GU MP PR UM VI';
const STATE_OF: Readonly<Record<string, string>> = Object.fromEntries(
  TERRITORIES.split('|').flatMap((line) => line.slice(3).split(' ').map((territory) => [territory, line.slice(0, 2)])),
);

/** "Congo (Kinshasa)", "Germany (DE)", "Samoa - WS": what stands outside, then what stands inside. */
function byParentheses(text: string): CountryMatch | undefined {
  const found = /^(.+?)\s*(?:\(([^)]*)\)|\[([^\]]*)\]|\s[-–/|]\s(.+))$/u.exec(text);
  if (found === null) return undefined;
  const [outside, inside] = [found[1] ?? '', found[2] ?? found[3] ?? found[4] ?? ''];
  const outer = byCode(outside) ?? byName(outside);
  const inner = inside.trim() === '' ? undefined : (byCode(inside.trim()) ?? byName(inside));
  if (outer !== undefined && inner !== undefined && outer.alpha2 !== inner.alpha2 && STATE_OF[outer.alpha2] !== inner.alpha2) return undefined;
  const either = outer ?? inner;
  return either && { alpha2: either.alpha2, rule: 'country.parentheses', confidence: Math.min(0.9, either.confidence) };
}

function match(alpha2: string | undefined, rule: string, confidence: number): CountryMatch | undefined {
  return alpha2 === undefined ? undefined : { alpha2, rule, confidence };
}

/** Abbreviated words in names of countries. */
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  st: 'saint', ste: 'saint', sta: 'saint', rep: 'republic', repub: 'republic', dem: 'democratic', democ: 'democratic', fed: 'federated', sts: 'states', is: 'islands', isl: 'islands', isls: 'islands', island: 'islands', terr: 'territories', territory: 'territories', ppl: 'peoples', people: 'peoples', afr: 'african', brit: 'british', br: 'british', fr: 'french', utd: 'united', kgdm: 'kingdom', s: 'south', n: 'north', eq: 'equatorial', equat: 'equatorial', ter: 'territories', antarct: 'antarctic',
};

/** Words that tell no country from another. */
const FILLERS = new Set(['the', 'of', 'and', 'de', 'del', 'della', 'dei', 'der', 'van', 'dos', 'das', 'la', 'las', 'los', 'el', 'du', 'des', 'von', 'di', 'do', 'da', 'et', 'und', 'y', 'e', 'en', 'och']);

/** Words that say how a state is governed. They may be dropped only where what stays is a name of its own. */
const FORMS = new Set(['republic', 'republica', 'republik', 'republique', 'repubblica', 'kingdom', 'state', 'states', 'commonwealth', 'islamic', 'federal', 'federation', 'federated', 'democratic', 'peoples', 'socialist', 'union', 'arab', 'plurinational', 'bolivarian', 'grand', 'duchy', 'principality', 'sultanate', 'emirate', 'independent', 'sovereign', 'cooperative', 'country', 'territories', 'dominion', 'collectivity', 'bailiwick', 'crown', 'dependency', 'department', 'overseas', 'self', 'governing', 'oriental', 'eastern', 'united', 'province', 'sar', 'special', 'administrative', 'region', 'former', 'co', 'operative', 'hashemite', 'constitutional', 'monarchy', 'federative', 'republika', 'republiken', 'republikken', 'republiek', 'respublika', 'respublikasi', 'republica', 'reino', 'royaume', 'koninkrijk', 'konigreich', 'kongeriget', 'kongeriket', 'konungariket', 'krolestwo', 'regno', 'estado', 'etat', 'stato', 'principaute', 'principado', 'furstentum', 'bundesrepublik', 'islamique', 'islamica', 'democratica', 'democratique', 'federale', 'federative', 'federativa', 'popular', 'populaire', 'bolivariana', 'plurinacional', 'oriental', 'cumhuriyeti', 'республика', 'федерация', 'република', 'جمهورية', 'الجمهورية', 'مملكة', 'المملكة', 'دولة', 'سلطنة', 'العربية', 'الاسلامية', 'الديمقراطية', 'الشعبية']);

/** Names that need their form: without it they mean two countries. */
const NEED_FORM = new Set(['korea', 'congo', 'china', 'virgin', 'dominican', 'corea', 'coree', 'dominicana', 'dominicaine', 'الكونغو', 'كوريا', 'конго', 'корея']);

function plainWords(key: string): string[] {
  const tokens = key.split(' ').map((word) => ABBREVIATIONS[word] ?? word);
  // A possessive that was written apart: "people s republic".
  const words = tokens.filter((word, index) => !FILLERS.has(word) && !(word === 'south' && tokens[index - 1] === 'peoples' && key.includes('people s ')));
  return words.length > 1 && words.every((word) => word.length === 1) ? [words.join('')] : words;
}

function wordKey(words: readonly string[]): string {
  return [...words].sort().join(' ');
}

function codes(): Index {
  codeIndex ??= buildCodes();
  return codeIndex;
}

function buildCodes(): Index {
  const index = new Map<string, string>();
  for (const line of COUNTRY_CODES.split('|')) {
    const [alpha2 = '', alpha3 = '', numeric = ''] = line.split(' ');
    for (const code of [alpha2, alpha3, numeric]) if (code !== '-') index.set(code, alpha2);
  }
  for (const line of `${COUNTRY_ALIASES}|${COUNTRY_CODES_BY_HAND}`.split('|')) {
    const [code = '', alpha2 = ''] = line.split(' ');
    if (!index.has(code)) index.set(`~${code}`, alpha2);
  }
  const englishNames = new Map<string, string>();
  for (const [alpha2, name] of pairs(COUNTRY_NAMES)) if (!englishNames.has(alpha2)) englishNames.set(alpha2, name);
  return { codes: index, englishNames };
}

function allNames(): NameIndex {
  nameIndex ??= buildNames();
  return nameIndex;
}

/** CLDR's English first, then our own variants: the first to claim a spelling keeps it. */
function buildNames(): NameIndex {
  const english = new Map<string, string>();
  const words = new Map<string, string>();
  const put = (index: Map<string, string>, key: string, alpha2: string): void => {
    if (!index.has(key)) index.set(key, alpha2);
  };
  const putEnglish = (alpha2: string, spelling: string): void => {
    const key = nameKey(spelling);
    put(english, key, alpha2);
    if (!key.includes(' ')) return;
    const plain = plainWords(key);
    put(english, plain.join(' '), alpha2);
    put(words, wordKey(plain), alpha2);
  };
  for (const [alpha2, name] of pairs(COUNTRY_NAMES)) putEnglish(alpha2, name);
  for (const line of COUNTRY_ALIASES_BY_HAND.trim().split('\n')) for (const spelling of line.slice(3).split('/')) putEnglish(line.slice(0, 2), spelling);
  const foreign = new Map<string, string>();
  for (const [alpha2, keys] of pairs(COUNTRY_NAME_KEYS)) for (const key of keys.split('/')) foreign.set(key, alpha2);
  return { english, foreign, words };
}

function named(key: string): string | undefined {
  const { english, foreign } = allNames();
  return english.get(key) ?? foreign.get(key);
}

function* pairs(table: string): Generator<[string, string]> {
  for (const entry of table.split('|')) yield [entry.slice(0, 2), entry.slice(3)];
}
