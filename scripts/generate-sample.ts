/**
 * Writes the sample of the demo: `contacts.json`, which can be posted to `/enrich-batch` in parts, and `expected.json`,
 * which says what a correct service makes of each of its contacts. Everybody in it is invented; the addresses are at
 * documentation domains (RFC 2606) and the numbers of ranges reserved for fiction.
 */
import { writeFileSync } from 'node:fs';
import { buildSample, SAMPLE_SEED } from './sample/build.ts';

const { contacts, expected } = buildSample(SAMPLE_SEED);
const folder = new URL('../src/sandbox/sample/', import.meta.url);
writeFileSync(new URL('contacts.json', folder), lines('contacts', contacts));
writeFileSync(new URL('expected.json', folder), lines('expected', expected));
console.log(`${contacts.length} contacts written to ${folder.pathname}`);

/** One entry a line, so that a change shows as the lines that it changed. */
function lines(name: string, entries: readonly object[]): string {
  return `{"${name}":[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]}\n`;
}
