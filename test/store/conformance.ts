import type { Harness } from './harness.ts';
import { claimTests } from './conformance/claims.ts';
import { coalescingTests } from './conformance/coalescing.ts';
import { confirmationTests } from './conformance/confirmations.ts';
import { exportTests } from './conformance/exports.ts';
import { intakeTests } from './conformance/intake.ts';
import { settlementTests } from './conformance/settlements.ts';
import { uploadTests } from './conformance/uploads.ts';

/** What every store has to do, whatever it keeps its data in. Registers the tests with the runner. */
export function storeConformance(newHarness: () => Harness): void {
  intakeTests(newHarness);
  uploadTests(newHarness);
  claimTests(newHarness);
  coalescingTests(newHarness);
  settlementTests(newHarness);
  confirmationTests(newHarness);
  exportTests(newHarness);
}
