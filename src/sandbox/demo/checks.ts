import { contactsOf } from '../ledger.ts';
import type { Sandbox } from '../sandbox.ts';
import { exportedEmails, isDelivered, type BatchResult, type Expectation, type ProfileResult } from './work.ts';

const CHUNK_SIZE = 50;
/** Chunks that may go out part-filled: the first, before the rest has come, and the last. */
const PARTIAL_CHUNKS = 2;
const EXPORT_FIELDS = ['consent_status', 'email', 'external_id', 'merged_at'];
const NAMED_AT_MOST = 3;

export type Evidence = {
  sandbox: Sandbox;
  expected: readonly Expectation[];
  batches: readonly BatchResult[];
  profiles: readonly ProfileResult[];
  /** `GET /jobs/{id}` of every batch, at the end. */
  jobs: readonly Record<string, unknown>[];
  audit: { size: number; root: string };
  /** What the pages answered that the reader is pointed to. */
  pages: readonly { path: string; status: number }[];
};

/** One step of the demo: seen to happen when `problems` is empty. */
export type Step = { name: string; problems: string[] };
type Check = (evidence: Evidence) => string[];

/**
 * Was each step of the main job really seen? What was sent is asked of the tenant and the sink, which do not know the
 * service; what the service said is compared with it.
 */
export function checkSteps(evidence: Evidence): Step[] {
  return Object.entries(STEPS).map(([name, check]) => ({ name, problems: check(evidence) }));
}

const STEPS: Record<string, Check> = {
  'every batch was taken and every contact accounted for': ({ batches }) =>
    batches.flatMap(({ answer: { status, body }, contacts }, index) => {
      const { received, accepted, duplicates, rejected } = body as Record<string, number>;
      if (status !== 202) return [`batch ${index + 1} was answered ${status}`];
      const sum = Number(accepted) + Number(duplicates) + Number(rejected);
      if (received === contacts.length && sum === received) return [];
      return [`batch ${index + 1}: ${contacts.length} sent, ${received} received, ${sum} accounted for`];
    }),

  'the right contacts were rejected, each for the right reason': ({ batches, expected }) => {
    const rejected = new Map(batches.flatMap(rejectionsOf));
    return expected.flatMap(({ external_crm_id: id, outcome, code }) => {
      const given = rejected.get(id);
      const wanted = outcome === 'rejected' ? code : undefined;
      return given === wanted ? [] : [`${id}: ${given ?? 'not rejected'} instead of ${wanted ?? 'not rejected'}`];
    });
  },

  'everybody else reached the tenant': ({ sandbox, expected }) =>
    expected.filter((one) => one.outcome !== 'rejected' && !isDelivered(sandbox, one)).map(({ external_crm_id: id }) => `${id} did not arrive`),

  'nobody who was rejected reached the tenant or marketing': ({ sandbox, expected }) => {
    const { emails, phones, externalIds } = sandbox.ledger();
    const exported = exportedEmails(sandbox);
    const arrived = ({ external_crm_id: id, email = '', phone = '' }: Expectation): boolean =>
      externalIds.has(id) || emails.has(email) || phones.has(phone) || exported.has(email);
    return expected.filter((one) => one.outcome === 'rejected' && arrived(one)).map(({ external_crm_id: id }) => `${id} arrived`);
  },

  'consent to e-mail arrived as it was given': ({ sandbox, expected }) =>
    expected.flatMap(({ external_crm_id: id, outcome, email = '', exported }) => {
      const effect = outcome === 'delivered' ? sandbox.ledger().emails.get(email) : undefined;
      return effect === undefined || effect.consent.email === exported ? [] : [`${id}: consent_to_email is ${String(effect.consent.email)}`];
    }),

  'every merge was confirmed by a signed webhook that the service acknowledged': ({ sandbox }) => {
    const callbacks = sandbox.ledger().callbacks.filter(({ api }) => api === 'contacts');
    if (callbacks.length === 0) return ['no webhook was sent'];
    const missed = callbacks.filter(({ acknowledged }) => !acknowledged);
    return missed.map(({ id, statuses }) => `${id} was answered ${statuses.join(', ') || 'nothing'}`);
  },

  'both webhooks are registered': ({ sandbox }) =>
    (['contacts', 'profiles'] as const)
      .filter((api) => !sandbox.ledger().registrations.some((one) => one.api === api))
      .map((api) => `none with the API for ${api}`),

  'every job says that it is complete': ({ jobs, batches }) => {
    if (jobs.length !== batches.length) return ['a job is missing'];
    return jobs.filter(({ status }) => status !== 'completed').map(({ job_id: id, status }) => `job ${String(id)} is ${String(status)}`);
  },

  'marketing got those with consent to e-mail, and four fields of each': ({ sandbox, expected }) => {
    const { marketing } = sandbox.ledger();
    const exported = exportedEmails(sandbox);
    const wanted = new Set(expected.filter((one) => one.outcome === 'delivered' && one.exported).map(({ email }) => String(email)));
    return [
      ...[...wanted].filter((email) => !exported.has(email)).map(() => 'somebody with consent is missing'),
      ...[...exported].filter((email) => !wanted.has(email)).map(() => 'somebody without consent was exported'),
      ...marketing.flatMap(({ body }) => contactsOf(body)).flatMap((contact) => {
        const fields = Object.keys(contact).sort().join(' ');
        return fields === EXPORT_FIELDS.join(' ') ? [] : [`the fields were ${fields}`];
      }),
      ...marketing.filter(({ signature }) => signature !== 'valid').map(({ signature }) => `a signature was ${signature}`),
    ];
  },

  'profiles were enriched; stale facts and a card number were not': ({ sandbox, profiles }) =>
    profiles.flatMap(({ name, profileId, expect, answer }) => {
      const applied = sandbox.ledger().profiles.get(profileId)?.applied ?? 0;
      const isRight = answer.status === expect.status && answer.body['code'] === expect.code && applied === (expect.status === 200 ? 1 : 0);
      return isRight ? [] : [`${name}: answered ${answer.status} ${String(answer.body['code'] ?? '')}, applied ${applied} times`];
    }),

  'the budget was kept and the chunks were full': ({ sandbox }) => {
    const { peakInWindow, requestsPerWindow, limited, overlaps, mergeCalls, contactsApplied } = sandbox.stats();
    const most = Math.ceil(contactsApplied / CHUNK_SIZE) + PARTIAL_CHUNKS;
    return [
      ...(peakInWindow > requestsPerWindow ? [`${peakInWindow} requests in a minute that allows ${requestsPerWindow}`] : []),
      ...(limited > 0 ? [`${limited} requests were refused by the limit`] : []),
      ...(overlaps > 0 ? [`${overlaps} merges met another one for the same person`] : []),
      ...(mergeCalls > most ? [`${mergeCalls} merges for ${contactsApplied} contacts`] : []),
    ];
  },

  'tokens were asked for properly': ({ sandbox }) => {
    const { secretsInUrl, tokensIssued } = sandbox.stats();
    return [
      ...(secretsInUrl > 0 ? ['a secret stood in a URL'] : []),
      ...(tokensIssued.contacts === 0 || tokensIssued.profiles === 0 ? ['an API was never asked for a token'] : []),
    ];
  },

  'the pages to look at are there': ({ pages }) => pages.filter(({ status }) => status !== 200).map(({ path, status }) => `${path} was answered ${status}`),

  'the audit trail has its root': ({ audit }) => (audit.size > 0 && audit.root !== '' ? [] : [`size ${audit.size}, root "${audit.root}"`]),
};

/** External id and reason of every contact that the answer to a batch rejects. */
export function rejectionsOf({ answer, contacts }: BatchResult): [id: string, code: string][] {
  const errors = (answer.body['errors'] ?? []) as { index: number; code: string }[];
  return errors.map(({ index, code }) => [contacts[index]?.external_crm_id ?? `index ${index}`, code]);
}

/** The problems of a step as one line; long lists are cut. */
export function shorten(problems: readonly string[]): string {
  const rest = problems.length - NAMED_AT_MOST;
  return problems.slice(0, NAMED_AT_MOST).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}
