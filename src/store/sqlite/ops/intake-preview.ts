import type { IncomingContact, Origin, PreviewedContact } from '../../../domain/ports/intake-store.ts';
import type { Context } from '../context.ts';
import { combineVersions, openVersion } from './combine-person.ts';
import type { Parts } from './combine-person.ts';
import { contactsOf, payloadsOf } from './contacts.ts';
import { planSlice } from './intake-plan.ts';
import type { Planned } from './intake-plan.ts';
import { versionOf } from './intake-write.ts';
import { consentOf, openCurrent } from './persons.ts';
import type { KeptVersion, PersonRow } from './persons.ts';
import type { Subject } from './subject-book.ts';

type Effect = Pick<PreviewedContact, 'effect' | 'survivorship' | 'costsRequest'>;
/** What is known of a person: what CXone holds, and what is on its way there. */
type Known = { current: KeptVersion[]; onTheWay: KeptVersion[]; isWaiting: boolean };

/** See {@link import('../../../domain/ports/intake-store.ts').IntakeStore}. Only files what was acknowledged before. */
export function previewBatch(context: Context, { contacts, now }: { contacts: IncomingContact[]; now: number }): PreviewedContact[] {
  context.journal.catchUp(context);
  const planned = planSlice(context, contacts, undefined, now);
  const firstOf = new Map<Subject, number>();
  const groups = new Map<Subject, Planned[]>();
  for (const plan of planned) {
    if (plan.subject === undefined) continue;
    if (!firstOf.has(plan.subject)) firstOf.set(plan.subject, plan.incoming.index);
    if (plan.outcome.outcome !== 'rejected') groups.set(plan.subject, [...(groups.get(plan.subject) ?? []), plan]);
  }
  const effects = new Map([...groups].map(([subject, group]) => [subject, effectOf(context, subject, group, now)]));
  return planned.map((plan) => preview(plan, effects, firstOf));
}

function preview(plan: Planned, effects: ReadonlyMap<Subject, Effect>, firstOf: ReadonlyMap<Subject, number>): PreviewedContact {
  const { outcome, verdict, subject } = plan;
  const others = plan.others.map((other) => originOf(other, firstOf));
  const base: PreviewedContact = {
    ...outcome,
    costsRequest: false,
    ...(others.length === 0 ? {} : { possibleDuplicates: others }),
    ...(verdict === undefined ? {} : { covered: verdict.covered, channels: verdict.channels }),
    ...(verdict?.preferredChannel === undefined ? {} : { preferredChannelMoved: verdict.preferredChannel }),
  };
  const effect = subject === undefined || outcome.outcome === 'rejected' ? undefined : effects.get(subject);
  if (effect === undefined) return base;
  // The contact that stands for its person tells what all of them come to.
  return outcome.outcome === 'accepted' ? { ...base, ...effect } : { ...base, effect: effect.effect! };
}

function originOf(subject: Subject, firstOf: ReadonlyMap<Subject, number>): Origin {
  const index = firstOf.get(subject);
  return subject.row !== undefined || index === undefined ? { from: 'stored' } : { from: 'batch', index };
}

/** What a batch does to a person, found out as delivery would: by combining it with what there is already. */
function effectOf(context: Context, subject: Subject, group: readonly Planned[], now: number): Effect {
  const known = subject.row === undefined ? NOBODY : knownOf(context, subject.row);
  const incoming = group.map((plan) => versionOf(plan.incoming, now));
  const stored = [...known.current, ...known.onTheWay];
  const overridden = group.some((plan) => plan.overridden);
  const after = combineVersions(context, { current: known.current, waiting: [...known.onTheWay, ...incoming], consent: subject.consent, overridden }, now);
  const survivorship = stored.length + incoming.length < 2 ? {} : { survivorship: survivorshipOf(after.combined.from, stored.length, group) };
  const effect = stored.length === 0 ? 'new' : isUnchanged(context, subject.row, known, after.fingerprint, now) ? 'unchanged' : 'update';
  // Who waits already has a place in a request.
  return { effect, costsRequest: effect !== 'unchanged' && !known.isWaiting && (after.verdict.allowed || overridden), ...survivorship };
}

const NOBODY: Known = { current: [], onTheWay: [], isWaiting: false };

function knownOf(context: Context, row: PersonRow): Known {
  const key = context.vault.unwrap(row.wrapped_key);
  const rows = contactsOf(context, [row.person_id], 'in_flight', 'waiting');
  return {
    current: openCurrent(context, row, key)?.versions ?? [],
    onTheWay: [...payloadsOf(context, rows).values()].map((payload) => openVersion(context, payload, key)),
    isWaiting: rows.some(({ state }) => state === 'waiting'),
  };
}

function isUnchanged(context: Context, row: PersonRow | undefined, known: Known, fingerprint: Buffer, now: number): boolean {
  if (row === undefined) return false;
  if (known.onTheWay.length === 0) return row.fingerprint !== null && fingerprint.equals(row.fingerprint);
  const before: Parts = { current: known.current, waiting: known.onTheWay, consent: consentOf(row), overridden: false };
  return fingerprint.equals(combineVersions(context, before, now).fingerprint);
}

function survivorshipOf(from: ReturnType<typeof combineVersions>['combined']['from'], stored: number, group: readonly Planned[]): NonNullable<Effect['survivorship']> {
  return Object.fromEntries(
    Object.entries(from).map(([field, { index, why }]) => {
      const plan = group[index - stored];
      return [field, plan === undefined ? { from: 'stored', why } : { from: 'batch', index: plan.incoming.index, why }];
    }),
  );
}
