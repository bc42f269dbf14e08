import type { Sandbox } from './sandbox.ts';
import type { SignatureScheme } from './types.ts';

const SECRET_BYTES = 32;

/** How the tenant was started, as far as the service must know. */
export type TenantTraits = {
  signature: SignatureScheme;
  requestsPerMinute: number;
  mergeMode: 'async' | 'sync';
  marketingSecret?: string | undefined;
};

/**
 * The environment that points the service at a sandbox, with keys and secrets made up on the spot.
 *
 * @param service base URL under which the service will be reached
 * @param randomBytes source of the secrets
 */
export function serviceSettings(
  sandbox: Pick<Sandbox, 'url' | 'tokenUrl' | 'profilesTokenUrl' | 'marketingUrl' | 'cdpUrl' | 'clientId' | 'clientSecret'>,
  service: string,
  randomBytes: (size: number) => Buffer,
  traits: TenantTraits,
): Record<string, string> {
  const { hostname, port } = new URL(service);
  return {
    HOST: hostname,
    PORT: port || '3000',
    API_KEYS: `local:${randomBytes(SECRET_BYTES).toString('base64url')}`,
    ENCRYPTION_KEY: randomBytes(SECRET_BYTES).toString('base64'),
    ...tenantSettings(sandbox),
    CXONE_REQUESTS_PER_MINUTE: String(traits.requestsPerMinute),
    MERGE_CONFIRMATION: traits.mergeMode === 'async' ? 'webhook' : 'response',
    WEBHOOK_URL: new URL('/webhooks/cxone-merge', service).href,
    WEBHOOK_SECRETS: `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`,
    WEBHOOK_SIGNATURE: traits.signature,
    CDP_WEBHOOK_URL: sandbox.cdpUrl,
    MARKETING_API_URL: sandbox.marketingUrl,
    ...(traits.marketingSecret === undefined ? {} : { MARKETING_API_SECRET: traits.marketingSecret }),
  };
}

/** Where the tenant is, and who the service is to it. */
export function tenantSettings(sandbox: Pick<Sandbox, 'url' | 'tokenUrl' | 'profilesTokenUrl' | 'clientId' | 'clientSecret'>): Record<string, string> {
  return {
    CXONE_BASE_URL: sandbox.url,
    CXONE_TOKEN_URL: sandbox.tokenUrl,
    CXONE_PROFILES_BASE_URL: sandbox.url,
    CXONE_PROFILES_TOKEN_URL: sandbox.profilesTokenUrl,
    CXONE_CLIENT_ID: sandbox.clientId,
    CXONE_CLIENT_SECRET: sandbox.clientSecret,
  };
}

/** The bearer secret of the one key in `API_KEYS`. */
export function apiKeyOf(settings: Record<string, string>): string {
  return settings['API_KEYS']?.split(':')[1] ?? '';
}

/** The settings as lines of a `.env` file. */
export function toEnvFile(settings: Record<string, string>): string {
  return Object.entries(settings).map(([name, value]) => `${name}=${value}\n`).join('');
}
