/** Mean and mean deviation of what was seen lately, weighted as TCP does for its round trips (RFC 6298). */
export class Smoothed {
  #mean: number | undefined;
  #deviation = 0;

  add(value: number): void {
    if (this.#mean === undefined) {
      this.#mean = value;
      return;
    }
    this.#deviation += (Math.abs(value - this.#mean) - this.#deviation) / 4;
    this.#mean += (value - this.#mean) / 8;
  }

  /** 0 before anything was seen. */
  get mean(): number {
    return this.#mean ?? 0;
  }

  /** The mean and one deviation; 0 before anything was seen. */
  get upper(): number {
    return this.mean + this.#deviation;
  }
}
