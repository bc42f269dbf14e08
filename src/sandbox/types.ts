import type { Fault } from './fault-catalogue.ts';

/** The two APIs of a tenant, each with its own token endpoint. */
export type Api = 'contacts' | 'profiles';

export type LimiterKind = 'sliding' | 'fixed' | 'aligned' | 'bucket';
export type SignatureScheme = 'standard' | 'sha256-header' | 'nexus';

/** A span of milliseconds; the sandbox draws from it with its seeded dice. */
export type Span = { minMs: number; maxMs: number };

/** Everything has a default that suits a demo; a test names what it is about. */
export type SandboxOptions = {
  /** 0 takes a free port. */
  port?: number;
  host?: string;
  /** Same seed, same ids and same dice. */
  seed?: number;
  /** Wall time in epoch milliseconds that never steps back. */
  now?: () => number;
  /** Merge and PATCH calls a window allows, over both APIs. */
  requestsPerWindow?: number;
  /** Length of that window; 60,000 on a real tenant, shorter where a test scales time down. */
  windowMs?: number;
  limiter?: LimiterKind;
  /** How the limiter itself says when to come back. */
  retryAfter?: 'seconds' | 'date' | 'missing';
  /** `async`: 202 and a callback for each contact. `sync`: 200 `completed` and no callback. */
  mergeMode?: 'async' | 'sync';
  /** False makes a tenant that applies a repeated `X-Request-ID` again. */
  idempotency?: boolean;
  /** Time between a merge or PATCH coming in and its being applied. */
  latency?: Span;
  /** Time between a merge being applied and its callback. */
  callbackDelay?: Span;
  /** Tries for one callback, and the wait before the second; it doubles from there. */
  callbackAttempts?: number;
  callbackBackoffMs?: number;
  signature?: SignatureScheme;
  clientId?: string;
  clientSecret?: string;
  tokenTtlSeconds?: number;
  /** Scopes the tenant is willing to grant; all that the contract names by default. */
  grantedScopes?: Partial<Record<Api, readonly string[]>>;
  /** `whsec_…`; when set, the marketing sink refuses what is not signed with it. */
  marketingSecret?: string;
  faults?: readonly Fault[];
};

/** One call as the wire saw it, answered or not. */
export type RequestRecord = {
  seq: number;
  /** Epoch milliseconds of arrival. */
  at: number;
  api: Api | 'marketing' | 'cdp';
  endpoint: string;
  /** Null until answered, and for ever when the call was hung or reset. */
  status: number | null;
  requestId?: string;
  /** Contacts or attributes in the body. */
  items: number;
  /** Answered from the memory of an earlier call with the same `X-Request-ID`. */
  replayed: boolean;
  /** Refused by the per-minute limit. */
  limited: boolean;
  /** The fault that was played, if any. */
  fault?: string;
};

/** What the tenant did to one identifier (an e-mail address, a phone number, an external id). */
export type Effect = {
  /** How many times a merge with this identifier took effect. */
  applied: number;
  /** The requests that did it, one entry for each time. */
  requestIds: string[];
  contactIds: string[];
  /** The consent flags as they last came. */
  consent: { email: boolean; sms: boolean; phone: boolean };
  /** The contact as it last came. */
  last: Record<string, unknown>;
};

export type ProfileEffect = { applied: number; requestIds: string[]; attributes: Record<string, unknown>; tags: string[] };

/** One callback, with the answer that each of its tries got (null: none). */
export type CallbackRecord = {
  id: string;
  /** Epoch milliseconds of the event. */
  at: number;
  api: Api;
  type: string;
  /** Contact id or profile id. */
  subject: string;
  requestId?: string;
  url?: string;
  statuses: (number | null)[];
  /** Answered with 2xx at least once. */
  acknowledged: boolean;
  fault?: string;
};

export type Registration = { api: Api; name: string; url: string; events: string[]; secret: string; enabled: boolean };

/** One call that the marketing sink took. */
export type MarketingDelivery = {
  at: number;
  /** The `webhook-id`, where there was one. */
  id?: string;
  signature: 'valid' | 'unchecked';
  /** Whether a delivery with that id had come before. */
  repeated: boolean;
  body: unknown;
};

export type SandboxStats = {
  /** Merge and PATCH calls, refused ones included. */
  budgetRequests: number;
  /** The most of them that any one window held. */
  peakInWindow: number;
  requestsPerWindow: number;
  windowMs: number;
  /** Calls by endpoint and status; `none` where no answer was given. */
  calls: Record<string, Record<string, number>>;
  limited: number;
  replayed: number;
  /** Replays whose body was not the one first sent under that id: always a bug of the caller. */
  replayedWithOtherBody: number;
  /** Merges refused because another one for the same person was under way. */
  overlaps: number;
  /** Calls that followed a redirect of ours. */
  strays: number;
  /** Calls that brought a client secret in the URL. */
  secretsInUrl: number;
  tokensIssued: Record<Api, number>;
  mergeCalls: number;
  contactsApplied: number;
  people: number;
  /** Identifiers that took effect more than once. */
  appliedAgain: number;
  profilesPatched: number;
  callbacks: { created: number; acknowledged: number; unregistered: number };
  marketing: { deliveries: number; contacts: number };
  faults: { name: string; fired: number }[];
};
