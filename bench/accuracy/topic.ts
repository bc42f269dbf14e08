/** What one run of a set gave. `wrong` names the cases, with what came out. */
export type Score = { right: number; total: number; wrong: string[] };

/** One set of cases with its target: the share of cases that must be right. */
export type Topic = { name: string; target: number; run(dataDir: string): Score };
