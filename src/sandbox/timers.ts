/** Wall time in epoch milliseconds, with fractions, that never steps back while the process lives. */
export function systemNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Waits that end with the sandbox: nothing of it is left running after `close`. */
export class Timers {
  readonly #pending = new Map<NodeJS.Timeout, (elapsed: boolean) => void>();
  #closed = false;

  /** True after that many milliseconds (at once for none); false at once when the sandbox closes first. */
  async after(ms: number): Promise<boolean> {
    if (this.#closed || ms <= 0) return !this.#closed;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#pending.delete(timer);
        resolve(true);
      }, ms);
      this.#pending.set(timer, resolve);
    });
  }

  close(): void {
    this.#closed = true;
    for (const [timer, resolve] of this.#pending) {
      clearTimeout(timer);
      resolve(false);
    }
    this.#pending.clear();
  }
}
