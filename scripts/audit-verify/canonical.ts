/** Deeper than any real entry; it keeps a hostile file from exhausting the stack. */
const MAX_DEPTH = 200;

/**
 * The canonical JSON (RFC 8785) of a value that JSON.parse made. `without` names a property of the outermost object
 * to leave out. Throws where there is no canonical form: infinities (1e999), lone surrogates, endless nesting.
 */
export function canonicalText(value: unknown, without?: string): string {
  return write(value, 0, without);
}

function write(value: unknown, depth: number, without?: string): string {
  switch (typeof value) {
    case 'string':
      return writeString(value);
    case 'number':
      if (!Number.isFinite(value)) throw new Error('a number is out of range');
      return value === 0 ? '0' : String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    default:
  }
  if (value === null) return 'null';
  if (depth > MAX_DEPTH) throw new Error('it is nested too deeply');
  if (Array.isArray(value)) return writeArray(value, depth);
  return writeObject(value as Record<string, unknown>, depth, without);
}

/** Texts of these characters alone stand in JSON as they are: no quote, backslash, control character or surrogate. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

function writeString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new Error('a text has a lone surrogate');
  return JSON.stringify(text);
}

function writeArray(values: readonly unknown[], depth: number): string {
  let text = '[';
  for (const value of values) text += `${text === '[' ? '' : ','}${write(value, depth + 1)}`;
  return `${text}]`;
}

function writeObject(object: Record<string, unknown>, depth: number, without?: string): string {
  let text = '{';
  // The default order of sort() compares UTF-16 code units, as RFC 8785 asks.
  for (const name of Object.keys(object).sort()) {
    if (name === without) continue;
    text += (text.length === 1 ? '' : ',') + writeName(name) + write(object[name], depth + 1);
  }
  return `${text}}`;
}

/** The same few names come in every entry; a hostile file can fill this but not overfill it. */
const MAX_NAMES = 1000;
const writtenNames = new Map<string, string>();

function writeName(name: string): string {
  let written = writtenNames.get(name);
  if (written === undefined) {
    written = `${writeString(name)}:`;
    if (writtenNames.size < MAX_NAMES) writtenNames.set(name, written);
  }
  return written;
}
