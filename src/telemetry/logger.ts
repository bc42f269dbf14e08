import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

/** Names under which a secret or personal data could ever reach a log line; what stands there is replaced. */
const REDACTED: ReadonlySet<string> = new Set(['authorization', 'client_secret', 'clientSecret', 'access_token', 'secret', 'password', 'email', 'phone', 'encryptionKeys']);
/** Such a name in the text of a line. Lines hardly ever have one: to look for it costs less than to walk every object. */
const SUSPICIOUS = new RegExp(`"(?:${[...REDACTED].join('|')})":`);

/** Audit lines of one commit go to their file in one write, up to so many bytes. */
const AUDIT_BUFFER_BYTES = 8 * 1024;

export type Logs = {
  /** What the program says. */
  app: Logger;
  /** One line for each committed audit entry; the same stream as `app` unless a file was given. */
  audit: Logger;
  /** Writes out the audit lines so far; to be called once those of a commit are all there. */
  flushAudit(): void;
};

/** Structured logs, one JSON object a line, times in ISO 8601. */
export function createLogs(options: { level: string; auditFile: string | undefined; version: string }): Logs {
  const base = { service: 'cxone-enricher', version: options.version };
  const common = {
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: redact },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const app = pino({ ...common, level: options.level });
  if (options.auditFile === undefined) return { app, audit: app.child({}, { level: 'info' }), flushAudit: () => undefined };
  const file = pino.destination({ dest: options.auditFile, mkdir: true, sync: true, minLength: AUDIT_BUFFER_BYTES });
  return { app, audit: pino({ ...common, level: 'info' }, file), flushAudit: () => file.flushSync() };
}

/** A line without what stands under a name that is not to be seen, however deep. */
function redact(line: string): string {
  if (!SUSPICIOUS.test(line)) return line;
  return `${JSON.stringify(JSON.parse(line, (name, value: unknown) => (REDACTED.has(name) ? '[redacted]' : value)))}\n`;
}
