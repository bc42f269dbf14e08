/** Removed heads are kept until so many have gathered: shifting an array is linear in its length. */
const COMPACT_AT = 1_024;

/** Times in ascending order, taken from the front; made for times that mostly come in order. */
export class TimeQueue {
  #times: number[] = [];
  #head = 0;

  get size(): number {
    return this.#times.length - this.#head;
  }

  get first(): number | undefined {
    return this.#times[this.#head];
  }

  /** The time that has `index` others before it. */
  at(index: number): number | undefined {
    return this.#times[this.#head + index];
  }

  /** Appends a time that is not before the last one; one that is, is put in its place. */
  push(time: number): void {
    const last = this.#times.at(-1);
    if (this.size > 0 && last !== undefined && time < last) this.insert(time);
    else this.#times.push(time);
  }

  insert(time: number): void {
    let index = this.#times.length;
    while (index > this.#head && (this.#times[index - 1] ?? time) > time) index -= 1;
    this.#times.splice(index, 0, time);
  }

  shift(): void {
    if (this.size === 0) return;
    this.#head += 1;
    if (this.#head < COMPACT_AT) return;
    this.#times = this.#times.slice(this.#head);
    this.#head = 0;
  }

  /** Drops every time up to and including `time`. */
  dropUntil(time: number): void {
    for (let first = this.first; first !== undefined && first <= time; first = this.first) this.shift();
  }

  /** Takes out one entry that equals `time`, if there is one. */
  remove(time: number): void {
    const index = this.#times.lastIndexOf(time);
    if (index >= this.#head) this.#times.splice(index, 1);
  }
}
