import type { CombinedPerson } from './ops/combine-person.ts';
import type { ContactRow } from './ops/contacts.ts';
import type { Standing } from './ops/persons.ts';

/** A person, and all that its combination and verdict were made from at a moment. */
type Prepared = { standing: Standing; rows: readonly ContactRow[]; overridden: boolean; at: number; person: CombinedPerson };

/** People kept at once: those of the calls in the air, and those of the next chunk. */
const PEOPLE_MAX = 2000;
/** Consent runs out with time alone: nobody goes out who was judged longer ago. */
const FRESH_MS = 2000;

/**
 * People that were combined for the next chunk, or for one in the air, in memory: what would be opened and combined
 * again to claim them, and once more to keep what CXone then holds. Only ever a shortcut: each is kept with what it
 * was made from, and whoever asks with anything else gets nothing and combines anew.
 */
export class PreparedPeople {
  readonly #people = new Map<number, Prepared>();
  /** The last claim, while nobody is prepared for the one that is to follow it. */
  expected: { limit: number; now: number } | undefined;
  /** Since when a chunk that is not full is kept back, as there are more people to look at. */
  heldBackSince: number | undefined;

  /** The person as it would be combined and judged now. */
  fresh(standing: Standing, rows: readonly ContactRow[], overridden: boolean, now: number): CombinedPerson | undefined {
    const prepared = this.#people.get(standing.person_id);
    if (prepared === undefined || prepared.overridden !== overridden || now - prepared.at > FRESH_MS || now < prepared.at) return undefined;
    return isSameStanding(prepared.standing, standing) && areSameContacts(prepared.rows, rows) ? prepared.person : undefined;
  }

  /** The person as it was last combined from just these contacts, whatever became of its consent. */
  madeOf(personId: number, rows: readonly ContactRow[]): CombinedPerson | undefined {
    const prepared = this.#people.get(personId);
    return prepared !== undefined && areSameContacts(prepared.rows, rows) ? prepared.person : undefined;
  }

  keep(prepared: Prepared): void {
    const { person_id: personId } = prepared.standing;
    // Again at the end: the first of the map is who was combined longest ago.
    this.#people.delete(personId);
    this.#people.set(personId, prepared);
    if (this.#people.size > PEOPLE_MAX) for (const first of this.#people.keys()) return void this.#people.delete(first);
  }

  forget(personId: number): void {
    this.#people.delete(personId);
  }

  /** After a rollback numbers of contacts are given anew. */
  clear(): void {
    this.#people.clear();
    this.expected = undefined;
    this.heldBackSince = undefined;
  }
}

function areSameContacts(before: readonly ContactRow[], now: readonly ContactRow[]): boolean {
  return before.length === now.length && before.every((row, i) => row.contact_no === now[i]?.contact_no);
}

/** Spelled out: each claim asks it of every person, and a loop over names costs ten times as much. */
function isSameStanding(before: Standing, now: Standing): boolean {
  return (
    before.granted_email === now.granted_email &&
    before.refused_email === now.refused_email &&
    before.granted_sms === now.granted_sms &&
    before.refused_sms === now.refused_sms &&
    before.granted_phone === now.granted_phone &&
    before.refused_phone === now.refused_phone &&
    Buffer.compare(before.fingerprint ?? NONE, now.fingerprint ?? NONE) === 0
  );
}

const NONE = Buffer.alloc(0);
