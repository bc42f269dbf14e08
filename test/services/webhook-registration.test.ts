import assert from 'node:assert/strict';
import test from 'node:test';
import { CallGate } from '../../src/domain/delivery/call-gate.ts';
import type { Outcome } from '../../src/domain/delivery/outcome.ts';
import type { Api, CallResult, CxonePort } from '../../src/domain/ports/cxone.ts';
import { WebhookService } from '../../src/services/webhook-service.ts';

const MINUTE_MS = 60_000;

/** A service whose registrations come to what is told, with time that stands still unless it is moved on. */
function setUp(outcomes: Outcome[]) {
  const state = { now: 0, tries: [] as number[], scheduled: [] as number[], tried: 0 };
  const clock = { now: () => state.now, monotonic: () => state.now };
  const gate = new CallGate({ perMinute: 6000 }, () => 0.5, () => undefined);
  const registerWebhook = async (api: Api): Promise<CallResult> => {
    state.tries.push(state.now);
    const outcome = outcomes.shift() ?? { kind: 'registered', existed: false };
    return { api, operation: 'register', status: null, outcome, latencyMs: 1, sentAt: state.now, answeredAt: state.now, requests: 1 };
  };
  const nothing = { webhookRegistered: () => undefined, webhookReceived: () => undefined };
  const service = new WebhookService({
    store: { recordWebhook: () => Promise.reject(new Error('not asked for')) },
    cxone: { webhookApis: ['contacts'], registerWebhook } as unknown as CxonePort,
    gate,
    clock,
    random: () => 0.5,
    verify: () => ({ ok: false, reason: 'not asked for' }),
    types: new Map(),
    events: nothing,
    onRefused: () => undefined,
    onConfirmed: () => undefined,
    schedule: (_api, at) => state.scheduled.push(at),
    onRegistrationTried: () => (state.tried += 1),
  });
  /** Registers at the time it was last scheduled for. */
  const next = async (): Promise<void> => {
    state.now = Math.max(state.now, state.scheduled.at(-1) ?? 0);
    service.register('contacts');
    await new Promise(setImmediate);
  };
  return { service, gate, state, next };
}

const DOWN: Outcome = { kind: 'unavailable', reason: 'connection refused', sent: false };
const DENIED: Outcome = { kind: 'forbidden', reason: 'no scope' };

test('the registration goes first, and merges right after it', async () => {
  const { service, state, next } = setUp([]);
  assert.equal(service.mayMerge, false, 'nothing goes before it was tried');
  service.register('contacts');
  assert.equal(service.mayMerge, false, 'nor while it is under way');
  await next();
  assert.deepEqual([service.mayMerge, state.tries.length, state.tried], [true, 1, 1]);
  await next();
  assert.equal(state.tries.length, 1, 'what is registered is not registered again');
});

test('while CXone is down merges wait for it; what asks often does not make it try more often', async () => {
  const { service, gate, state, next } = setUp([DOWN, DOWN, DOWN]);
  for (let i = 1; i <= 3; i += 1) {
    await next();
    service.register('contacts');
    service.register('contacts');
    assert.deepEqual([service.mayMerge, state.tries.length], [false, i]);
  }
  assert.equal(gate.view(state.now).apis.contacts.breaker, 'closed', 'its failures do not count against merges');
  await next();
  assert.deepEqual([service.mayMerge, state.tried], [true, 4]);
});

test('where only registering fails, merges are held up for some tries and no longer', async () => {
  const { service, state, next } = setUp(Array.from({ length: 20 }, () => DOWN));
  while (!service.mayMerge) await next();
  assert.ok(state.tries.length > 3);
  assert.ok(state.now < 3 * MINUTE_MS, `held up for ${state.now} ms`);
});

test('where it is denied, merges go, and the API is not left alone for it', async () => {
  const { service, gate, state, next } = setUp([DENIED]);
  await next();
  assert.equal(service.mayMerge, true);
  assert.equal(gate.view(state.now).apis.contacts.breaker, 'closed');
});
