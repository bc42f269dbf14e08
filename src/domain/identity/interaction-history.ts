import { canonicalJson } from '../audit/canonical-json.ts';
import { parseIsoTimestamp } from '../timestamp.ts';

/** How many interactions of one person are kept; the newest stay. */
export const MAX_INTERACTIONS = 1000;

/** Where an interaction says when it happened, the more exact name first. */
const TIME_FIELDS = ['timestamp', 'occurred_at', 'created_at', 'date_time', 'datetime', 'date', 'time', 'at'] as const;

/**
 * Joins interaction histories, the one that was known first going first, without repeats: entries that are equal as
 * RFC 8785 JSON are one, whatever the order of their members. The order of entries is kept.
 * Beyond the cap the oldest go: by their time where each entry says it, else from the front.
 */
export function joinHistories(histories: readonly (readonly unknown[])[]): unknown[] {
  const entries = new Map<string, unknown>();
  for (const entry of histories.flat()) {
    const key = canonicalJson(entry);
    if (!entries.has(key)) entries.set(key, entry);
  }
  const joined = [...entries.values()];
  if (joined.length <= MAX_INTERACTIONS) return joined;
  const timed = joined.map((entry, place) => ({ entry, place, time: timeOf(entry) }));
  if (timed.every(({ time }) => time !== undefined)) timed.sort((a, b) => a.time! - b.time! || a.place - b.place);
  return timed.slice(-MAX_INTERACTIONS).sort((a, b) => a.place - b.place).map(({ entry }) => entry);
}

function timeOf(entry: unknown): number | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const members = entry as Record<string, unknown>;
  for (const field of TIME_FIELDS) {
    const value = members[field];
    const time = typeof value === 'string' ? parseIsoTimestamp(value) : undefined;
    if (time !== undefined) return time;
  }
  return undefined;
}
