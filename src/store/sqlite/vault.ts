import { createCipheriv, createDecipheriv, hash, randomFillSync } from 'node:crypto';

/**
 * Sealed values: version (1 byte) | key id (4) | nonce (12) | tag (16) | ciphertext, AES-256-GCM.
 * Each person has a key of their own, kept only wrapped under the master key, so that destroying the
 * wrapped key makes everything of that person unreadable (GDPR Article 17).
 */
const VERSION = 1;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
const BODY_AT = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;
const POOL_BYTES = 16 * 1024;

export type PersonKey = { id: Buffer; key: Buffer };

/** A value that does not open: wrong key, or changed bytes. */
export class SealBrokenError extends Error {
  override readonly name = 'SealBrokenError';
}

/** Seals and opens for one store. The first master key seals; the others only open. */
export class Vault {
  #master: PersonKey;
  #masters: Map<string, PersonKey>;
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #poolAt = POOL_BYTES;

  /** @param masterKeys 32 bytes each, the current one first. */
  constructor(masterKeys: readonly Buffer[]) {
    const masters = mastersOf(masterKeys);
    this.#master = masters[0];
    this.#masters = byId(masters);
  }

  /** Names the current master key, hex; tells nothing of it. */
  get masterId(): string {
    return this.#master.id.toString('hex');
  }

  /** Whether a list of master keys holds the current one. */
  holdsCurrent(masterKeys: readonly Buffer[]): boolean {
    return masterKeys.some((key) => key.length === KEY_BYTES && key.equals(this.#master.key));
  }

  /** Takes master keys into use, the first for sealing; those in use until now go on opening. */
  adopt(masterKeys: readonly Buffer[]): void {
    const masters = mastersOf(masterKeys);
    this.#master = masters[0];
    this.#masters = new Map([...this.#masters, ...byId(masters)]);
  }

  /** A fresh key for a person, and its wrapped form to store. */
  newPersonKey(): { key: PersonKey; wrapped: Buffer } {
    const bytes = Buffer.from(this.#random(KEY_BYTES));
    const key = { id: Buffer.from(this.#random(KEY_ID_BYTES)), key: bytes };
    return { key, wrapped: this.#seal(Buffer.concat([key.id, bytes]), this.#master) };
  }

  unwrap(wrapped: Uint8Array): PersonKey {
    const plain = this.#open(wrapped, this.#masterOf(wrapped));
    return { id: plain.subarray(0, KEY_ID_BYTES), key: plain.subarray(KEY_ID_BYTES) };
  }

  /** The same key under the current master key, or undefined when it is already. */
  rewrap(wrapped: Uint8Array): Buffer | undefined {
    if (keyIdIn(wrapped).equals(this.#master.id)) return undefined;
    return this.#seal(this.#open(wrapped, this.#masterOf(wrapped)), this.#master);
  }

  /** Seals a secret of the service itself, under the master key. */
  sealSecret(secret: string): Buffer {
    return this.#seal(Buffer.from(secret, 'utf8'), this.#master);
  }

  openSecret(sealed: Uint8Array): string {
    return this.#open(sealed, this.#masterOf(sealed)).toString('utf8');
  }

  seal(plain: string, key: PersonKey): Buffer {
    return this.#seal(Buffer.from(plain, 'utf8'), key);
  }

  open(sealed: Uint8Array, key: PersonKey): string {
    return this.#open(sealed, key).toString('utf8');
  }

  #masterOf(wrapped: Uint8Array): PersonKey {
    const id = keyIdIn(wrapped);
    if (id.equals(this.#master.id)) return this.#master;
    const master = this.#masters.get(id.toString('hex'));
    if (master === undefined) throw new SealBrokenError('sealed under a master key that is not configured');
    return master;
  }

  #seal(plain: Buffer, key: PersonKey): Buffer {
    const nonce = this.#random(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key.key, nonce);
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = VERSION;
    key.id.copy(header, 1);
    cipher.setAAD(header);
    const body = cipher.update(plain);
    cipher.final();
    return Buffer.concat([header, nonce, cipher.getAuthTag(), body]);
  }

  #open(sealed: Uint8Array, key: PersonKey): Buffer {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes[0] !== VERSION || bytes.length < BODY_AT) throw new SealBrokenError('not a sealed value');
    const nonceEnd = HEADER_BYTES + NONCE_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', key.key, bytes.subarray(HEADER_BYTES, nonceEnd));
    decipher.setAAD(bytes.subarray(0, HEADER_BYTES));
    decipher.setAuthTag(bytes.subarray(nonceEnd, BODY_AT));
    try {
      // GCM is a stream: all of the text is here already, and what is left is to see that nobody changed it.
      const plain = decipher.update(bytes.subarray(BODY_AT));
      decipher.final();
      return plain;
    } catch (error) {
      throw new SealBrokenError('a sealed value does not open', { cause: error });
    }
  }

  // One system call for a thousand nonces.
  #random(size: number): Buffer {
    if (this.#poolAt + size > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#poolAt = 0;
    }
    const part = Buffer.from(this.#pool.subarray(this.#poolAt, this.#poolAt + size));
    this.#pool.fill(0, this.#poolAt, this.#poolAt + size);
    this.#poolAt += size;
    return part;
  }
}

/** Whether stored bytes have the form of a sealed value: what is in the clear here is JSON, which never begins so. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes[0] === VERSION && bytes.length >= BODY_AT;
}

/** Names a master key, hex; tells nothing of it. */
export function masterKeyId(key: Buffer): string {
  return keyIdOf(key).toString('hex');
}

function mastersOf(keys: readonly Buffer[]): [PersonKey, ...PersonKey[]] {
  const [first, ...others] = keys.map((key) => ({ id: keyIdOf(key), key }));
  if (first === undefined) throw new TypeError('a vault needs a master key');
  return [first, ...others];
}

function byId(masters: readonly PersonKey[]): Map<string, PersonKey> {
  return new Map(masters.map((master) => [master.id.toString('hex'), master]));
}

function keyIdIn(sealed: Uint8Array): Buffer {
  return Buffer.from(sealed.buffer, sealed.byteOffset + 1, KEY_ID_BYTES);
}

function keyIdOf(key: Buffer): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from('master key id'), key]), 'buffer').subarray(0, KEY_ID_BYTES);
}
