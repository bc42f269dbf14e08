import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Engine } from '../../../src/store/sqlite/engine.ts';
import type { Call } from '../../../src/store/sqlite/engine.ts';
import { DEFAULT_RULES } from '../harness.ts';
import { METRICS, START, Scene, incoming } from '../scene.ts';
import type { Row } from '../scene.ts';
import { engineOptions, temporaryDatabase } from './engine-harness.ts';

/** An engine on a file of its own, both gone when the test ends. */
export function engineOf(t: TestContext): Engine {
  const { path, remove } = temporaryDatabase();
  const engine = new Engine(engineOptions(path, START));
  t.after(() => {
    engine.close();
    remove();
  });
  return engine;
}

/** Gives an engine batches all at once, so that it keeps them in its journal: as the jobs `job-<from>` and on. */
export function rush(engine: Engine, batches: readonly (readonly Row[])[], from = 0): void {
  const scene = new Scene({} as Scene['harness'], DEFAULT_RULES);
  const calls = batches.map((rows, i): Call => ({ id: i, op: 'acceptBatch', input: { head: scene.head(`job-${from + i}`), contacts: rows.map(incoming), metrics: METRICS } }));
  const { replies } = engine.run(calls);
  assert.ok(replies.every((reply) => 'value' in reply));
}
