import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, test } from 'node:test';
import { ENV_EXAMPLE_FILE, README_FILE, envExample, settings, settingsTable, withSettings } from '../../scripts/settings/texts.ts';
import { loadConfig } from '../../src/config/config.ts';

/** Names and defaults that were promised; undefined where there is no default. */
const PROMISED: Readonly<Record<string, string | undefined>> = {
  HOST: '127.0.0.1',
  PORT: '3000',
  DATABASE_URL: 'sqlite:./data/enricher.db',
  API_KEYS: undefined,
  AUTH_DISABLED: 'false',
  CXONE_BASE_URL: 'https://platform.nice-incontact.com',
  CXONE_TOKEN_URL: undefined,
  CXONE_PROFILES_BASE_URL: 'https://api.cxone.com',
  CXONE_PROFILES_TOKEN_URL: undefined,
  CXONE_CLIENT_ID: undefined,
  CXONE_CLIENT_SECRET: undefined,
  CXONE_PROFILES_CLIENT_ID: undefined,
  CXONE_PROFILES_CLIENT_SECRET: undefined,
  CXONE_SCOPES: 'contact:write contact:read webhook:write webhook:read',
  CXONE_PROFILES_SCOPES: 'profile:read profile:write webhook:read webhook:write data:read',
  CXONE_REQUESTS_PER_MINUTE: '100',
  CXONE_MERGE_CHUNK_SIZE: '50',
  CXONE_TIMEOUT_MS: '15000',
  MERGE_CONFIRMATION: 'webhook',
  MERGE_CONFIRMATION_TIMEOUT_SECONDS: '900',
  RETRY_TICK_MS: '5000',
  RETRY_BASE_MS: '2000',
  RETRY_MAX_MS: '300000',
  RETRY_MAX_ATTEMPTS: '3',
  RETRY_MAX_AGE_HOURS: '24',
  WEBHOOK_URL: undefined,
  WEBHOOK_SECRETS: undefined,
  WEBHOOK_SIGNATURE: 'standard',
  CDP_WEBHOOK_URL: undefined,
  MARKETING_API_URL: undefined,
  MARKETING_API_SECRET: undefined,
  CONSENT_POLICY: 'all',
  CONSENT_OVERRIDE: 'refuse',
  DEFAULT_COUNTRY: undefined,
  FRESHNESS_MAX_AGE_DAYS: '30',
  FRESHNESS_EXEMPT: 'birth*,*_anniversary,expir*,*_due*,valid_until',
  PII_POLICY: 'US_SSN=block,CREDIT_CARD=block',
  ENCRYPTION_KEY: undefined,
  AUDIT_RETENTION_DAYS: '365',
  AUDIT_SIGNING_KEY: undefined,
  RATE_LIMIT_PER_MINUTE: '6000',
  QUEUE_MAX_CONTACTS: '2000000',
  LOG_LEVEL: 'info',
  CONSENT_EXTRA_COUNTRIES: undefined,
  CONSENT_MAX_AGE_DAYS: undefined,
  IDENTIFIER_MAX_PEOPLE: '5',
  SOURCE_PRIORITY: undefined,
  CXONE_INTERACTIVE_SHARE: '0.2',
  MERGE_LINGER_MS: '200',
  PATCH_UNKNOWN: 'hold',
  AUDIT_LOG_FILE: undefined,
};

describe('the settings', () => {
  for (const [name, fallback] of Object.entries(PROMISED)) {
    test(`${name} exists with the default that was promised`, () => {
      const setting = settings().find((one) => one.name === name);
      assert.equal(setting?.fallback, fallback ?? '');
    });
  }

  test('each says what it is for, in one sentence or more', () => {
    for (const { name, description } of settings()) assert.match(description, /^\S.{9,}\.$/, name);
  });

  test('.env.example is what the generator writes (npm run generate:env)', () => {
    assert.equal(readFileSync(ENV_EXAMPLE_FILE, 'utf8'), envExample());
  });

  test('.env.example is read back as the defaults', () => {
    const read = { ...parseEnv(envExample()) };
    assert.deepEqual(read, Object.fromEntries(settings().map(({ name, fallback }) => [name, fallback])));
  });

  test('.env.example is a working set of settings once what is required is filled in', () => {
    const example = parseEnv(envExample());
    const required = { API_KEYS: 'crm:0f1e2d3c', CXONE_CLIENT_ID: 'id', CXONE_CLIENT_SECRET: 's', ENCRYPTION_KEY: Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64') };
    assert.deepEqual(settings().filter((one) => one.required).map(({ name }) => name).sort(), Object.keys(required).sort());
    assert.deepEqual(loadConfig({ ...example, ...required }), loadConfig(required));
    for (const name of Object.keys(required)) assert.throws(() => loadConfig({ ...required, [name]: '' }), new RegExp(`^ConfigError: ${name} `), name);
  });

  test('the README lists them all', { skip: existsSync(README_FILE) ? false : 'there is no README' }, () => {
    const readme = readFileSync(README_FILE, 'utf8');
    assert.ok(readme.includes(settingsTable()), 'run npm run generate:env');
    assert.equal(withSettings(readme), readme);
  });

  test('the table goes between its markers and nowhere else', () => {
    assert.equal(withSettings('no markers'), 'no markers');
    const filled = withSettings('before\n<!-- settings -->\nold\n<!-- /settings -->\nafter');
    assert.equal(filled, `before\n<!-- settings -->\n${settingsTable()}\n<!-- /settings -->\nafter`);
    assert.equal(withSettings(filled), filled);
  });
});
