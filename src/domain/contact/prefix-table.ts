/**
 * Reads `value=beginning from-to …|value=…` into a map from beginning to value. `010-013` stands for every number
 * between, in as many digits.
 */
export function readPrefixTable(table: string): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  for (const line of table.split('|')) {
    const at = line.indexOf('=', 1);
    for (const beginning of line.slice(at + 1).split(' ').flatMap(range)) made.set(beginning, line.slice(0, at));
  }
  return made;
}

/** The value of the longest beginning of `text` that the table holds, up to `longest` characters. */
export function longestPrefix(table: ReadonlyMap<string, string>, text: string, longest: number): string | undefined {
  for (let length = Math.min(longest, text.length); length > 0; length -= 1) {
    const value = table.get(text.slice(0, length));
    if (value !== undefined) return value;
  }
  return undefined;
}

function range(text: string): string[] {
  const match = /^(\d+)-(\d+)$/.exec(text);
  if (match === null) return [text];
  const [from, to, width] = [Number(match[1]), Number(match[2]), (match[1] ?? '').length];
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index).padStart(width, '0'));
}
