/**
 * How much of a request budget is used, and how many calls are refused, against five kinds of rate limiter: the
 * budget of this project beside a plain token bucket, in the same run.
 *
 *   node bench/pacing.ts [--seconds 60]
 *
 * First in virtual time at 100 calls a minute, then on real timers at a pace 60 times as high, all pairs at once.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { RateBudget } from '../src/domain/delivery/rate-budget.ts';
import { LIMITER_KINDS, makeLimiter, type LimiterKind } from '../test/support/limiters.ts';
import { runPacing, type Pacer, type PacingResult } from '../test/support/pacing.ts';
import { seededRandom } from '../test/support/random.ts';
import { machineLine } from './support/machine.ts';

const LATENCIES = [[0, 0], [10, 30]] as const;
const REAL = { limit: 600, windowMs: 6_000 };

type Case = { limiter: LimiterKind; latencyMs: readonly [number, number] };
type Scale = { limit: number; windowMs: number };

const limiters: LimiterKind[] = [...LIMITER_KINDS, 'counter'];
const cases: Case[] = limiters.flatMap((limiter) => LATENCIES.map((latencyMs) => ({ limiter, latencyMs })));
const pacers: Record<string, (scale: Scale) => Pacer> = {
  'rate budget': ({ limit, windowMs }) => new RateBudget({ perMinute: limit, windowMs }),
  'token bucket': plainTokenBucket,
};

/** What most clients have: a bucket that is full at first and refills evenly; a 429 waits a tenth of a window. */
function plainTokenBucket({ limit, windowMs }: Scale): Pacer {
  let tokens = limit;
  let filledAt = 0;
  let blockedUntil = 0;
  return {
    tryAcquire(_lane, now) {
      tokens = Math.min(limit, tokens + ((now - filledAt) * limit) / windowMs);
      filledAt = now;
      const waitMs = Math.max(blockedUntil - now, ((1 - tokens) * windowMs) / limit);
      if (waitMs > 0) return { waitMs: Math.max(1, Math.ceil(waitMs)) };
      tokens -= 1;
      return { slot: 0 };
    },
    answered() {},
    throttled(_slot, now) {
      blockedUntil = now + windowMs / 10;
    },
  };
}

/** One sender with endless work on real timers; limiter and answers are in this process. */
function runReal(pacer: Pacer, { limiter, latencyMs }: Case, durationMs: number): Promise<PacingResult> {
  const start = performance.now();
  const now = (): number => performance.now() - start;
  const gate = makeLimiter(limiter, { ...REAL, phaseMs: Math.random() * REAL.windowMs });
  const arrivals: number[] = [];
  let refused = 0;
  const send = (slot: number): void => {
    const [least, most] = latencyMs;
    const half = (least + Math.random() * (most - least)) / 2;
    const later = (fn: () => void): void => void (half === 0 ? fn() : setTimeout(fn, half));
    later(() => {
      const passed = gate.allow(now());
      if (passed) arrivals.push(now());
      else refused += 1;
      later(() => (passed ? pacer.answered(slot, now()) : pacer.throttled(slot, now())));
    });
  };
  return new Promise((resolve) => {
    const pump = (): void => {
      while (now() < durationMs) {
        const got = pacer.tryAcquire('bulk', now());
        if ('waitMs' in got) {
          setTimeout(pump, got.waitMs);
          return;
        }
        send(got.slot);
      }
      const allowed = (REAL.limit * durationMs) / REAL.windowMs;
      resolve({ sent: arrivals.length + refused, refused, utilisation: arrivals.length / allowed, arrivals });
    };
    pump();
  });
}

function row(name: string, { limiter, latencyMs }: Case, result: PacingResult): string {
  const columns = [name.padEnd(13), limiter.padEnd(8), `${latencyMs.join('-')} ms`.padEnd(9)];
  const figures = [`${result.sent}`.padStart(7), `${result.refused}`.padStart(7)];
  return [...columns, ...figures, `${(100 * result.utilisation).toFixed(2)} %`.padStart(9)].join('  ');
}

const head = ['pacer        ', 'limiter ', 'latency  ', '  calls', '  429s ', '    used'].join('  ');

function virtualRuns(): void {
  const scale = { limit: 100, windowMs: 60_000 };
  for (const durationMs of [60_000, 600_000]) {
    console.log(`\nvirtual time, 100 calls a minute, ${durationMs / 60_000} min, timers up to 2 ms late\n${head}`);
    for (const [name, make] of Object.entries(pacers)) {
      for (const one of cases) {
        const run = { ...scale, ...one, durationMs, timerLagMs: 2, random: seededRandom(1) };
        console.log(row(name, one, runPacing(make(scale), run)));
      }
    }
  }
}

async function realRuns(seconds: number): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const runs = Object.entries(pacers).flatMap(([name, make]) =>
    cases.map(async (one) => row(name, one, await runReal(make(REAL), one, seconds * 1_000))),
  );
  const rows = await Promise.all(runs);
  delay.disable();
  console.log(`\nreal time, ${REAL.limit} calls in ${REAL.windowMs / 1_000} s, ${seconds} s, all at once\n${head}`);
  console.log(rows.join('\n'));
  console.log(`event loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`);
}

/** What one decision of the budget costs, at a limit that keeps its window full. */
function cost(): void {
  const budget = new RateBudget({ perMinute: 6_000 });
  const calls = 1_000_000;
  let now = 0;
  const start = performance.now();
  for (let call = 0; call < calls; call += 1) {
    const got = budget.tryAcquire(call % 5 === 0 ? 'interactive' : 'bulk', now);
    if ('slot' in got) budget.answered(got.slot, now);
    now += 5;
  }
  console.log(`\none decision: ${((1_000 * (performance.now() - start)) / calls).toFixed(2)} µs`);
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
if (!(seconds >= 0)) throw new RangeError('--seconds must be a number from 0; 0 leaves out the real timers');
console.log(machineLine());
virtualRuns();
cost();
if (seconds > 0) await realRuns(seconds);
