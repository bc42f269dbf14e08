import { checkSignatures, readTreeHead } from './note.ts';
import type { TreeHead, TrustedKey } from './note.ts';
import { isConsistent } from './tree.ts';
import { believedReplacements, collectClues, noClues, withRotations } from './trust.ts';
import type { Clues, Replacement } from './trust.ts';
import { walk } from './walk.ts';
import type { Finding, Walk } from './walk.ts';

export type Named = { name: string; text: string };
export type Request = {
  exportPath: string;
  checkpoint: Named;
  /** Earlier checkpoints of the same log. */
  older: readonly Named[];
  keys: readonly TrustedKey[];
  /** A consistency proof from the older checkpoint to the checkpoint, where the entries between are no longer kept. */
  proof?: readonly Buffer[];
};
/** `checked`: what was done, a line each. Nothing found and nothing open: the export is what was signed. */
export type Report = { checked: string[]; findings: Finding[]; open: string[] };
type Head = TreeHead & { name: string };

/** Verifies an export against its checkpoints. Files that cannot be read throw; what is wrong in them is a finding. */
export function verifyTrail(request: Request): Report {
  const report: Report = { checked: [], findings: [], open: [] };
  const heads = readHeads([request.checkpoint, ...request.older], report);
  const [newest] = heads;
  if (newest === undefined || report.findings.length > 0) return report;
  report.checked.push(`checkpoint: ${newest.origin}, ${newest.size} entries, root ${newest.root.toString('base64')}`);

  const clues = noClues();
  const walked = walk(request.exportPath, new Set(heads.map(({ size }) => size)), (entry) => collectClues(clues, entry));
  const keys = withRotations(request.keys, clues.rotations);
  const replacements = believedReplacements(keys, clues);
  tellReplacements(clues, replacements, report);
  const believed = heads.filter((head) => checkSigner(head, keys, replacements, report));
  compareHeads(newest, believed, report);
  reportEntries(walked, newest, report);
  if (walked.finding !== undefined) report.findings.push(walked.finding);
  else if (walked.end < newest.size) report.findings.push(truncation(walked, newest));
  for (const head of believed) compareRoot(head, newest, walked, report, request.proof);
  const differs = believed.some((head) => agrees(head, walked.roots) === false);
  if (differs || report.findings.length > 0) locateRewriting(request.exportPath, believed, walked, clues, keys, report);
  return report;
}

function readHeads(texts: readonly Named[], report: Report): Head[] {
  const heads: Head[] = [];
  for (const { name, text } of texts) {
    try {
      heads.push({ ...readTreeHead(text), name });
    } catch (error) {
      report.findings.push({ what: `${name} is not a signed checkpoint: ${error instanceof Error ? error.message : String(error)}` });
    }
  }
  return heads;
}

/** What the checkpoints say of each other, whatever the entries. */
function compareHeads(newest: Head, believed: readonly Head[], report: Report): void {
  for (const head of believed.includes(newest) ? believed : []) {
    if (head.origin !== newest.origin) {
      report.findings.push({ what: `${head.name} is of another log: ${head.origin}` });
    } else if (head.size > newest.size) {
      const what = `rolled back: ${head.name} already covers ${head.size} entries, the checkpoint only ${newest.size} (or the two were given in the wrong order)`;
      report.findings.push({ first: newest.size, what });
    } else if (head.size === newest.size && !head.root.equals(newest.root)) {
      report.findings.push({ what: `fork: ${head.name} has the same size as the checkpoint and another root` });
    }
  }
}

/** Whether a checkpoint may be believed: a trusted key signed it, or no key was given (which the report then says). */
function checkSigner(head: Head, keys: readonly TrustedKey[], replacements: readonly Replacement[], report: Report): boolean {
  if (keys.length === 0) {
    report.checked.push(`signature of ${head.name}: NOT CHECKED, no key was given; whoever wrote the entries could have written this checkpoint too`);
    return true;
  }
  const signed = checkSignatures(head.note, keys);
  if (signed.state === 'good') {
    const over = replacements.find(({ from, sequence }) => head.size > sequence && signed.by.every((key) => key.text === from));
    if (over !== undefined) {
      report.findings.push({ what: `${head.name}: signed by ${nameOf(over.from)}, which was replaced at entry ${over.sequence} and may be in other hands` });
      return false;
    }
    report.checked.push(`signature of ${head.name}: good, by ${signed.by.map(({ name, id }) => `${name}+${id}`).join(' and ')}`);
  } else if (signed.state === 'bad') {
    report.findings.push({ what: `${head.name}: the signature of ${signed.by.name}+${signed.by.id} does not fit the text` });
  } else {
    report.findings.push({ what: `${head.name}: not signed by a trusted key` });
  }
  return signed.state === 'good';
}

/** Says where a key took over without a signature of the one before it, and what follows for who checks. */
function tellReplacements({ replacements }: Clues, believed: readonly Replacement[], report: Report): void {
  for (const replacement of replacements) {
    const { from, to, sequence } = replacement;
    const what = `key: from entry ${sequence} on ${nameOf(to)} speaks, which replaced ${nameOf(from)} without its signature`;
    const counts = believed.includes(replacement)
      ? `that the ${sequence} entries before are what ${nameOf(from)} signed rests on its checkpoints kept elsewhere (--older)`
      : 'that key is not among those given, so its word counts for nothing here: get it from a place you trust (--key)';
    report.checked.push(`${what}; ${counts}`);
  }
}

/** Name and id of a verifier key. */
function nameOf(key: string): string {
  return key.split('+', 2).join('+');
}

function reportEntries({ start, end }: Walk, newest: Head, report: Report): void {
  if (start > 0) report.checked.push(`pruned: entries 0 to ${start - 1} are not in the export, only the roots of their subtrees`);
  const span = end > start ? `, sequences ${start} to ${end - 1}` : '';
  report.checked.push(`entries: ${end - start} in order and with the leaf recomputed from their fields${span}`);
  if (end > newest.size) {
    const first = Math.max(start, newest.size);
    report.checked.push(`not covered: ${end - first} entries (${first} to ${end - 1}) are younger than the checkpoint; a change that also rewrote their leaves would not be seen`);
  }
}

function truncation({ end }: Walk, newest: Head): Finding {
  return { first: end, last: end, what: `truncated: the export ends before sequence ${end}, the checkpoint covers ${newest.size} entries` };
}

/** Whether a checkpoint has the root that was recomputed at its size; nothing when none was. */
function agrees(head: TreeHead, roots: ReadonlyMap<number, Buffer>): boolean | undefined {
  return roots.get(head.size)?.equals(head.root);
}

function compareRoot(head: Head, newest: Head, walked: Walk, report: Report, proof?: readonly Buffer[]): void {
  const same = agrees(head, walked.roots);
  if (same === true) report.checked.push(`root of ${head.name}: recomputed over ${head.size} entries, agrees`);
  else if (same === false) report.checked.push(`root of ${head.name}: recomputed over ${head.size} entries, DIFFERS`);
  else if (head.size < walked.start) checkByProof(head, newest, report, proof);
}

/** An older checkpoint inside the pruned prefix: the entries cannot show it any more, a proof can. */
function checkByProof(head: Head, newest: Head, report: Report, proof?: readonly Buffer[]): void {
  if (head.size === 0) {
    report.checked.push(`${head.name}: covers no entry, so there is nothing to compare`);
  } else if (proof === undefined) {
    report.open.push(`${head.name} covers ${head.size} entries, which were pruned: give the consistency proof from ${head.size} to ${newest.size} with --proof`);
  } else if (isConsistent(head.size, head.root, newest.size, newest.root, proof)) {
    report.checked.push(`${head.name}: consistent with the checkpoint by the proof given`);
  } else {
    report.findings.push({ what: `${head.name}: the proof given does not lead from it to the checkpoint` });
  }
}

/**
 * Entries that were rewritten together with their leaves show only in a root. The log's own checkpoints among its
 * entries, as far as a trusted key signed them, narrow down where: the first bad sequence lies between the last
 * checkpoint that agrees and the first that does not. The entries are read once more for it.
 */
function locateRewriting(path: string, believed: readonly Head[], walked: Walk, clues: Clues, keys: readonly TrustedKey[], report: Report): void {
  const within = clues.heads.filter(({ origin, size }) => origin === believed[0]?.origin && size >= walked.start && size <= walked.end);
  const evidence: TreeHead[] = [...believed, ...within.filter(({ note }) => checkSignatures(note, keys).state === 'good')];
  const { roots } = walk(path, new Set(evidence.map(({ size }) => size)), () => {}, walked.end);
  const compared = evidence.filter(({ size }) => roots.has(size)).sort((left, right) => left.size - right.size);
  const bad = compared.find((head) => agrees(head, roots) === false);
  if (bad === undefined) return;
  const first = compared.filter(({ size }) => size < bad.size).at(-1)?.size ?? 0;
  const whose = believed.includes(bad as Head) ? `that of ${(bad as Head).name}` : 'the one that the log signed at that size';
  report.findings.push({ first, last: Math.max(first, bad.size - 1), what: `rewritten, with a leaf to match: the root recomputed over ${bad.size} entries is not ${whose}` });
}
