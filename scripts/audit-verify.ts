/**
 * Verifies an export of the audit trail against a signed checkpoint, offline. It shares no code with the service, so
 * that a mistake there cannot vouch for itself here. `--help` says how it is used.
 *
 * The export has one JSON object a line:
 *   {"pruned":{"size":n,"hashes":[base64, …]}}   only as the first line, when the first n entries are no longer kept:
 *                                                the roots of their complete subtrees, largest first
 *   {…the entry's fields, "leaf":base64}         an entry; `leaf` is the RFC 8785 form of all its other fields, and
 *                                                `sequence` goes up by one from 0 (or from n)
 * Entries `checkpoint_signed` and `key_rotated` carry their signed note in `details.note`: the first help to narrow
 * down where a trail was rewritten, the second hand trust on from one key to the next. `signing_key_replaced` carries
 * the note of a key that took over from a lost or stolen one by its own word.
 *
 * What it cannot see: entries younger than the checkpoint, when whoever changed them also rewrote their leaves; facts
 * that were never written; and, without a key from elsewhere, a trail and a checkpoint made up together.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { verifyTrail } from './audit-verify/check.ts';
import type { Named, Report, Request } from './audit-verify/check.ts';
import { readKey, strictBase64 } from './audit-verify/note.ts';
import type { TrustedKey } from './audit-verify/note.ts';

const USAGE = `Usage: npm run audit:verify -- --export FILE --checkpoint FILE [--key KEY | --key-file FILE] [--older FILE]... [--proof FILE]

  --export FILE      NDJSON export of the audit trail, from its first entry (GET /audit-trail as application/x-ndjson)
  --checkpoint FILE  signed checkpoint (GET /audit-trail/checkpoint)
  --key KEY          verifier key name+id+base64, got from somewhere else than the export; may be repeated
  --key-file FILE    file with such keys, one a line (GET /audit-trail/key); lines that begin with # are passed over
  --older FILE       checkpoint saved earlier: shows that nothing was rewritten since; may be repeated
  --proof FILE       consistency proof (GET /audit-trail/proof/consistency) for an older checkpoint whose entries were pruned

Exit code: 0 all that could be checked is in order; 2 it is not, the first bad sequence is named; 1 it could not be checked.`;

const MAX_NOTE_BYTES = 64 * 1024;

/** The request cannot be carried out as it was made. */
class UsageError extends Error {}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'})`);
  }
}

function readText(role: string, path: string): Named {
  const bytes = read(path);
  if (bytes.length > MAX_NOTE_BYTES) throw new UsageError(`${path} is too long to be a ${role}`);
  // A byte that is no UTF-8 becomes U+FFFD, which no signature of the original text fits.
  return { name: `${role} ${path}`, text: bytes.toString('utf8') };
}

function keysOf(texts: readonly string[]): TrustedKey[] {
  return texts.map((text) => {
    try {
      return readKey(text);
    } catch (error) {
      throw new UsageError(`not a verifier key: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
}

function proofOf(path: string): Buffer[] {
  let hashes: unknown;
  try {
    ({ hashes } = JSON.parse(read(path).toString('utf8')) as { hashes?: unknown });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} is not a proof`);
  }
  const proof = Array.isArray(hashes) ? hashes.map(strictBase64) : [undefined];
  if (!proof.every((hash) => hash?.length === 32)) throw new UsageError(`${path} is not a proof`);
  return proof as Buffer[];
}

function requestOf(args: string[]): Request | 'help' {
  const repeated = { type: 'string', multiple: true, default: [] as string[] } as const;
  const single = { type: 'string' } as const;
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: { export: single, checkpoint: single, older: repeated, key: repeated, 'key-file': repeated, proof: single, help: { type: 'boolean' } },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (values.help === true) return 'help';
  if (values.export === undefined || values.checkpoint === undefined) throw new UsageError('--export and --checkpoint are needed');
  const listed = values['key-file'].flatMap((path) => {
    const lines = read(path).toString('utf8').split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
    if (lines.length === 0) throw new UsageError(`${path} holds no key`);
    return lines;
  });
  return {
    exportPath: values.export,
    checkpoint: readText('checkpoint', values.checkpoint),
    older: values.older.map((path) => readText('older checkpoint', path)),
    keys: keysOf([...values.key, ...listed]),
    ...(values.proof === undefined ? {} : { proof: proofOf(values.proof) }),
  };
}

/** Prints the report, the first bad sequence first among what is wrong, and gives the exit code. */
function tell({ checked, findings, open }: Report, isSigned: boolean): number {
  for (const line of checked) console.log(line);
  const ordered = [...findings].sort((left, right) => (left.first ?? Infinity) - (right.first ?? Infinity));
  const [worst] = ordered;
  for (const { what, first, last = first } of ordered) {
    const where = first === undefined ? '' : first === last ? `sequence ${first}: ` : `between sequence ${first} and ${last}: `;
    console.log(`WRONG ${where}${what}`);
  }
  for (const line of open) console.log(`OPEN ${line}`);
  if (worst !== undefined) {
    const { first, last = first } = worst;
    if (first === undefined) console.log('FAILED: what was signed does not fit, so no sequence can be named');
    else if (first === last) console.log(`FAILED: first bad sequence ${first}`);
    else console.log(`FAILED: first bad sequence between ${first} and ${last}; entries and leaves were rewritten alike, so only a checkpoint in between could say more`);
    return 2;
  }
  if (open.length > 0) {
    console.log('NOT FULLY CHECKED');
    return 1;
  }
  console.log(isSigned ? 'VERIFIED' : 'VERIFIED against the checkpoint as it stands; who signed it was not checked (--key)');
  return 0;
}

function main(args: string[]): number {
  try {
    const request = requestOf(args);
    if (request === 'help') {
      console.log(USAGE);
      return 0;
    }
    return tell(verifyTrail(request), request.keys.length > 0);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`audit:verify: ${error.message}\n\n${USAGE}`);
      return 1;
    }
    // The export is read while it is checked, so a file that is not there shows only now.
    if (error instanceof Error && 'syscall' in error) {
      console.error(`audit:verify: the export cannot be read: ${error.message}`);
      return 1;
    }
    throw error;
  }
}

process.exitCode = main(process.argv.slice(2));
