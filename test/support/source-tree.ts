import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** A file of the project: path from the root with forward slashes, and its text. */
export type SourceFile = { path: string; text: string };

export type Import = {
  /** As written. */
  specifier: string;
  /** Path from the root where it is a file of ours; undefined for a package. */
  target: string | undefined;
  typeOnly: boolean;
  /** Named for a thread or a process of its own: nothing of it is loaded here. */
  started: boolean;
};

const ROOT = join(import.meta.dirname, '..', '..');
const STATEMENT = /^(?<kind>import|export)\s+(?<type>type\s)?(?:[^'"]*?\sfrom\s+)?'(?<specifier>[^']+)'/gm;
const CALL = /\bimport\(\s*'(?<specifier>[^']+)'/g;
/** A thread or a child process is started from a file named like this. */
const URL_OF = /new URL\('(?<specifier>[^']+\.ts)', import\.meta\.url\)/g;

/** Files that match a glob, in a stable order. */
export function sourceFiles(...globs: string[]): SourceFile[] {
  return globs
    .flatMap((glob) => globSync(glob, { cwd: ROOT }))
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** Everything that a file names to be loaded: imports, re-exports, dynamic imports, files of threads. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const found: Import[] = [];
  const add = (written: string, typeOnly: boolean, started: boolean): void => {
    const target = started || written.startsWith('.') ? posix.normalize(posix.join(dirname(path), written)) : undefined;
    found.push({ specifier: written, target, typeOnly, started });
  };
  for (const match of text.matchAll(STATEMENT)) add(match.groups?.['specifier'] ?? '', match.groups?.['type'] !== undefined, false);
  for (const match of text.matchAll(CALL)) add(match.groups?.['specifier'] ?? '', false, false);
  for (const match of text.matchAll(URL_OF)) add(match.groups?.['specifier'] ?? '', false, true);
  return found;
}

/** The text without comments and string contents, line by line as it was, so that words in prose are not taken for code. */
export function codeOf(text: string): string {
  const blank = (part: string): string => part.replaceAll(/[^\n]/g, ' ');
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'/g, blank);
}
