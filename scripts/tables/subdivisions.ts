/* oxlint-disable no-underscore-dangle -- the fields of CLDR's files begin with one */
import { packageVersion, readPackageJson, tableModule, type GeneratedTable } from './cldr.ts';
import { countryCodes } from './countries.ts';

type Containment = Record<string, { _contains?: string[] }>;

function containment(): Containment {
  return readPackageJson<{ supplemental: { subdivisionContainment: Containment } }>('cldr-core/supplemental/subdivisionContainment.json').supplemental.subdivisionContainment;
}

/** Every ISO 3166-2 code of a country at all levels, without the country, in upper case. */
export function subdivisionCodes(country: string): string[] {
  const all = containment();
  const below = (key: string): string[] => (all[key]?._contains ?? []).flatMap((code) => [code, ...below(code)]);
  return below(country).map((code) => code.slice(2).toUpperCase());
}

/** Which subdivisions lie within which, for countries that have two levels. */
export function subdivisionTable(): GeneratedTable {
  const all = containment();
  const lines = countryCodes().flatMap((country) => {
    const parents = (all[country]?._contains ?? []).filter((code) => (all[code]?._contains ?? []).length > 0);
    if (parents.length === 0) return [];
    return [`${country} ${parents.map((code) => [code, ...(all[code]?._contains ?? [])].map((one) => one.slice(2).toUpperCase()).join(' ')).join(',')}`];
  });
  return tableModule('subdivisions.ts', [`${packageVersion('cldr-core')} (Unicode-3.0)`], {
    SUBDIVISIONS_WITHIN: { doc: 'ISO 3166-2 codes without the country, by country: `alpha2 outer inner inner…,outer inner…`.', value: lines.join('|') },
  });
}
