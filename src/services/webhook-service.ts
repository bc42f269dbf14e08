import { hash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { breakerSignal } from '../domain/delivery/breaker.ts';
import type { CallGate, Entry } from '../domain/delivery/call-gate.ts';
import { backoffMs } from '../domain/delivery/retry-policy.ts';
import { isUnstorable } from '../domain/contact/text.ts';
import { CodedError } from '../domain/errors.ts';
import type { Clock, Random } from '../domain/ports/clock.ts';
import type { Api, CxonePort } from '../domain/ports/cxone.ts';
import type { WebhookStore } from '../domain/ports/delivery-store.ts';

/** So much of each word of an event is looked at; ids of CXone are shorter. */
const WORD_MAX_CHARS = 256;
const REGISTER_AGAIN = { baseMs: 1000, maxMs: 30_000 } as const;
/** Tries for which merges wait while CXone seems down: about a minute and a half. Only registering may be ill. */
const HOLDING_TRIES = 8;
/** Once CXone is left alone, as many tries may be what probes it; then merges probe as well. */
const PROBING_TRIES = 30;

export type Verified = { ok: true; id?: string } | { ok: false; reason: string };

export type WebhookOptions = {
  store: WebhookStore;
  cxone: CxonePort;
  gate: CallGate;
  clock: Clock;
  random: Random;
  /** Checks who signed; over the raw bytes. */
  verify(headers: Readonly<Record<string, string | string[] | undefined>>, body: Buffer, now: number): Verified;
  /** Event types by whether they confirm a merge; any other is acknowledged and ignored. */
  types: ReadonlyMap<string, { confirms: boolean }>;
  events: {
    webhookRegistered(api: Api, existed: boolean): void;
    webhookReceived(outcome: 'confirmed' | 'stored' | 'duplicate' | 'ignored' | 'refused', reason?: string): void;
  };
  /** Told of each event whose signature does not hold, and why. */
  onRefused(reason: string): void;
  /** Told when something was confirmed: exports may go. */
  onConfirmed(): void;
  schedule(api: Api, dueAt: number): void;
  /** Told after each try to register: merges that waited for it may go. */
  onRegistrationTried(): void;
};

export type Acknowledgement = { acknowledged: true; event_type: string; duplicate?: true; ignored?: true };

/** A registration that is still to be made; it may be asked for often, and is tried not before its time (epoch ms). */
type Pending = { tries: number; underWay: boolean; seemsDown: boolean; notBefore: number };
type Event = { type: string; contactId?: string; profileId?: string; id?: string; requestId?: string };

/** Takes CXone's callbacks in, stored before they are acknowledged, and registers our URLs for them. */
export class WebhookService {
  readonly #options: WebhookOptions;
  /** The APIs where our URL is not registered yet, with the tries so far. */
  readonly #pending: Map<Api, Pending>;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#pending = new Map(options.cxone.webhookApis.map((api) => [api, { tries: 0, underWay: false, seemsDown: false, notBefore: 0 }]));
  }

  /**
   * Whether merges may go. CXone calls back only those who are registered, so the first call after a start, and the
   * one that finds CXone up again, is the registration. One that fails for reasons of its own does not hold merges up.
   */
  get mayMerge(): boolean {
    const pending = this.#pending.get('contacts');
    if (pending === undefined) return true;
    if (pending.underWay || pending.tries === 0) return false;
    return !(pending.seemsDown && pending.tries < (this.#isLeftAlone('contacts') ? PROBING_TRIES : HOLDING_TRIES));
  }

  /** Coded errors: `signature_invalid`, `invalid_json`, `invalid_request`. `parse` refuses what is no text and what could poison a prototype. */
  async receive(headers: Readonly<Record<string, string | string[] | undefined>>, body: Buffer, parse: (body: Buffer) => unknown): Promise<Acknowledgement> {
    const { store, clock, verify, types, events } = this.#options;
    const now = clock.now();
    const verified = verify(headers, body, now);
    if (!verified.ok) {
      events.webhookReceived('refused', verified.reason);
      this.#options.onRefused(verified.reason);
      throw new CodedError('signature_invalid', `The webhook is not signed as it must be (${verified.reason}).`);
    }
    const event = readEvent(parse(body));
    const known = types.get(event.type);
    if (known === undefined) {
      events.webhookReceived('ignored');
      return { acknowledged: true, event_type: event.type, ignored: true };
    }
    const { duplicate, confirmed } = await store.recordWebhook({
      eventId: verified.id ?? event.id ?? `sha256:${hash('sha256', body, 'hex')}`,
      type: event.type,
      confirms: known.confirms,
      ...(event.contactId === undefined ? {} : { contactId: event.contactId }),
      ...(event.profileId === undefined ? {} : { profileId: event.profileId }),
      ...(event.requestId === undefined ? {} : { requestId: event.requestId }),
      receivedAt: now,
    });
    events.webhookReceived(duplicate ? 'duplicate' : confirmed > 0 ? 'confirmed' : 'stored');
    if (confirmed > 0) this.#options.onConfirmed();
    return duplicate ? { acknowledged: true, event_type: event.type, duplicate: true } : { acknowledged: true, event_type: event.type };
  }

  /** Registers our URL at one API, in the background; tries again later until it is there. */
  register(api: Api): void {
    const { gate, clock, schedule } = this.#options;
    const pending = this.#pending.get(api);
    if (pending === undefined || pending.underWay || clock.now() < pending.notBefore) return;
    const entry = gate.enter(api, 'interactive', clock.monotonic());
    if ('waitMs' in entry) return schedule(api, clock.now() + entry.waitMs);
    pending.underWay = true;
    void this.#tryToRegister(api, entry, pending);
  }

  async #tryToRegister(api: Api, entry: Entry, pending: Pending): Promise<void> {
    const { cxone, gate, clock, random, events, schedule, onRegistrationTried } = this.#options;
    const result = await cxone.registerWebhook(api, uuidv7());
    const signal = breakerSignal(result.outcome);
    // That registering fails says nothing about merges and patches; where the API is left alone anyway, it is the probe.
    gate.leave(entry, result, clock.monotonic(), signal === 'up' || entry.pass.probe ? signal : 'neutral');
    pending.underWay = false;
    pending.tries += 1;
    pending.seemsDown = signal === 'down';
    if (result.outcome.kind === 'registered') {
      this.#pending.delete(api);
      events.webhookRegistered(api, result.outcome.existed);
    } else {
      const freeInMs = gate.waitMs(api, 'interactive', clock.monotonic());
      const isProbe = this.#isLeftAlone(api) && pending.tries < PROBING_TRIES;
      pending.notBefore = clock.now() + (isProbe ? freeInMs : Math.max(freeInMs, backoffMs(pending.tries, REGISTER_AGAIN, random)));
      schedule(api, pending.notBefore);
    }
    onRegistrationTried();
  }

  #isLeftAlone(api: Api): boolean {
    return this.#options.gate.view(this.#options.clock.monotonic()).apis[api].breaker !== 'closed';
  }
}

function readEvent(body: unknown): Event {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new CodedError('invalid_request', 'A webhook is a JSON object.');
  const whole = (name: string): string | undefined => {
    const value = (body as Record<string, unknown>)[name];
    if (typeof value !== 'string' || value === '') return undefined;
    if (isUnstorable(value)) throw new CodedError('invalid_request', `The webhook's ${name} is no text that can be stored.`);
    return value;
  };
  const text = (name: string): string | undefined => whole(name)?.slice(0, WORD_MAX_CHARS).toWellFormed();
  const type = text('type');
  if (type === undefined) throw new CodedError('invalid_request', 'The webhook names no type.');
  const event: Event = { type };
  const contactId = text('contact_id');
  const profileId = text('profileId');
  // Of what tells events apart nothing may be left out.
  const id = whole('id');
  const requestId = text('request_id');
  if (contactId !== undefined) event.contactId = contactId;
  if (profileId !== undefined) event.profileId = profileId;
  if (id !== undefined) event.id = id;
  if (requestId !== undefined) event.requestId = requestId;
  return event;
}
