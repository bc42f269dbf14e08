import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { callingCodeTable } from './tables/calling-codes.ts';
import type { GeneratedTable } from './tables/cldr.ts';
import { countryTables } from './tables/countries.ts';
import { subdivisionTable } from './tables/subdivisions.ts';
import { zoneTables } from './tables/zones.ts';

/** Every generated table as file name and text; what `npm run generate:tables` writes and the tests compare with. */
export function generateTables(): GeneratedTable[] {
  return [countryTables(), subdivisionTable(), zoneTables(), callingCodeTable()];
}

if (import.meta.main) {
  const folder = new URL('../src/domain/contact/tables/', import.meta.url);
  for (const { file, text } of generateTables()) {
    writeFileSync(new URL(file, folder), text);
    console.log(`${fileURLToPath(new URL(file, folder))}: ${Buffer.byteLength(text)} bytes`);
  }
}
