import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { formatVerifierKey } from '../../../src/domain/audit/checkpoint.ts';
import { parseSigningKey } from '../../../src/domain/audit/signing-key.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const der = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');

describe('a signing key', () => {
  const SPELLINGS: [string, string][] = [
    ['PEM', pem],
    ['PEM on one line, as settings files have it', pem.replaceAll('\n', '\\n')],
    ['base64 DER', der],
    ['base64 DER with space around', ` ${der}\n`],
  ];
  for (const [name, text] of SPELLINGS) {
    test(`is read from ${name}`, () => {
      const key = parseSigningKey(text);
      assert.ok(key !== undefined);
      assert.equal(formatVerifierKey('log', key), formatVerifierKey('log', publicKey));
    });
  }

  const OTHERS: [string, string][] = [
    ['nothing', ''],
    ['other text', 'hello'],
    ['half of it', der.slice(0, 40)],
    ['the public key', publicKey.export({ format: 'pem', type: 'spki' }).toString()],
    ['a key for something else', generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['a key of another kind', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['a key under a password', privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString()],
  ];
  for (const [name, text] of OTHERS) test(`is not read from ${name}`, () => assert.equal(parseSigningKey(text), undefined));
});
