import { applyPolicy, classifyValue } from '../../src/domain/privacy/pii.ts';
import type { PiiClass } from '../../src/domain/privacy/detectors/subject.ts';
import { readCases } from './cases.ts';
import type { Score, Topic } from './topic.ts';

type Case = { id: string; target: string; text: string; label: 'positive' | 'negative'; kind?: string; weak?: boolean };
type Document = { id: string; text: string; spans: { type: string }[]; mojibake?: boolean };
type Question = { id: string; key: string; text: string; target: PiiClass };
/** The classes found in one attribute. */
type Read = (key: string, text: string) => ReadonlySet<string>;

const readAlone: Read = (key, text) => new Set(classifyValue(key, text).map((hit) => hit.class));
/** As `piiClassification` tells it for the attributes of a profile. */
const readInProfile: Read = (key, text) => new Set(applyPolicy({ [key]: text }, {}).classification[key]?.split(','));

/** Classes found by value: the attribute's name says nothing. */
const BY_VALUE: Record<string, PiiClass> = {
  EMAIL_ADDRESS: 'EMAIL', PHONE_NUMBER: 'PHONE', US_SSN: 'US_SSN', CREDIT_CARD: 'CREDIT_CARD', IBAN_CODE: 'IBAN',
  IP_ADDRESS: 'IP_ADDRESS', UK_NHS: 'UK_NHS', UK_NINO: 'UK_NINO',
};
const VALUE_KEY = 'note';

/**
 * A text that is no address as a whole may hold one ("x me@example.com"), and then it is personal data: such cases are
 * left out of what must not be found. The name of the attribute changes nothing in that.
 */
const HOLDS_ADDRESS = /(?<![^\s".])[\p{L}\p{N}_+-]+@(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}/u;

/** Classes for which the name and the value must agree. */
const NATIONAL = [
  'CA_SIN', 'DE_SOCIAL_SECURITY', 'DE_TAX_ID', 'ES_NIE', 'ES_NIF', 'FI_PERSONAL_IDENTITY_CODE', 'IN_AADHAAR', 'IN_PAN',
  'IT_FISCAL_CODE', 'KR_FRN', 'KR_RRN', 'PL_PESEL', 'SE_PERSONNUMMER', 'SG_NRIC_FIN', 'TH_TNIN', 'TR_NATIONAL_ID',
  'US_ITIN', 'ZA_ID_NUMBER',
];
const PASSPORTS = ['DE_PASSPORT', 'ES_PASSPORT', 'IN_PASSPORT', 'UK_PASSPORT', 'US_PASSPORT'];

/** Rows that the source itself scores as weak (a shape without context) are left out. */
function questions(dataDir: string, label: Case['label'], keys: 'value' | 'named'): Question[] {
  return readCases<Case>(`${dataDir}/pii/public.jsonl`)
    .filter((row) => row.label === label && row.weak !== true && row.text !== '')
    .filter((row) => !(label === 'negative' && row.kind === 'whole_value' && row.target === 'EMAIL_ADDRESS' && HOLDS_ADDRESS.test(row.text.normalize('NFKC'))))
    .flatMap(({ id, target, text }): Question[] => {
      const byValue = BY_VALUE[target];
      if (keys === 'value') return byValue === undefined ? [] : [{ id, text, key: VALUE_KEY, target: byValue }];
      // A Korean number that is not a foreigner's is a citizen's, and the other way round: both are national ids.
      if (label === 'negative' && target.startsWith('KR_')) return [];
      if (NATIONAL.includes(target)) return [{ id, text, key: 'national_id', target: 'NATIONAL_ID' }];
      return PASSPORTS.includes(target) && label === 'positive' ? [{ id, text, key: 'passport_no', target: 'PASSPORT' }] : [];
    });
}

function ask(list: readonly Question[], expected: boolean, read: Read): Score {
  const wrong = list
    .map(({ id, key, text, target }) => ({ id, text, target, found: read(key, text) }))
    .filter(({ found, target }) => found.has(target) !== expected)
    .map(({ id, text, target, found }) => `${id} ${target}: ${[...found].join(',')} in ${JSON.stringify(text.slice(0, 100))}`);
  return { right: list.length - wrong.length, total: list.length, wrong };
}

/** Sentences with labelled personal data: each class found, and none found that is not there. */
function documents(dataDir: string, side: 'found' | 'false', read: Read): Score {
  const rows = readCases<Document>(`${dataDir}/pii/public.documents.jsonl`).filter((row) => row.mojibake !== true);
  const wrong: string[] = [];
  let total = 0;
  for (const { id, text, spans } of rows) {
    // The source knows dates alone; that of a birth is one of them.
    const labelled = new Set<string>(spans.flatMap(({ type }) => BY_VALUE[type] ?? []));
    const dated = spans.some(({ type }) => type === 'DATE_TIME');
    const found = classes(read(VALUE_KEY, text));
    const asked = side === 'found' ? labelled : found;
    const other = side === 'found' ? found : labelled;
    const failed = [...asked].filter((each) => !other.has(each) && !(dated && each === 'DATE_OF_BIRTH'));
    // A sentence in which nothing is found falsely counts as one right answer, whatever else is in it.
    total += side === 'found' ? asked.size : 1;
    wrong.push(...(side === 'found' ? failed : failed.slice(0, 1)).map((each) => `${id} ${each} in ${JSON.stringify(text.slice(0, 200))}`));
  }
  return { right: total - wrong.length, total, wrong };
}

function classes(found: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...found].filter((each) => each !== 'NON_PII'));
}

function topic(name: string, run: (dataDir: string, read: Read) => Score): Topic {
  return { name, target: 0.97, rule: (dataDir) => run(dataDir, readAlone), whole: (dataDir) => run(dataDir, readInProfile) };
}

/**
 * Found: rows that hold the class they are about. Not falsely found: rows that do not, though they look like it.
 * Counted are the classes that this project tells apart.
 */
export const topics: Topic[] = [
  topic('pii, by value: found', (dataDir, read) => ask(questions(dataDir, 'positive', 'value'), true, read)),
  topic('pii, by value: not falsely found', (dataDir, read) => ask(questions(dataDir, 'negative', 'value'), false, read)),
  topic('pii, by name and value: found', (dataDir, read) => ask(questions(dataDir, 'positive', 'named'), true, read)),
  topic('pii, by name and value: not falsely found', (dataDir, read) => ask(questions(dataDir, 'negative', 'named'), false, read)),
  topic('pii, in sentences: found', (dataDir, read) => documents(dataDir, 'found', read)),
  topic('pii, in sentences: not falsely found', (dataDir, read) => documents(dataDir, 'false', read)),
];
