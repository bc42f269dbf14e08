/** Time as the services see it: `now` is wall time, `monotonic` never jumps; both in milliseconds. */
export type Clock = { now(): number; monotonic(): number };

/** A number from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;
