/* oxlint-disable no-underscore-dangle -- the fields of CLDR's files begin with one */
import { nameKey } from '../../src/domain/contact/name-key.ts';
import { packageVersion, readPackageJson, tableModule, type GeneratedTable } from './cldr.ts';

/** The languages in which exports of customer data most often spell a country. */
export const LANGUAGES = ['en', 'ar', 'de', 'es', 'fr', 'it', 'ja', 'ko', 'nl', 'pl', 'pt', 'ru', 'sv', 'tr', 'zh'] as const;

/** Further languages of Europe and East Asia, whose names fill keys only. */
const MORE_LANGUAGES = ['pt-PT', 'zh-Hant', 'cs', 'da', 'el', 'fi', 'hu', 'nb', 'ro', 'uk'] as const;

type Codes = Record<string, { _numeric?: string; _alpha3?: string }>;
type Territories = Record<string, string>;
type Population = { languagePopulation?: Record<string, { _officialStatus?: string }> };

/** Reserved and grouping codes that CLDR names and ISO 3166-1 does not list. */
const NOT_COUNTRIES = new Set(['CP', 'CQ', 'DG', 'EA', 'EU', 'EZ', 'IC', 'QO', 'UN', 'XA', 'XB', 'ZZ']);

/** Alpha-3 codes in common use that differ from CLDR's. */
const ALPHA3: Readonly<Record<string, string>> = { XK: 'XKX', AC: 'ASC', TA: 'TAA' };

/** Every alpha-2 code that CLDR names, without groupings. */
export function countryCodes(): string[] {
  return Object.keys(territories('en'))
    .filter((code) => /^[A-Z]{2}$/.test(code) && !NOT_COUNTRIES.has(code))
    .sort();
}

export function countryTables(): GeneratedTable {
  const codes = readPackageJson<{ supplemental: { codeMappings: Codes } }>('cldr-core/supplemental/codeMappings.json').supplemental.codeMappings;
  const alpha2 = countryCodes();
  const lines = alpha2.map((code) => `${code} ${ALPHA3[code] ?? codes[code]?._alpha3 ?? '-'} ${codes[code]?._numeric ?? '-'}`);
  const english = namesIn('en', alpha2);
  const keys = new Map<string, string>();
  for (const [code, name] of [...[...LANGUAGES, ...MORE_LANGUAGES].flatMap((language) => namesIn(language, alpha2)), ...nativeNames(alpha2)]) {
    const key = nameKey(name);
    if (!keys.has(key)) keys.set(key, code);
  }
  return tableModule('countries.ts', [packageVersion('cldr-core'), `${packageVersion('cldr-localenames-full')} (Unicode-3.0)`], {
    COUNTRY_CODES: { doc: 'ISO 3166-1 `alpha2 alpha3 numeric`, `-` where there is none.', value: lines.join('|') },
    COUNTRY_ALIASES: { doc: 'Withdrawn alpha-2 codes with one successor: `old new`.', value: withdrawn(alpha2) },
    COUNTRY_NAMES: { doc: 'English names: `alpha2=name`, alternative names after the first.', value: english.map(([code, name]) => `${code}=${name}`).join('|') },
    COUNTRY_NAME_KEYS: { doc: `Names in ${[...LANGUAGES, ...MORE_LANGUAGES].join(', ')} and in official languages of each country, as nameKey() writes them: \`alpha2=key/key\`.`, value: grouped(keys) },
  });
}

/** The first to claim a key has it: English before the other languages. */
function grouped(keys: ReadonlyMap<string, string>): string {
  const byCountry = new Map<string, string[]>();
  for (const [key, code] of keys) byCountry.set(code, [...(byCountry.get(code) ?? []), key]);
  return [...byCountry].map(([code, all]) => `${code}=${all.join('/')}`).join('|');
}

function territories(language: string): Territories {
  type File = { main: Record<string, { localeDisplayNames: { territories: Territories } }> };
  const file = readPackageJson<File>(`cldr-localenames-full/main/${language}/territories.json`);
  return file.main[language]?.localeDisplayNames.territories ?? {};
}

/** Alternative names of one territory stand in the file under keys like `CZ-alt-variant`. */
function namesIn(language: string, alpha2: readonly string[]): [string, string][] {
  const all = Object.entries(territories(language));
  return alpha2.flatMap((code) => {
    const names = all.filter(([key, name]) => (key === code || key.startsWith(`${code}-alt`)) && name !== code).map(([, name]) => name);
    return [...new Set(names)].map((name): [string, string] => [code, name]);
  });
}

function nativeNames(alpha2: readonly string[]): [string, string][] {
  const info = readPackageJson<{ supplemental: { territoryInfo: Record<string, Population> } }>('cldr-core/supplemental/territoryInfo.json').supplemental.territoryInfo;
  const covered = new Set<string>(LANGUAGES);
  const found: [string, string][] = [];
  for (const code of alpha2) {
    const spoken = Object.entries(info[code]?.languagePopulation ?? {});
    for (const [tag, { _officialStatus }] of spoken) {
      const language = tag.replaceAll('_', '-');
      if (_officialStatus === undefined || covered.has(language)) continue;
      const name = nameOrNothing(language, code);
      if (name !== undefined && name !== code) found.push([code, name]);
    }
  }
  return found;
}

function nameOrNothing(language: string, code: string): string | undefined {
  try {
    return territories(language)[code];
  } catch {
    return undefined; // a language without a file of names
  }
}

function withdrawn(alpha2: readonly string[]): string {
  type Alias = Record<string, { _replacement: string }>;
  const alias = readPackageJson<{ supplemental: { metadata: { alias: { territoryAlias: Alias } } } }>('cldr-core/supplemental/aliases.json').supplemental.metadata.alias.territoryAlias;
  return Object.entries(alias)
    .filter(([old, { _replacement }]) => /^[A-Z]{2}$/.test(old) && alpha2.includes(_replacement))
    .map(([old, { _replacement }]) => `${old} ${_replacement}`)
    .join('|');
}
