import { rejectionsOf, shorten, type Evidence, type Step } from './checks.ts';
import { progressOf, type Progress } from './work.ts';

const BAR_WIDTH = 28;
const LINE_EVERY = 0.2;

type Out = { isTTY?: boolean; write(text: string): unknown };

/** Shows how far the work has come: a bar that stays on its line in a terminal, else a line for each fifth of the way. */
export class ProgressView {
  readonly #out: Out;
  #shown = -1;

  constructor(out: Out) {
    this.#out = out;
  }

  show(progress: Progress): void {
    const share = shareOf(progress);
    const { delivered, expected, confirmed, exported, toExport, requests } = progress;
    const text = `${delivered}/${expected} delivered · ${confirmed} confirmed · ${exported}/${toExport} exported · ${requests} requests`;
    if (this.#out.isTTY === true) {
      const full = Math.round(share * BAR_WIDTH);
      this.#out.write(`\r  ${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${text}\u001B[K`);
    } else if (share >= this.#shown + LINE_EVERY || (share === 1 && this.#shown < 1)) {
      this.#shown = share === 1 ? 1 : Math.floor(share / LINE_EVERY) * LINE_EVERY;
      this.#out.write(`  ${String(Math.round(share * 100)).padStart(3)} %  ${text}\n`);
    }
  }

  end(): void {
    if (this.#out.isTTY === true) this.#out.write('\n');
  }
}

/** Done work as a share of all: deliveries, confirmations and exports weigh the same. */
export function shareOf({ expected, delivered, callbacks, confirmed, toExport, exported }: Progress): number {
  const confirmedShare = callbacks === 0 ? 0 : (confirmed / callbacks) * (delivered / Math.max(1, expected));
  return (delivered / Math.max(1, expected) + confirmedShare + exported / Math.max(1, toExport)) / 3;
}

/** What happened, in numbers. */
export function summary(evidence: Evidence): string {
  const { sandbox, batches, expected, audit } = evidence;
  const sum = (field: string): number => batches.reduce((total, { answer }) => total + Number(answer.body[field] ?? 0), 0);
  const reasons = new Map<string, number>();
  for (const [, code] of batches.flatMap(rejectionsOf)) reasons.set(code, (reasons.get(code) ?? 0) + 1);
  const progress = progressOf(sandbox, expected);
  const { budgetRequests, mergeCalls, contactsApplied, requestsPerWindow, peakInWindow } = sandbox.stats();
  const average = contactsApplied / Math.max(1, mergeCalls);
  const rows: [string, string][] = [
    ['received', `${sum('received')} contacts in ${batches.length} batches`],
    ['accepted', String(sum('accepted'))],
    ['merged as duplicates', String(sum('duplicates'))],
    ['rejected', String(sum('rejected'))],
    ...[...reasons].map(([code, count]): [string, string] => ['', `${String(count).padStart(3)}  ${code}`]),
    ['delivered', `${progress.delivered} people (${sum('accepted')} accepted contacts), in ${mergeCalls} merges of ${average.toFixed(1)} contacts on average`],
    ['confirmed', `${progress.confirmed} of ${progress.callbacks} webhooks`],
    ['exported', `${progress.exported} people with consent to e-mail`],
    ['requests used', `${budgetRequests}; at most ${peakInWindow} in a minute that allows ${requestsPerWindow}`],
    ['audit root', `${audit.root} over ${audit.size} entries`],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(22)} ${value}`).join('\n');
}

/** Each step with its mark. */
export function report(steps: readonly Step[]): string {
  return steps.map(({ name, problems }) => (problems.length === 0 ? `  ✓ ${name}` : `  ✗ ${name}: ${shorten(problems)}`)).join('\n');
}

/** The pages of the service that `links` points to. */
export const PAGES = ['/docs', '/audit-trail', '/metrics', '/jobs'] as const;

/** Where to look on while everything stays up. */
export function links(serviceUrl: string, sandboxUrl: string, apiKey: string): string {
  const withKey = (path: string): string => `curl -H "Authorization: Bearer ${apiKey}" ${serviceUrl}${path}`;
  return [
    `  API reference   ${serviceUrl}/docs`,
    `  audit trail     ${withKey('/audit-trail')}`,
    `  metrics         ${withKey('/metrics')}`,
    `  jobs            ${withKey('/jobs')}`,
    `  tenant's side   ${sandboxUrl}/sandbox/stats   ${sandboxUrl}/sandbox/ledger`,
  ].join('\n');
}
