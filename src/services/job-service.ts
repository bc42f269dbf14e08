import type { Clock } from '../domain/ports/clock.ts';
import type { JobStatus } from '../domain/delivery/states.ts';
import type { DeadLetterView, MergeStore } from '../domain/ports/delivery-store.ts';
import type { JobContactView, JobStore, JobView, Requester } from '../domain/ports/record-store.ts';

/** Dead letters put back in one transaction. */
const RETRY_STEP = 500;

export type DeadLetterQuery = { reason?: string; jobId?: string; from?: number; to?: number };
export type Paged<T> = { items: T[]; next: string | undefined };

/** Answers "where is my contact?": jobs, their contacts, and what was set aside. */
export class JobService {
  readonly #store: JobStore & MergeStore;
  readonly #clock: Clock;
  readonly #onRetried: () => void;

  constructor(store: JobStore & MergeStore, clock: Clock, onRetried: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onRetried = onRetried;
  }

  /** A job with a page of its contacts after an index (-1: from the first); null when there is none. */
  async get(jobId: string, after: number, limit: number): Promise<{ job: JobView; contacts: JobContactView[]; nextAfter: number | undefined } | null> {
    const found = await this.#store.getJob({ jobId, after, limit });
    return found === null ? null : { job: found.job, contacts: found.contacts, nextAfter: found.more ? found.contacts.at(-1)?.index : undefined };
  }

  /** Newest first. */
  async list(status: JobStatus | undefined, before: string | undefined, limit: number): Promise<Paged<JobView>> {
    const jobs = await this.#store.listJobs({ limit: limit + 1, ...(status === undefined ? {} : { status }), ...(before === undefined ? {} : { before }) });
    return pageOf(jobs, limit, (job) => job.jobId);
  }

  async deadLetters(query: DeadLetterQuery, after: string | undefined, limit: number): Promise<Paged<DeadLetterView>> {
    const letters = await this.#store.listDeadLetters({ ...query, limit: limit + 1, ...(after === undefined ? {} : { after }) });
    return pageOf(letters, limit, (letter) => letter.id);
  }

  /** Puts back what matches, in small steps. Answers how many went back to the queue. */
  async retryDeadLetters(query: DeadLetterQuery & { id?: string }, by: Requester): Promise<number> {
    let retried = 0;
    const to = query.to ?? this.#clock.now() + 1;
    for (;;) {
      const step = await this.#store.retryDeadLetters({ ...query, to, limit: RETRY_STEP, ...by, now: this.#clock.now() });
      retried += step;
      if (step < RETRY_STEP) break;
    }
    if (retried > 0) this.#onRetried();
    return retried;
  }
}

function pageOf<T>(found: T[], limit: number, cursorOf: (item: T) => string): Paged<T> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? cursorOf(last) : undefined };
}
