import { resolve } from 'node:path';
import type { z } from 'zod';
import { parseStandardSecret } from '../domain/delivery/standard-webhooks.ts';
import { ENV } from './env.ts';
import type { Env } from './env.ts';
import { isLoopback } from './fields.ts';

/** The settings as the program uses them: grouped, checked against each other, frozen. */
export type Config = ReturnType<typeof group>;

/** A setting is missing, malformed or unsafe. The message is one line that names it and says how to mend it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const SECRET_MIN_CHARS = 32;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const SECOND_MS = 1000;

/**
 * Checks the environment and groups it. Throws ConfigError on the first look at anything that is wrong:
 * all of it in one line, each setting by its name.
 */
export function loadConfig(source: Readonly<Record<string, string | undefined>>): Config {
  const parsed = ENV.safeParse(Object.fromEntries(Object.entries(source).filter(([name]) => name in ENV.shape)));
  if (!parsed.success) throw new ConfigError(describe(parsed.error));
  refuseUnsafe(parsed.data);
  return deepFreeze(group(parsed.data));
}

function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ');
}

function refuseUnsafe(env: Env): void {
  const local = isLoopback(env.HOST);
  if (env.AUTH_DISABLED === 'true' && !local) throw new ConfigError('AUTH_DISABLED is allowed only where HOST is loopback: set API_KEYS instead');
  if (env.AUTH_DISABLED === 'false' && env.API_KEYS.length === 0) throw new ConfigError('API_KEYS is missing: set it to name:secret[:scope+scope] (or AUTH_DISABLED=true on loopback)');
  const short = local ? undefined : env.API_KEYS.find((key) => key.secret.length < SECRET_MIN_CHARS);
  if (short !== undefined) throw new ConfigError(`API_KEYS has a short secret for "${short.name}": use ${SECRET_MIN_CHARS} random characters or more (openssl rand -hex 32)`);
  if (env.RETRY_MAX_MS < env.RETRY_BASE_MS) throw new ConfigError('RETRY_MAX_MS is below RETRY_BASE_MS: raise it');
  if ((env.CXONE_OBJECT_BURST === undefined) !== (env.CXONE_OBJECT_PER_MINUTE === undefined)) throw new ConfigError('CXONE_OBJECT_BURST and CXONE_OBJECT_PER_MINUTE belong together: set both or none');
  if ((env.CXONE_PROFILES_CLIENT_ID === undefined) !== (env.CXONE_PROFILES_CLIENT_SECRET === undefined)) {
    throw new ConfigError('CXONE_PROFILES_CLIENT_ID and CXONE_PROFILES_CLIENT_SECRET belong together: set both or none');
  }
  if (env.WEBHOOK_SIGNATURE === 'standard' && env.WEBHOOK_SECRETS.some((secret) => parseStandardSecret(secret) === undefined)) {
    throw new ConfigError('WEBHOOK_SECRETS must be whsec_ and 24 to 64 random bytes in base64 for WEBHOOK_SIGNATURE=standard');
  }
  if (env.MARKETING_API_SECRET !== undefined && parseStandardSecret(env.MARKETING_API_SECRET) === undefined) {
    throw new ConfigError('MARKETING_API_SECRET must be a Standard Webhooks secret: whsec_ and 24 to 64 random bytes in base64');
  }
}

function group(env: Env) {
  return {
    http: {
      host: env.HOST,
      port: env.PORT,
      apiKeys: env.AUTH_DISABLED === 'true' ? undefined : env.API_KEYS,
      rateLimitPerMinute: env.RATE_LIMIT_PER_MINUTE,
    },
    log: { level: env.LOG_LEVEL, auditFile: env.AUDIT_LOG_FILE },
    store: { path: resolve(env.DATABASE_URL.slice('sqlite:'.length)), encryptionKeys: env.ENCRYPTION_KEY, queueMaxContacts: env.QUEUE_MAX_CONTACTS },
    cxone: {
      contacts: {
        baseUrl: env.CXONE_BASE_URL,
        tokenUrl: env.CXONE_TOKEN_URL ?? `${env.CXONE_BASE_URL}/oauth2/token`,
        clientId: env.CXONE_CLIENT_ID,
        clientSecret: env.CXONE_CLIENT_SECRET,
        scopes: env.CXONE_SCOPES,
      },
      profiles: {
        baseUrl: env.CXONE_PROFILES_BASE_URL,
        tokenUrl: env.CXONE_PROFILES_TOKEN_URL ?? `${env.CXONE_PROFILES_BASE_URL}/api/v2/oauth/token`,
        clientId: env.CXONE_PROFILES_CLIENT_ID ?? env.CXONE_CLIENT_ID,
        clientSecret: env.CXONE_PROFILES_CLIENT_SECRET ?? env.CXONE_CLIENT_SECRET,
        scopes: env.CXONE_PROFILES_SCOPES,
      },
      timeoutMs: env.CXONE_TIMEOUT_MS,
    },
    budget: { requestsPerMinute: env.CXONE_REQUESTS_PER_MINUTE, interactiveShare: env.CXONE_INTERACTIVE_SHARE, perObject: perObjectOf(env) },
    delivery: {
      chunkSize: env.CXONE_MERGE_CHUNK_SIZE,
      lingerMs: env.MERGE_LINGER_MS,
      confirmation: env.MERGE_CONFIRMATION,
      confirmationTimeoutMs: env.MERGE_CONFIRMATION_TIMEOUT_SECONDS * SECOND_MS,
      patchUnknown: env.PATCH_UNKNOWN,
      callTimeoutMs: env.CXONE_TIMEOUT_MS,
    },
    retry: { tickMs: env.RETRY_TICK_MS, baseMs: env.RETRY_BASE_MS, maxMs: env.RETRY_MAX_MS, maxAttempts: env.RETRY_MAX_ATTEMPTS, maxAgeMs: env.RETRY_MAX_AGE_HOURS * HOUR_MS },
    webhooks: { url: env.WEBHOOK_URL, profilesUrl: env.CDP_WEBHOOK_URL, secrets: env.WEBHOOK_SECRETS, scheme: env.WEBHOOK_SIGNATURE },
    marketing: env.MARKETING_API_URL === undefined ? undefined : { url: env.MARKETING_API_URL, secret: env.MARKETING_API_SECRET },
    consent: {
      policy: env.CONSENT_POLICY,
      override: env.CONSENT_OVERRIDE,
      extraCountries: env.CONSENT_EXTRA_COUNTRIES,
      maxAgeDays: env.CONSENT_MAX_AGE_DAYS,
      defaultCountry: env.DEFAULT_COUNTRY,
    },
    profiles: { freshness: { maxAgeDays: env.FRESHNESS_MAX_AGE_DAYS, exempt: env.FRESHNESS_EXEMPT }, pii: env.PII_POLICY },
    identity: { identifierMaxPeople: env.IDENTIFIER_MAX_PEOPLE, sourcePriority: env.SOURCE_PRIORITY },
    privacy: {
      erasureAllowReturn: env.ERASURE_ALLOW_RETURN === 'true',
      retention: {
        contactsMs: env.CONTACT_RETENTION_DAYS * DAY_MS,
        deadLettersMs: env.DEAD_LETTER_RETENTION_DAYS * DAY_MS,
        webhooksMs: env.WEBHOOK_RETENTION_DAYS * DAY_MS,
        ...(env.PERSON_RETENTION_DAYS === undefined ? {} : { peopleMs: env.PERSON_RETENTION_DAYS * DAY_MS }),
      },
    },
    audit: { retentionMs: env.AUDIT_RETENTION_DAYS * DAY_MS, signingKeys: env.AUDIT_SIGNING_KEY, replacesKey: env.AUDIT_SIGNING_KEY_REPLACES, origin: env.AUDIT_ORIGIN, anchorUrl: env.AUDIT_ANCHOR_URL, anchorFile: env.AUDIT_ANCHOR_FILE },
  };
}

function perObjectOf(env: Env): { burst: number; perMinute: number } | undefined {
  const { CXONE_OBJECT_BURST: burst, CXONE_OBJECT_PER_MINUTE: perMinute } = env;
  return burst === undefined || perMinute === undefined ? undefined : { burst, perMinute };
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null && !Object.isFrozen(child)) deepFreeze(child);
  }
  return Object.freeze(value);
}
