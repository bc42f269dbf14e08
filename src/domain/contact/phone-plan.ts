/**
 * The short way through a numbering plan, for numbers that need no interpretation.
 *
 * libphonenumber-js builds its regular expressions anew for each number, which costs more than all the rest of a
 * contact's normalization. Here the same expressions, out of the same metadata, are compiled once per country and asked
 * in the same order. Only a valid number is answered for; whatever is not plain (an international prefix, a carrier
 * code, a prefix that is rewritten, a number that fits nothing) is left to the library, which stays the authority.
 */
import { Metadata, isSupportedCountry } from 'libphonenumber-js/max';
import type { CountryCode } from 'libphonenumber-js/max';

export type PlannedNumber = { e164: string; country: string; callingCode: string };

/** The part of the library's metadata reader that its type declarations leave out. */
type FullMetadata = {
  selectNumberingPlan(country: string): void;
  getCountryCodesForCallingCode(callingCode: string): string[] | undefined;
  numberingPlan: {
    callingCode(): string;
    IDDPrefix(): string;
    nationalNumberPattern(): string;
    nationalPrefixForParsing(): string | undefined;
    leadingDigits(): string | undefined;
    possibleLengths(): number[];
    hasTypes(): boolean;
    type(name: string): { pattern(): string; possibleLengths(): number[] } | undefined;
  };
};

type Plan = {
  callingCode: string;
  /** All countries of the calling code, the main one first. */
  countries: string[];
  internationalPrefix: RegExp;
  nationalPrefix: RegExp | undefined;
  leadingDigits: RegExp | undefined;
  general: RegExp;
  lengths: number[];
  types: { pattern: RegExp; lengths: number[] }[];
};

const TYPES = [
  'FIXED_LINE',
  'MOBILE',
  'PREMIUM_RATE',
  'TOLL_FREE',
  'SHARED_COST',
  'VOIP',
  'PERSONAL_NUMBER',
  'PAGER',
  'UAN',
  'VOICEMAIL',
];
const MAX_CALLING_CODE_DIGITS = 3;
/** ITU-T E.164 allows 15 digits in all; the library reads up to 17 after the calling code. */
const MAX_DIGITS = 17;

const plans = new Map<string, Plan>();
const countriesOfCode = new Map<string, string[] | undefined>();
const metadata = new Metadata() as unknown as FullMetadata;

/** Reads digits that begin with a country calling code. Undefined: ask the library. */
export function planInternational(digits: string): PlannedNumber | undefined {
  if (digits.length > MAX_DIGITS) return undefined;
  for (let length = 1; length <= MAX_CALLING_CODE_DIGITS; length += 1) {
    const countries = countriesOf(digits.slice(0, length));
    if (countries === undefined) continue;
    const number = digits.slice(length);
    if (planOf(countries[0] as string).nationalPrefix?.test(number) === true) return undefined;
    return numberOf(countries, number);
  }
  return undefined;
}

/**
 * Reads digits as they are dialled inside a country, with its national prefix or without. Undefined: ask the library.
 *
 * @param country one that {@link isSupportedCountry} knows
 */
export function planNational(digits: string, country: CountryCode): PlannedNumber | undefined {
  const plan = planOf(country);
  if (digits.length > MAX_DIGITS || plan.internationalPrefix.test(digits)) return undefined;
  const prefix = plan.nationalPrefix?.exec(digits);
  if (prefix !== null && prefix !== undefined && prefix.length > 1 && prefix.at(-1)) return undefined;
  const number = digits.slice(prefix?.[0].length ?? 0);
  // Taking the prefix off, or not taking the calling code off, is right only where the rest is a number of this plan.
  const read = number !== digits || digits.startsWith(plan.callingCode);
  if (read && !(plan.general.test(number) && plan.lengths.includes(number.length))) return undefined;
  const found = numberOf(plan.countries, number);
  if (found !== undefined && number !== digits && !planOf(found.country).lengths.includes(number.length)) return undefined;
  return found;
}

/** The number, where one of the countries has it: the first that claims its leading digits or has it in a type. */
function numberOf(countries: string[], number: string): PlannedNumber | undefined {
  for (const country of countries) {
    const plan = planOf(country);
    const alone = countries.length === 1;
    if (!alone && plan.leadingDigits !== undefined && !plan.leadingDigits.test(number)) continue;
    const valid = hasNumber(plan, number);
    if (valid) return { e164: `+${plan.callingCode}${number}`, country, callingCode: plan.callingCode };
    if (plan.leadingDigits !== undefined) return undefined;
  }
  return undefined;
}

function hasNumber(plan: Plan, number: string): boolean {
  if (!plan.general.test(number)) return false;
  for (const type of plan.types) {
    if (type.lengths.includes(number.length) && type.pattern.test(number)) return true;
  }
  return false;
}

function countriesOf(callingCode: string): string[] | undefined {
  if (!countriesOfCode.has(callingCode)) {
    countriesOfCode.set(callingCode, metadata.getCountryCodesForCallingCode(callingCode));
  }
  return countriesOfCode.get(callingCode);
}

function planOf(country: string): Plan {
  const known = plans.get(country);
  if (known !== undefined) return known;
  const plan = compilePlan(country);
  plans.set(country, plan);
  return plan;
}

function compilePlan(country: string): Plan {
  if (!isSupportedCountry(country)) throw new Error('A numbering plan was asked of a country that has none.');
  metadata.selectNumberingPlan(country);
  const plan = metadata.numberingPlan;
  const prefix = plan.nationalPrefixForParsing();
  const leading = plan.leadingDigits();
  const types = TYPES.map((name) => plan.type(name)).filter((type) => type !== undefined && type.pattern() !== '');
  return {
    callingCode: plan.callingCode(),
    countries: countriesOf(plan.callingCode()) ?? [country],
    internationalPrefix: new RegExp(`^(?:${plan.IDDPrefix()})`),
    nationalPrefix: prefix ? new RegExp(`^(?:${prefix})`) : undefined,
    leadingDigits: leading ? new RegExp(`^(?:${leading})`) : undefined,
    general: entire(plan.nationalNumberPattern()),
    lengths: plan.possibleLengths(),
    types: types.map((type) => ({ pattern: entire(type?.pattern() ?? ''), lengths: type?.possibleLengths() ?? [] })),
  };
}

function entire(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}
