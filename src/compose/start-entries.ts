import { hash } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { canonicalJson } from '../domain/audit/canonical-json.ts';
import { JURISDICTION_VERSION } from '../domain/consent/jurisdiction.ts';
import type { AuditDraft } from '../domain/ports/record-store.ts';
import { masterKeyId } from '../store/sqlite/vault.ts';
import type { Ground } from './ground.ts';

const HASH_CHARS = 32;
/** Settings whose values are secrets; which keys are in use is told by their ids instead. */
const SECRETS: ReadonlySet<string> = new Set(['secret', 'secrets', 'clientSecret', 'encryptionKeys', 'signingKeys']);

/**
 * What a start leaves in the trail: the rules and settings that hold from here on, so that a change shows as another
 * hash, and the keys that this process works with, by their ids.
 */
export function startEntries({ config, version, policyVersion, signer }: Ground): AuditDraft[] {
  const keys = config.http.apiKeys?.map(({ name, scopes }) => ({ name, scopes: [...scopes] })) ?? [];
  const [encryption, ...others] = config.store.encryptionKeys.map((key) => masterKeyId(Buffer.from(key, 'base64')));
  const used = (details: Record<string, unknown>): AuditDraft => ({ action: 'key_used', actor: 'system', details, privacy_compliance: {} });
  return [
    {
      action: 'config_loaded',
      actor: 'system',
      details: { version, policy_version: policyVersion, settings_hash: settingsHashOf(config), api_keys: keys },
      privacy_compliance: { jurisdiction_version: JURISDICTION_VERSION },
    },
    used({ purpose: 'encryption', key_id: encryption ?? '', also_opens: others }),
    used({ purpose: 'audit_signing', key: signer.verifierKeys[0] ?? '' }),
  ];
}

/** Hash of all settings but the secrets: equal as long as nothing that can be told was changed. */
export function settingsHashOf(config: Config): string {
  const told = JSON.parse(JSON.stringify(config, (name, value: unknown) => (SECRETS.has(name) ? undefined : value instanceof Set ? [...value].sort() : value))) as unknown;
  return hash('sha256', canonicalJson(told), 'hex').slice(0, HASH_CHARS);
}
