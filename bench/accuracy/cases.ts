import { readFileSync } from 'node:fs';

/** The cases of one JSON Lines file, in order. */
export function readCases<Case>(path: string): Case[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Case);
}

/** Counts the cases for which `isRight` holds and names the others. */
export function score<Case extends { id: string }>(cases: readonly Case[], isRight: (one: Case) => boolean): { right: number; total: number; wrong: string[] } {
  const wrong = cases.filter((one) => !isRight(one)).map((one) => one.id);
  return { right: cases.length - wrong.length, total: cases.length, wrong };
}
