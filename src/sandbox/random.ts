import { createHash } from 'node:crypto';
import type { Random } from '../domain/ports/clock.ts';
import type { Span } from './types.ts';

/** Seeded dice (mulberry32): the same seed gives the same numbers on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number of milliseconds from the span, both ends included. */
export function draw(span: Span, random: Random): number {
  return span.minMs + Math.floor(random() * (span.maxMs - span.minMs + 1));
}

/** A UUID that depends on its text alone (RFC 9562 version 8), so that a person keeps one id whatever arrives first. */
export function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
