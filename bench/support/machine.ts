import { cpus, loadavg, totalmem } from 'node:os';

/** The line every benchmark opens with: where and how its figures came about. */
export function machineLine(): string {
  const [cpu] = cpus();
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  return `${cpu?.model ?? 'unknown CPU'} × ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, load ${load}; ${process.argv.slice(1).map((part) => part.split('/').slice(-2).join('/')).join(' ')}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
