import { type Zone, zonesOf, zoneNamed } from './zone-index.ts';

/** Zones that keep one offset the whole year, for offsets that are no whole hour: minutes east of UTC to zone. */
const BROKEN_HOURS: Readonly<Record<number, string>> = { [-570]: 'Pacific/Marquesas', 210: 'Asia/Tehran', 270: 'Asia/Kabul', 330: 'Asia/Kolkata', 345: 'Asia/Kathmandu', 390: 'Asia/Yangon', 525: 'Australia/Eucla', 570: 'Australia/Darwin' };
const MIN = -12 * 60;
const MAX = 14 * 60;

/**
 * Minutes east of UTC of `+05:30`, `UTC-3`, `GMT+0800`, `-0000`, or undefined where it is no offset.
 * Offsets no place on Earth keeps (beyond −12 and +14 hours) are none.
 */
export function parseOffset(text: string): number | undefined {
  const match = /^(?:UTC?|GMT|Z)?\s?([+\-−–])\s?(\d{1,2})(?::?([0-5]\d))?$/i.exec(text);
  if (match === null) return undefined;
  const minutes = (Number(match[2]) * 60 + Number(match[3] ?? 0)) * (match[1] === '+' ? 1 : -1);
  return minutes < MIN || minutes > MAX ? undefined : minutes;
}

/** The zone that has this offset all year: of the country if it has one, else a fixed one. Undefined where no zone on Earth keeps it. */
export function zoneWithOffset(minutes: number, country?: string): { zone: string; certain: boolean } | undefined {
  const local = country === undefined ? undefined : localZone(minutes, zonesOf(country));
  if (local !== undefined) return local;
  const zone = fixedZone(minutes);
  return zone === undefined ? undefined : { zone, certain: country === undefined };
}

/** In a country: the zone with the offset all year; else the one whose standard time it is, unless another has it in summer. */
function localZone(minutes: number, zones: readonly Zone[]): { zone: string; certain: boolean } | undefined {
  const always = zones.find((zone) => zone.winter === minutes && zone.summer === minutes);
  const inSeason = zones.filter((zone) => zone.winter === minutes || zone.summer === minutes);
  const standard = inSeason.find((zone) => Math.min(zone.winter, zone.summer) === minutes);
  const best = always ?? standard ?? inSeason[0];
  return best && { zone: best.name, certain: inSeason.every((zone) => zone.winter === best.winter && zone.summer === best.summer) };
}

/** `Etc/GMT` zones count westward: UTC+1 is `Etc/GMT-1`. */
function fixedZone(minutes: number): string | undefined {
  if (minutes === 0) return 'Etc/UTC';
  if (minutes % 60 !== 0) return BROKEN_HOURS[minutes];
  const name = `Etc/GMT${minutes > 0 ? '-' : '+'}${Math.abs(minutes) / 60}`;
  return zoneNamed(name)?.name;
}
