import { cpus, loadavg, totalmem } from 'node:os';

/** The line every benchmark opens with: where and how its figures came about. */
export function machineLine(): string {
  const [cpu] = cpus();
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  return `${cpu?.model ?? 'unknown CPU'} × ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, load ${load}; ${process.argv.slice(1).map((part) => part.split('/').slice(-2).join('/')).join(' ')}`;
}

/** The value that such a share of the samples is below; NaN of none. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}
