import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

/** Names under which a secret or personal data could ever reach a log line; what stands there is replaced. */
const REDACTED = ['authorization', 'client_secret', 'clientSecret', 'access_token', 'secret', 'password', 'email', 'phone', 'encryptionKeys'];

export type Logs = {
  /** What the program says. */
  app: Logger;
  /** One line for each committed audit entry; the same stream as `app` unless a file was given. */
  audit: Logger;
};

/** Structured logs, one JSON object a line, times in ISO 8601. */
export function createLogs(options: { level: string; auditFile: string | undefined; version: string }): Logs {
  const base = { service: 'cxone-enricher', version: options.version };
  const common = {
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const app = pino({ ...common, level: options.level });
  if (options.auditFile === undefined) return { app, audit: app.child({}, { level: 'info' }) };
  return { app, audit: pino({ ...common, level: 'info' }, pino.destination({ dest: options.auditFile, mkdir: true, sync: true })) };
}
