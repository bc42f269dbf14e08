import { startSandbox } from '../../src/sandbox/sandbox.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { tenantSettings } from '../../src/sandbox/service-settings.ts';
import type { SandboxOptions } from '../../src/sandbox/types.ts';
import { startHarness } from './harness.ts';
import type { Harness } from './harness.ts';

/** So high that pacing slows no test down. */
const PER_MINUTE = 60_000;
const PATIENCE_MS = 20_000;

export type TenantHarness = Harness & { sandbox: Sandbox };

/** A service beside a sandbox tenant that confirms merges in its answers, so that no socket has to lead back to the service. */
export async function startWithTenant(settings: Record<string, string> = {}, options: SandboxOptions = {}): Promise<TenantHarness> {
  const sandbox = await startSandbox({ mergeMode: 'sync', requestsPerWindow: PER_MINUTE, ...options });
  const harness = await startHarness({
    ...tenantSettings(sandbox),
    CXONE_REQUESTS_PER_MINUTE: String(PER_MINUTE),
    MERGE_CONFIRMATION: 'response',
    MERGE_LINGER_MS: '0',
    MARKETING_API_URL: sandbox.marketingUrl,
    RETRY_TICK_MS: '50',
    RETRY_BASE_MS: '10',
    RETRY_MAX_MS: '50',
    RETRY_MAX_AGE_HOURS: '0',
    ...settings,
  });
  const close = async (): Promise<void> => {
    try {
      await harness.close();
    } finally {
      await sandbox.close();
    }
  };
  return { ...harness, sandbox, close };
}

/** Asks until the answer is the one hoped for, and gives it back; every question is a round trip, so the loop yields. */
export async function askUntil<T>(ask: () => Promise<T>, isGood: (answer: T) => boolean): Promise<T> {
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  for (;;) {
    const answer = await ask();
    if (isGood(answer)) return answer;
    deadline.throwIfAborted();
  }
}
