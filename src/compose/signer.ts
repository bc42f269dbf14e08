import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { dirname, join } from 'node:path';
import { ConfigError } from '../config/config.ts';
import type { Config } from '../config/config.ts';
import { addSignature, formatKeyReplacement, formatKeyRotation, formatVerifierKey, parseVerifierKey, signNote } from '../domain/audit/checkpoint.ts';
import { parseSigningKey } from '../domain/audit/signing-key.ts';
import type { CheckpointStore } from '../domain/ports/checkpoints.ts';
import type { LogSigner } from '../services/checkpoint-service.ts';
import { readKeyFile, writeKeyFile } from '../store/files/signing-key-file.ts';

const KEY_FILE = 'audit-signing.key';
const ORIGIN_BYTES = 6;
const IF_GONE = 'if it is lost or stolen, name it in AUDIT_SIGNING_KEY_REPLACES';

/**
 * The name and the key that the audit log is signed with: as configured, or made at the first start and kept in the
 * data folder. A key that follows another one is announced in the trail, signed by both, or by the new one alone where
 * the operator says that the old one is lost or stolen. Throws ConfigError when the name or the key is not the one of
 * this log.
 */
export async function openSigner(config: Pick<Config, 'audit' | 'store'>, store: Pick<CheckpointStore, 'checkpointState' | 'recordSigningKey'>, now: number): Promise<LogSigner> {
  const { keys: known, tree } = await store.checkpointState();
  const last = known.at(-1);
  const origin = originOf(config.audit.origin, last);
  const gone = goneOf(config.audit.replacesKey, known);
  const keys = readKeys(config, last, gone);
  const [current] = keys;
  const key = formatVerifierKey(origin, current);
  if (key === gone) throw new ConfigError(`AUDIT_SIGNING_KEY_REPLACES names the key in use: set AUDIT_SIGNING_KEY to another one, or take ${KEY_FILE} out of the data folder so that one is made`);
  if (last === undefined) await store.recordSigningKey({ key, now });
  else if (last === gone) {
    const note = signNote(formatKeyReplacement(origin, last, key, tree.size), origin, current);
    await store.recordSigningKey({ key, replacement: { from: last, note, size: tree.size }, now });
  } else if (last !== key) {
    const old = keys.find((candidate) => formatVerifierKey(origin, candidate) === last);
    if (old === undefined) throw new ConfigError(`AUDIT_SIGNING_KEY is another key than ${last}, which signed last: put that one behind the new one, comma separated, so that both can sign the change (${IF_GONE})`);
    const note = addSignature(signNote(formatKeyRotation(origin, last, key), origin, old), origin, current);
    await store.recordSigningKey({ key, rotation: { from: last, note }, now });
  }
  const { replacements } = await store.checkpointState();
  return { origin, privateKey: current, verifierKeys: [...new Set([key, ...known.toReversed()])], replacements };
}

/** The key that is to be replaced without its signature, while it is the last one; after that the setting is spent. */
function goneOf(replaces: string | undefined, known: readonly string[]): string | undefined {
  if (replaces !== undefined && !known.includes(replaces)) throw new ConfigError('AUDIT_SIGNING_KEY_REPLACES names a key that never signed this audit log: leave it out, or name the one that the refused start names');
  return replaces === known.at(-1) ? replaces : undefined;
}

/** The name of a log never changes: its checkpoints would be those of another log. */
function originOf(configured: string | undefined, lastKey: string | undefined): string {
  if (lastKey === undefined) return configured ?? `cxone-enricher/${randomBytes(ORIGIN_BYTES).toString('hex')}`;
  const { name } = parseVerifierKey(lastKey);
  if (configured !== undefined && configured !== name) throw new ConfigError(`AUDIT_ORIGIN is not "${name}", under which this audit log was signed so far: set it to that, or leave it out`);
  return name;
}

/** All private keys at hand, the one to use first; the key of the data folder stands behind those that are configured. */
function readKeys(config: Pick<Config, 'audit' | 'store'>, last: string | undefined, gone: string | undefined): [KeyObject, ...KeyObject[]] {
  const path = join(dirname(config.store.path), KEY_FILE);
  const kept = readKeyFile(path);
  const texts = [...config.audit.signingKeys, ...(kept === undefined ? [] : [kept])];
  const [current, ...others] = texts.map(parseSigningKey).filter((key) => key !== undefined);
  if (current !== undefined) return [current, ...others];
  if (kept !== undefined) throw new ConfigError(`AUDIT_SIGNING_KEY is unset and ${KEY_FILE} in the data folder holds no Ed25519 key: put the right file back`);
  if (last !== gone) throw new ConfigError(`AUDIT_SIGNING_KEY is missing: set it to the key of ${last}, which signed last, or put ${KEY_FILE} back into the data folder (${IF_GONE})`);
  const { privateKey } = generateKeyPairSync('ed25519');
  writeKeyFile(path, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
  return [privateKey];
}
