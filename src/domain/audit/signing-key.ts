import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/**
 * Reads an Ed25519 private key (RFC 8410): PKCS#8 as PEM, where a line break may also be written `\n` as settings
 * files need it, or as base64 DER. Undefined when the text is no such key.
 */
export function parseSigningKey(text: string): KeyObject | undefined {
  const trimmed = text.trim().replaceAll('\\n', '\n');
  try {
    const key = trimmed.startsWith('-----')
      ? createPrivateKey(trimmed)
      : createPrivateKey({ key: Buffer.from(trimmed, 'base64'), format: 'der', type: 'pkcs8' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}
