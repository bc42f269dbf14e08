import type { Harness } from './harness.ts';
import { auditTests } from './conformance/audit.ts';
import { claimTests } from './conformance/claims.ts';
import { coalescingTests } from './conformance/coalescing.ts';
import { combinedPatchTests } from './conformance/combined-patches.ts';
import { confirmationTests } from './conformance/confirmations.ts';
import { consentOrderTests } from './conformance/consent-order.ts';
import { consentTests } from './conformance/consents.ts';
import { deadLetterTests } from './conformance/dead-letters.ts';
import { exportTests } from './conformance/exports.ts';
import { filingTrailTests } from './conformance/filing-trail.ts';
import { intakeTests } from './conformance/intake.ts';
import { jobTests } from './conformance/jobs.ts';
import { modelTests } from './conformance/model.ts';
import { patchTests } from './conformance/patches.ts';
import { previewTests } from './conformance/previews.ts';
import { settlementTests } from './conformance/settlements.ts';
import { uploadTests } from './conformance/uploads.ts';
import { upkeepTests } from './conformance/upkeep.ts';

/** What every store has to do, whatever it keeps its data in. Registers the tests with the runner. */
export function storeConformance(newHarness: () => Harness): void {
  intakeTests(newHarness);
  filingTrailTests(newHarness);
  previewTests(newHarness);
  uploadTests(newHarness);
  claimTests(newHarness);
  coalescingTests(newHarness);
  settlementTests(newHarness);
  confirmationTests(newHarness);
  exportTests(newHarness);
  patchTests(newHarness);
  combinedPatchTests(newHarness);
  deadLetterTests(newHarness);
  consentTests(newHarness);
  consentOrderTests(newHarness);
  jobTests(newHarness);
  auditTests(newHarness);
  upkeepTests(newHarness);
  modelTests(newHarness);
}
