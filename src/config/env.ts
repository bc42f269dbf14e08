import { z } from 'zod';
import { choice, integer, list, optionalInteger, optionalText, optionalUrl, requiredText, url } from './fields.ts';
import { apiKeys, countries, country, encryptionKeys, piiPolicy, share, signingKeys, verifierKey, webhookSecrets } from './special-fields.ts';

const INT32 = 2 ** 31 - 1;

/**
 * Every setting: its name in the environment, its default, its check and what it is for. The one source of
 * `.env.example`, of the README's table and of the configuration.
 */
export const ENV = z.object({
  HOST: z
    .string()
    .default('127.0.0.1')
    .refine((value) => /^\S+$/.test(value), 'must be an address to listen on, such as 127.0.0.1; 0.0.0.0 is every one')
    .describe('Address to listen on.'),
  PORT: integer(3000, 0, 65_535).describe('Port to listen on; 0 takes any free one.'),
  DATABASE_URL: z
    .string()
    .default('sqlite:./data/enricher.db')
    .refine((value) => /^sqlite:.+/.test(value), 'must be sqlite:<path>')
    .describe('Where the durable store is.'),
  API_KEYS: apiKeys().describe('Callers: name:secret[:scope+scope], comma separated; scopes ingest, read, audit, admin, all if omitted.'),
  AUTH_DISABLED: choice(['true', 'false'], 'false').describe('Serve without API keys; only where HOST is loopback.'),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info').describe('Least severe log line that is written.'),
  RATE_LIMIT_PER_MINUTE: integer(6000, 0, 10_000_000).describe('Requests of one API key in a minute; 0 is no limit. Never applies to health checks and webhooks.'),
  QUEUE_MAX_CONTACTS: integer(2_000_000, 1, 100_000_000).describe('Contacts that may wait; beyond it batches are answered 503 with Retry-After.'),

  CXONE_BASE_URL: url('https://platform.nice-incontact.com').describe('Contact API of the tenant.'),
  CXONE_TOKEN_URL: optionalUrl().describe('Token endpoint of the Contact API; by default {CXONE_BASE_URL}/oauth2/token.'),
  CXONE_PROFILES_BASE_URL: url('https://api.cxone.com').describe('Profile API (Data Platform) of the tenant.'),
  CXONE_PROFILES_TOKEN_URL: optionalUrl().describe('Token endpoint of the Profile API; by default {CXONE_PROFILES_BASE_URL}/api/v2/oauth/token.'),
  CXONE_CLIENT_ID: requiredText('set it to the client id of the tenant’s API client').describe('OAuth client id.'),
  CXONE_CLIENT_SECRET: requiredText('set it to the secret of the tenant’s API client').describe('OAuth client secret.'),
  CXONE_PROFILES_CLIENT_ID: optionalText().describe('OAuth client id of the Profile API, if it has its own.'),
  CXONE_PROFILES_CLIENT_SECRET: optionalText().describe('OAuth client secret of the Profile API, if it has its own.'),
  CXONE_SCOPES: list('contact:write contact:read webhook:write webhook:read').describe('Scopes asked for at the Contact API.'),
  CXONE_PROFILES_SCOPES: list('profile:read profile:write webhook:read webhook:write data:read').describe('Scopes asked for at the Profile API.'),
  CXONE_REQUESTS_PER_MINUTE: integer(100, 1, 1_000_000).describe('The tenant’s request budget, over both APIs.'),
  CXONE_INTERACTIVE_SHARE: share(0.2).describe('Share of the budget kept for profile patches while they come; the rest of the time it is used by merges.'),
  CXONE_OBJECT_BURST: optionalInteger(1, 1_000_000).describe('Updates of one profile at once, where the tenant limits them. Unset: no such limit.'),
  CXONE_OBJECT_PER_MINUTE: optionalInteger(1, 1_000_000).describe('Updates of one profile in a minute after the burst; goes with CXONE_OBJECT_BURST.'),
  CXONE_MERGE_CHUNK_SIZE: integer(50, 1, 50).describe('Contacts in one merge call.'),
  CXONE_TIMEOUT_MS: integer(15_000, 10, 600_000).describe('Limit of a whole call, in milliseconds.'),
  MERGE_LINGER_MS: integer(200, 0, 60_000).describe('How long a small batch waits for company, in milliseconds.'),
  MERGE_CONFIRMATION: choice(['webhook', 'response'], 'webhook').describe('What confirms a merge: the webhook, or the answer where the tenant sends no webhooks.'),
  MERGE_CONFIRMATION_TIMEOUT_SECONDS: integer(900, 1, 604_800).describe('After that a merge without confirmation is unconfirmed: visible, and not exported.'),
  PATCH_UNKNOWN: choice(['hold', 'repeat'], 'hold').describe('An APPEND patch whose outcome is unknown: set it aside, or send it again.'),

  RETRY_TICK_MS: integer(5000, 10, 3_600_000).describe('The retry queue looks into the store at least this often, in milliseconds.'),
  RETRY_BASE_MS: integer(2000, 1, 3_600_000).describe('Wait before the first retry, in milliseconds; doubles each time, with full jitter.'),
  RETRY_MAX_MS: integer(300_000, 1, INT32).describe('Longest wait between retries, in milliseconds.'),
  RETRY_MAX_ATTEMPTS: integer(3, 1, 1000).describe('Attempts before something is set aside, once its age is spent too.'),
  RETRY_MAX_AGE_HOURS: integer(24, 0, 8760).describe('Age before something is set aside, once its attempts are spent too.'),

  WEBHOOK_URL: optionalUrl().describe('Public URL of /webhooks/cxone-merge, registered at CXone. Unset: nothing is registered.'),
  WEBHOOK_SECRETS: webhookSecrets().describe('Secrets that webhooks may be signed with, comma separated, the first for registration; made and kept in the store when unset.'),
  WEBHOOK_SIGNATURE: choice(['standard', 'sha256-header', 'nexus'], 'standard').describe('Signature scheme of webhooks.'),
  CDP_WEBHOOK_URL: optionalUrl().describe('URL for profile events, registered at the Profile API. Unset: off.'),
  MARKETING_API_URL: optionalUrl().describe('Where confirmed contacts with consent to e-mail are sent. Unset: off.'),
  MARKETING_API_SECRET: optionalText().describe('Secret that exports are signed with (Standard Webhooks, whsec_…).'),

  CONSENT_POLICY: choice(['all', 'per-channel'], 'all').describe('In covered countries: consent to all three channels, or to at least one and only those are used.'),
  CONSENT_OVERRIDE: choice(['refuse', 'allow'], 'refuse').describe('Whether gdpr_consent_override may count: only with a reason, from a key of scope admin, and audited.'),
  CONSENT_EXTRA_COUNTRIES: countries().describe('Further countries where consent is required, alpha-2, comma separated.'),
  CONSENT_MAX_AGE_DAYS: optionalInteger(1, 36_500).describe('Consent older than this counts as none. Unset: no limit.'),
  DEFAULT_COUNTRY: country().describe('Country of a contact whose country cannot be told. Unset: such a contact counts as covered.'),
  FRESHNESS_MAX_AGE_DAYS: integer(30, 1, 36_500).describe('Observations in profile attributes may be this old.'),
  FRESHNESS_EXEMPT: list('birth*,*_anniversary,expir*,*_due*,valid_until').describe('Attributes whose dates are facts, not observations: checked for form only.'),
  PII_POLICY: piiPolicy('US_SSN=block,CREDIT_CARD=block').describe('Per class of personal data in profile attributes: allow, flag (default), mask or block.'),
  IDENTIFIER_MAX_PEOPLE: integer(5, 1, 1000).describe('A phone that more people share does not tell who somebody is; an e-mail always names one person.'),
  SOURCE_PRIORITY: list().describe('Sources of contacts (names of API keys) by trust, most trusted first; decides between versions of the same time.'),

  ERASURE_ALLOW_RETURN: choice(['true', 'false'], 'false').describe('Whether an erased person may come back by a consent newer than the erasure.'),
  CONTACT_RETENTION_DAYS: integer(90, 1, 36_500).describe('What a delivered contact held is deleted after this many days; that it was delivered stays known.'),
  PERSON_RETENTION_DAYS: optionalInteger(1, 36_500).describe('A person of whom nothing came for this many days is forgotten, but for what the person refused. Unset: people are kept until they are erased.'),
  DEAD_LETTER_RETENTION_DAYS: integer(180, 1, 36_500).describe('Dead letters are deleted after this many days, with what they held.'),
  WEBHOOK_RETENTION_DAYS: integer(7, 1, 36_500).describe('Events received are kept this many days to recognise repetitions.'),
  ENCRYPTION_KEY: encryptionKeys().describe('32 random bytes, base64: personal data at rest. Several, comma separated: the first seals, all open.'),
  AUDIT_SIGNING_KEY: signingKeys().describe('Ed25519 private key, PKCS#8 as PEM or base64 DER; made and kept in the data folder when unset. To change it, put the new one first and the old one behind it, comma separated, for one start.'),
  AUDIT_SIGNING_KEY_REPLACES: verifierKey().describe('Verifier key of a signing key that is lost or stolen: the next one takes over without its signature, and the trail says so. Counts once.'),
  AUDIT_RETENTION_DAYS: integer(365, 1, 36_500).describe('Entries of the audit trail are kept this many days; their hashes stay, so that the rest still verifies.'),
  AUDIT_ORIGIN: optionalText()
    .refine((value) => value === undefined || /^[^\s+]{1,128}$/u.test(value), 'must be up to 128 characters without spaces and plus signs, as example.com/audit')
    .describe('Name of the audit log in its checkpoints; made up at the first start when unset, and the same ever after.'),
  AUDIT_ANCHOR_URL: optionalUrl().describe('Where each signed checkpoint is posted to as text/plain, outside the reach of whoever can change this machine.'),
  AUDIT_ANCHOR_FILE: optionalText().describe('File that each signed checkpoint is appended to, on another disk or on write-once storage.'),
  AUDIT_LOG_FILE: optionalText().describe('File for the audit lines; standard output when unset.'),
});

export type Env = z.output<typeof ENV>;
