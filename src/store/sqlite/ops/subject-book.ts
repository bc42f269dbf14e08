import { emptyConsent } from '../../../domain/consent/consent-state.ts';
import type { ConsentState } from '../../../domain/consent/consent-state.ts';
import type { Finding } from '../../../domain/contact/types.ts';
import { decideMatch, nameKeyOf } from '../../../domain/identity/match.ts';
import type { KnownPerson } from '../../../domain/identity/match.ts';
import type { IncomingContact } from '../../../domain/ports/intake-store.ts';
import type { Context } from '../context.ts';
import { consentOf, identifies, knownOf, peopleWith, personById } from './persons.ts';
import type { PersonRow } from './persons.ts';
import { isAnythingWithdrawn, withdrawnUnder } from './withdrawals.ts';
import { Tombstones } from './tombstones.ts';

/** A person as one slice of a batch sees it: known to the store, or met here for the first time. */
export type Subject = {
  row: PersonRow | undefined;
  email: string | undefined;
  /** The words of the name, each hashed; worked out only where a shared phone makes it matter. */
  name: () => string | undefined;
  consent: ConsentState;
  /** Identifiers the store does not know of this person yet: hash (latin1) and kind. */
  fresh: [string, 'email' | 'phone'][];
  /** External ids that were given for this person; they tell nobody apart and are found by all the same. */
  externalIds: string[];
  /** Index of the contact of this job that was accepted for this person. */
  acceptedIndex: number | undefined;
  /** Whether a contact of this slice takes back consent that CXone believes to have. */
  restricts: boolean;
  /** When this person was erased, epoch ms. */
  erasedAt: number | undefined;
};

/** What a contact can be told by: hashes as latin1 strings. */
export type Identity = { email: string | undefined; phone: string | undefined; name: () => string | undefined; externalId: string | undefined };

export type Found = {
  subject: Subject;
  rule?: string;
  /** People who may be the same and are not merged. */
  others: readonly Subject[];
  /** The phone is of more people than tell it apart. */
  isPhoneShared: boolean;
};

/** Enough of a hash to tell the words of two names apart. */
const NAME_WORD_BYTES = 6;

/** The pseudonyms of a contact. A placeholder tells nobody apart, and is reported. */
export function identityOf(context: Context, { contact }: IncomingContact, warnings: Finding[]): Identity {
  const keyOf = (kind: 'email' | 'phone', value: string | undefined): string | undefined => {
    if (value === undefined) return undefined;
    if (identifies(kind, value)) return context.pseudonyms.latin1(kind, value);
    warnings.push({ field: kind, code: 'placeholder_identifier', message: 'A placeholder: not used to tell who this is.' });
    return undefined;
  };
  return {
    email: keyOf('email', contact.email),
    phone: keyOf('phone', contact.phone),
    externalId: contact.external_crm_id,
    name: once(() => {
      // Word by word, so that a middle name on one side contradicts nothing.
      const words = nameKeyOf(contact)?.split(' ');
      return words?.map((word) => context.pseudonyms.of('name', word).toString('base64url', 0, NAME_WORD_BYTES)).sort().join(' ');
    }),
  };
}

/** What tells a person apart: the hashes of e-mail and phone that there are. */
export function keysOf({ email, phone }: Pick<Identity, 'email' | 'phone'>): string[] {
  return [email, phone].filter((key) => key !== undefined);
}

/** The people met in one slice, over those of the store. */
export class SubjectBook {
  readonly #context: Context;
  readonly #jobNo: number | undefined;
  readonly #isAnythingWithdrawn: boolean;
  readonly #byId = new Map<number, Subject>();
  readonly #byKey = new Map<string, Subject[]>();
  readonly #tombstones: Tombstones;
  /** Those of the identifiers asked for that somebody in the store bears. */
  readonly #known: ReadonlySet<string>;

  /** @param identities whom the slice will ask for: one read for all costs a quarter of one each */
  constructor(context: Context, jobNo: number | undefined, identities: readonly Identity[]) {
    this.#context = context;
    this.#known = knownOf(context, identities.flatMap(keysOf));
    this.#tombstones = new Tombstones(context);
    this.#jobNo = jobNo;
    this.#isAnythingWithdrawn = isAnythingWithdrawn(context);
  }

  /** What was withdrawn under the identifiers of a contact; who has its e-mail is found by it, and knows. */
  withdrawn({ phone, externalId }: Identity): ConsentState | undefined {
    if (!this.#isAnythingWithdrawn) return undefined;
    const hashes: Buffer[] = phone === undefined ? [] : [Buffer.from(phone, 'latin1')];
    if (externalId !== undefined) hashes.push(this.#context.pseudonyms.of('crm', externalId));
    return withdrawnUnder(this.#context, hashes);
  }

  find(identity: Identity): Found {
    const byEmail = identity.email === undefined ? [] : this.#bearers(identity.email);
    const byPhone = identity.phone === undefined ? [] : this.#bearers(identity.phone);
    if (byEmail.length === 0 && byPhone.length === 0) return { subject: this.#learn(newSubject(), identity), others: [], isPhoneShared: false };
    const candidates = [...byEmail, ...byPhone];
    const isPhoneShared = byPhone.length > this.#context.policy.identifierMaxPeople;
    const known = (subjects: Subject[]): KnownPerson[] => subjects.map((subject) => personKeys(subject, String(candidates.indexOf(subject))));
    const match = decideMatch(recordKeys(identity), known(byEmail)[0], isPhoneShared ? [] : known(byPhone));
    const subject = match.kind === 'same' ? candidates[Number(match.id)] : undefined;
    const others = match.kind === 'possible' ? match.ids.map((id) => candidates[Number(id)]!) : [];
    const found: Found = { subject: this.#learn(subject ?? newSubject(), identity), others, isPhoneShared };
    return match.kind === 'new' ? found : { ...found, rule: match.rule };
  }

  #learn(subject: Subject, identity: Identity): Subject {
    subject.erasedAt ??= this.#tombstones.erasedAt(identity, subject.row !== undefined);
    const { email, phone, externalId } = identity;
    if (email !== undefined && this.#bears(subject, email)) subject.fresh.push([email, 'email']);
    if (phone !== undefined && this.#bears(subject, phone)) subject.fresh.push([phone, 'phone']);
    subject.email ??= email;
    const before = subject.name;
    subject.name = once(() => before() ?? identity.name());
    if (externalId !== undefined && !subject.externalIds.includes(externalId)) subject.externalIds.push(externalId);
    return subject;
  }

  /** Notes who bears an identifier. Answers whether that is new. */
  #bears(subject: Subject, key: string): boolean {
    const bearers = this.#byKey.get(key);
    if (bearers === undefined) this.#byKey.set(key, [subject]);
    else if (bearers.includes(subject)) return false;
    else bearers.push(subject);
    return true;
  }

  /** Everybody who bears an identifier, those of the store first. */
  #bearers(key: string): Subject[] {
    if (!this.#known.has(key)) return this.#byKey.get(key) ?? [];
    const stored = peopleWith(this.#context, Buffer.from(key, 'latin1')).map((id) => this.#stored(id));
    return [...new Set([...stored, ...(this.#byKey.get(key) ?? [])])];
  }

  #stored(id: number): Subject {
    const met = this.#byId.get(id);
    if (met !== undefined) return met;
    const row = personById(this.#context, id);
    if (row === undefined) throw new Error('an identifier of nobody');
    const subject: Subject = {
      ...newSubject(),
      row,
      email: row.email_hash === null ? undefined : latin1(row.email_hash),
      name: () => (row.name_hash === null ? undefined : Buffer.from(row.name_hash).toString('utf8')),
      consent: consentOf(row),
      acceptedIndex: this.#acceptedBefore(id),
    };
    this.#byId.set(id, subject);
    for (const { hash } of this.#context.db.all<{ hash: Uint8Array }>('SELECT hash FROM identifiers WHERE person_id = ?', id)) {
      this.#bears(subject, latin1(hash));
    }
    return subject;
  }

  /** An earlier slice of the same upload may have accepted a contact of this person. */
  #acceptedBefore(personId: number): number | undefined {
    if (this.#jobNo === undefined) return undefined;
    return this.#context.db.get<{ idx: number }>(
      `SELECT idx FROM contacts WHERE person_id = ? AND state = 'staged' AND job_no = ? AND duplicate_of IS NULL LIMIT 1`,
      personId,
      this.#jobNo,
    )?.idx;
  }
}

function newSubject(): Subject {
  return { row: undefined, email: undefined, name: () => undefined, consent: emptyConsent(), fresh: [], externalIds: [], acceptedIndex: undefined, restricts: false, erasedAt: undefined };
}

function personKeys(subject: Subject, id: string): KnownPerson {
  return {
    id,
    ...(subject.email === undefined ? {} : { emailKey: subject.email }),
    get nameKey() {
      return subject.name();
    },
  } as KnownPerson;
}

function recordKeys(identity: Identity) {
  return {
    ...(identity.email === undefined ? {} : { emailKey: identity.email }),
    ...(identity.phone === undefined ? {} : { phoneKey: identity.phone }),
    get nameKey() {
      return identity.name();
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function latin1(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1');
}
