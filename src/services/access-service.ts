import type { Clock } from '../domain/ports/clock.ts';
import type { AuditDraft, AuditStore } from '../domain/ports/record-store.ts';

/** Failed attempts are told of together, this often while there are any. */
export const FAILURES_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
/** Kinds of failure that are told apart; there are fewer, as routes, reasons and keys are known ones. */
const KINDS_MAX = 500;

/** Why somebody was not let in, where, and by which key, if it is one of ours. */
export type Refusal = { reason: string; route: string; key?: string };

export type AccessOptions = {
  store: Pick<AuditStore, 'appendAudit'>;
  clock: Clock;
  /** Asks for a run at a time, epoch ms. */
  schedule(at: number): void;
  onError(error: unknown, where: string): void;
};

type Use = { key: string; scope: string; day: number; requests: number };

/**
 * Tells the audit trail who uses which rights, and who was not let in, in few entries: one for each key and scope a
 * day, and one a minute for all attempts that failed, so that nobody can flood the trail by asking. What was counted
 * and not told of yet is lost in a crash, a minute of it at most.
 */
export class AccessService {
  readonly #options: AccessOptions;
  readonly #uses = new Map<string, Use>();
  readonly #failures = new Map<string, Refusal & { count: number }>();
  #attempts = 0;
  #since: number | undefined;
  #drafts: AuditDraft[] = [];

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** A key was used with one of its scopes: the first time since the start, and then of each day (UTC), is told. */
  used(key: string, scope: string): void {
    const now = this.#options.clock.now();
    const day = Math.floor(now / DAY_MS);
    const name = `${key} ${scope}`;
    const use = this.#uses.get(name) ?? { key, scope, day: Number.NaN, requests: 0 };
    if (use.day !== day) {
      this.#drafts.push({ action: 'key_used', actor: key, details: { purpose: 'api', scope, requests_since_last_entry: use.requests }, privacy_compliance: {} });
      this.#uses.set(name, use);
      use.day = day;
      use.requests = 0;
      this.#options.schedule(now);
    }
    use.requests += 1;
  }

  /** Somebody was not let in. */
  refused(refusal: Refusal): void {
    const now = this.#options.clock.now();
    const name = JSON.stringify(refusal);
    this.#attempts += 1;
    const known = this.#failures.get(name);
    if (known !== undefined) known.count += 1;
    else if (this.#failures.size < KINDS_MAX) this.#failures.set(name, { ...refusal, count: 1 });
    if (this.#since !== undefined) return;
    this.#since = now;
    this.#options.schedule(now + FAILURES_EVERY_MS);
  }

  /** Leaves the entries that are due. */
  async run(): Promise<void> {
    const { clock, schedule } = this.#options;
    const now = clock.now();
    const dueAt = this.#since === undefined ? undefined : this.#since + FAILURES_EVERY_MS;
    try {
      await this.#leave(now, dueAt !== undefined && dueAt <= now);
    } finally {
      if (this.#drafts.length > 0) schedule(now + FAILURES_EVERY_MS);
      else if (dueAt !== undefined && dueAt > now) schedule(dueAt);
    }
  }

  /** Leaves what was counted so far. */
  async stop(): Promise<void> {
    await this.#leave(this.#options.clock.now(), true).catch((error: unknown) => this.#options.onError(error, 'access'));
  }

  /** Drafts that could not be stored are kept for the next time. */
  async #leave(now: number, withFailures: boolean): Promise<void> {
    if (withFailures) this.#tellFailures(now);
    const drafts = this.#drafts;
    if (drafts.length === 0) return;
    this.#drafts = [];
    try {
      await this.#options.store.appendAudit({ drafts, now });
    } catch (error) {
      this.#drafts = [...drafts, ...this.#drafts];
      throw error;
    }
  }

  #tellFailures(now: number): void {
    if (this.#since === undefined) return;
    const failures = [...this.#failures.values()].sort((a, b) => b.count - a.count);
    const details = { attempts: this.#attempts, from: new Date(this.#since).toISOString(), to: new Date(now).toISOString(), failures };
    this.#drafts.push({ action: 'login_failures', actor: 'system', details, privacy_compliance: {} });
    this.#failures.clear();
    this.#attempts = 0;
    this.#since = undefined;
  }
}
