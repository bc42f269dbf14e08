import { hash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { CallGate } from '../domain/delivery/call-gate.ts';
import { CodedError } from '../domain/errors.ts';
import type { Clock } from '../domain/ports/clock.ts';
import type { Api, CxonePort } from '../domain/ports/cxone.ts';
import type { WebhookStore } from '../domain/ports/delivery-store.ts';

/** Longest id of an event that is kept as it is. */
const EVENT_ID_MAX_CHARS = 256;
const REGISTER_AGAIN_MS = 30_000;

export type Verified = { ok: true; id?: string } | { ok: false; reason: string };

export type WebhookOptions = {
  store: WebhookStore;
  cxone: CxonePort;
  gate: CallGate;
  clock: Clock;
  /** Checks who signed; over the raw bytes. */
  verify(headers: Readonly<Record<string, string | string[] | undefined>>, body: Buffer, now: number): Verified;
  /** Event types by whether they confirm a merge; any other is acknowledged and ignored. */
  types: ReadonlyMap<string, { confirms: boolean }>;
  events: {
    webhookRegistered(api: Api, existed: boolean): void;
    webhookReceived(outcome: 'confirmed' | 'stored' | 'duplicate' | 'ignored' | 'refused', reason?: string): void;
  };
  /** Told when something was confirmed: exports may go. */
  onConfirmed(): void;
  schedule(api: Api, dueAt: number): void;
};

export type Acknowledgement = { acknowledged: true; event_type: string; duplicate?: true; ignored?: true };

type Event = { type: string; contactId?: string; profileId?: string; id?: string; requestId?: string };

/** Takes CXone's callbacks in, stored before they are acknowledged, and registers our URLs for them. */
export class WebhookService {
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** Coded errors: `signature_invalid`, `invalid_json`, `invalid_request`. `parse` refuses what could poison a prototype. */
  async receive(headers: Readonly<Record<string, string | string[] | undefined>>, body: Buffer, parse: (text: string) => unknown): Promise<Acknowledgement> {
    const { store, clock, verify, types, events } = this.#options;
    const now = clock.now();
    const verified = verify(headers, body, now);
    if (!verified.ok) {
      events.webhookReceived('refused', verified.reason);
      throw new CodedError('signature_invalid', `The webhook is not signed as it must be (${verified.reason}).`);
    }
    const event = readEvent(parse(body.toString('utf8')));
    const known = types.get(event.type);
    if (known === undefined) {
      events.webhookReceived('ignored');
      return { acknowledged: true, event_type: event.type, ignored: true };
    }
    const bodyHash = hash('sha256', body, 'hex');
    const given = verified.id ?? event.id;
    const { duplicate, confirmed } = await store.recordWebhook({
      eventId: given === undefined || given.length > EVENT_ID_MAX_CHARS ? `sha256:${bodyHash}` : given,
      bodyHash,
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

  /** Registers our URL at one API; tries again later until it is there. */
  async register(api: Api): Promise<void> {
    const { cxone, gate, clock, events, schedule } = this.#options;
    const entry = gate.enter(api, 'interactive', clock.monotonic());
    if ('waitMs' in entry) return schedule(api, clock.now() + entry.waitMs);
    const result = await cxone.registerWebhook(api, uuidv7());
    gate.leave(entry, result, clock.monotonic());
    if (result.outcome.kind === 'registered') events.webhookRegistered(api, result.outcome.existed);
    else schedule(api, clock.now() + Math.max(REGISTER_AGAIN_MS, gate.waitMs(api, 'interactive', clock.monotonic())));
  }
}

function readEvent(body: unknown): Event {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new CodedError('invalid_request', 'A webhook is a JSON object.');
  const text = (name: string): string | undefined => {
    const value = (body as Record<string, unknown>)[name];
    return typeof value === 'string' && value !== '' ? value.slice(0, EVENT_ID_MAX_CHARS) : undefined;
  };
  const type = text('type');
  if (type === undefined) throw new CodedError('invalid_request', 'The webhook names no type.');
  const event: Event = { type };
  const contactId = text('contact_id');
  const profileId = text('profileId');
  const id = text('id');
  const requestId = text('request_id');
  if (contactId !== undefined) event.contactId = contactId;
  if (profileId !== undefined) event.profileId = profileId;
  if (id !== undefined) event.id = id;
  if (requestId !== undefined) event.requestId = requestId;
  return event;
}
