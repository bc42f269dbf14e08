import { getCountryCallingCode, isSupportedCountry, parsePhoneNumberFromString, PhoneNumber } from 'libphonenumber-js/max';
import type { CountryCode, E164Number } from 'libphonenumber-js/max';
import { remember } from './name-key.ts';
import { planInternational, planNational } from './phone-plan.ts';
import { readPhoneText, withoutLineKind } from './phone-text.ts';
import type { PhoneText } from './phone-text.ts';

export type PhoneResult =
  | {
      ok: true;
      /** E.164, with the plus. */
      e164: string;
      /** ISO 3166-1 alpha-2; absent for numbers of no country (+800, +979). */
      country?: string;
      extension?: string;
      /** Read by the plan of the country that was passed in: the number says nothing of its own about a country. */
      national: boolean;
      rule: string;
      /** Below 0.8 it is a guess: the way it is written does not say that it is international. */
      confidence: number;
    }
  | { ok: false; reason: 'not_a_number' | 'country_unknown' | 'invalid' };

/** Territories without a numbering plan of their own, and whose plan they use (ITU-T E.164 assignments). */
const PLAN_OF: Readonly<Record<string, string>> = { UM: 'US', PN: 'NZ', GS: 'FK', BV: 'NO', HM: 'AU', TF: 'RE' };

/** The library reads its metadata anew each time that it is asked about a country. */
const CACHE_LIMIT = 1000;
const planCache = new Map<string, CountryCode | undefined>();
const callingCodes = new Map<string, string>();

const CONFIDENCE = { international: 1, national: 0.95, vanity: 0.9, foreignPrefix: 0.85 } as const;

/**
 * Reads a phone number and gives it in E.164.
 *
 * A number with a plus speaks for itself. One without is read by the plan of `country`: its own national and
 * international prefixes count. `00` and `011` are believed where that plan has no such number.
 *
 * @param raw as the source wrote it: tel URI, extension, keypad letters and any script's digits are understood
 * @param country ISO 3166-1 alpha-2 of the person
 */
export function normalizePhone(raw: string, country?: string): PhoneResult {
  const text = readPhoneText(raw);
  if (text === undefined) return { ok: false, reason: 'not_a_number' };
  const result = resolve(text, country);
  if (result.ok || text.rule !== 'vanity') return result;
  // "604 662 6000 mobile": a word, where keypad letters make no number.
  const shorter = withoutLineKind(raw);
  return shorter === undefined ? result : normalizePhone(shorter, country);
}

/**
 * Says whether a number can belong to a country: countries share calling codes (US and CA, GB and JE), and some
 * numbers, such as toll-free ones, are all of theirs.
 *
 * @param e164 as {@link normalizePhone} gives it
 */
export function phoneFitsCountry(e164: string, country: string): boolean {
  const region = planOf(country);
  if (region === undefined) return false;
  const number = new PhoneNumber(e164 as E164Number);
  if (number.countryCallingCode !== callingCodeOf(region)) return false;
  number.country = region;
  return number.isValid();
}

function resolve(text: PhoneText, country: string | undefined): PhoneResult {
  const region = country === undefined ? undefined : planOf(country);
  // No calling code begins with 0: the plus was written before an international prefix ("+0064…", "+01164…").
  const doubled = text.international && text.digits.startsWith('0');
  if (text.international && !doubled) return ask(text.digits, undefined, text, CONFIDENCE.international);
  if (region !== undefined) {
    const national = ask(text.digits, region, text, CONFIDENCE.national);
    if (national.ok && (!doubled || text.digits.endsWith(national.e164.slice(1)))) return national;
  }
  const prefix = /^(?:00|011)(?=[1-9])/.exec(text.digits)?.[0];
  if (prefix !== undefined) {
    const abroad = ask(text.digits.slice(prefix.length), undefined, text, CONFIDENCE.foreignPrefix);
    if (abroad.ok) return abroad;
  }
  return { ok: false, reason: region === undefined ? 'country_unknown' : 'invalid' };
}

/** Asks the plan: of `region`, or of the calling code that the digits begin with where there is none. */
function ask(digits: string, region: CountryCode | undefined, text: PhoneText, confidence: number): PhoneResult {
  const found = (region === undefined ? planInternational(digits) : planNational(digits, region)) ?? askLibrary(digits, region);
  if (found === undefined) return { ok: false, reason: 'invalid' };
  return {
    ok: true,
    e164: found.e164,
    country: found.country,
    extension: text.extension,
    national: region !== undefined && found.callingCode === callingCodeOf(region),
    rule: `phone.${text.rule}`,
    confidence: text.rule === 'vanity' ? Math.min(confidence, CONFIDENCE.vanity) : confidence,
  };
}

function askLibrary(digits: string, region: CountryCode | undefined): { e164: string; country?: string; callingCode: string } | undefined {
  const written = region === undefined ? `+${digits}` : digits;
  const parsed = parsePhoneNumberFromString(written, { defaultCountry: region, extract: false });
  if (parsed === undefined || !parsed.isValid()) return undefined;
  return { e164: parsed.number, country: parsed.country, callingCode: parsed.countryCallingCode };
}

function planOf(country: string): CountryCode | undefined {
  const known = planCache.get(country);
  if (known !== undefined || planCache.has(country)) return known;
  const region = PLAN_OF[country] ?? country;
  return remember(planCache, CACHE_LIMIT, country, isSupportedCountry(region) ? region : undefined);
}

function callingCodeOf(region: CountryCode): string {
  return callingCodes.get(region) ?? remember(callingCodes, CACHE_LIMIT, region, getCountryCallingCode(region) as string);
}
