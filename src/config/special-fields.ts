import { z } from 'zod';
import { countryNameOf } from '../domain/contact/country.ts';
import { PII_CLASSES } from '../domain/privacy/detectors/subject.ts';
import { parseVerifierKey } from '../domain/audit/checkpoint.ts';
import { parseSigningKey } from '../domain/audit/signing-key.ts';
import { PII_ACTIONS } from '../domain/privacy/pii.ts';
import type { PiiPolicy } from '../domain/privacy/pii.ts';
import { optionalText } from './fields.ts';

export const SCOPES = ['ingest', 'read', 'audit', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];
export type ApiKey = { name: string; secret: string; scopes: readonly Scope[] };

const KEY_BYTES = 32;
const EXAMPLES: ReadonlySet<string> = new Set(['changeme', 'change-me', 'secret', 'password', 'example', 'replace-me']);

/** What can be sent behind `Bearer`. */
const SENDABLE = /^[\x21-\x7e]{1,512}$/;

/** `name:secret[:scope+scope]`, comma separated. */
export function apiKeys() {
  return z
    .string()
    .default('')
    .transform((raw, context): ApiKey[] => {
      const keys: ApiKey[] = [];
      for (const part of raw.split(',').map((text) => text.trim()).filter((text) => text !== '')) {
        const [name = '', secret = '', scopeText, extra] = part.split(':');
        const scopes = scopeText === undefined ? [...SCOPES] : scopeText.split('+');
        const known = scopes.filter((scope): scope is Scope => SCOPES.some((candidate) => candidate === scope));
        if (!/^[\w.-]{1,64}$/.test(name) || secret === '' || extra !== undefined || known.length !== scopes.length) {
          context.addIssue({ code: 'custom', message: `must be name:secret[:scope+scope], comma separated, with scopes of ${SCOPES.join(', ')}` });
        } else if (!SENDABLE.test(secret)) {
          context.addIssue({ code: 'custom', message: `has a secret for "${name}" that no header can carry: use up to 512 ASCII characters without spaces` });
        } else if (EXAMPLES.has(secret.toLowerCase())) {
          context.addIssue({ code: 'custom', message: `holds the example secret of "${name}": make a random one` });
        } else if (keys.some((key) => key.name === name || key.secret === secret)) {
          context.addIssue({ code: 'custom', message: `names "${name}" or its secret twice` });
        } else keys.push({ name, secret, scopes: known });
      }
      return keys;
    });
}

/** Master keys, base64, the current one first. */
export function encryptionKeys() {
  return z
    .string()
    .default('')
    .transform((raw, context): string[] => {
      const keys = raw.split(',').map((key) => key.trim()).filter((key) => key !== '');
      if (keys.length === 0) context.addIssue({ code: 'custom', message: 'is missing: set it to 32 random bytes in base64 (openssl rand -base64 32)' });
      for (const key of keys) {
        const bytes = Buffer.from(key, 'base64');
        if (bytes.length !== KEY_BYTES || bytes.toString('base64').replace(/=+$/, '') !== key.replace(/=+$/, '')) {
          context.addIssue({ code: 'custom', message: 'must be 32 bytes in base64 (openssl rand -base64 32)' });
        } else if (new Set(bytes).size < KEY_BYTES / 4) {
          context.addIssue({ code: 'custom', message: 'is not random: make one with openssl rand -base64 32' });
        }
      }
      return keys;
    });
}

/** Ed25519 private keys, the current one first. */
export function signingKeys() {
  return z
    .string()
    .default('')
    .transform((raw, context): string[] => {
      const keys = raw.split(',').map((key) => key.trim()).filter((key) => key !== '');
      if (keys.some((key) => parseSigningKey(key) === undefined)) {
        context.addIssue({ code: 'custom', message: 'must be an Ed25519 private key, PKCS#8 as PEM or base64 DER (openssl genpkey -algorithm ed25519)' });
      }
      return keys;
    });
}

/** The public form of a signing key, name+id+base64; unset is none. */
export function verifierKey() {
  return optionalText().refine((value) => value === undefined || isVerifierKey(value), 'must be a verifier key, name+id+base64, as the refused start and GET /audit-trail/key show it');
}

function isVerifierKey(text: string): boolean {
  try {
    parseVerifierKey(text);
    return true;
  } catch {
    return false;
  }
}

export function webhookSecrets() {
  return z
    .string()
    .default('')
    .transform((raw, context): string[] => {
      const secrets = raw.split(',').map((secret) => secret.trim()).filter((secret) => secret !== '');
      if (secrets.some((secret) => EXAMPLES.has(secret.toLowerCase()))) context.addIssue({ code: 'custom', message: 'holds an example value: make a random one' });
      return secrets;
    });
}

/** The alpha-2 code of a country that there is, or nothing. */
export function country() {
  return optionalText().refine((value) => value === undefined || countryNameOf(value) !== undefined, 'must be empty or an ISO 3166-1 alpha-2 code such as GB');
}

/** Alpha-2 codes, comma separated. */
export function countries() {
  return z
    .string()
    .default('')
    .transform((raw, context): ReadonlySet<string> => {
      const codes = raw.split(/[\s,]+/).filter((code) => code !== '').map((code) => code.toUpperCase());
      if (codes.some((code) => countryNameOf(code) === undefined)) context.addIssue({ code: 'custom', message: 'must be ISO 3166-1 alpha-2 codes such as BR, comma separated' });
      return new Set(codes);
    });
}

/** `CLASS=action`, comma separated. */
export function piiPolicy(fallback: string) {
  return z
    .string()
    .default(fallback)
    .transform((raw, context): PiiPolicy => {
      const policy: PiiPolicy = {};
      for (const part of raw.split(',').map((text) => text.trim()).filter((text) => text !== '')) {
        const [left = '', right = ''] = part.split('=').map((text) => text.trim());
        const piiClass = PII_CLASSES.find((candidate) => candidate === left);
        const action = PII_ACTIONS.find((candidate) => candidate === right);
        if (piiClass === undefined || action === undefined) {
          context.addIssue({ code: 'custom', message: `must be CLASS=action, comma separated: classes ${PII_CLASSES.join(', ')}; actions ${PII_ACTIONS.join(', ')}` });
        } else if (policy[piiClass] !== undefined) {
          context.addIssue({ code: 'custom', message: `names ${piiClass} twice` });
        } else policy[piiClass] = action;
      }
      return policy;
    });
}

/** A share from 0 to 0.9. */
export function share(fallback: number) {
  return z
    .string()
    .default(String(fallback))
    .transform((raw, context) => {
      const value = /^0(?:\.\d+)?$/.test(raw.trim()) ? Number(raw) : Number.NaN;
      if (value >= 0 && value <= 0.9) return value;
      context.addIssue({ code: 'custom', message: 'must be a number from 0 to 0.9' });
      return z.NEVER;
    });
}
