import type { CombinedPerson } from './ops/combine-person.ts';

/** A person combined from the contacts that stand in `contacts`, as it was judged at a moment. */
type Prepared = { contacts: string; basis: string; at: number; person: CombinedPerson };

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

  /** The person as it would be combined now; `basis` is all that its combination and verdict hang on. */
  fresh(personId: number, contacts: string, basis: string, now: number): CombinedPerson | undefined {
    const prepared = this.#people.get(personId);
    const holds = prepared?.contacts === contacts && prepared.basis === basis && now - prepared.at <= FRESH_MS && now >= prepared.at;
    return holds ? prepared.person : undefined;
  }

  /** The person as it was last combined from just these contacts, whatever became of its consent. */
  madeOf(personId: number, contacts: string): CombinedPerson | undefined {
    const prepared = this.#people.get(personId);
    return prepared?.contacts === contacts ? prepared.person : undefined;
  }

  keep(personId: number, prepared: Prepared): void {
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
  }
}
