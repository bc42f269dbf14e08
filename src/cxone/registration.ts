import type { Api } from '../domain/ports/cxone.ts';
import type { Dialect } from './dialects/dialect.ts';

/** Where CXone is to send its events. An API without a URL gets no webhook. */
export type WebhookSettings = {
  urls: Readonly<Partial<Record<Api, string>>>;
  /** What CXone is to sign with; the first of `WEBHOOK_SECRETS`. */
  secret: string;
};

/** The APIs at which a webhook is to be registered. */
export function webhookApis(webhooks: WebhookSettings | undefined): readonly Api[] {
  const urls = webhooks?.urls ?? {};
  return (['contacts', 'profiles'] as const).filter((api) => urls[api] !== undefined);
}

/** The body that registers our webhook at one API; undefined where none is wanted. */
export function registrationBody(dialect: Dialect, api: Api, webhooks: WebhookSettings | undefined): object | undefined {
  const url = webhooks?.urls[api];
  if (webhooks === undefined || url === undefined) return undefined;
  return { ...dialect.webhooks[api].body, url, secret: webhooks.secret };
}
