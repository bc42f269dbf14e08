/** Longest reason that is kept, in characters. */
export const REASON_MAX_CHARS = 300;

/** Only so much of a foreign text is looked at: the patterns below may look twice at each character. */
const TEXT_MAX_CHARS = 2_000;
/** Values looked at in what was sent; a chunk of 50 contacts holds about 1,000. */
const VALUES_MAX = 10_000;
const VALUE_MIN_CHARS = 2;

/** Fields whose values are words of the rules rather than of the person: a reason may name them. */
const SPEAKING_FIELDS = new Set([
  'country', 'state', 'timezone', 'preferred_channel', 'frequency', 'consent_date', 'consent_source',
  'mergeStrategy', 'sourceSystem', 'merge_strategy', 'deduplication_rules',
]);

const EMAIL = /[^\s@"'<>()[\],;:=]+(?:@|%40)[^\s@"'<>()[\],;:=]+/giu;
/** Seven digits or more, however they are grouped: phone, card, account, national number. */
const LONG_NUMBER = /\+?\d(?:[\s().\-/]{0,3}\d){6,}/gu;

/**
 * Makes somebody else's words fit to be stored, logged and shown: one line, capped, without e-mail addresses, long
 * numbers, or any value that we ourselves had sent.
 *
 * @param text the foreign words.
 * @param sent what the call carried (contacts, attributes, credentials); its strings and numbers are blanked in the text.
 * @returns at most {@link REASON_MAX_CHARS} characters; empty when nothing readable is left.
 */
export function cleanReason(text: string, sent?: unknown): string {
  let clean = firstWords(text.normalize('NFKC').replace(/[\p{C}\s]+/gu, ' ').trim());
  const known = sent === undefined ? [] : valuesIn(sent, clean.toLowerCase());
  if (known.length > 0) {
    const any = known.sort((a, b) => b.length - a.length).map((value) => RegExp.escape(value)).join('|');
    clean = clean.replace(new RegExp(`(?<![\\p{L}\\p{N}])(?:${any})(?![\\p{L}\\p{N}])`, 'giu'), '[value]');
  }
  clean = clean.replace(EMAIL, '[email]').replace(LONG_NUMBER, '[number]');
  return clean.length > REASON_MAX_CHARS ? `${clean.slice(0, REASON_MAX_CHARS - 1).trimEnd()}…` : clean;
}

/** Cuts at a space, so that no half of a value escapes the patterns. */
function firstWords(text: string): string {
  if (text.length <= TEXT_MAX_CHARS) return text;
  return text.slice(0, text.lastIndexOf(' ', TEXT_MAX_CHARS) + 1).trimEnd();
}

/** The strings and numbers anywhere in `sent` that occur in the text, without those that are names of fields too. */
function valuesIn(sent: unknown, text: string): string[] {
  const found = new Set<string>();
  const names = new Set<string>();
  const open: { key: string; value: unknown }[] = [{ key: '', value: sent }];
  for (let seen = 0; open.length > 0 && seen < VALUES_MAX; seen += 1) {
    const { key, value } = open.pop() as { key: string; value: unknown };
    if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        if (!Array.isArray(value)) names.add(name.toLowerCase());
        open.push({ key: Array.isArray(value) ? key : name, value: inner });
      }
    } else if ((typeof value === 'string' || typeof value === 'number') && !SPEAKING_FIELDS.has(key)) {
      const word = String(value).normalize('NFKC').replace(/\s+/gu, ' ').trim();
      const isShortNumber = typeof value === 'number' && word.length < 4;
      if (word.length >= VALUE_MIN_CHARS && !isShortNumber && text.includes(word.toLowerCase())) found.add(word);
    }
  }
  return [...found].filter((value) => !names.has(value.toLowerCase()));
}
