import { createHash } from 'node:crypto';
import type { Callbacks } from './callbacks.ts';
import type { Faults } from './faults.ts';
import { emailKey, type Ledger } from './ledger.ts';
import { uuidOf } from './random.ts';
import { json, type Reply } from './reply.ts';
import type { RequestRecord } from './types.ts';

/** Contacts that one merge may hold. */
const MAX_CONTACTS = 50;

type Item = Record<string, unknown>;
type Problem = { index: number; field: string; message: string };
export type MergeParts = {
  ledger: Ledger;
  faults: Faults;
  callbacks: Callbacks;
  seed: number;
  mode: 'async' | 'sync';
  idempotency: boolean;
};

/** The merge of contacts: validation, one id for one person, idempotency by request id, callbacks. */
export class Merges {
  readonly #parts: MergeParts;
  readonly #idByKey = new Map<string, string>();
  readonly #underWay = new Set<string>();
  readonly #answers: Replays;

  constructor(parts: MergeParts) {
    this.#parts = parts;
    this.#answers = new Replays(parts.ledger, parts.idempotency);
  }

  /**
   * Handles one merge. `hold` passes the latency of the tenant; meanwhile another merge for one of these people
   * is refused with 409. Callbacks that a fault sends before the answer are sent before this gives back.
   */
  async handle(body: unknown, record: RequestRecord, hold: () => Promise<void>): Promise<Reply> {
    const requestId = record.requestId ?? '';
    const known = this.#answers.find(requestId, body, record);
    if (known !== undefined) return known;
    const contacts = readContacts(body);
    if (contacts === undefined) return json(400, { error: 'contacts must be an array of 1 to 50 objects' });
    record.items = contacts.length;
    const keys = contacts.flatMap(keysOf);
    if (keys.some((key) => this.#underWay.has(key))) {
      this.#parts.ledger.counters.overlaps += 1;
      return json(409, { error: 'another merge for the same contact is under way' });
    }
    for (const key of keys) this.#underWay.add(key);
    try {
      await hold();
      // The same request may have come again while this one was held; it must not be applied twice.
      return this.#answers.find(requestId, body, record) ?? (await this.#apply(body, contacts, requestId));
    } finally {
      for (const key of keys) this.#underWay.delete(key);
    }
  }

  async #apply(body: unknown, contacts: Item[], requestId: string): Promise<Reply> {
    const refusal = this.#refuse(contacts);
    if (refusal !== undefined) return this.#answers.keep(requestId, body, refusal);
    const ids = contacts.map((contact) => this.#identify(contact));
    contacts.forEach((contact, index) => this.#parts.ledger.merged(contact, ids[index] as string, requestId));
    const jobId = uuidOf(`${this.#parts.seed}:job:${requestId}`);
    const isSync = this.#parts.mode === 'sync';
    const answer = isSync ? json(200, { job_id: jobId, status: 'completed', contacts: ids }) : json(202, { job_id: jobId, contacts: ids });
    this.#answers.keep(requestId, body, answer);
    this.#parts.ledger.changed();
    if (!isSync) {
      const subjects = [...new Set(ids)];
      await this.#parts.callbacks.publish(subjects.map((subject) => ({ api: 'contacts', type: 'contact.merged', subject, requestId })));
    }
    return answer;
  }

  #refuse(contacts: Item[]): Reply | undefined {
    const poison = this.#parts.faults.poisoned('merge', contacts.map((contact) => emailKey(contact['email'])));
    if (poison !== undefined) {
      const message = 'this contact cannot be merged';
      const errors = poison.indexes.map((index) => ({ index, field: 'email', message }));
      return json(422, poison.fault.named === false ? { error: message } : { error: message, errors });
    }
    const problems = contacts.flatMap(problemsOf);
    return problems.length === 0 ? undefined : json(422, { error: 'validation failed', errors: problems });
  }

  /** The e-mail address decides who it is, else the phone number; a person not seen before gets an id made from either. */
  #identify(contact: Item): string {
    const keys = keysOf(contact);
    const id = keys.map((key) => this.#idByKey.get(key)).find((one) => one !== undefined) ?? uuidOf(`${this.#parts.seed}:person:${keys[0]}`);
    for (const key of keys) if (!this.#idByKey.has(key)) this.#idByKey.set(key, id);
    return id;
  }
}

/** Remembers the answer that a request id got, so that a repeated call is answered and not applied again. */
export class Replays {
  readonly #answers = new Map<string, { answer: Reply; digest: string }>();
  readonly #ledger: Ledger;
  readonly #enabled: boolean;

  constructor(ledger: Ledger, enabled: boolean) {
    this.#ledger = ledger;
    this.#enabled = enabled;
  }

  find(requestId: string, body: unknown, record: RequestRecord): Reply | undefined {
    const known = this.#answers.get(requestId);
    if (known === undefined) return undefined;
    record.replayed = true;
    if (known.digest !== digestOf(body)) this.#ledger.counters.replayedWithOtherBody += 1;
    return known.answer;
  }

  keep(requestId: string, body: unknown, answer: Reply): Reply {
    if (this.#enabled) this.#answers.set(requestId, { answer, digest: digestOf(body) });
    return answer;
  }
}

function digestOf(body: unknown): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('base64');
}

function readContacts(body: unknown): Item[] | undefined {
  const contacts = (body as { contacts?: unknown } | null)?.contacts;
  if (!Array.isArray(contacts) || contacts.length === 0 || contacts.length > MAX_CONTACTS) return undefined;
  return contacts.every((one) => typeof one === 'object' && one !== null && !Array.isArray(one)) ? (contacts as Item[]) : undefined;
}

function keysOf(contact: Item): string[] {
  const email = emailKey(contact['email']);
  const phone = contact['phone'];
  return [...(email ? [`email:${email}`] : []), ...(typeof phone === 'string' && phone !== '' ? [`phone:${phone}`] : [])];
}

const SHAPES: readonly [field: string, valid: (value: unknown) => boolean, message: string][] = [
  ['email', (value) => typeof value === 'string' && /^[^\s@]+@[^\s@]+$/.test(value), 'is not an e-mail address'],
  ['phone', (value) => typeof value === 'string' && /^\+[1-9]\d{6,14}$/.test(value), 'is not in E.164 form'],
  ['country', (value) => typeof value === 'string' && /^[A-Z]{2}$/.test(value), 'is not an ISO 3166-1 alpha-2 code'],
  ['timezone', (value) => typeof value === 'string' && isZone(value), 'is not an IANA time zone'],
  ['interaction_history', Array.isArray, 'is not an array'],
  ...['consent_to_email', 'consent_to_sms', 'consent_to_phone', 'gdpr_consent'].map(
    (field): [string, (value: unknown) => boolean, string] => [field, (value) => typeof value === 'boolean', 'is not true or false'],
  ),
];

function problemsOf(contact: Item, index: number): Problem[] {
  const problems = SHAPES.filter(([field, valid]) => contact[field] !== undefined && !valid(contact[field])).map(
    ([field, , message]): Problem => ({ index, field, message }),
  );
  if (keysOf(contact).length === 0) problems.push({ index, field: 'email', message: 'neither email nor phone is given' });
  return problems;
}

const zones = new Map<string, boolean>();
function isZone(name: string): boolean {
  let known = zones.get(name);
  if (known === undefined) {
    try {
      known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
    } catch {
      known = false;
    }
    zones.set(name, known);
  }
  return known;
}
