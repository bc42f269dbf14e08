import type { AnchorPort } from '../domain/ports/checkpoints.ts';
import { parseVerifierKey } from '../domain/audit/checkpoint.ts';
import { createFileAnchor, createUrlAnchor } from '../exporters/anchor.ts';
import { AnchorService } from '../services/anchor-service.ts';
import { CheckpointService } from '../services/checkpoint-service.ts';
import { TrailCheckService } from '../services/trail-check-service.ts';
import { checkpointFile } from '../store/files/checkpoint-file.ts';
import type { Kind } from './kinds.ts';
import type { Ground } from './ground.ts';

/** An anchor that does not answer may not hold up the end of the process. */
const ANCHOR_TIMEOUT_MS = 10_000;

export type TrailServices = { checkpoints: CheckpointService; anchors: AnchorService; trailCheck: TrailCheckService };

/** The services that make the audit trail one that others can rely on. */
export function composeTrail({ config, store, clock, random, events, signer }: Ground, schedule: (kind: Kind, at: number) => void): TrailServices {
  const onError = (error: unknown, where: string): void => events.failed(error, where);
  const anchors = new AnchorService({ store, anchors: anchorsOf(config.audit), clock, random, events, onError, schedule: (at) => schedule('anchor', at) });
  const checkpoints = new CheckpointService({
    store,
    file: checkpointFile(`${config.store.path}.checkpoint`),
    signer,
    clock,
    events,
    onSigned: (head) => anchors.offer(head),
    onError,
    schedule: (at) => schedule('checkpoint', at),
  });
  events.watchTrail((size) => checkpoints.grown(size));
  const trailCheck = new TrailCheckService({
    store,
    trusted: signer.verifierKeys.map(parseVerifierKey),
    last: () => checkpoints.last,
    onBad: ({ size, firstBad }) => checkpoints.reportFault({ reason: 'damaged', size, ...(firstBad === undefined ? {} : { sequence: firstBad }) }),
  });
  return { checkpoints, anchors, trailCheck };
}

function anchorsOf({ anchorUrl, anchorFile }: Ground['config']['audit']): AnchorPort[] {
  const anchors: AnchorPort[] = [];
  if (anchorUrl !== undefined) anchors.push(createUrlAnchor({ url: anchorUrl, timeoutMs: ANCHOR_TIMEOUT_MS }));
  if (anchorFile !== undefined) anchors.push(createFileAnchor({ path: anchorFile }));
  return anchors;
}
