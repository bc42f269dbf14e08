/**
 * What detectors work on: one string, folded so that each character stays at its place, and the sense that the name of
 * the attribute and the words around a find give it.
 */

/** The kinds of personal data that are told apart, in the order in which they are reported. */
export const PII_CLASSES = [
  'EMAIL', 'PHONE', 'US_SSN', 'CREDIT_CARD', 'IBAN', 'IP_ADDRESS', 'UK_NHS', 'UK_NINO', 'PASSPORT', 'NATIONAL_ID',
  'DATE_OF_BIRTH',
] as const;
export type PiiClass = (typeof PII_CLASSES)[number];

/** A find in a string: `start` inclusive, `end` exclusive, in UTF-16 units; `score` from 0 to 1. */
export type Span = { class: PiiClass; detector: string; score: number; start: number; end: number };

/**
 * The folded text (what earlier detectors have found is blanked in it), the words of the attribute's
 * name and the class that these speak of. `spoken` holds every class that the text or the name speaks of.
 */
export type Subject = {
  text: string;
  key: string;
  keyClass: ContextClass | undefined;
  spoken: ReadonlySet<ContextClass>;
};

/** Finds all of its class in a subject, in time linear in its length. */
export type Detector = (subject: Subject) => Span[];

/** A class that words announce. `HINT` may announce a phone, `OTHER` says that a number is something else. */
export type ContextClass = PiiClass | 'HINT' | 'OTHER';

const WORDS: Record<string, string> = {
  PHONE: 'phones?|telephone|tel|mobile|cell|cellphone|cellular|fax|whatsapp|msisdn|handy|telefone?|telefono|teléfono|téléphone|telefonnummer|telefoon|telefonu|telefonum|telefonnr|telefax|móvil|movil|celular|gsm|telepono|電話|电话|手机|전화|телефон',
  US_SSN: 'ssn|ssns|social security(?: (?:number|no|num))?|socialsecurity(?:number)?',
  CREDIT_CARD: 'cards?|credit ?card|debit ?card|creditcard|cardnumber|card ?no|cc|ccn|visa|mastercard|amex|maestro|discover|pan|kreditkarte|karte|tarjeta|carte|carta di credito',
  IBAN: 'iban',
  IP_ADDRESS: 'ip|ips|ipv4|ipv6|ip ?address|ipaddress',
  UK_NHS: 'nhs|patient number',
  UK_NINO: 'nino|national insurance(?: (?:number|no))?|ni number|nationalinsurance(?:number)?',
  PASSPORT: 'passports?|passport ?(?:number|no)|pasaporte|reisepass|passeport|passaporto|passaporte|paspoort|paszport|pass ?nr|travel document',
  NATIONAL_ID: 'national ?id|nationalid|national identity|identity (?:number|card|code)|id (?:number|card|code)|idnumber|personal (?:id|number|code)|tax ?id|taxid|tax (?:number|file number)|tin|tfn|itin|pesel|nif|nie|dni|cpf|cnp|curp|rut|bsn|hetu|henkilötunnus|personnummer|fødselsnummer|fodselsnummer|cpr|aadhaar|aadhar|nric|fin|rrn|frn|sin|nas|social insurance|codice fiscale|fiscal code|steuer ?id|steueridentifikationsnummer|steuernummer|sozialversicherungsnummer|rvnr|ahv|egn|oib|emso|tckn|tc kimlik|kimlik|thai id|tnin|turkish id|swedish id|citizen ?id|personalausweis|cédula|cedula|my ?number|pnr',
  DATE_OF_BIRTH: 'dob|d o b|date of birth|dateofbirth|birth ?date|birthday|birthdate|birth day|born|geboren|geburtsdatum|geburtstag|fecha de nacimiento|nacimiento|date de naissance|naissance|data di nascita|data de nascimento|geboortedatum|fødselsdato|födelsedatum',
  HINT: 'desk|office|home|work|direct|call|text|sms|messages?|dial|reach|hotline|extension',
  OTHER: 'order|orders|invoice|ticket|case|tracking|version|amount|price|total|zip|sku|ref|reference|booking|policy|account|acct|routing|aba|isbn|ean|serial|imei|part|model|template|revision|build|score|quantity|count',
};

const CLASSES = Object.keys(WORDS) as ContextClass[];
/** One group a class, so that the group that took part names the class. */
const CONTEXT = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${Object.values(WORDS).map((words) => `(${words})`).join('|')})(?![\\p{L}\\p{N}])`,
  'gu',
);

/** No word that announces anything is a single letter. */
const HAS_WORDS = /\p{L}{2}/u;

/** Words that make an attribute say something about a piece of data, and not be that data: `phone_verified_at`. */
const ABOUT = /(?:^| )(?:at|count|counter|verified|valid|status|type|opt|in|consent|enabled|hash|on|updated|score|model|plan)$/;

/** How far before and after a find its words are looked for. */
const BEFORE = 48;
const AFTER = 36;

/** Folds full-width forms, odd spaces, dashes and foreign digits to ASCII, one unit to one unit. */
function fold(text: string): string {
  return text.replaceAll(/[\u00a0\u2000-\u200a\u202f\u3000\u2010-\u2015\u2212\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff01-\uff5e]/g, foldUnit);
}

function foldUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  if (code >= 0xff01) return String.fromCharCode(code - 0xfee0);
  if (code >= 0x660 && code <= 0x96f) return String(code >= 0x966 ? code - 0x966 : code >= 0x6f0 ? code - 0x6f0 : code - 0x660);
  return (code >= 0x2010 && code <= 0x2015) || code === 0x2212 ? '-' : ' ';
}

/** Prepares a string for the detectors. */
export function subjectOf(text: string, attribute: string): Subject {
  const folded = fold(text);
  const { key, keyClass } = readKey(attribute);
  const spoken = new Set<ContextClass>(keyClass === undefined ? [] : [keyClass]);
  if (HAS_WORDS.test(folded)) {
    for (const match of folded.toLowerCase().matchAll(CONTEXT)) spoken.add(classOfMatch(match));
  }
  return { text: folded, key, keyClass, spoken };
}

type Key = { key: string; keyClass: ContextClass | undefined };

/** Names come again with every contact; the cache is emptied when it is full. */
const KEYS = new Map<string, Key>();
const MAX_KEYS = 1000;

/** The words of an attribute's name (`homePhone`, `passport_no`: `home phone`, `passport no`) and what they speak of. */
export function readKey(attribute: string): Key {
  const known = KEYS.get(attribute);
  if (known !== undefined) return known;
  const key = attribute
    .slice(0, 100)
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
  const read = { key, keyClass: classOfKey(key) };
  if (attribute.length <= 100) {
    if (KEYS.size >= MAX_KEYS) KEYS.clear();
    KEYS.set(attribute, read);
  }
  return read;
}

function classOfKey(words: string): ContextClass | undefined {
  if (ABOUT.test(words) && !/birth|born/.test(words)) return undefined;
  const found = lastClassIn(words);
  // What hints in running text ("text me at") says nothing as the name of a field ("text").
  return found === 'HINT' ? undefined : found;
}

/**
 * The class that the words nearest to a place announce: those before it, else those after it on its line, else the
 * attribute's name.
 */
export function contextOf(subject: Subject, start: number, end: number): ContextClass | undefined {
  const { text, keyClass, spoken } = subject;
  if (spoken.size === 0) return undefined;
  const before = lastClassIn(cutLeft(text, start));
  if (before !== undefined) return before;
  const line = text.slice(end, end + AFTER).split('\n', 1)[0]!;
  return firstClassIn(line.toLowerCase()) ?? keyClass;
}

/** True when the nearest words, or the attribute's name, announce this class and none that is nearer says otherwise. */
export function isAnnounced(subject: Subject, span: { start: number; end: number }, wanted: ContextClass): boolean {
  if (!subject.spoken.has(wanted)) return false;
  const found = contextOf(subject, span.start, span.end);
  return found === wanted || (found === 'HINT' && subject.keyClass === wanted);
}

/** True when the text or the attribute's name speaks of this class anywhere. */
export function speaksOf(subject: Subject, wanted: ContextClass): boolean {
  return subject.spoken.has(wanted);
}

/** True when a scheme's own word stands near a place or is part of the attribute's name. */
export function isNamed(subject: Subject, span: { start: number; end: number }, word: RegExp): boolean {
  return word.test(subject.key) || word.test(subject.text.slice(Math.max(0, span.start - BEFORE), span.end + AFTER));
}

function cutLeft(text: string, start: number): string {
  return text.slice(Math.max(0, start - BEFORE), start).toLowerCase();
}

function lastClassIn(words: string): ContextClass | undefined {
  let found: ContextClass | undefined;
  for (const match of words.matchAll(CONTEXT)) found = classOfMatch(match);
  return found;
}

function firstClassIn(words: string): ContextClass | undefined {
  for (const match of words.matchAll(CONTEXT)) return classOfMatch(match);
  return undefined;
}

function classOfMatch(match: RegExpMatchArray): ContextClass {
  const group = match.findIndex((part, place) => place > 0 && part !== undefined);
  return CLASSES[group - 1]!;
}
