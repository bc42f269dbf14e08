import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, loadConfig } from '../../src/config/config.ts';
import { ENV } from '../../src/config/env.ts';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 53 + 7) % 256)).toString('base64');
const LONG = '0123456789abcdef0123456789abcdef';
const WHSEC = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;

/** The least that is needed. */
const REQUIRED = { API_KEYS: `crm:${LONG}`, CXONE_CLIENT_ID: 'client', CXONE_CLIENT_SECRET: 'client-secret', ENCRYPTION_KEY: KEY };

type Bad = readonly [name: keyof typeof ENV.shape, values: readonly string[], more?: Record<string, string>];

const NO_INTEGER = ['-1', '1.5', '1e3', '0x10', 'many', 'NaN', 'Infinity', ' ', '99999999999999999999'] as const;
const NO_URL = ['nonsense', 'ftp://x.example', 'http://cxone.example', 'javascript:alert(1)', 'https://user:secret@x.example', '//x.example', 'http://127.0.0.1.evil.example'] as const;

const BAD: readonly Bad[] = [
  ['HOST', ['', ' ', '127.0.0.1 ::1'], { API_KEYS: `crm:${LONG}` }],
  ['PORT', [...NO_INTEGER, '65536']],
  ['DATABASE_URL', ['', 'sqlite:', 'mysql://x', './data/x.db']],
  ['API_KEYS', ['', 'secret', 'crm:', ':secret', 'crm:secret:', 'crm:secret:everything', 'crm:secret:read+all', 'a:b:read:c', 'crm:changeme', 'crm:Secret', 'crm:two words of it', 'crm:schlüsselbund', `crm:${'x'.repeat(513)}`, 'a b:secret', `crm:${LONG},crm:x${LONG}`, `crm:${LONG},web:${LONG}`]],
  ['AUTH_DISABLED', ['yes', '1', 'TRUE', '']],
  ['AUTH_DISABLED', ['true'], { HOST: '0.0.0.0' }],
  ['AUTH_DISABLED', ['true'], { HOST: '10.0.0.5' }],
  ['AUTH_DISABLED', ['true'], { HOST: '127.0.0.1.evil.example' }],
  ['API_KEYS', ['crm:short', `crm:${LONG.slice(1)}`], { HOST: '0.0.0.0' }],
  ['LOG_LEVEL', ['verbose', 'INFO', '']],
  ['RATE_LIMIT_PER_MINUTE', NO_INTEGER],
  ['QUEUE_MAX_CONTACTS', [...NO_INTEGER, '0']],
  ['CXONE_BASE_URL', ['', 'https://cxone.example/?tenant=1', 'https://cxone.example/#a', ...NO_URL]],
  ['CXONE_TOKEN_URL', NO_URL],
  ['CXONE_PROFILES_BASE_URL', ['', ...NO_URL]],
  ['CXONE_PROFILES_TOKEN_URL', NO_URL],
  ['CXONE_CLIENT_ID', ['', '  ']],
  ['CXONE_CLIENT_SECRET', ['', '  ']],
  ['CXONE_PROFILES_CLIENT_ID', ['only-one']],
  ['CXONE_PROFILES_CLIENT_SECRET', ['only-one']],
  ['CXONE_REQUESTS_PER_MINUTE', [...NO_INTEGER, '0']],
  ['CXONE_INTERACTIVE_SHARE', ['-0.1', '0.91', '1', 'half', '20%', '', 'NaN']],
  ['CXONE_MERGE_CHUNK_SIZE', [...NO_INTEGER, '0', '51']],
  ['CXONE_TIMEOUT_MS', [...NO_INTEGER, '9', '600001']],
  ['CXONE_OBJECT_BURST', ['0', '-1', '1.5', 'x']],
  ['CXONE_OBJECT_PER_MINUTE', ['0', '-1', '1.5', 'x']],
  ['MERGE_LINGER_MS', [...NO_INTEGER, '60001']],
  ['MERGE_CONFIRMATION', ['none', 'Webhook', '']],
  ['MERGE_CONFIRMATION_TIMEOUT_SECONDS', [...NO_INTEGER, '0']],
  ['PATCH_UNKNOWN', ['drop', '']],
  ['RETRY_TICK_MS', [...NO_INTEGER, '9']],
  ['RETRY_BASE_MS', [...NO_INTEGER, '0']],
  ['RETRY_MAX_MS', [...NO_INTEGER, '0', '2147483648', '1999']],
  ['RETRY_MAX_ATTEMPTS', [...NO_INTEGER, '0']],
  ['RETRY_MAX_AGE_HOURS', [...NO_INTEGER, '8761']],
  ['WEBHOOK_URL', NO_URL],
  ['WEBHOOK_SECRETS', ['changeme', 'plain', 'whsec_short', `${WHSEC},plain`, 'whsec_']],
  ['WEBHOOK_SECRETS', ['changeme', 'secret'], { WEBHOOK_SIGNATURE: 'nexus' }],
  ['WEBHOOK_SIGNATURE', ['off', 'none', 'Standard', '']],
  ['CDP_WEBHOOK_URL', NO_URL],
  ['MARKETING_API_URL', NO_URL],
  ['MARKETING_API_SECRET', ['plain', 'whsec_short']],
  ['CONSENT_POLICY', ['any', 'ALL', '']],
  ['CONSENT_OVERRIDE', ['yes', '']],
  ['CONSENT_EXTRA_COUNTRIES', ['Brazil', 'BRA', 'B', 'BR;IN', 'BR,XX', 'UK']],
  ['CONSENT_MAX_AGE_DAYS', ['0', '-1', '1.5', 'x']],
  ['DEFAULT_COUNTRY', ['Germany', 'de', 'DEU', 'UK', 'XX', 'EU']],
  ['FRESHNESS_MAX_AGE_DAYS', [...NO_INTEGER, '0']],
  ['PII_POLICY', ['US_SSN', 'US_SSN=drop', 'SSN=block', 'us_ssn=block', 'US_SSN=block;EMAIL=flag', 'US_SSN=block,US_SSN=allow']],
  ['IDENTIFIER_MAX_PEOPLE', [...NO_INTEGER, '0']],
  ['ENCRYPTION_KEY', ['', 'short', KEY.slice(2), `${KEY}AA`, `${KEY},short`, Buffer.alloc(32).toString('base64'), Buffer.alloc(32, 'ab').toString('base64'), KEY.replace(/^./, '!'), 'x'.repeat(44)]],
];

/** Settings where no text is wrong by itself: free texts and lists of words, or settings that have a test of their own. */
const FREE: readonly string[] = ['CXONE_SCOPES', 'CXONE_PROFILES_SCOPES', 'FRESHNESS_EXEMPT', 'SOURCE_PRIORITY', 'AUDIT_LOG_FILE'];
const ELSEWHERE = /^(?:AUDIT_(?:SIGNING_KEY|ANCHOR_|ORIGIN)|.*_RETENTION_DAYS$|ERASURE_)/;

describe('a start is refused with one line that names the setting', () => {
  for (const [name, values, more = {}] of BAD) {
    for (const value of values) {
      test(`${name}=${JSON.stringify(value).slice(0, 60)}${Object.keys(more).length === 0 ? '' : ` with ${JSON.stringify(more)}`}`, () => {
        assert.throws(
          () => loadConfig({ ...REQUIRED, ...more, [name]: value }),
          (error: unknown) => {
            assert.ok(error instanceof ConfigError);
            assert.ok(error.message.includes(name), error.message);
            assert.ok(!error.message.includes('\n'));
            assert.ok(error.message.length > name.length + 10, 'says how to mend it');
            if (/SECRET|KEY/.test(name) && value.trim().length > 8) assert.ok(!error.message.includes(value), 'no secret in the message');
            return true;
          },
        );
      });
    }
  }

  test('every setting that can be wrong is in the table', () => {
    const spoken = new Set<string>([...BAD.map(([name]) => name), ...FREE]);
    assert.deepEqual(Object.keys(ENV.shape).filter((name) => !spoken.has(name) && !ELSEWHERE.test(name)), []);
  });

  test('all that is wrong is said at once', () => {
    assert.throws(() => loadConfig({ PORT: 'x', CXONE_TIMEOUT_MS: 'y' }), (error: Error) => ['PORT', 'CXONE_TIMEOUT_MS', 'CXONE_CLIENT_ID', 'CXONE_CLIENT_SECRET', 'ENCRYPTION_KEY'].every((name) => error.message.includes(name)));
  });
});

describe('the configuration', () => {
  test('has the defaults where nothing is said', () => {
    const config = loadConfig(REQUIRED);
    assert.deepEqual([config.http.host, config.http.port, config.http.rateLimitPerMinute], ['127.0.0.1', 3000, 6000]);
    assert.deepEqual(config.cxone.contacts.tokenUrl, 'https://platform.nice-incontact.com/oauth2/token');
    assert.deepEqual(config.cxone.profiles.tokenUrl, 'https://api.cxone.com/api/v2/oauth/token');
    assert.deepEqual(config.cxone.profiles.clientId, 'client');
    assert.deepEqual(config.delivery.confirmationTimeoutMs, 900_000);
    assert.deepEqual(config.retry.maxAgeMs, 86_400_000);
    assert.equal(config.marketing, undefined);
    assert.equal(config.consent.defaultCountry, undefined);
    assert.deepEqual(config.http.apiKeys, [{ name: 'crm', secret: LONG, scopes: ['ingest', 'read', 'audit', 'admin'] }]);
  });

  test('is frozen all the way down', () => {
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      assert.ok(Object.isFrozen(value));
      for (const child of Object.values(value)) walk(child);
    };
    walk(loadConfig(REQUIRED));
  });

  test('reads lists, shares and keys as they are written', () => {
    const config = loadConfig({
      ...REQUIRED,
      API_KEYS: ` a:${LONG}:ingest+read , b:${LONG}2 `,
      CONSENT_EXTRA_COUNTRIES: 'br, in ZA',
      CXONE_INTERACTIVE_SHARE: '0',
      PII_POLICY: ' EMAIL=mask , PHONE = flag ',
      ENCRYPTION_KEY: `${KEY}, ${Buffer.from(KEY, 'base64').reverse().toString('base64')}`,
      CXONE_BASE_URL: 'https://tenant.example///',
    });
    assert.deepEqual(config.http.apiKeys?.map(({ name, scopes }) => [name, [...scopes]]), [['a', ['ingest', 'read']], ['b', ['ingest', 'read', 'audit', 'admin']]]);
    assert.deepEqual([...config.consent.extraCountries], ['BR', 'IN', 'ZA']);
    assert.equal(config.budget.interactiveShare, 0);
    assert.deepEqual(config.profiles.pii, { EMAIL: 'mask', PHONE: 'flag' });
    assert.equal(config.store.encryptionKeys.length, 2);
    assert.equal(config.cxone.contacts.tokenUrl, 'https://tenant.example/oauth2/token');
  });

  for (const url of ['http://127.0.0.1:9', 'http://localhost:1234', 'http://[::1]:80', 'http://127.8.9.1', 'https://cxone.example/base']) {
    test(`${url} is a URL that data may go to`, () => assert.equal(loadConfig({ ...REQUIRED, CXONE_BASE_URL: url }).cxone.contacts.baseUrl, url));
  }

  test('takes no keys on loopback where it is told to, and only there', () => {
    assert.equal(loadConfig({ ...REQUIRED, API_KEYS: '', AUTH_DISABLED: 'true' }).http.apiKeys, undefined);
    assert.equal(loadConfig({ ...REQUIRED, API_KEYS: '', AUTH_DISABLED: 'true', HOST: '::1' }).http.apiKeys, undefined);
  });

  test('does not look at what is not a setting', () => {
    assert.deepEqual(loadConfig({ ...REQUIRED, PATH: '/bin', FOO: 'x', __proto__: 'y' }), loadConfig(REQUIRED));
  });
});
