import { nameKey } from './name-key.ts';
import { METAZONE_NAMES, METAZONES, WINDOWS_ZONES, ZONE_CITIES } from './tables/zones.ts';
import { zoneNames } from './zone-index.ts';

/** What a name means: a zone, or another one in some countries. */
export type NamedZone = { zone: string; territories: ReadonlyMap<string, string>; rule: string };

/** `shared`: so many countries use the abbreviation that it tells no zone by itself. */
export type AbbreviatedZone = NamedZone & { shared: boolean };

/**
 * Cities and regions that display lists of operating systems and web frameworks offer and that name no zone of their own:
 * `name=zone`.
 */
const DISPLAY_NAMES =
  'International Date Line West=Etc/GMT+12|Midway Island=Pacific/Midway|American Samoa=Pacific/Pago_Pago|Hawaii=Pacific/Honolulu|Alaska=America/Juneau|Pacific Time (US & Canada)=America/Los_Angeles|Baja California=America/Tijuana|Mountain Time (US & Canada)=America/Denver|Arizona=America/Phoenix|Central Time (US & Canada)=America/Chicago|Saskatchewan=America/Regina|Guadalajara=America/Mexico_City|Central America=America/Guatemala|Eastern Time (US & Canada)=America/New_York|Indiana (East)=America/Indiana/Indianapolis|Quito=America/Lima|Atlantic Time (Canada)=America/Halifax|Newfoundland=America/St_Johns|Brasilia=America/Sao_Paulo|Georgetown=America/Guyana|Greenland=America/Nuuk|Mid-Atlantic=Atlantic/South_Georgia|Mid-Atlantic - Old=Atlantic/South_Georgia|Azores=Atlantic/Azores|Cape Verde Is.=Atlantic/Cape_Verde|Cabo Verde Is.=Atlantic/Cape_Verde|Edinburgh=Europe/London|Bern=Europe/Zurich|West Central Africa=Africa/Algiers|Pretoria=Africa/Johannesburg|St. Petersburg=Europe/Moscow|Abu Dhabi=Asia/Muscat|Ekaterinburg=Asia/Yekaterinburg|Islamabad=Asia/Karachi|Chennai=Asia/Kolkata|Mumbai=Asia/Kolkata|New Delhi=Asia/Kolkata|Bangalore=Asia/Kolkata|Sri Jayawardenepura=Asia/Colombo|Astana=Asia/Almaty|Nur-Sultan=Asia/Almaty|Hanoi=Asia/Bangkok|Beijing=Asia/Shanghai|Osaka=Asia/Tokyo|Sapporo=Asia/Tokyo|Canberra=Australia/Sydney|Solomon Is.=Pacific/Guadalcanal|New Caledonia=Pacific/Noumea|Fiji=Pacific/Fiji|Marshall Is.=Pacific/Majuro|Wellington=Pacific/Auckland|Nuku’alofa=Pacific/Tongatapu|Tokelau Is.=Pacific/Fakaofo|Chatham Is.=Pacific/Chatham|Chatham Islands=Pacific/Chatham|Samoa=Pacific/Apia|Haiti=America/Port-au-Prince|Turks and Caicos=America/Grand_Turk|Salvador=America/Bahia|Saint Pierre and Miquelon=America/Miquelon|City of Buenos Aires=America/Argentina/Buenos_Aires|Easter Island=Pacific/Easter|Izhevsk=Europe/Samara|Port Louis=Indian/Mauritius|Gorno-Altaysk=Asia/Barnaul|Lord Howe Island=Australia/Lord_Howe|Bougainville Island=Pacific/Bougainville|Chokurdakh=Asia/Srednekolymsk|Norfolk Island=Pacific/Norfolk|Petropavlovsk-Kamchatsky=Asia/Kamchatka|Petropavlovsk-Kamchatsky - Old=Asia/Kamchatka|Kiritimati Island=Pacific/Kiritimati|Aleutian Islands=America/Adak|Marquesas Islands=Pacific/Marquesas|Coordinated Universal Time=Etc/UTC|Yangon (Rangoon)=Asia/Yangon|Puerto Rico=America/Puerto_Rico|Washington=America/New_York|Boston=America/New_York|San Francisco=America/Los_Angeles|Seattle=America/Los_Angeles|Dallas=America/Chicago|Houston=America/Chicago|Munich=Europe/Berlin|Frankfurt=Europe/Berlin|Hamburg=Europe/Berlin|Milan=Europe/Rome|Barcelona=Europe/Madrid|Geneva=Europe/Zurich|Montreal=America/Toronto|Pacific Time=America/Los_Angeles|US Pacific=America/Los_Angeles|US Eastern=America/New_York|US Central=America/Chicago|US Mountain=America/Denver';

/** Abbreviations beside those of CLDR's English that mean one clock, by metazone. Those that mean several (IST, BST, AMT) need a country. */
const ABBREVIATIONS =
  'JST Japan|KST Korea|AEST Australia_Eastern|AEDT Australia_Eastern|ACST Australia_Central|ACDT Australia_Central|AWST Australia_Western|NZST New_Zealand|NZDT New_Zealand|SAST Africa_Southern|HKT Hong_Kong|MSK Moscow|PKT Pakistan|NPT Nepal|WIB Indonesia_Western|WITA Indonesia_Central|WIT Indonesia_Eastern|BRT Brasilia|PHT Philippines|SGT Singapore|NST Newfoundland|NDT Newfoundland';

/** Abbreviations of clocks that many countries share. */
const SHARED =
  'CET Europe_Central|CEST Europe_Central|MEZ Europe_Central|MESZ Europe_Central|MET Europe_Central|EET Europe_Eastern|EEST Europe_Eastern|OEZ Europe_Eastern|OESZ Europe_Eastern|WET Europe_Western|WEST Europe_Western|WEZ Europe_Western|WESZ Europe_Western|WAT Africa_Western|CAT Africa_Central|EAT Africa_Eastern';

/** Abbreviations that mean something of their own in a country: `abbreviation country=zone`. */
const LOCAL =
  'CST CN=Asia/Shanghai|CST TW=Asia/Taipei|CST MO=Asia/Macau|CST HK=Asia/Hong_Kong|CST CU=America/Havana|CDT CU=America/Havana|IST IN=Asia/Kolkata|IST IL=Asia/Jerusalem|IDT IL=Asia/Jerusalem|IST IE=Europe/Dublin|GMT IE=Europe/Dublin|BST GB=Europe/London|GMT GB=Europe/London|BST BD=Asia/Dhaka|AST SA=Asia/Riyadh|AST KW=Asia/Kuwait|AST BH=Asia/Bahrain|AST QA=Asia/Qatar|AST IQ=Asia/Baghdad|PST PH=Asia/Manila|GST AE=Asia/Dubai|GST OM=Asia/Muscat|AMT AM=Asia/Yerevan|GET GE=Asia/Tbilisi|AZT AZ=Asia/Baku|EST AU=Australia/Sydney|EDT AU=Australia/Sydney|ART AR=America/Argentina/Buenos_Aires|CLT CL=America/Santiago|COT CO=America/Bogota|PET PE=America/Lima|VET VE=America/Caracas|IRST IR=Asia/Tehran|ICT TH=Asia/Bangkok|ICT VN=Asia/Ho_Chi_Minh|MYT MY=Asia/Kuala_Lumpur|SST SG=Asia/Singapore|MST MM=Asia/Yangon|TRT TR=Europe/Istanbul|SST AS=Pacific/Pago_Pago|CHST GU=Pacific/Guam|CHST MP=Pacific/Guam';

/** Areas that hold old names of zones rather than places. */
const NOT_PLACES = /^(us|canada|etc|systemv|mexico|brazil|chile)\//;

let names: Map<string, NamedZone[]> | undefined;
let abbreviations: Map<string, AbbreviatedZone> | undefined;
let localAbbreviations: Map<string, string> | undefined;

/** The zones that a Windows name, a CLDR name (English, German) or a place of a display list means, best first. */
export function zonesNamed(name: string): readonly NamedZone[] {
  names ??= buildNames();
  return names.get(nameKey(name)) ?? [];
}

/** The zone that an upper-case abbreviation means (`PST`, `CEST`), by CLDR's English usage; none for those that mean several clocks. */
export function zoneAbbreviated(abbreviation: string): AbbreviatedZone | undefined {
  abbreviations ??= buildAbbreviations();
  return abbreviations.get(abbreviation);
}

/** The zone that an upper-case abbreviation means in a country where it means another than elsewhere. */
export function zoneAbbreviatedIn(abbreviation: string, country: string): string | undefined {
  localAbbreviations ??= new Map(lines(LOCAL));
  return localAbbreviations.get(`${abbreviation} ${country}`);
}

function buildNames(): Map<string, NamedZone[]> {
  const found = new Map<string, NamedZone[]>();
  const putKey = (key: string, zone: NamedZone): void => {
    const known = found.get(key);
    if (known === undefined) found.set(key, [zone]);
    else known.push(zone);
  };
  const put = (name: string, zone: NamedZone): void => putKey(nameKey(name), zone);
  for (const [name, zone] of territoryTable(WINDOWS_ZONES, 'timezone.windows')) if (!/^UTC[+-]/.test(name)) put(name, zone);
  const metazones = territoryTable(METAZONES, 'timezone.cldr_name');
  for (const table of [METAZONE_NAMES.en, METAZONE_NAMES.de]) {
    for (const [metazone, spellings] of lines(table)) {
      const zone = metazones.get(metazone);
      if (zone !== undefined) for (const key of spellings.split('/')) putKey(key, zone);
    }
  }
  for (const [name, zone] of lines(DISPLAY_NAMES)) put(name, place(zone));
  for (const [key, zone] of lines(ZONE_CITIES)) putKey(key, place(zone));
  for (const [name, zone] of zoneNames()) {
    if (name.includes('/') && !NOT_PLACES.test(name)) put(name.slice(name.lastIndexOf('/') + 1).replaceAll('_', ' '), place(zone.name));
  }
  return found;
}

function buildAbbreviations(): Map<string, AbbreviatedZone> {
  const metazones = territoryTable(METAZONES, 'timezone.abbreviation');
  const found = new Map<string, AbbreviatedZone>();
  const put = (abbreviation: string, metazone: string, shared: boolean): void => {
    const zone = metazones.get(metazone);
    if (zone !== undefined) found.set(abbreviation, { ...zone, shared });
  };
  for (const [metazone, spellings] of lines(METAZONE_NAMES.short)) for (const spelling of spellings.split('/')) put(spelling, metazone, false);
  for (const [table, shared] of [[ABBREVIATIONS, false], [SHARED, true]] as const) {
    for (const line of table.split('|')) put(line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1), shared);
  }
  found.delete('GMT'); // an offset, not a place
  return found;
}

function place(zone: string): NamedZone {
  return { zone, territories: new Map(), rule: 'timezone.place' };
}

function territoryTable(table: string, rule: string): Map<string, NamedZone> {
  return new Map(
    table.split('|').map((line) => {
      const [head = '', ...others] = line.split(';');
      const [name = '', zone = ''] = head.split('=');
      return [name, { zone, territories: new Map(others.map((other) => [other.slice(0, 2), other.slice(3)])), rule }];
    }),
  );
}

function* lines(table: string): Generator<[string, string]> {
  for (const line of table.split('|')) {
    const at = line.indexOf('=');
    yield [line.slice(0, at), line.slice(at + 1)];
  }
}
