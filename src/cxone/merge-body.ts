import { hash } from 'node:crypto';
import { canonicalJson } from '../domain/audit/canonical-json.ts';
import { CONSENT_FIELD } from '../domain/consent/consent-state.ts';
import type { Dialect } from './dialects/dialect.ts';

const FLAGS = Object.values(CONSENT_FIELD);
const IDENTIFIERS = ['email', 'phone'] as const;

/** The body of a merge: of each contact, and of what follows from it, only what the dialect names, in its order. */
export function mergeBody(dialect: Dialect, contacts: readonly object[]): object {
  return { contacts: contacts.map((contact) => pick({ ...contact, ...derived(contact) }, dialect.merge.fields)), ...dialect.merge.envelope };
}

/**
 * `gdpr_consent`: whether the person consented to a channel, as far as the gate lets it be used; absent where no flag
 * is known, as nothing was said then. `deduplication_hash`: SHA-256, hex, over the RFC 8785 JSON of the identifiers that
 * are sent, so that the same person has the same in every call.
 */
function derived(contact: object): Record<string, unknown> {
  const flags = Object.values(pick(contact, FLAGS));
  const identifiers = pick(contact, IDENTIFIERS);
  return {
    ...(flags.length === 0 ? {} : { gdpr_consent: flags.includes(true) }),
    ...(Object.keys(identifiers).length === 0 ? {} : { deduplication_hash: hash('sha256', canonicalJson(identifiers), 'hex') }),
  };
}

function pick(contact: object, fields: readonly string[]): Record<string, unknown> {
  const given = contact as Record<string, unknown>;
  const picked: Record<string, unknown> = {};
  for (const field of fields) if (Object.hasOwn(given, field) && given[field] !== undefined) picked[field] = given[field];
  return picked;
}
