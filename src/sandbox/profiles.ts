import type { Callbacks } from './callbacks.ts';
import type { Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import { Replays } from './merge.ts';
import { json, type Reply } from './reply.ts';
import type { ProfileEffect, RequestRecord } from './types.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_ATTRIBUTES = 50;
const MAX_SOURCE_SYSTEM = 64;
const MAX_TAGS = 10;
const STRATEGIES = ['OVERWRITE', 'APPEND', 'KEEP_LATEST'];

type Patch = { attributes: Record<string, unknown>; mergeStrategy: string; tags: string[] };
export type ProfileParts = { ledger: Ledger; faults: Faults; callbacks: Callbacks; idempotency: boolean; now: () => number };

/** Profiles that PATCH changes, all or nothing. `APPEND` applied twice appends twice, as on a real tenant. */
export class Profiles {
  readonly #parts: ProfileParts;
  readonly #answers: Replays;

  constructor(parts: ProfileParts) {
    this.#parts = parts;
    this.#answers = new Replays(parts.ledger, parts.idempotency);
  }

  async handle(profileId: string, body: unknown, record: RequestRecord, hold: () => Promise<void>): Promise<Reply> {
    const requestId = record.requestId ?? '';
    const known = this.#answers.find(requestId, body, record);
    if (known !== undefined) return known;
    if (!UUID.test(profileId)) return json(404, { error: 'no such profile' });
    const patch = readPatch(profileId, body);
    if (typeof patch === 'string') return this.#answers.keep(requestId, body, json(400, { error: patch }));
    record.items = Object.keys(patch.attributes).length;
    if (this.#parts.faults.poisoned('patch', Object.keys(patch.attributes)) !== undefined) return this.#answers.keep(requestId, body, json(422, { error: 'an attribute is not valid' }));
    await hold();
    return this.#answers.find(requestId, body, record) ?? (await this.#apply(profileId, patch, body, requestId));
  }

  async #apply(profileId: string, patch: Patch, body: unknown, requestId: string): Promise<Reply> {
    const { ledger, callbacks, now } = this.#parts;
    const profile: ProfileEffect = ledger.profiles.get(profileId) ?? { applied: 0, requestIds: [], attributes: {}, tags: [] };
    const mergedBefore = profile.applied > 0;
    let updated = 0;
    for (const [key, value] of Object.entries(patch.attributes)) {
      const isAppended = patch.mergeStrategy === 'APPEND' && Object.hasOwn(profile.attributes, key);
      profile.attributes[key] = isAppended ? [profile.attributes[key], value].flat() : value;
      updated += 1;
    }
    profile.tags = [...new Set([...profile.tags, ...patch.tags])];
    profile.applied += 1;
    profile.requestIds.push(requestId);
    ledger.profiles.set(profileId, profile);
    const answer = json(200, {
      profileId,
      updatedAttributes: updated,
      mergeResult: 'SUCCESS',
      deduplicationTrigger: mergedBefore,
      timestamp: new Date(now()).toISOString(),
    });
    this.#answers.keep(requestId, body, answer);
    ledger.changed();
    await callbacks.publish([{ api: 'profiles', type: 'PROFILE_UPDATED', subject: profileId, requestId }]);
    return answer;
  }
}

/** The patch in a body, or what is wrong with it. */
function readPatch(profileId: string, body: unknown): Patch | string {
  const { profileId: named, attributes, mergeStrategy, sourceSystem, tags = [] } = (body ?? {}) as Record<string, unknown>;
  if (named !== profileId) return 'profileId differs from the path';
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) return 'attributes must be an object';
  if (Object.keys(attributes).length > MAX_ATTRIBUTES) return `more than ${MAX_ATTRIBUTES} attributes`;
  if (typeof mergeStrategy !== 'string' || !STRATEGIES.includes(mergeStrategy)) return `mergeStrategy is not one of ${STRATEGIES.join(', ')}`;
  if (typeof sourceSystem !== 'string' || sourceSystem.length > MAX_SOURCE_SYSTEM) return `sourceSystem has more than ${MAX_SOURCE_SYSTEM} characters`;
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) return 'tags are not a list of texts';
  if (tags.length > MAX_TAGS) return `more than ${MAX_TAGS} tags`;
  return { attributes: attributes as Record<string, unknown>, mergeStrategy, tags };
}
