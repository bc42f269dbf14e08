import assert from 'node:assert/strict';
import { Breaker, breakerSignal, type Pass } from '../../src/domain/delivery/breaker.ts';
import { LANES, RateBudget, type Lane } from '../../src/domain/delivery/rate-budget.ts';
import { nextAttempt, type RetryPolicy } from '../../src/domain/delivery/retry-policy.ts';
import type { QueueItem } from '../../src/queue/due-heap.ts';
import { RetryQueue } from '../../src/queue/retry-queue.ts';
import { EventLoop } from './events.ts';
import { SimulatedCxone, WINDOW_MS, TIMEOUT_MS, type CxoneWorld, type SimulatedOutcome } from './simulated-cxone.ts';

/** Wall time at which each simulation begins. */
export const EPOCH = 1_800_000_000_000;
/** A new process is up so long after the old one died; what that one sent has arrived by then. */
const RESTART_MS = 1_000;
const TICK_MS = 20_000;
/** A run that needs more events than this does not end by itself. */
const MAX_EVENTS = 500_000;

export type World = Omit<CxoneWorld, 'random'> & {
  items: readonly { key: string; lane: Lane; readyAt: number }[];
  policy: RetryPolicy;
  /** Round trip on the wire, uniformly from 0. */
  latencyMs: number;
  maxItems: number;
  restarts: readonly number[];
  random: () => number;
};

type Work = {
  key: string;
  lane: Lane;
  state: 'waiting' | 'ready' | 'flying' | 'delivered' | 'given_up';
  dueAt: number;
  attempts: number;
  firstAttemptAt: number | undefined;
  /** Sends of which it is not known whether they took effect. */
  unknown: number;
};

/** One process: everything in memory that a restart loses. */
type Process = {
  bootAt: number;
  budget: RateBudget;
  breakers: Record<Lane, Breaker>;
  queue: RetryQueue;
  ready: Record<Lane, Work[]>;
  pumpAt: Record<Lane, number>;
};

export type SimulationResult = {
  calls: number;
  endedAt: number;
  trace: string[];
  work: Work[];
  cxone: SimulatedCxone;
};

/** Queue, budget, breakers and retry policy over a store that survives, against a simulated CXone. */
export class DeliverySimulation {
  readonly #world: World;
  readonly #loop = new EventLoop();
  readonly #cxone: SimulatedCxone;
  readonly #work = new Map<string, Work>();
  readonly #sendTimes: number[] = [];
  readonly #trace: string[] = [];
  #process: Process | undefined;
  /** The run of the queue that is under way: time stands still until it has ended, which is when it sets a timer. */
  #queueRun: PromiseWithResolvers<void> | undefined;
  #open: number;
  /** What went wrong in a run of the queue, which itself goes on after errors. */
  #error: unknown;

  constructor(world: World) {
    this.#world = world;
    this.#cxone = new SimulatedCxone(world);
    this.#open = world.items.length;
    for (const { key, lane, readyAt } of world.items) {
      const dueAt = EPOCH + readyAt;
      this.#work.set(key, { key, lane, state: 'waiting', dueAt, attempts: 0, firstAttemptAt: undefined, unknown: 0 });
      this.#loop.at(readyAt, () => this.#process?.queue.wake());
    }
  }

  async run(): Promise<SimulationResult> {
    this.#boot();
    for (const at of this.#world.restarts) this.#loop.at(at, () => this.#crash());
    if (this.#world.foreignPerMinute > 0) this.#foreign();
    for (let events = 0; this.#open > 0; events += 1) {
      assert.ok(events < MAX_EVENTS && this.#loop.step(), `does not end: ${this.#open} open`);
      if (this.#queueRun !== undefined) await this.#queueRun.promise;
      if (this.#error !== undefined) throw this.#error;
    }
    await this.#process?.queue.stop();
    const work = [...this.#work.values()];
    return { calls: this.#sendTimes.length, endedAt: this.#loop.now, trace: this.#trace, work, cxone: this.#cxone };
  }

  #boot(): void {
    const { limit, random } = this.#world;
    const bootAt = this.#loop.now;
    const budget = new RateBudget({ perMinute: limit, windowMs: WINDOW_MS });
    const recent = this.#sendTimes.filter((at) => at > bootAt - 2 * WINDOW_MS).map((at) => at - bootAt);
    budget.restore(recent, 0, TIMEOUT_MS);
    const breaker = (): Breaker => new Breaker({}, random);
    this.#process = {
      bootAt,
      budget,
      breakers: { interactive: breaker(), bulk: breaker() },
      queue: this.#makeQueue(bootAt),
      ready: { interactive: [], bulk: [] },
      pumpAt: { interactive: Number.POSITIVE_INFINITY, bulk: Number.POSITIVE_INFINITY },
    };
    this.#process.queue.start();
  }

  #makeQueue(bootAt: number): RetryQueue {
    return new RetryQueue({
      tickMs: TICK_MS,
      maxItems: this.#world.maxItems,
      clock: { now: () => EPOCH + this.#loop.now, monotonic: () => this.#loop.now - bootAt },
      timers: {
        set: (fn, ms) => {
          this.#endRun();
          return this.#loop.after(ms, () => {
            this.#queueRun = Promise.withResolvers();
            fn();
          });
        },
        clear: (timer) => this.#loop.cancel(timer as number),
      },
      onTick: () => Promise.resolve(this.#dueSoon()),
      onDue: (items) => Promise.resolve(this.#take(items)),
      onError: (error) => {
        this.#error ??= error;
      },
    });
  }

  #endRun(): void {
    this.#queueRun?.resolve();
    this.#queueRun = undefined;
  }

  #dueSoon(): QueueItem[] {
    const horizon = EPOCH + this.#loop.now + 2 * TICK_MS;
    return [...this.#work.values()]
      .filter(({ state, dueAt }) => state === 'waiting' && dueAt <= horizon)
      .sort((a, b) => a.dueAt - b.dueAt)
      .slice(0, this.#world.maxItems + 1)
      .map(({ key, dueAt }) => ({ key, kind: 'merge', dueAt }));
  }

  #take(items: QueueItem[]): void {
    for (const { key } of items) {
      const work = this.#work.get(key);
      assert.ok(work?.state === 'waiting', `${key} handed over while ${work?.state}`);
      work.state = 'ready';
      this.#process?.ready[work.lane].push(work);
    }
    for (const lane of LANES) this.#pump(lane);
  }

  /** Sends what is ready as far as breaker and budget let it, and comes back when they said. */
  #pump(lane: Lane): void {
    const process = this.#process;
    if (process === undefined) return;
    for (let work = process.ready[lane][0]; work !== undefined; work = process.ready[lane][0]) {
      const now = this.#loop.now - process.bootAt;
      const passed = process.breakers[lane].tryPass(now);
      if ('waitMs' in passed) {
        this.#pumpIn(process, lane, passed.waitMs);
        return;
      }
      const got = process.budget.tryAcquire(lane, now);
      if ('waitMs' in got) {
        process.breakers[lane].giveBack(passed.pass);
        this.#pumpIn(process, lane, got.waitMs);
        return;
      }
      process.ready[lane].shift();
      this.#send(process, work, passed.pass, got.slot);
    }
  }

  #pumpIn(process: Process, lane: Lane, waitMs: number): void {
    assert.ok(Number.isInteger(waitMs) && waitMs >= 1, `waits ${waitMs}`);
    const at = this.#loop.now + waitMs;
    if (process.pumpAt[lane] > this.#loop.now && process.pumpAt[lane] <= at) return;
    process.pumpAt[lane] = at;
    this.#loop.at(at, () => {
      if (this.#process !== process) return;
      if (process.pumpAt[lane] <= this.#loop.now) process.pumpAt[lane] = Number.POSITIVE_INFINITY;
      this.#pump(lane);
    });
  }

  #send(process: Process, work: Work, pass: Pass, slot: number): void {
    const { random, latencyMs } = this.#world;
    work.state = 'flying';
    work.firstAttemptAt ??= EPOCH + this.#loop.now;
    this.#log(`send ${work.key}${pass.probe ? ' as probe' : ''}`);
    const settle = (outcome: SimulatedOutcome): void => {
      if (this.#process === process) this.#settle(process, work, pass, slot, outcome);
    };
    if (!this.#cxone.reachable(this.#loop.now)) {
      this.#loop.after(random() * latencyMs, () => settle({ kind: 'unavailable' }));
      return;
    }
    this.#sendTimes.push(this.#loop.now);
    const outward = Math.min(random() * latencyMs, RESTART_MS);
    this.#loop.after(outward, () => {
      const { outcome, serverMs } = this.#cxone.handle(work.key, this.#loop.now);
      this.#loop.after(serverMs + random() * latencyMs, () => settle(outcome));
    });
  }

  #settle(process: Process, work: Work, pass: Pass, slot: number, outcome: SimulatedOutcome): void {
    const now = this.#loop.now - process.bootAt;
    this.#log(`${work.key}: ${outcome.kind}`);
    if (outcome.kind === 'unavailable') process.budget.released(slot);
    else if (outcome.kind === 'throttled') process.budget.throttled(slot, now, outcome.retryAfterMs);
    else process.budget.answered(slot, now);
    const change = process.breakers[work.lane].settle(pass, breakerSignal(outcome), now);
    if (change !== undefined) this.#log(`${work.lane} ${change.to}: ${change.reason}`);
    if (outcome.kind === 'accepted') this.#finish(work, 'delivered');
    else if (outcome.kind === 'throttled' || outcome.kind === 'unauthorized') {
      work.state = 'ready';
      process.ready[work.lane].unshift(work);
    } else this.#failed(process, work, outcome);
    for (const lane of LANES) this.#pump(lane);
  }

  #failed(process: Process, work: Work, outcome: SimulatedOutcome): void {
    const now = EPOCH + this.#loop.now;
    work.attempts += 1;
    if (outcome.kind === 'unknown') work.unknown += 1;
    const { attempts, firstAttemptAt = now } = work;
    const decision = nextAttempt({ attempts, firstAttemptAt, now }, this.#world.policy, this.#world.random);
    if (decision.kind === 'give_up') {
      this.#finish(work, 'given_up');
      return;
    }
    work.state = 'waiting';
    work.dueAt = decision.dueAt;
    process.queue.add({ key: work.key, kind: 'merge', dueAt: work.dueAt });
  }

  #finish(work: Work, state: 'delivered' | 'given_up'): void {
    work.state = state;
    this.#open -= 1;
  }

  /** `kill -9`: memory is gone, what was in flight has an unknown outcome, the store keeps the rest. */
  #crash(): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#log('crash');
    this.#process = undefined;
    this.#endRun();
    void process.queue.stop();
    for (const work of this.#work.values()) {
      if (work.state === 'flying') work.unknown += 1;
      if (work.state === 'flying' || work.state === 'ready') work.state = 'waiting';
    }
    this.#loop.after(RESTART_MS, () => this.#boot());
  }

  #foreign(): void {
    this.#cxone.handleForeign(this.#loop.now);
    this.#loop.after(WINDOW_MS / this.#world.foreignPerMinute, () => this.#foreign());
  }

  #log(line: string): void {
    this.#trace.push(`${this.#loop.now.toFixed(3)} ${line}`);
  }
}
