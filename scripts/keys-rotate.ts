/**
 * Brings everything that is sealed under the first key of ENCRYPTION_KEY: `npm run keys:rotate`.
 *
 * 1. Put the new key first in ENCRYPTION_KEY, the old one behind it, where the service finds it at its next start.
 * 2. Run this, with the same environment. A service that runs takes the keys into use at once and goes on serving
 *    while it wraps the keys of all people anew; where none runs, it is done here.
 * 3. Once it says that it is done, take the old key out of ENCRYPTION_KEY.
 */
import { request } from 'undici';
import { storePolicyOf } from '../src/compose/store-policy.ts';
import { loadConfig } from '../src/config/config.ts';
import type { Config } from '../src/config/config.ts';
import { readEnv } from '../src/config/read-env.ts';
import type { KeyRotation } from '../src/domain/ports/privacy.ts';
import { StoreRefusedError, openSqliteStore } from '../src/store/sqlite/client.ts';

const STEP = 2000;
const ASK_AGAIN_MS = 200;

async function main(): Promise<void> {
  const config = loadConfig(await readEnv());
  if (config.store.encryptionKeys.length < 2) console.log('ENCRYPTION_KEY holds one key: what is under another one cannot be opened.');
  const done = (await rotateHere(config)) ?? (await rotateInService(config));
  console.log(`Done: everything is under the key ${done.keyId} (${done.rewrapped} people wrapped anew). The keys behind it may go from ENCRYPTION_KEY.`);
}

/** Does it on the store itself; undefined where a service has it. */
async function rotateHere(config: Config): Promise<KeyRotation | undefined> {
  const store = await openSqliteStore({
    path: config.store.path,
    encryptionKeys: [...config.store.encryptionKeys],
    openedAt: Date.now(),
    policy: storePolicyOf(config),
    onCommitted: () => undefined,
    onFatal: (message) => console.error(message),
  }).catch((error: unknown) => {
    if (error instanceof StoreRefusedError && error.causeName === 'StoreLockedError') return undefined;
    throw error;
  });
  if (store === undefined) return undefined;
  try {
    for (;;) {
      const state = await store.rewrapKeys({ limit: STEP, now: Date.now() });
      if (state.done) return state;
    }
  } finally {
    await store.close();
  }
}

/** Hands the keys to the service that runs on this machine, and waits until it has used them. */
async function rotateInService(config: Config): Promise<KeyRotation> {
  const { host, port, apiKeys } = config.http;
  const admin = apiKeys?.find(({ scopes }) => scopes.includes('admin'));
  if (apiKeys !== undefined && admin === undefined) throw new Error('API_KEYS holds no key of scope admin to hand the keys over with');
  const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  for (;;) {
    const { statusCode, body } = await request(`http://${address.includes(':') ? `[${address}]` : address}:${port}/admin/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(admin === undefined ? {} : { authorization: `Bearer ${admin.secret}` }) },
      body: JSON.stringify({ encryption_keys: config.store.encryptionKeys }),
    });
    const answer = (await body.json()) as { key_id: string; rewrapped: number; done: boolean; detail?: string };
    if (statusCode !== 200) throw new Error(`the service answered ${statusCode}: ${answer.detail ?? ''}`);
    if (answer.done) return { keyId: answer.key_id, rewrapped: answer.rewrapped, done: true };
    await new Promise((resolve) => {
      setTimeout(resolve, ASK_AGAIN_MS);
    });
  }
}

try {
  await main();
} catch (error) {
  console.error(`keys:rotate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
