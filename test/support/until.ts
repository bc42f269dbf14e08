const POLL_MS = 15;

/**
 * Asks again and again until the answer is neither false nor undefined, and gives it. For what has no event to wait for,
 * such as another process. Rejects, naming `what`, when the time is up.
 */
export async function until<T>(ask: () => T | Promise<T>, withinMs: number, what: string): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}
