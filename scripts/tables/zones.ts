/* oxlint-disable no-underscore-dangle -- the fields of CLDR's files begin with one */
import { getTimezoneOffset } from 'date-fns-tz';
import { nameKey } from '../../src/domain/contact/name-key.ts';
import { packageVersion, readPackageJson, tableModule, type GeneratedTable } from './cldr.ts';
import { countryCodes } from './countries.ts';

type ZoneEntry = { _alias?: string; _iana?: string; _region?: string; _deprecated?: boolean; _preferred?: string };
type MapZone = { mapZone: { _other: string; _type: string; _territory: string } };
type ZoneNames = Record<string, { long?: Record<string, string>; short?: Record<string, string> }>;

/** Offsets are taken at these two instants, one in each half-year: what differs between them is daylight saving. */
const MINUTE_MS = 60_000;
const WINTER = Date.UTC(2026, 0, 15, 12);
const SUMMER = Date.UTC(2026, 6, 15, 12);

/** Keys of CLDR's zone list that do not begin with a country's code. */
const NO_COUNTRY = /^(utc|gmt|unk$|cst6|est5|mst7|pst8)/;

export function zoneTables(): GeneratedTable {
  const zones = readZones();
  return tableModule('zones.ts', [packageVersion('cldr-bcp47'), packageVersion('cldr-core'), `${packageVersion('cldr-dates-full')} (Unicode-3.0)`, `offsets: IANA tzdata ${process.versions['tz']} in Node.js`], {
    ZONES: { doc: 'Zones: `country zone offset-in-January offset-in-July alias…`, offsets in minutes east of UTC, `-` where no country owns it.', value: zones.map(zoneLine).join('|') },
    PRIMARY_ZONES: { doc: 'Countries of several zones with one that stands for the country: `alpha2 zone`.', value: primaryZones() },
    ZONE_CITIES: { doc: 'English exemplar cities that the name of the zone does not spell, as nameKey() writes them: `city=zone`.', value: cities() },
    WINDOWS_ZONES: { doc: 'Windows names: `name=zone`, then `alpha2:zone` for territories where it is another.', value: byTerritory(windowsMap()) },
    METAZONES: { doc: 'CLDR metazones: `name=zone`, then `alpha2:zone` for territories where it is another.', value: byTerritory(metazoneMap()) },
    METAZONE_NAMES: { doc: 'Names of metazones by language: `metazone=long name/…`, as nameKey() writes them; `short` holds English abbreviations.', value: { en: metazoneNames('en', 'long', nameKey), de: metazoneNames('de', 'long', nameKey), short: metazoneNames('en', 'short', String) } },
  });
}

type Zone = { name: string; country: string; aliases: string[] };

function readZones(): Zone[] {
  const table = readPackageJson<{ keyword: { u: { tz: Record<string, ZoneEntry> } } }>('cldr-bcp47/bcp47/timezone.json').keyword.u.tz;
  const countries = new Set(countryCodes());
  const zones = new Map<string, Zone>();
  const late: { into: string; aliases: string[] }[] = [];
  for (const [key, entry] of Object.entries(table)) {
    if (key.startsWith('_') || key === 'unk') continue;
    const aliases = entry._alias?.split(' ') ?? [];
    if (entry._preferred !== undefined) late.push({ into: entry._preferred, aliases });
    if (entry._preferred !== undefined || aliases.length === 0) continue;
    const name = entry._iana ?? aliases[0] ?? '';
    const guess = NO_COUNTRY.test(key) ? '-' : key.slice(0, 2).toUpperCase();
    const country = entry._region ?? (countries.has(guess) ? guess : '-');
    zones.set(key, { name, country, aliases: aliases.filter((alias) => alias !== name) });
  }
  for (const { into, aliases } of late) zones.get(into)?.aliases.push(...aliases);
  return [...zones.values()];
}

function zoneLine({ name, country, aliases }: Zone): string {
  return [country, name, offsetAt(name, WINTER), offsetAt(name, SUMMER), ...aliases].join(' ');
}

/** Minutes east of UTC; the format is `GMT`, `GMT+05:30` or `GMT-03:00`. */
function offsetAt(zone: string, instant: number): number {
  return getTimezoneOffset(zone, new Date(instant)) / MINUTE_MS;
}

function primaryZones(): string {
  const map = readPackageJson<{ supplemental: { primaryZones: Record<string, string> } }>('cldr-core/supplemental/primaryZones.json').supplemental.primaryZones;
  return Object.entries(map)
    .map(([country, zone]) => `${country} ${zone}`)
    .join('|');
}

function windowsMap(): MapZone[] {
  return readPackageJson<{ supplemental: { windowsZones: { mapTimezones: MapZone[] } } }>('cldr-core/supplemental/windowsZones.json').supplemental.windowsZones.mapTimezones;
}

function metazoneMap(): MapZone[] {
  return readPackageJson<{ supplemental: { metaZones: { metazones: MapZone[] } } }>('cldr-core/supplemental/metaZones.json').supplemental.metaZones.metazones;
}

/** `001` is the default; a territory is kept only where its first zone is another one. */
function byTerritory(rows: readonly MapZone[]): string {
  const lines = new Map<string, string[]>();
  const defaults = new Map(rows.filter(({ mapZone }) => mapZone._territory === '001').map(({ mapZone }) => [mapZone._other, mapZone._type.split(' ')[0]]));
  for (const [name, zone] of defaults) lines.set(name, [`${name}=${zone}`]);
  for (const { mapZone } of rows) {
    const zone = mapZone._type.split(' ')[0];
    if (/^[A-Z]{2}$/.test(mapZone._territory) && zone !== '' && zone !== defaults.get(mapZone._other)) lines.get(mapZone._other)?.push(`${mapZone._territory}:${zone}`);
  }
  return [...lines.values()].map((line) => line.join(';')).join('|');
}

function zoneNames(language: string): { metazone: ZoneNames; zone: Record<string, unknown> } {
  type File = { main: Record<string, { dates: { timeZoneNames: { metazone: ZoneNames; zone: Record<string, unknown> } } }> };
  const names = readPackageJson<File>(`cldr-dates-full/main/${language}/timeZoneNames.json`).main[language]?.dates.timeZoneNames;
  if (names === undefined) throw new Error(`no zone names for ${language}`);
  return names;
}

function metazoneNames(language: string, width: 'long' | 'short', write: (name: string) => string): string {
  const lines = Object.entries(zoneNames(language).metazone).map(([metazone, names]) => {
    const spellings = Object.values(names[width] ?? {}).filter((name) => name !== '∅∅∅');
    return spellings.length === 0 ? '' : `${metazone}=${[...new Set(spellings.map(write))].join('/')}`;
  });
  return lines.filter((line) => line !== '').join('|');
}

/** The tree of zones mirrors the parts of their names; a leaf carries `exemplarCity`. */
function cities(): string {
  const found: string[] = [];
  const walk = (node: Record<string, unknown>, path: string[]): void => {
    for (const [key, value] of Object.entries(node)) {
      if (key === 'exemplarCity' && typeof value === 'string' && value !== path.at(-1)?.replaceAll('_', ' ')) found.push(`${nameKey(value)}=${path.join('/')}`);
      if (typeof value === 'object' && value !== null) walk(value as Record<string, unknown>, [...path, key]);
    }
  };
  walk(zoneNames('en').zone, []);
  return found.filter((line) => !line.startsWith('unknown')).join('|');
}
