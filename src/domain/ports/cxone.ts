import type { Outcome } from '../delivery/outcome.ts';

/** The two APIs of one tenant. They share a request budget and nothing else: each has its own token, scopes and breaker. */
export type Api = 'contacts' | 'profiles';

/** What came of one call. Calls never throw for what the network or CXone do: that is an {@link Outcome}. */
export type CallResult = {
  api: Api;
  operation: 'merge' | 'patch' | 'register';
  /** HTTP status of the last answer; null when none came. */
  status: number | null;
  outcome: Outcome;
  /** Of the last request, from sending it to its answer's end, in ms, token waits not included; 0 when none was sent. */
  latencyMs: number;
  /** Epoch ms: when the last request was handed to the network, or when the call was given up. */
  sentAt: number;
  /** Epoch ms: when its answer was read or given up. */
  answeredAt: number;
  /**
   * Requests that reached for the API in this call, token requests not counted: 0 when it ended before, 2 when an
   * expired token was renewed and the request repeated. Each takes from the tenant's budget.
   */
  requests: 0 | 1 | 2;
};

/** What the services need from CXone. */
export interface CxonePort {
  /**
   * Sends one chunk of contacts to be merged.
   *
   * @param contacts at most a chunk; only the dialect's fields are sent of each.
   * @param requestId stored before the first attempt, the same on every repetition of the same chunk.
   */
  merge(contacts: readonly object[], requestId: string): Promise<CallResult>;
  /**
   * Patches one profile.
   *
   * @param profileId a UUID.
   * @param body sent as it stands.
   */
  patch(profileId: string, body: object, requestId: string): Promise<CallResult>;
  /** The APIs at which a webhook is to be registered, by the settings. */
  readonly webhookApis: readonly Api[];
  /** Registers our webhook at one API; that it was there already is a success. */
  registerWebhook(api: Api, requestId: string): Promise<CallResult>;
}
