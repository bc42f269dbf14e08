/** A signal that ends everything that carries it after a time, and the means to call the end off. */
export type Deadline = { signal: AbortSignal; clear(): void };

/** Starts a deadline. Clear it when the work is done. */
export function startDeadline(ms: number): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${ms} ms`)), ms);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
