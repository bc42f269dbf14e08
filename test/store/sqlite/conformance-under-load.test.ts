import { mock } from 'node:test';
import { Journal } from '../../../src/store/sqlite/journal.ts';
import { storeConformance } from '../conformance.ts';
import { engineHarness } from './engine-harness.ts';

// As if every batch came while too much came before it: each is acknowledged first and filed later.
mock.method(Journal.prototype, 'isBusy', () => true);

storeConformance(() => ({ ...engineHarness(), filesLater: true }));
