import { remember } from './name-key.ts';
import { PRIMARY_ZONES, ZONES } from './tables/zones.ts';

/** One zone of the IANA database; offsets in minutes east of UTC. */
export type Zone = { name: string; country: string; winter: number; summer: number };

/** The zone that stands for a country of several, or of none, where CLDR names no such zone. */
const CHOSEN: Readonly<Record<string, string>> = { AC: 'Atlantic/St_Helena', AR: 'America/Argentina/Buenos_Aires', KZ: 'Asia/Almaty', PS: 'Asia/Gaza', TA: 'Atlantic/St_Helena' };

/** Countries whose law knows one time only, although the database holds a second zone. */
const ONE_BY_LAW = new Set(['CN', 'UA']);

/** More than there are countries, since a caller may ask for anything. */
const ONLY_LIMIT = 1000;

type Index = { byExactName: Map<string, Zone>; byName: Map<string, Zone>; byCountry: Map<string, Zone[]>; primary: Map<string, string> };
let index: Index | undefined;
const only = new Map<string, Zone | undefined>();

/** A zone by its IANA name or an old name of it, in any case of letters. */
export function zoneNamed(name: string): Zone | undefined {
  const { byExactName, byName } = zones();
  return byExactName.get(name) ?? byName.get(name.toLowerCase().replaceAll(' ', '_'));
}

/** The zones of a country (alpha-2). */
export function zonesOf(country: string): readonly Zone[] {
  return zones().byCountry.get(country) ?? [];
}

/** The one zone that holds everywhere in the country, or undefined where its clocks differ. */
export function onlyZoneOf(country: string): Zone | undefined {
  const known = only.get(country);
  if (known !== undefined || only.has(country)) return known;
  return remember(only, ONLY_LIMIT, country, findOnlyZone(country));
}

function findOnlyZone(country: string): Zone | undefined {
  const all = zonesOf(country);
  const primary = zoneNamed(CHOSEN[country] ?? zones().primary.get(country) ?? '') ?? all[0];
  return primary !== undefined && (ONE_BY_LAW.has(country) || all.every((zone) => sameClock(zone, primary))) ? primary : undefined;
}

/** Whether two zones show the same time in both halves of the year. */
export function sameClock(one: Zone, other: Zone): boolean {
  return one.winter === other.winter && one.summer === other.summer;
}

/** Every name that `zoneNamed` knows, in lower case, with its zone. */
export function zoneNames(): ReadonlyMap<string, Zone> {
  return zones().byName;
}

function zones(): Index {
  index ??= build();
  return index;
}

function build(): Index {
  const byExactName = new Map<string, Zone>();
  const byName = new Map<string, Zone>();
  const byCountry = new Map<string, Zone[]>();
  for (const line of ZONES.split('|')) {
    const [country = '', name = '', winter, summer, ...aliases] = line.split(' ');
    const zone = { name, country, winter: Number(winter), summer: Number(summer) };
    byExactName.set(name, zone);
    for (const known of [name, ...aliases]) byName.set(known.toLowerCase(), zone);
    byCountry.set(country, [...(byCountry.get(country) ?? []), zone]);
  }
  const primary = new Map(PRIMARY_ZONES.split('|').map((line) => [line.slice(0, 2), line.slice(3)]));
  return { byExactName, byName, byCountry, primary };
}
