import { parseArgs } from 'node:util';
import { FAULT_ENDPOINTS, FAULT_KINDS, parseFault, type Fault } from './fault-catalogue.ts';
import type { LimiterKind, SandboxOptions, SignatureScheme } from './types.ts';

const DEFAULT_PORT = 4010;
const LIMITERS: readonly LimiterKind[] = ['sliding', 'fixed', 'aligned', 'bucket'];
const SCHEMES: readonly SignatureScheme[] = ['standard', 'sha256-header', 'nexus'];

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  limit: { type: 'string' },
  'window-ms': { type: 'string' },
  limiter: { type: 'string' },
  signature: { type: 'string' },
  sync: { type: 'boolean' },
  'latency-ms': { type: 'string' },
  'marketing-secret': { type: 'string' },
  seed: { type: 'string' },
  fault: { type: 'string', multiple: true },
  poison: { type: 'string', multiple: true },
  'poison-unnamed': { type: 'string', multiple: true },
  service: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export type Command = { kind: 'help' } | { kind: 'run'; options: SandboxOptions; service: string };

/** Reads the command line. Throws an Error whose message is meant for the person at the terminal. */
export function readArguments(argv: readonly string[]): Command {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true });
  if (values.help === true) return { kind: 'help' };
  const options: SandboxOptions = { port: whole('port', values.port, 65_535) ?? DEFAULT_PORT };
  if (values.host !== undefined) options.host = values.host;
  const limit = whole('limit', values.limit);
  if (limit !== undefined) options.requestsPerWindow = limit;
  const windowMs = whole('window-ms', values['window-ms']);
  if (windowMs !== undefined) options.windowMs = windowMs;
  const seed = whole('seed', values.seed);
  if (seed !== undefined) options.seed = seed;
  if (values.limiter !== undefined) options.limiter = oneOf('limiter', values.limiter, LIMITERS);
  if (values.signature !== undefined) options.signature = oneOf('signature', values.signature, SCHEMES);
  if (values.sync === true) options.mergeMode = 'sync';
  if (values['marketing-secret'] !== undefined) options.marketingSecret = values['marketing-secret'];
  if (values['latency-ms'] !== undefined) {
    const [minMs, maxMs = minMs] = values['latency-ms'].split('-').map((part) => whole('latency-ms', part) as number);
    if (minMs === undefined || maxMs === undefined || maxMs < minMs) throw new Error('--latency-ms is a number or a span such as 10-30');
    options.latency = { minMs, maxMs };
  }
  options.faults = readFaults(values.fault, values.poison, values['poison-unnamed']);
  return { kind: 'run', options, service: values.service ?? 'http://127.0.0.1:3000' };
}

function readFaults(faults: string[] = [], poison: string[] = [], unnamed: string[] = []): Fault[] {
  return [
    ...faults.map(parseFault),
    ...poison.map((pattern): Fault => ({ kind: 'poison', pattern })),
    ...unnamed.map((pattern): Fault => ({ kind: 'poison', pattern, named: false })),
  ];
}

function whole(name: string, text: string | undefined, max = Number.MAX_SAFE_INTEGER): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text) || Number(text) > max) throw new Error(`--${name} is a whole number, not "${text}"`);
  return Number(text);
}

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new Error(`--${name} is one of ${choices.join(', ')}`);
  return found;
}

/** What `--help` prints. */
export function helpText(): string {
  const width = Math.max(...Object.keys(FAULT_KINDS).map((kind) => kind.length)) + 2;
  const faults = Object.entries(FAULT_KINDS).map(([kind, text]) => `  ${kind.padEnd(width)}${text}`);
  return `A CXone tenant on this machine: both APIs with their limit, signed callbacks, a marketing sink, and faults on demand.

npm run sandbox -- [options]
  --port N                 default ${DEFAULT_PORT}
  --host H                 default 127.0.0.1
  --limit N                merge and PATCH calls a minute, default 100
  --window-ms N            length of that minute, default 60000
  --limiter K              ${LIMITERS.join(', ')}; default sliding
  --signature S            ${SCHEMES.join(', ')}; default standard
  --sync                   confirm merges in their answer and send no callbacks
  --latency-ms N[-M]       time until a call is applied, default 0
  --marketing-secret S     whsec_…; the sink then takes only what is signed with it
  --seed N                 ids and dice, default 1
  --fault [ENDPOINT/]KIND[:COUNT]   may be repeated; until cleared where no count is given
  --poison REGEXP          merges with a matching e-mail get 422 that names the contact; --poison-unnamed: that does not
  --service URL            where the service will run, for the settings printed, default http://127.0.0.1:3000

Endpoints: ${FAULT_ENDPOINTS.join(', ')}. Where none is given it is merge, or the one that the kind belongs to.
Kinds: every 4xx and 5xx status, and
${faults.join('\n')}

While it runs (more at GET /sandbox):
  GET    /sandbox/stats      what happened, in numbers
  GET    /sandbox/ledger     every call and every effect
  PUT    /sandbox/faults     {"faults":[{"kind":"429-date","endpoint":"merge","count":3}]}
  DELETE /sandbox/faults     all well again
`;
}
