import { hash } from 'node:crypto';

/** What kind of thing a hash stands for; part of what is hashed, so that an e-mail never meets a phone. */
export type Kind = 'email' | 'phone' | 'crm' | 'profile' | 'name' | 'contact_id' | 'job' | 'idempotency' | 'body' | 'event' | 'request' | 'content';

/** What an entry of the audit trail commits to. */
export type CommitmentKind = 'consent_evidence' | 'contact_content' | 'profile_content';

/** Length of what people are looked up by. */
export const LOOKUP_BYTES = 16;
const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** Room behind the inner pad: for every identifier and content that is usual; what is longer gets a buffer of its own. */
const ROOM_BYTES = 4096;

/**
 * HMAC-SHA-256 (RFC 2104) under one key: what a person can be found by in the store and in the audit
 * trail, by who holds the key and nobody else. Outlives a change of the master key.
 */
export class Pseudonyms {
  /** The padded key, and room for what is hashed behind it. */
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  /** @param key 32 bytes. */
  constructor(key: Uint8Array) {
    const block = Buffer.alloc(BLOCK_BYTES);
    block.set(key);
    this.#inner = Buffer.alloc(BLOCK_BYTES + ROOM_BYTES);
    this.#inner.set(block.map((b) => b ^ INNER_PAD));
    this.#outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES);
    this.#outer.set(block.map((b) => b ^ OUTER_PAD));
  }

  /** The first 16 bytes of the HMAC over kind and value. */
  of(kind: Kind, value: string): Buffer {
    return Buffer.from(this.latin1(kind, value), 'latin1');
  }

  /** The same as a string of 16 characters, one a byte: what maps are keyed by. */
  latin1(kind: Kind, value: string): string {
    return this.#hmac(`${kind}:${value}`).slice(0, LOOKUP_BYTES);
  }

  /** The whole HMAC, hex: what binds the trail to a content without telling anything of it. */
  commit(kind: CommitmentKind, content: string): string {
    return Buffer.from(this.#hmac(`${kind}:${content}`), 'latin1').toString('hex');
  }

  #hmac(text: string): string {
    // A character has at most three bytes in UTF-8. Strings in and out: making buffers costs more than both hashes.
    const inner = text.length * 3 <= ROOM_BYTES ? this.#inner : Buffer.concat([this.#inner.subarray(0, BLOCK_BYTES), Buffer.alloc(text.length * 3)]);
    const length = inner.write(text, BLOCK_BYTES, 'utf8');
    this.#outer.write(hash('sha256', inner.subarray(0, BLOCK_BYTES + length), 'latin1'), BLOCK_BYTES, 'latin1');
    return hash('sha256', this.#outer, 'latin1');
  }
}
