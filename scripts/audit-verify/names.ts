/**
 * Whether some object in a JSON text has a name twice. JSON.parse keeps the last one where another reader may show the
 * first, so that two readers would see two different entries under one hash. The text has been parsed without an error.
 */
export function hasDuplicateName(text: string): boolean {
  // One element for each open object (the names seen) or array (nothing to see).
  const open: (Set<string> | undefined)[] = [];
  let mayBeName = false;
  let at = 0;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (mayBeName && names !== undefined) {
        const name = JSON.parse(text.slice(at, end)) as string;
        if (names.has(name)) return true;
        names.add(name);
      }
      mayBeName = false;
      at = end;
      continue;
    }
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    if (character === '{' || character === ',') mayBeName = true;
    at += 1;
  }
  return false;
}

/** The place after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
