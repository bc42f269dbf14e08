import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Random } from '../domain/ports/clock.ts';
import type { FaultState } from './fault-catalogue.ts';
import type { Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import { draw, uuidOf } from './random.ts';
import { signCallback } from './signatures.ts';
import type { Timers } from './timers.ts';
import type { Api, CallbackRecord, Registration, SignatureScheme, Span } from './types.ts';

const CONCURRENCY = 8;
const CALL_TIMEOUT_MS = 10_000;
const LATE_MS = 5_000;
const STALE_MS = 3_600_000;
const FORGED_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export type CallbackSettings = {
  delay: Span;
  attempts: number;
  backoffMs: number;
  signature: SignatureScheme;
  seed: number;
  now: () => number;
};
type Event = { api: Api; type: string; subject: string; requestId?: string };
type Delivery = { record: CallbackRecord; registration: Registration; body: string; fault?: FaultState };

/** Sends signed callbacks to whoever registered for them, again and again until one try is answered with 2xx. */
export class Callbacks {
  readonly #settings: CallbackSettings;
  readonly #ledger: Ledger;
  readonly #faults: Faults;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: CONCURRENCY }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: CONCURRENCY }),
  };
  #counter = 0;

  constructor(settings: CallbackSettings, parts: { ledger: Ledger; faults: Faults; timers: Timers; random: Random }) {
    this.#settings = settings;
    this.#ledger = parts.ledger;
    this.#faults = parts.faults;
    this.#timers = parts.timers;
    this.#random = parts.random;
  }

  /**
   * Books the events of one call and sends them after their delay.
   * Gives back once those that a fault sends before the answer have been sent.
   */
  async publish(events: readonly Event[]): Promise<void> {
    const deliveries = events.flatMap((event) => this.#book(event));
    const early = deliveries.filter((one) => one.fault?.kind === 'early');
    void this.#deliverInTurn(deliveries.filter((one) => one.fault?.kind === 'reversed').reverse());
    for (const delivery of deliveries.filter((one) => one.fault?.kind !== 'early' && one.fault?.kind !== 'reversed')) {
      const kept = draw(this.#settings.delay, this.#random);
      const late = delivery.fault?.kind === 'late' ? (delivery.fault.ms ?? LATE_MS) : 0;
      void this.#deliver(delivery, kept + late);
      if (delivery.fault?.kind === 'doubled') void this.#deliver(delivery, kept + draw(this.#settings.delay, this.#random));
    }
    await Promise.all(early.map((delivery) => this.#deliver(delivery, 0)));
  }

  /** Sends a callback that was booked before once more, under the same id. Gives back false when there is none. */
  async replay(id: string): Promise<boolean> {
    const record = this.#ledger.callbacks.find((one) => one.id === id);
    const registration = record && this.#ledger.registrations.find((one) => one.api === record.api && one.url === (record.url ?? one.url));
    if (record === undefined || registration === undefined) return false;
    await this.#deliver({ record, registration, body: this.#bodyOf(record) }, 0);
    return true;
  }

  close(): void {
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }

  #book(event: Event): Delivery[] {
    const listening = this.#ledger.registrations.filter((one) => one.api === event.api && one.enabled && one.events.includes(event.type));
    if (listening.length === 0) {
      this.#ledger.callbacks.push(this.#record(event, undefined, undefined));
      return [];
    }
    return listening.flatMap((registration) => {
      const fault = this.#faults.take('callbacks', event.api);
      const record = this.#record(event, registration.url, fault);
      this.#ledger.callbacks.push(record);
      if (fault?.kind === 'missing') return [];
      const delivery: Delivery = { record, registration, body: this.#bodyOf(record) };
      if (fault !== undefined) delivery.fault = fault;
      return [delivery];
    });
  }

  #record(event: Event, url: string | undefined, fault: FaultState | undefined): CallbackRecord {
    const id = `evt_${uuidOf(`${this.#settings.seed}:callback:${this.#counter++}`)}`;
    const record: CallbackRecord = { id, at: this.#settings.now(), ...event, statuses: [], acknowledged: false };
    if (url !== undefined) record.url = url;
    if (fault !== undefined) record.fault = fault.name;
    return record;
  }

  #bodyOf(record: CallbackRecord): string {
    const subject = record.api === 'contacts' ? { contact_id: record.subject } : { profileId: record.subject };
    const timestamp = new Date(record.at).toISOString();
    return JSON.stringify({ id: record.id, type: record.type, ...subject, timestamp, request_id: record.requestId });
  }

  /** Each after the answer to the one before it: sent a moment apart, they may still overtake each other on their way. */
  async #deliverInTurn(deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) await this.#deliver(delivery, delivery === deliveries[0] ? this.#settings.delay.maxMs : 0);
  }

  async #deliver(delivery: Delivery, delayMs: number): Promise<void> {
    let wait = delayMs;
    for (let attempt = 0; attempt < this.#settings.attempts; attempt += 1) {
      if (!(await this.#timers.after(wait))) return;
      const status = await this.#send(delivery);
      delivery.record.statuses.push(status);
      const done = status !== null && status >= 200 && status < 300;
      if (done) delivery.record.acknowledged = true;
      this.#ledger.changed();
      if (done || delivery.fault?.kind === 'forged' || delivery.fault?.kind === 'stale') return;
      wait = this.#settings.backoffMs * 2 ** attempt;
    }
  }

  async #send({ record, registration, body, fault }: Delivery): Promise<number | null> {
    const secret = fault?.kind === 'forged' ? FORGED_SECRET : registration.secret;
    const timestamp = this.#settings.now() - (fault?.kind === 'stale' ? STALE_MS : 0);
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...signCallback(this.#settings.signature, secret, { id: record.id, timestamp, body }),
    };
    const url = new URL(registration.url);
    const secure = url.protocol === 'https:';
    return new Promise((resolve) => {
      const options = { method: 'POST', headers, agent: this.#agents[secure ? 'https:' : 'http:'], timeout: CALL_TIMEOUT_MS };
      const call = (secure ? httpsRequest : httpRequest)(url, options, (answer) => {
        answer.resume();
        answer.once('close', () => resolve(answer.statusCode ?? null));
      });
      call.once('timeout', () => call.destroy());
      call.once('error', () => resolve(null));
      call.end(body);
    });
  }
}
