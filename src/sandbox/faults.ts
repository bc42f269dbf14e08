import type { Random } from '../domain/ports/clock.ts';
import { completeFault, type Fault, type FaultEndpoint, type FaultState } from './fault-catalogue.ts';
import type { Api } from './types.ts';

type Entry = { state: FaultState; seen: number; pattern?: RegExp };

/** A handle on one switch. */
export type FaultHandle = { readonly fired: number; clear(): void };

/**
 * The fault switches of a sandbox. The first one in place that matches a call is played, and counts that it was:
 * a fault test that does not look at `fired` proves nothing. Cleared faults keep their count in `list()`.
 */
export class Faults {
  #active: Entry[] = [];
  readonly #all: Entry[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Adds one switch behind those in place. Throws a RangeError that says what is wrong with it. */
  add(fault: Fault): FaultHandle {
    const complete = completeFault(fault);
    const entry: Entry = { state: { ...complete, fired: 0 }, seen: 0 };
    if (fault.pattern !== undefined) entry.pattern = new RegExp(fault.pattern);
    this.#active.push(entry);
    this.#all.push(entry);
    return {
      get fired() {
        return entry.state.fired;
      },
      clear: () => {
        this.#active = this.#active.filter((one) => one !== entry);
      },
    };
  }

  /** Puts these in the place of all others. Nothing changes when one of them is refused. */
  set(faults: readonly Fault[]): FaultHandle[] {
    for (const fault of faults) completeFault(fault);
    this.clear();
    return faults.map((fault) => this.add(fault));
  }

  clear(): void {
    this.#active = [];
  }

  /** Every fault that was ever set, with how often it fired. */
  list(): (FaultState & { active: boolean })[] {
    return this.#all.map((entry) => ({ ...entry.state, active: this.#active.includes(entry) }));
  }

  /** The fault to play on this call, counted as fired; poison rules are asked by `poisoned`. */
  take(endpoint: FaultEndpoint, api?: Api): FaultState | undefined {
    return this.#first((entry) => entry.pattern === undefined && entry.state.endpoint === endpoint && (entry.state.api ?? api) === api);
  }

  /** The poison rule that one of these e-mails, or names of attributes, meets, with the indexes that do. */
  poisoned(endpoint: FaultEndpoint, texts: readonly (string | undefined)[]): { fault: FaultState; indexes: number[] } | undefined {
    let indexes: number[] = [];
    const fault = this.#first((entry) => {
      const { pattern } = entry;
      if (pattern === undefined || entry.state.endpoint !== endpoint) return false;
      const found = texts.flatMap((text, index) => (text !== undefined && pattern.test(text) ? [index] : []));
      if (found.length > 0) indexes = found;
      return found.length > 0;
    });
    return fault === undefined ? undefined : { fault, indexes };
  }

  #first(matches: (entry: Entry) => boolean): FaultState | undefined {
    for (const entry of this.#active) {
      if (!matches(entry)) continue;
      entry.seen += 1;
      const { after = 0, rate = 1, count = Number.POSITIVE_INFINITY } = entry.state;
      if (entry.seen <= after || entry.state.fired >= count || this.#random() >= rate) continue;
      entry.state.fired += 1;
      return entry.state;
    }
    return undefined;
  }
}
