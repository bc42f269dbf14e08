import { isRecord, refusal } from './outcome.ts';
import type { Answer, AnswerRules, Outcome } from './outcome.ts';
import { cleanReason } from './reason.ts';

/** Words in the `status` of a 2xx that deny what the 2xx says. */
const DENIALS = new Set(['failed', 'failure', 'error', 'rejected']);

/** What an id of CXone's may look like: short and printable, since it is stored, logged and put into paths. */
const ID = /^[\x21-\x7e]{1,128}$/;
const RESULT_WORD = /^[A-Za-z][\w -]{0,63}$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T[\d:.]{5,15}(?:Z|[+-]\d{2}:?\d{2})$/;

/**
 * What the answer to a merge means.
 *
 * An id counts for a contact only when there is one for each contact: a shorter list may have lost any of them, and a
 * contact that is confirmed by somebody else's webhook would be exported on it.
 *
 * @param contacts those sent, in order.
 * @returns `contactIds` has an entry for each contact sent, undefined where CXone named none.
 */
export function mergeOutcome(answer: Answer, rules: AnswerRules, contacts: readonly object[]): Outcome {
  if (!isSuccess(answer)) return refusal(answer, rules, contacts, contacts.length);
  const { body, status } = answer;
  if (!isRecord(body)) return unreadable(answer);
  const state = typeof body['status'] === 'string' ? body['status'].toLowerCase() : undefined;
  if (state !== undefined && DENIALS.has(state)) return { kind: 'unknown', reason: `answered ${status} with "${state}"` };
  const isMerge = ['contacts', 'contact_id', 'job_id', 'status'].some((name) => Object.hasOwn(body, name));
  if (!isMerge) return { kind: 'unknown', reason: `answered ${status} without saying what became of the merge` };
  const contactIds = contactIdsOf(body, contacts.length);
  const isComplete = state === 'completed' && rules.completedCodes.includes(status);
  return { kind: isComplete ? 'completed' : 'accepted', contactIds };
}

function contactIdsOf(body: Record<string, unknown>, count: number): (string | undefined)[] {
  const listed = Array.isArray(body['contacts']) ? (body['contacts'] as unknown[]) : [body['contact_id']];
  if (listed.length !== count) return Array.from({ length: count }, () => undefined);
  return listed.map((entry) => idOf(isRecord(entry) ? (entry['contact_id'] ?? entry['id']) : entry));
}

/** Numbers beyond 2^53 have lost digits in parsing and are somebody else's id. */
function idOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? String(value) : undefined;
  return typeof value === 'string' && ID.test(value) ? value : undefined;
}

/**
 * What the answer to a profile PATCH means. A success must name its result and count; one that speaks of another
 * profile is no answer to us.
 *
 * @param sent the body of the call.
 */
export function patchOutcome(answer: Answer, rules: AnswerRules, profileId: string, sent: unknown): Outcome {
  if (!isSuccess(answer)) return refusal(answer, rules, sent, 1);
  const { body, status } = answer;
  if (!isRecord(body)) return unreadable(answer);
  const { updatedAttributes, mergeResult, deduplicationTrigger, timestamp } = body;
  const named = body['profileId'];
  if (typeof named === 'string' && named.toLowerCase() !== profileId.toLowerCase()) {
    return { kind: 'unknown', reason: `answered ${status} about another profile` };
  }
  const isCount = typeof updatedAttributes === 'number' && Number.isSafeInteger(updatedAttributes) && updatedAttributes >= 0;
  if (!isCount || typeof mergeResult !== 'string' || !RESULT_WORD.test(mergeResult)) {
    return { kind: 'unknown', reason: `answered ${status} without a result` };
  }
  return {
    kind: 'patched',
    updatedAttributes,
    mergeResult,
    deduplicationTrigger: deduplicationTrigger === true,
    ...(typeof timestamp === 'string' && TIMESTAMP.test(timestamp) ? { timestamp } : {}),
  };
}

/** What the answer to a webhook registration means: any 2xx will do, and so will "it is there already". */
export function registrationOutcome(answer: Answer, rules: AnswerRules, sent: unknown): Outcome {
  return isSuccess(answer) ? { kind: 'registered', existed: false } : refusal(answer, rules, sent, 1);
}

/** A scope that is missing, said by its name before the call is made; undefined when nothing is missing or told. */
export function missingScope(granted: ReadonlySet<string> | undefined, rules: AnswerRules): Outcome | undefined {
  if (granted === undefined || granted.has(rules.scope)) return undefined;
  const list = cleanReason([...granted].sort().join(' ')) || 'none';
  return { kind: 'forbidden', reason: `the token lacks the scope ${rules.scope}, which ${rules.what} needs; it has: ${list}` };
}

function isSuccess({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

function unreadable({ status, flaw }: Answer): Outcome {
  return { kind: 'unknown', reason: `answered ${status}, ${flaw ?? 'not in the form agreed'}` };
}
