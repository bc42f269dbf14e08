import { isCovered } from '../../../domain/consent/jurisdiction.ts';
import { CHANNELS } from '../../../domain/contact/types.ts';
import type { Channel, Contact } from '../../../domain/contact/types.ts';
import type { AuditDraft } from '../../../domain/ports/record-store.ts';
import type { Context } from '../context.ts';
import { isSealed } from '../vault.ts';
import type { Planned } from './intake-plan.ts';
import { keysOf } from './subject-book.ts';

/** Contacts that one entry speaks of, as many as a call to CXone carries: an entry stays below 5 kB. */
export const CONTACTS_PER_ENTRY = 50;

/** The job that contacts are filed under; `requestId` is unknown of jobs from before it was kept. */
export type FiledJob = { jobNo: number; jobId: string; caller: string; requestId: string | null };

/** What the ledger of consent holds of one contact. */
export type Evidence = { eventNo: number; capturedAt: number | null; flags: Record<Channel, boolean | null>; source: string | null };

/** What was filed of a contact: its evidence, where it brought any, and its sealed record, where it is kept. */
type Filed = { evidence?: Evidence; payload: Uint8Array | null };

/** Contacts of one kind until there are enough for an entry. */
type Part = { plans: Planned[]; filed: Filed[] };

/**
 * Leaves the entries by which a person finds the batch that carried it. Whose consent was recorded is named by a
 * `consent_recorded`, who was accepted without bringing any by a `contact_accepted`; whoever was rejected, found a
 * duplicate or let pass by an override has an entry of its own already, and one more where it brought evidence.
 */
export class FilingTrail {
  readonly #context: Context;
  readonly #job: FiledJob;
  readonly #now: number;
  readonly #parts: Record<'consent_recorded' | 'contact_accepted', Part> = { consent_recorded: { plans: [], filed: [] }, contact_accepted: { plans: [], filed: [] } };

  constructor(context: Context, job: FiledJob, now: number) {
    this.#context = context;
    this.#job = job;
    this.#now = now;
  }

  add(plan: Planned, filed: Filed): void {
    if (filed.evidence !== undefined) this.#put('consent_recorded', plan, filed);
    else if (plan.outcome.outcome === 'accepted' && !plan.overridden) this.#put('contact_accepted', plan, filed);
  }

  /** Leaves the entries of what is not told of yet. */
  end(): void {
    this.#append('consent_recorded');
    this.#append('contact_accepted');
  }

  #put(action: 'consent_recorded' | 'contact_accepted', plan: Planned, filed: Filed): void {
    const part = this.#parts[action];
    part.plans.push(plan);
    part.filed.push(filed);
    if (part.plans.length === CONTACTS_PER_ENTRY) this.#append(action);
  }

  #append(action: 'consent_recorded' | 'contact_accepted'): void {
    const part = this.#parts[action];
    if (part.plans.length === 0) return;
    this.#parts[action] = { plans: [], filed: [] };
    const { audit, policy } = this.#context;
    const { jobId, caller, requestId } = this.#job;
    const evidence = part.filed.flatMap((filed) => filed.evidence ?? []);
    const draft: AuditDraft = {
      action,
      actor: caller,
      job_id: jobId,
      ...(requestId === null ? {} : { request_id: requestId }),
      subjects: this.#subjectsOf(part.plans),
      details: { contacts: part.plans.length, ...(evidence.length === 0 ? {} : countsOf(evidence)) },
      privacy_compliance: {
        policy_version: policy.policyVersion,
        ...jurisdictionsOf(part.plans, policy.consent.extraCountries),
        legal_basis: evidence.length === 0 ? 'consent_not_required' : 'consent',
        ...(evidence.length === 0 ? {} : this.#referenceTo(evidence)),
        retained: 'until_erasure',
        encrypted: part.filed.every(({ payload }) => payload === null || isSealed(payload)),
      },
    };
    audit.append(draft, this.#now);
  }

  /** E-mails and phones, by which the trail is asked; a third reference for external ids would cost half as much again. */
  #subjectsOf(plans: readonly Planned[]): string[] {
    const hashes = plans.flatMap(({ identity }) => (identity === undefined ? [] : keysOf(identity)));
    return [...new Set(hashes)].map((hash) => Buffer.from(hash, 'latin1').toString('hex'));
  }

  /** Where the evidence lies in the ledger, and what binds it to be what it was, by who holds the key of the store. */
  #referenceTo(evidence: readonly Evidence[]): Record<string, unknown> {
    return {
      consent_evidence: {
        ledger: { from: evidence[0]!.eventNo, to: evidence.at(-1)!.eventNo },
        commitment: this.#context.pseudonyms.commit('consent_evidence', evidence.map(lineOf).join('\n')),
      },
    };
  }
}

/** One piece of evidence as it is committed to: what the ledger holds of it, and its number there. */
export function lineOf({ eventNo, capturedAt, flags, source }: Evidence): string {
  return JSON.stringify([eventNo, capturedAt, flags.email, flags.sms, flags.phone, source]);
}

export function flagsOf({ consent_to_email: email, consent_to_sms: sms, consent_to_phone: phone }: Contact): Record<Channel, boolean | null> {
  return { email: email ?? null, sms: sms ?? null, phone: phone ?? null };
}

function countsOf(evidence: readonly Evidence[]): Record<string, unknown> {
  const count = (channel: Channel, wanted: boolean): number => evidence.filter(({ flags }) => flags[channel] === wanted).length;
  return {
    // A list, as the log blanks whatever stands under the name of an e-mail or a phone.
    channels: CHANNELS.map((channel) => ({ channel, granted: count(channel, true), refused: count(channel, false) })),
    dated: evidence.filter(({ capturedAt }) => capturedAt !== null).length,
    with_source: evidence.filter(({ source }) => source !== null).length,
  };
}

/** How many contacts were judged by which country's law, and by how many of those consent is required. */
function jurisdictionsOf(plans: readonly Planned[], extra: ReadonlySet<string> | undefined): { jurisdictions: Record<string, number>; covered_contacts: number } {
  const jurisdictions: Record<string, number> = {};
  let covered = 0;
  for (const { incoming } of plans) {
    const country = incoming.country ?? 'unknown';
    jurisdictions[country] = (jurisdictions[country] ?? 0) + 1;
    if (isCovered(incoming.country, extra)) covered += 1;
  }
  return { jurisdictions, covered_contacts: covered };
}
