import { hash } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { canonicalJson } from '../domain/audit/canonical-json.ts';
import { JURISDICTION_VERSION } from '../domain/consent/jurisdiction.ts';

const VERSION_CHARS = 16;

/** Names the rules that decisions are made under, so that an entry of the audit trail can be held against them. */
export function policyVersionOf(config: Config): string {
  const { extraCountries, ...consent } = config.consent;
  const rules = JSON.parse(JSON.stringify({ consent, extraCountries: [...extraCountries].sort(), profiles: config.profiles, jurisdiction: JURISDICTION_VERSION })) as unknown;
  return hash('sha256', canonicalJson(rules), 'hex').slice(0, VERSION_CHARS);
}
