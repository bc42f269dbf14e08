import { randomBytes } from 'node:crypto';
import { helpText, readArguments } from './arguments.ts';
import { startSandbox } from './sandbox.ts';
import { serviceSettings, toEnvFile } from './service-settings.ts';

/** `npm run sandbox`: the tenant alone, until Ctrl-C. */
async function main(): Promise<void> {
  const command = readArguments(process.argv.slice(2));
  if (command.kind === 'help') return void process.stdout.write(helpText());
  const sandbox = await startSandbox(command.options);
  const { signature = 'standard', requestsPerWindow = 100, mergeMode = 'async', marketingSecret } = command.options;
  const traits = { signature, requestsPerMinute: requestsPerWindow, mergeMode, marketingSecret };
  const settings = serviceSettings(sandbox, command.service, randomBytes, traits);
  console.log(`The sandbox tenant is up at ${sandbox.url}. Ctrl-C ends it; --help tells what it can do.\n`);
  console.log(`Settings that point the service at it (put them into .env; the secrets were made up just now):\n\n${toEnvFile(settings)}`);
  console.log(`Look on:  ${sandbox.url}/sandbox/stats   ${sandbox.url}/sandbox/ledger   ${sandbox.url}/sandbox/faults`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
