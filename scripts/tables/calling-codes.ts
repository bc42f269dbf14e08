import { packageVersion, readPackageJson, tableModule, type GeneratedTable } from './cldr.ts';

/** Calling codes of ITU-T E.164 with the countries that share them, the main one first. */
export function callingCodeTable(): GeneratedTable {
  const codes = readPackageJson<{ country_calling_codes: Record<string, string[]> }>('libphonenumber-js/metadata.min.json').country_calling_codes;
  const lines = Object.entries(codes).map(([code, countries]) => `${code} ${countries.join(' ')}`);
  return tableModule('calling-codes.ts', [`${packageVersion('libphonenumber-js')} (MIT)`], {
    CALLING_CODES: { doc: '`code alpha2…`, the main country first.', value: lines.join('|') },
  });
}
