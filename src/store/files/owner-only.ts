import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';

const OWNER_ONLY = 0o600;

/**
 * Makes a file that only its owner reads, or makes one that is there so. Done before a file is opened by others: what
 * SQLite puts beside a database takes over its mode, and nothing is readable for a moment first.
 */
export function ownFile(path: string): void {
  closeSync(openSync(path, 'a', OWNER_ONLY));
  chmodSync(path, OWNER_ONLY);
}

/** The same for files that may be there. */
export function ownFiles(paths: readonly string[]): void {
  for (const path of paths) if (existsSync(path)) chmodSync(path, OWNER_ONLY);
}
