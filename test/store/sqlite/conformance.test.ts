import { storeConformance } from '../conformance.ts';
import { engineHarness } from './engine-harness.ts';

storeConformance(engineHarness);
