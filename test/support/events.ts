type Event = { at: number; order: number; run: () => void };

/** Virtual time: what is set for a moment runs when time gets there; equal moments run in the order they were set. */
export class EventLoop {
  now = 0;
  readonly #heap: Event[] = [];
  #order = 0;
  readonly #cancelled = new Set<number>();

  /** Runs `fn` after `ms`; gives a handle for `cancel`. */
  after(ms: number, fn: () => void): number {
    return this.at(this.now + ms, fn);
  }

  at(time: number, run: () => void): number {
    this.#order += 1;
    const event = { at: Math.max(time, this.now), order: this.#order, run };
    let index = this.#heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (before(this.#heap[parent] as Event, event)) break;
      this.#heap[index] = this.#heap[parent] as Event;
      index = parent;
    }
    this.#heap[index] = event;
    return event.order;
  }

  cancel(handle: number): void {
    this.#cancelled.add(handle);
  }

  /** When the next event is set for, or undefined where there is none. */
  get nextAt(): number | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (!this.#cancelled.delete(first.order)) return first.at;
      this.#pop();
    }
    return undefined;
  }

  /** Moves time to the next event and runs it; false when there is none. */
  step(): boolean {
    if (this.nextAt === undefined) return false;
    const event = this.#pop() as Event;
    this.now = event.at;
    event.run();
    return true;
  }

  /** Runs everything up to `time`, then stands there. */
  runUntil(time: number): void {
    while ((this.nextAt ?? Number.POSITIVE_INFINITY) <= time) this.step();
    this.now = Math.max(this.now, time);
  }

  #pop(): Event | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    let index = 0;
    for (let child = 1; child < this.#heap.length; child = 2 * index + 1) {
      const right = this.#heap[child + 1];
      const smaller = right !== undefined && before(right, this.#heap[child] as Event) ? child + 1 : child;
      if (before(last, this.#heap[smaller] as Event)) break;
      this.#heap[index] = this.#heap[smaller] as Event;
      index = smaller;
    }
    this.#heap[index] = last;
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
