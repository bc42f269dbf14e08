import { cleanReason } from './reason.ts';

/** One contact (by its index in the call) or field that CXone found fault with. */
export type Fault = { index: number; field?: string; reason: string };

/**
 * What a call came to. The kinds say what is to be done, not what the wire showed:
 *
 * | kind | applied? | then |
 * |---|---|---|
 * | accepted | yes, later | wait for the confirmation of each contact |
 * | completed, patched, registered | yes | done |
 * | rejected | no | never again as it was: take out what is at fault, send the rest |
 * | gone | no | set aside |
 * | misconfigured | no | set aside; an address is wrong |
 * | unauthorized, forbidden | no | stop for this API, spend no attempt, probe |
 * | throttled | no | the whole tenant waits, spend no attempt |
 * | conflict | no | later |
 * | unavailable | no, never sent | later |
 * | failed | perhaps | later, under the same request id |
 * | unknown | perhaps | later, under the same request id; never blindly where repeating adds twice |
 */
export type Outcome =
  | { kind: 'accepted'; contactIds: (string | undefined)[] }
  | { kind: 'completed'; contactIds: (string | undefined)[] }
  | {
      kind: 'patched';
      updatedAttributes: number;
      mergeResult: string;
      deduplicationTrigger: boolean;
      timestamp?: string;
    }
  | { kind: 'registered'; existed: boolean }
  | { kind: 'rejected'; reason: string; at: Fault[] }
  | { kind: 'gone'; reason: string }
  | { kind: 'misconfigured'; reason: string }
  | { kind: 'unauthorized'; reason: string }
  | { kind: 'forbidden'; reason: string }
  | { kind: 'throttled'; retryAfterMs?: number }
  | { kind: 'conflict' }
  | { kind: 'unavailable'; reason: string; sent: false; retryAfterMs?: number }
  | { kind: 'failed'; status: number; retryAfterMs?: number }
  | { kind: 'unknown'; reason: string };

/** An answer, read as far as it could be. */
export type Answer = {
  status: number;
  /** The JSON value of the body; undefined when there was none or it could not be read. */
  body?: unknown;
  /** Why the body could not be read, where it could not. */
  flaw?: string;
  retryAfterMs?: number;
  /** Where a redirect pointed. */
  location?: string;
};

/** What differs from one operation and dialect to the next in reading an answer. */
export type AnswerRules = {
  /** The operation in words: "merging contacts". */
  what: string;
  /** The scope it needs, named when CXone forbids it. */
  scope: string;
  /** Statuses at which `"status":"completed"` in the body confirms at once. */
  completedCodes: readonly number[];
  /** Statuses that say that the thing addressed is no longer there. */
  goneCodes: readonly number[];
  /** Statuses that say that what was to be made is there already. */
  existsCodes: readonly number[];
};

const FAULTS_MAX = 1_000;
const FIELD = /^[\w.[\]/$-]{1,64}$/;

type Refusal = 'rejected' | 'misconfigured' | 'unauthorized' | 'forbidden' | 'throttled' | 'conflict' | 'failed';

/**
 * Statuses that mean something to us; any other 4xx is a call that this address does not understand.
 * 413 is a rejection: a chunk that is too large is cut in halves like one that holds a bad contact.
 */
const REFUSALS: Readonly<Record<number, Refusal>> = {
  400: 'rejected',
  401: 'unauthorized',
  402: 'forbidden',
  403: 'forbidden',
  408: 'failed',
  409: 'conflict',
  413: 'rejected',
  421: 'failed',
  422: 'rejected',
  423: 'conflict',
  424: 'failed',
  425: 'failed',
  429: 'throttled',
  451: 'forbidden',
};

/**
 * What an answer other than 2xx means. The status alone decides; the body only lends words, so that an answer whose
 * body cannot be read still counts for what it is.
 *
 * @param sent what the call carried: values of it are blanked in CXone's words.
 * @param count contacts in the call; a fault at another index is not believed.
 */
export function refusal(answer: Answer, rules: AnswerRules, sent: unknown, count: number): Outcome {
  const { status, retryAfterMs } = answer;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (rules.goneCodes.includes(status)) return { kind: 'gone', reason: wordsOf(answer, sent) };
  if (rules.existsCodes.includes(status)) return { kind: 'registered', existed: true };
  const kind = REFUSALS[status] ?? (status < 500 ? 'misconfigured' : 'failed');
  switch (kind) {
    case 'rejected':
      return { kind, reason: wordsOf(answer, sent), at: faultsOf(answer.body, sent, count) };
    case 'unauthorized':
      return { kind, reason: `a fresh token was refused: ${wordsOf(answer, sent)}` };
    case 'forbidden':
      return { kind, reason: `${rules.what} needs the scope ${rules.scope} and its role: ${wordsOf(answer, sent)}` };
    case 'throttled':
      return { kind, ...wait };
    case 'conflict':
      return { kind };
    case 'failed':
      return { kind, status, ...wait };
    case 'misconfigured':
      return { kind, reason: misconfiguration(answer, rules, sent) };
  }
}

function misconfiguration(answer: Answer, rules: AnswerRules, sent: unknown): string {
  if (answer.status >= 400) return `no ${rules.what} at this address: ${wordsOf(answer, sent)}`;
  const host = answer.location && URL.canParse(answer.location) ? ` to ${new URL(answer.location).host}` : '';
  return `answered ${answer.status}, a redirect${host}; redirects are never followed`;
}

/** CXone's own words, from whichever field of the body holds them. */
function wordsOf({ status, body }: Answer, sent: unknown): string {
  const silence = `answered ${status} without saying why`;
  if (!isRecord(body)) return silence;
  const words = [body['error_description'], body['error'], body['message'], body['detail'], body['title']];
  const text = words.find(isText) ?? faultTexts(body).find(isText);
  return text === undefined ? silence : cleanReason(text, sent) || silence;
}

function faultTexts(body: Record<string, unknown>): unknown[] {
  const errors = Array.isArray(body['errors']) ? body['errors'].slice(0, FAULTS_MAX) : [];
  return errors.map((entry: unknown) => (isRecord(entry) ? entry['message'] : entry));
}

function faultsOf(body: unknown, sent: unknown, count: number): Fault[] {
  if (!isRecord(body) || !Array.isArray(body['errors'])) return [];
  const faults: Fault[] = [];
  for (const entry of body['errors'].slice(0, FAULTS_MAX) as unknown[]) {
    if (!isRecord(entry)) continue;
    const { index, field, message } = entry;
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count) continue;
    const reason = isText(message) ? cleanReason(message, sent) : '';
    faults.push({
      index,
      ...(typeof field === 'string' && FIELD.test(field) ? { field } : {}),
      reason: reason || 'rejected without a reason',
    });
  }
  return faults;
}

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
