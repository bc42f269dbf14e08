import { pino } from 'pino';
import type { Logger } from 'pino';
import type { AuditEntry } from '../domain/audit/entry.ts';

export type { Logger };

/** Names under which a secret or personal data could ever reach a log line; what stands there is replaced. */
const REDACTED: ReadonlySet<string> = new Set(['authorization', 'client_secret', 'clientSecret', 'access_token', 'secret', 'password', 'email', 'phone', 'encryptionKeys']);
/** Such a name in the text of a line. Lines hardly ever have one: to look for it costs less than to walk every object. */
const SUSPICIOUS = new RegExp(`"(?:${[...REDACTED].join('|')})":`);

export type Logs = {
  /** What the program says. */
  app: Logger;
  /** What is said of the audit trail; the same stream as `app` unless a file was given. */
  audit: Logger;
  /**
   * One audit line for each committed entry, and one write for all that were committed together. An entry is told as it
   * is in the trail, which holds nothing that would have to be replaced.
   */
  entries(committed: readonly AuditEntry[]): void;
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
  const output = pino.destination({ dest: 1, sync: true });
  const stream = options.auditFile === undefined ? output : pino.destination({ dest: options.auditFile, mkdir: true, sync: true });
  const origin = JSON.stringify(base).slice(1, -1);
  return {
    app: pino({ ...common, level: options.level }, output),
    audit: pino({ ...common, level: 'info' }, stream),
    entries(committed) {
      const opening = `{"level":"info"${pino.stdTimeFunctions.isoTime()},${origin},"audit":true,`;
      stream.write(committed.map((entry) => `${opening}${JSON.stringify(entry).slice(1, -1)},"msg":"${entry.action}"}\n`).join(''));
    },
  };
}

/** A line without what stands under a name that is not to be seen, however deep. */
function redact(line: string): string {
  if (!SUSPICIOUS.test(line)) return line;
  return `${JSON.stringify(JSON.parse(line, (name, value: unknown) => (REDACTED.has(name) ? '[redacted]' : value)))}\n`;
}
