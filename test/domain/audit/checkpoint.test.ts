import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addSignature,
  CheckpointError,
  formatCheckpoint,
  formatKeyReplacement,
  formatKeyRotation,
  formatVerifierKey,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  signNote,
  verifyNote,
} from '../../../src/domain/audit/checkpoint.ts';
import { EMPTY_ROOT } from '../../../src/domain/audit/merkle.ts';

/** An Ed25519 private key from its 32-byte seed (RFC 8410 wraps it in this prefix). */
function keyOfSeed(seed: Uint8Array) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

const ORIGIN = 'enricher.example/audit';
const key = keyOfSeed(Buffer.alloc(32, 1));
const nextKey = keyOfSeed(Buffer.alloc(32, 2));
const trusted = parseVerifierKey(formatVerifierKey(ORIGIN, key));
const nextTrusted = parseVerifierKey(formatVerifierKey(ORIGIN, nextKey));
const root = Buffer.alloc(32, 0xa5);
const text = formatCheckpoint(ORIGIN, 20_852_163, root);
const note = signNote(text, ORIGIN, key);

// The reference pair and note of the format (golang.org/x/mod, sumdb/note, BSD-3-Clause).
const REFERENCE_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const REFERENCE_SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const REFERENCE_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const REFERENCE_NOTE = `${REFERENCE_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof CheckpointError, String(error));
    return error.code;
  }
  return 'accepted';
}

describe('signed notes: the reference', () => {
  it('are signed byte for byte alike, and verify', () => {
    assert.equal(signNote(REFERENCE_TEXT, 'PeterNeumann', keyOfSeed(REFERENCE_SEED)), REFERENCE_NOTE);
    assert.equal(formatVerifierKey('PeterNeumann', keyOfSeed(REFERENCE_SEED)), REFERENCE_KEY);
    const verdict = verifyNote(REFERENCE_NOTE, [parseVerifierKey(REFERENCE_KEY)]);
    assert.ok(verdict.ok);
    assert.equal(verdict.text, REFERENCE_TEXT);
  });

  it('keys do not survive a mangling', () => {
    for (let begin = 0; begin <= REFERENCE_KEY.length; begin += 1) {
      for (let end = begin; end <= REFERENCE_KEY.length; end += 1) {
        const part = REFERENCE_KEY.slice(begin, end);
        if (part !== REFERENCE_KEY) assert.equal(codeOf(() => parseVerifierKey(part)), 'note_bad_key', part);
      }
    }
    for (let at = 0; at < REFERENCE_KEY.length; at += 1) {
      const changed = REFERENCE_KEY.slice(0, at) + String.fromCharCode(REFERENCE_KEY.charCodeAt(at) + 1) + REFERENCE_KEY.slice(at + 1);
      assert.equal(codeOf(() => parseVerifierKey(changed)), 'note_bad_key', changed);
    }
  });

  it('keys of another length or type are refused, also when their id fits', () => {
    assert.equal(codeOf(() => parseVerifierKey('PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==')), 'note_bad_key');
    assert.equal(codeOf(() => parseVerifierKey('PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')), 'note_bad_key');
  });
});

describe('signed notes', () => {
  it('verify with the key they were signed with, and say who signed', () => {
    assert.deepEqual(verifyNote(note, [nextTrusted, trusted]), { ok: true, text, signers: [trusted] });
  });

  it('carry two signatures while keys rotate: either key is enough, both are named', () => {
    const both = addSignature(note, ORIGIN, nextKey);
    assert.deepEqual(verifyNote(both, [trusted]), { ok: true, text, signers: [trusted] });
    assert.deepEqual(verifyNote(both, [nextTrusted]), { ok: true, text, signers: [nextTrusted] });
    assert.deepEqual(verifyNote(both, [trusted, nextTrusted]), { ok: true, text, signers: [trusted, nextTrusted] });
  });

  it('keep empty lines of their text: the last one separates', () => {
    const verse = signNote('one\n\ntwo\n', ORIGIN, key);
    assert.equal(parseNote(verse).text, 'one\n\ntwo\n');
    assert.ok(verifyNote(verse, [trusted]).ok);
  });

  const [, signature = ''] = note.split('\n\n');
  const other = signNote(text, ORIGIN, nextKey).split('\n\n')[1] ?? '';
  const refused: [name: string, note: string, code: string][] = [
    ['an unknown key', signNote(text, ORIGIN, nextKey), 'note_unknown_key'],
    ['a known key under another name', signNote(text, 'other.example', key), 'note_unknown_key'],
    ['another text', note.replace('20852163', '20852164'), 'note_bad_signature'],
    ['one bad signature of a known key beside a good one', `${note}${other.replace(/ [^ ]+\n$/u, ` ${Buffer.concat([nextTrusted.id, Buffer.alloc(64)]).toString('base64')}\n`)}`, 'note_bad_signature'],
    ['no signature', `${text}\n`, 'note_malformed'],
    ['no separator', text, 'note_malformed'],
    ['no final newline', note.slice(0, -1), 'note_malformed'],
    ['a carriage return', note.replace('\n', '\r\n'), 'note_malformed'],
    ['a hyphen for the dash', note.replace('—', '-'), 'note_malformed'],
    ['two spaces', note.replace(' enricher', '  enricher'), 'note_malformed'],
    ['a word too many', note.replace(/\n$/u, ' more\n'), 'note_malformed'],
    ['base64 without its padding', note.replace(/=+\n$/u, '\n'), 'note_malformed'],
    ['a signature that is too short', note.replace(/ [^ ]+\n$/u, ` ${Buffer.from(trusted.id).toString('base64')}\n`), 'note_malformed'],
    ['a lone surrogate', `\uD800${note}`, 'note_malformed'],
    ['more signatures than the limit', note + signature.repeat(40), 'note_malformed'],
    ['more text than the limit', `${'x'.repeat(70_000)}\n${note}`, 'note_malformed'],
    ['nothing', '', 'note_malformed'],
  ];
  for (const [name, candidate, code] of refused) {
    it(`are not believed with ${name}`, () => {
      assert.deepEqual(verifyNote(candidate, [trusted, ...(name.includes('beside') ? [nextTrusted] : [])]), { ok: false, code });
    });
  }

  it('with one bit changed anywhere are never believed', () => {
    const bytes = Buffer.from(note);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.equal(verifyNote(changed.toString('utf8'), [trusted]).ok, false);
      }),
      { numRuns: 600 },
    );
  });

  it('are not made of what would be read as something else', () => {
    const otherKind = generateKeyPairSync('x25519').privateKey;
    assert.equal(codeOf(() => signNote('no newline', ORIGIN, key)), 'note_malformed');
    assert.equal(codeOf(() => signNote('tab\t\n', ORIGIN, key)), 'note_malformed');
    assert.equal(codeOf(() => signNote('text\n', 'a b', key)), 'note_bad_key_name');
    assert.equal(codeOf(() => signNote('text\n', 'a+b', key)), 'note_bad_key_name');
    assert.equal(codeOf(() => signNote('text\n', '', key)), 'note_bad_key_name');
    assert.equal(codeOf(() => signNote('text\n', ORIGIN, otherKind)), 'note_bad_key');
    assert.equal(codeOf(() => formatVerifierKey(ORIGIN, otherKind)), 'note_bad_key');
    assert.equal(codeOf(() => addSignature(text, ORIGIN, key)), 'note_malformed');
  });
});

describe('key rotations', () => {
  const oldKey = formatVerifierKey(ORIGIN, key);
  const newKey = formatVerifierKey(ORIGIN, nextKey);

  it('name both keys, are signed by both, and are no checkpoint', () => {
    const rotation = formatKeyRotation(ORIGIN, oldKey, newKey);
    assert.equal(rotation, `${ORIGIN}\nkey rotation\n${oldKey}\n${newKey}\n`);
    const verdict = verifyNote(addSignature(signNote(rotation, ORIGIN, key), ORIGIN, nextKey), [trusted, nextTrusted]);
    assert.ok(verdict.ok && verdict.signers.length === 2);
    assert.equal(codeOf(() => parseCheckpoint(rotation)), 'checkpoint_malformed');
  });

  it('where the old key is gone, say the size and are signed by the new one alone', () => {
    const replacement = formatKeyReplacement(ORIGIN, oldKey, newKey, 42);
    assert.equal(replacement, `${ORIGIN}\nkey replacement\n${oldKey}\n${newKey}\n42\n`);
    assert.equal(verifyNote(signNote(replacement, ORIGIN, nextKey), [trusted]).ok, false);
    assert.equal(codeOf(() => parseCheckpoint(replacement)), 'checkpoint_malformed');
  });

  it('are not made of something that is no key', () => {
    assert.equal(codeOf(() => formatKeyRotation(ORIGIN, oldKey, 'a+b+c')), 'note_bad_key');
    assert.equal(codeOf(() => formatKeyRotation(ORIGIN, `${oldKey}\n`, newKey)), 'note_bad_key');
  });
});

describe('checkpoints', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, hash) => {
        assert.deepEqual(parseCheckpoint(formatCheckpoint(ORIGIN, size, hash)), { origin: ORIGIN, size, root: Buffer.from(hash), extensions: [] });
      }),
    );
  });

  it('have the three lines of the format', () => {
    assert.equal(formatCheckpoint(ORIGIN, 0, EMPTY_ROOT), 'enricher.example/audit\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n');
    assert.deepEqual(parseCheckpoint(`${text}more\n`).extensions, ['more']);
  });

  const encoded = root.toString('base64');
  const refused = [
    '', 'a\n1\n', `\n1\n${encoded}\n`, `a\n1\n${encoded}`, `a\n01\n${encoded}\n`, `a\n-1\n${encoded}\n`, `a\n+1\n${encoded}\n`, `a\n1.0\n${encoded}\n`,
    `a\n 1\n${encoded}\n`, `a\n1e3\n${encoded}\n`, `a\n9007199254740992\n${encoded}\n`, `a\n99999999999999999\n${encoded}\n`, `a\n\n${encoded}\n`,
    `a\n1\n${encoded.slice(0, -4)}\n`, `a\n1\n${encoded.replace('=', '')}\n`, `a\n1\n${encoded.replaceAll('p', '-')}\n`, `a\n1\n${encoded}\n\n`, `a\n1\n${encoded}\nx\n\n`,
  ];
  for (const candidate of refused) {
    it(`are not ${JSON.stringify(candidate)}`, () => assert.equal(codeOf(() => parseCheckpoint(candidate)), 'checkpoint_malformed'));
  }

  it('are not written with an origin, size or root that cannot be', () => {
    assert.equal(codeOf(() => formatCheckpoint('two\nlines', 1, root)), 'note_bad_key_name');
    assert.equal(codeOf(() => formatCheckpoint(ORIGIN, -1, root)), 'checkpoint_malformed');
    assert.equal(codeOf(() => formatCheckpoint(ORIGIN, 2 ** 53, root)), 'checkpoint_malformed');
    assert.equal(codeOf(() => formatCheckpoint(ORIGIN, 1, root.subarray(1))), 'checkpoint_malformed');
  });
});
