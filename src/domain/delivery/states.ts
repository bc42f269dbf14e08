/**
 * Where an accepted contact can stand, what each state holds and how it is left.
 *
 * | state       | means                                              | leaves to                                   |
 * |-------------|----------------------------------------------------|---------------------------------------------|
 * | staged      | of an upload that is not complete yet; never sent  | waiting (upload sealed), gone (aborted), cancelled |
 * | waiting     | durable, waits for its turn in the budget          | in_flight, unchanged, cancelled             |
 * | in_flight   | part of a chunk that was or will be sent           | submitted, confirmed, waiting, set_aside, cancelled |
 * | submitted   | CXone accepted it and will tell when it is merged  | confirmed, unconfirmed, cancelled (erased)  |
 * | confirmed   | CXone said that it is merged                       | -                                           |
 * | unchanged   | CXone holds exactly this already; cost no request  | -                                           |
 * | unconfirmed | submitted, but no word came in time                | confirmed, cancelled (erased)               |
 * | set_aside   | CXone refused it, or every retry is spent          | waiting (retried), superseded (fixed later) |
 * | superseded  | set aside, then a later version of the person went | -                                           |
 * | cancelled   | consent was withdrawn, or the person erased        | -                                           |
 * | rejected    | never accepted; kept for the job's report only     | -                                           |
 */
export const CONTACT_STATES = [
  'staged',
  'waiting',
  'in_flight',
  'submitted',
  'confirmed',
  'unchanged',
  'unconfirmed',
  'set_aside',
  'superseded',
  'cancelled',
  'rejected',
] as const;
export type ContactState = (typeof CONTACT_STATES)[number];

const NEXT: Record<ContactState, readonly ContactState[]> = {
  staged: ['waiting', 'cancelled'],
  waiting: ['in_flight', 'unchanged', 'cancelled'],
  in_flight: ['submitted', 'confirmed', 'waiting', 'set_aside', 'cancelled'],
  submitted: ['confirmed', 'unconfirmed', 'cancelled'],
  confirmed: [],
  unchanged: [],
  unconfirmed: ['confirmed', 'cancelled'],
  set_aside: ['waiting', 'superseded', 'cancelled'],
  superseded: [],
  cancelled: [],
  rejected: [],
};

/** Whether a contact may go from one state to the other. */
export function mayMove(from: ContactState, to: ContactState): boolean {
  return NEXT[from].includes(to);
}

/** The columns in which a job counts its accepted contacts; each contact is in exactly one. */
export const JOB_COUNTERS = ['waiting', 'in_flight', 'submitted', 'confirmed', 'failed'] as const;
export type JobCounter = (typeof JOB_COUNTERS)[number];

const COUNTER: Record<ContactState, JobCounter | undefined> = {
  staged: 'waiting',
  waiting: 'waiting',
  in_flight: 'in_flight',
  submitted: 'submitted',
  unconfirmed: 'submitted',
  confirmed: 'confirmed',
  unchanged: 'confirmed',
  superseded: 'confirmed',
  set_aside: 'failed',
  cancelled: 'failed',
  rejected: undefined,
};

/** The counter of its job in which a contact in this state is counted; none for a rejected one. */
export function counterOf(state: ContactState): JobCounter | undefined {
  return COUNTER[state];
}

export const JOB_STATUSES = ['accepted', 'submitting', 'submitted', 'completed', 'partially_failed', 'failed'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];
