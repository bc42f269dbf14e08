/** Where a fault can be played: the calls a tenant takes, the sink, and the callbacks that it makes. */
export const FAULT_ENDPOINTS = ['token', 'merge', 'patch', 'webhooks', 'marketing', 'callbacks'] as const;
export type FaultEndpoint = (typeof FAULT_ENDPOINTS)[number];

/** Every fault by name, with what it does. Statuses (`400`, `401`, `503`, …) are names too. */
export const FAULT_KINDS = {
  '429-seconds': 'answers 429 with Retry-After in `seconds` (default 2)',
  '429-date': 'answers 429 with Retry-After as an HTTP date `seconds` ahead (default 2)',
  '429-missing': 'answers 429 without Retry-After',
  '429-garbage': 'answers 429 with a Retry-After that nobody can read',
  '422-indexes': 'answers 422 and names the contacts at fault (`indexes`, default [0])',
  poison: 'answers 422 when an e-mail in the call (at patch: the name of an attribute) matches `pattern`; names the contacts unless `named` is false',
  hang: 'never answers; nothing is applied',
  'hang-after': 'applies the call and never answers',
  reset: 'resets the connection; nothing is applied',
  'reset-after': 'applies the call, then resets the connection (accept-then-reset)',
  'fail-after': 'applies the call, then answers `status` (default 500)',
  slow: 'applies the call and answers `ms` later (default 3000)',
  drip: 'applies the call and sends the answer one byte every `ms` (default 200)',
  unreadable: 'applies the call and answers 200 with cut-off JSON',
  html: 'answers 200 with a page of HTML; nothing is applied',
  huge: 'answers 200 with a body of `bytes` (default 300 MB)',
  endless: 'answers 200 with a body that never ends',
  redirect: 'answers 307 to `location` (default /sandbox/elsewhere, where arrivals are counted)',
  '204': 'applies the call and answers 204',
  'expires-in': 'token only: `expires_in` is `value` (default 1e12); leave `value` null for a token without it',
  'fewer-scopes': 'token only: grants the scopes in `value` (default none)',
  late: 'callbacks only: sent `ms` later (default 5000)',
  doubled: 'callbacks only: sent twice',
  missing: 'callbacks only: never sent',
  early: 'callbacks only: sent before the answer to the merge',
  reversed: 'callbacks only: those of one call go out last first',
  forged: 'callbacks only: signed with another secret',
  stale: 'callbacks only: signed an hour ago',
} as const;
export type FaultKind = keyof typeof FAULT_KINDS | `${number}`;

/** One switch. What is left out has the default that `FAULT_KINDS` names. */
export type Fault = {
  kind: FaultKind;
  endpoint?: FaultEndpoint;
  /** How many calls it lasts; until cleared when left out. */
  count?: number;
  /** How many matching calls are let through first. */
  after?: number;
  /** Share of the matching calls that it hits, 0 to 1, by the seeded dice. */
  rate?: number;
  /** Token and webhook endpoints exist in both APIs; both are meant when left out. */
  api?: 'contacts' | 'profiles';
  seconds?: number;
  ms?: number;
  status?: number;
  bytes?: number;
  location?: string;
  indexes?: readonly number[];
  pattern?: string;
  named?: boolean;
  value?: unknown;
};

/** A fault in place: what it is and how often it fired. */
export type FaultState = Required<Pick<Fault, 'endpoint'>> & Fault & { name: string; fired: number };

const CALLBACK_KINDS = new Set<string>(['late', 'doubled', 'missing', 'early', 'reversed', 'forged', 'stale']);
const TOKEN_KINDS = new Set<string>(['expires-in', 'fewer-scopes']);

/** Fills in the endpoint (the one the kind belongs to, else `merge`) and refuses what cannot be played, in words. */
export function completeFault(fault: Fault): Omit<FaultState, 'fired'> {
  const kind = String(fault.kind);
  if (!Object.hasOwn(FAULT_KINDS, kind) && !/^[45]\d\d$/.test(kind)) {
    throw new RangeError(`no fault named "${kind}"; there are: 4xx and 5xx statuses, ${Object.keys(FAULT_KINDS).join(', ')}`);
  }
  const home = CALLBACK_KINDS.has(kind) ? 'callbacks' : TOKEN_KINDS.has(kind) ? 'token' : undefined;
  const endpoint = fault.endpoint ?? home ?? 'merge';
  if (!FAULT_ENDPOINTS.includes(endpoint)) {
    throw new RangeError(`no endpoint named "${endpoint}"; there are: ${FAULT_ENDPOINTS.join(', ')}`);
  }
  const isMisplaced = home === undefined ? endpoint === 'callbacks' : endpoint !== home;
  if (isMisplaced) throw new RangeError(`the fault "${kind}" cannot be played at "${endpoint}"`);
  if (kind === 'poison') {
    if (endpoint !== 'merge' && endpoint !== 'patch') throw new RangeError('the fault "poison" cannot be played anywhere but at "merge" and "patch"');
    if (fault.pattern === undefined) throw new RangeError('the fault "poison" needs a `pattern`');
    void new RegExp(fault.pattern);
  }
  for (const [field, value] of Object.entries({ count: fault.count, after: fault.after, ms: fault.ms, bytes: fault.bytes })) {
    const isUsable = value === undefined || (Number.isSafeInteger(value) && value >= 0);
    if (!isUsable) throw new RangeError(`\`${field}\` of a fault is a whole number, 0 or more`);
  }
  return { ...fault, kind: kind as FaultKind, endpoint, name: `${endpoint}/${kind}` };
}

/** Reads `[endpoint/]kind[:count]` as it is given on a command line. */
export function parseFault(text: string): Fault {
  const match = /^(?:([a-z]+)\/)?([a-z0-9-]+)(?::(\d+))?$/.exec(text);
  if (match === null) throw new RangeError(`"${text}" is no fault: write [endpoint/]kind[:count], for example merge/429-date:3`);
  const [, endpoint, kind, count] = match;
  const fault: Fault = { kind: kind as FaultKind };
  if (endpoint !== undefined) fault.endpoint = endpoint as FaultEndpoint;
  if (count !== undefined) fault.count = Number(count);
  completeFault(fault);
  return fault;
}
