import { nameKey, remember } from './name-key.ts';
import { SUBDIVISION_NAMES } from './subdivision-names.ts';
import { SUBDIVISIONS_WITHIN } from './tables/subdivisions.ts';

/** A subdivision found: `code` is that of ISO 3166-2 without the country (`TX`). Below a confidence of 0.8 it is a guess. */
export type SubdivisionMatch = { country: string; code: string; rule: string; confidence: number };

type Names = { codes: ReadonlySet<string>; byName: ReadonlyMap<string, string> };

const CACHE_LIMIT = 20_000;
const MAX_LENGTH = 100;
const cache = new Map<string, SubdivisionMatch | undefined>();
const tables = new Map<string, Names>();
let lines: Map<string, string> | undefined;
let outerOf: Map<string, string> | undefined;

/** Words that say what kind of division it is, in the languages of the table. */
const KINDS = new Set(
  'province provincia provincie provinz state estado region regione regiao regio county co contea department departamento departement district distrito prefecture ken fu governorate municipality municipio parish parroquia canton kanton oblast city territory emirate division island islands sheng shi zizhiqu zhuangzuzizhiqu huizuzizhiqu weiwuerzizhiqu weiwuerzuzizhiqu do si tinh thanh pho changwat of the de del la el comunidad i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi an ar y and autonomous special'.split(' '),
);

/** The same as endings, in scripts that do not part words. */
const ENDINGS = /(?:特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|省|市|県|府|都|縣|특별자치도|특별자치시|특별시|광역시|도|시|จังหวัด)$/u;
const BEGINNINGS = /^(?:จังหวัด|محافظة )/u;

/** The subdivision of `country` (ISO 3166-1 alpha-2) that a code or name means, or undefined where it is none that we know. */
export function findSubdivision(raw: string, country: string): SubdivisionMatch | undefined {
  if (raw.length > MAX_LENGTH) return undefined;
  const key = `${country} ${raw}`;
  const known = cache.get(key);
  if (known !== undefined || cache.has(key)) return known;
  return remember(cache, CACHE_LIMIT, key, look(raw, country));
}

/**
 * Whether two subdivisions of a country (codes without the country) cannot both be right: neither is the other, nor
 * lies within it (Kent in England, Barcelona in Catalonia), and both are known.
 */
export function subdivisionsContradict(country: string, one: string, other: string): boolean {
  const codes = namesOf(country)?.codes;
  if (one === other || codes === undefined || !codes.has(one) || !codes.has(other)) return false;
  outerOf ??= readOuter();
  return outerOf.get(`${country} ${one}`) !== other && outerOf.get(`${country} ${other}`) !== one;
}

function readOuter(): Map<string, string> {
  const outer = new Map<string, string>();
  for (const line of SUBDIVISIONS_WITHIN.split('|')) {
    for (const group of line.slice(3).split(',')) {
      const [parent = '', ...inner] = group.split(' ');
      for (const code of inner) outer.set(`${line.slice(0, 2)} ${code}`, parent);
    }
  }
  return outer;
}

function look(raw: string, country: string): SubdivisionMatch | undefined {
  const names = namesOf(country);
  const text = raw.normalize('NFKC').trim();
  if (names === undefined || text === '') return undefined;
  const code = text.toUpperCase().replaceAll('.', '');
  const bare = code.startsWith(`${country}-`) ? code.slice(country.length + 1) : code;
  if (names.codes.has(bare)) return { country, code: bare, rule: 'subdivision.code', confidence: 1 };
  for (const spelling of [text, ...text.split(/[[\]()/*]/)]) {
    const match = byName(names, spelling.trim());
    if (match !== undefined) return { country, ...match };
  }
  return undefined;
}

function byName({ byName: index }: Names, text: string): Pick<SubdivisionMatch, 'code' | 'rule' | 'confidence'> | undefined {
  const key = nameKey(text);
  if (key === '') return undefined;
  const direct = index.get(key) ?? index.get(turned(text));
  if (direct !== undefined) return { code: direct, rule: 'subdivision.name', confidence: 1 };
  const ending = text.replace(ENDINGS, '').replace(BEGINNINGS, '');
  const code = index.get(nameKey(ending)) ?? index.get(withoutKinds(key));
  return code === undefined ? undefined : { code, rule: 'subdivision.name_with_kind', confidence: 0.95 };
}

/** "Bristol, City of" → "city of bristol". */
function turned(text: string): string {
  const comma = text.indexOf(',');
  return comma === -1 ? '' : nameKey(`${text.slice(comma + 1)} ${text.slice(0, comma)}`);
}

function withoutKinds(key: string): string {
  return key
    .split(' ')
    .filter((word) => !KINDS.has(word))
    .join(' ');
}

function namesOf(country: string): Names | undefined {
  lines ??= new Map(
    SUBDIVISION_NAMES.trim()
      .split('\n')
      .map((line) => [line.slice(0, 2), line.slice(3)]),
  );
  const line = lines.get(country);
  const known = tables.get(country);
  if (known !== undefined || line === undefined) return known;
  const made = readNames(line);
  tables.set(country, made);
  return made;
}

/** A name as it stands goes before the same name without its kind ("Chiayi City", "Chiayi"). */
function readNames(line: string): Names {
  const entries = line.split('|').map((entry) => entry.split('='));
  const byName = new Map<string, string>();
  const put = (key: string, code: string): void => {
    if (key !== '' && !byName.has(key)) byName.set(key, code);
  };
  for (const [code = '', names = ''] of entries) for (const name of names.split('/')) put(nameKey(name), code);
  for (const [code = '', names = ''] of entries) for (const name of names.split('/')) put(withoutKinds(nameKey(name)), code);
  return { codes: new Set(entries.map(([code = '']) => code)), byName };
}
