import { hash } from 'node:crypto';
import { canonicalJson } from '../audit/canonical-json.ts';
import type { MergeStrategy, ProfilePatch } from '../ports/delivery-store.ts';

/** Attributes that CXone takes in one PATCH. */
const ATTRIBUTES_MAX = 50;

/** What the patches so far leave of one attribute: a value to be set, or one to be appended to what CXone holds. */
type Part = { value: unknown; appended: boolean };

/**
 * How many of these patches of one profile, from the first on, one PATCH can say. It leaves the same profile as
 * sending them one by one, whatever the profile held before:
 *
 * | then    | and then  | goes as one, as                                                      |
 * |---------|-----------|----------------------------------------------------------------------|
 * | any     | OVERWRITE | the later value, set                                                 |
 * | APPEND  | APPEND    | both values in their order, appended                                 |
 * | OVERWRITE | APPEND  | the value with the other appended, set                               |
 *
 * A PATCH has one strategy for all its attributes: where some would have to be set and others appended, it ends before.
 * KEEP_LATEST goes with its like only, and what differs in source or tags does not go together, since a PATCH
 * names one of each.
 */
export function combinable(patches: readonly ProfilePatch[]): number {
  const parts = new Map<string, Part>();
  let best = Math.min(1, patches.length);
  for (const [i, patch] of patches.entries()) {
    if (!isAlike(patches[0]!, patch)) break;
    fold(parts, patch);
    if (parts.size > ATTRIBUTES_MAX) break;
    if (strategyOf(parts, patch.mergeStrategy) !== undefined) best = i + 1;
  }
  return best;
}

/** The one PATCH that says what these do, in their order; they are as many as {@link combinable} allows. */
export function combinePatches(patches: readonly ProfilePatch[]): ProfilePatch {
  const [first] = patches;
  if (first === undefined) throw new RangeError('nothing to combine');
  if (patches.length === 1) return first;
  const parts = new Map<string, Part>();
  for (const patch of patches) fold(parts, patch);
  const mergeStrategy = strategyOf(parts, first.mergeStrategy);
  if (mergeStrategy === undefined) throw new RangeError('these patches do not go as one');
  return { ...first, attributes: Object.fromEntries([...parts].map(([name, { value }]) => [name, value])), mergeStrategy };
}

/** The body of a PATCH. */
export function patchBody(patch: ProfilePatch): ProfilePatch {
  const { profileId, attributes, mergeStrategy, sourceSystem, tags } = patch;
  return { profileId, attributes, mergeStrategy, sourceSystem, tags };
}

/**
 * Hex SHA-256 of the canonical JSON (RFC 8785) of the body.
 * @throws CanonicalJsonError for a lone surrogate or a number that JSON cannot say.
 */
export function patchHash(patch: ProfilePatch): string {
  return hash('sha256', canonicalJson(patchBody(patch)), 'hex');
}

function isAlike(one: ProfilePatch, other: ProfilePatch): boolean {
  return (
    one.sourceSystem === other.sourceSystem &&
    one.tags.length === other.tags.length &&
    one.tags.every((tag, i) => tag === other.tags[i]) &&
    (one.mergeStrategy === 'KEEP_LATEST') === (other.mergeStrategy === 'KEEP_LATEST')
  );
}

/** Appending makes a list of what was there and what comes; lists are joined, not nested. */
function fold(parts: Map<string, Part>, { attributes, mergeStrategy }: ProfilePatch): void {
  for (const [name, value] of Object.entries(attributes)) {
    const before = parts.get(name);
    if (mergeStrategy !== 'APPEND') parts.set(name, { value, appended: false });
    else if (before === undefined) parts.set(name, { value, appended: true });
    else parts.set(name, { value: [before.value, value].flat(), appended: before.appended });
  }
}

function strategyOf(parts: ReadonlyMap<string, Part>, given: MergeStrategy): MergeStrategy | undefined {
  if (given === 'KEEP_LATEST') return given;
  const appended = [...parts.values()].filter((part) => part.appended).length;
  if (appended === 0) return 'OVERWRITE';
  return appended === parts.size ? 'APPEND' : undefined;
}
