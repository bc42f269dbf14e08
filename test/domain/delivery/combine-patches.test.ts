import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { combinable, combinePatches, patchBody, patchHash } from '../../../src/domain/delivery/combine-patches.ts';
import type { MergeStrategy, ProfilePatch } from '../../../src/domain/ports/delivery-store.ts';
import { withSandbox } from '../../sandbox/support.ts';

const PROFILE = '4b9f2f6e-1a5e-4a44-9d0f-0f2f3a4d5c6b';
const RUNS = 100;

function patch(mergeStrategy: MergeStrategy, attributes: Record<string, unknown>, more: Partial<ProfilePatch> = {}): ProfilePatch {
  return { profileId: PROFILE, attributes, mergeStrategy, sourceSystem: 'crm', tags: [], ...more };
}

const value = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.array(fc.integer(), { maxLength: 3 }), fc.constant([[1], [2]]), fc.record({ at: fc.integer() }));
/** Mostly alike, so that there is something to combine; now and then of another kind, source or tags. */
const anyPatch = fc
  .record({
    strategy: fc.oneof({ weight: 6, arbitrary: fc.constantFrom<MergeStrategy>('OVERWRITE', 'APPEND') }, { weight: 1, arbitrary: fc.constant<MergeStrategy>('KEEP_LATEST') }),
    attributes: fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { minKeys: 1 }),
    sourceSystem: fc.oneof({ weight: 9, arbitrary: fc.constant('crm') }, { weight: 1, arbitrary: fc.constant('shop') }),
    tags: fc.oneof({ weight: 9, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: fc.constant<string[]>(['x']) }),
  })
  .map(({ strategy, attributes, ...more }) => patch(strategy, { ...attributes }, more));

describe('patches that go as one', () => {
  it('leave the same profile at the tenant as those sent one by one, whatever it held', async () => {
    await withSandbox({ requestsPerWindow: 1_000_000 }, async ({ call, token, sandbox }) => {
      const authorization = `Bearer ${await token('profiles')}`;
      const send = async (profileId: string, body: ProfilePatch): Promise<void> => {
        const answer = await call('PATCH', `/api/v2/profiles/${profileId}`, { ...patchBody(body), profileId }, { authorization, 'x-request-id': randomUUID() });
        assert.equal(answer.status, 200, answer.text);
      };
      let saved = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(anyPatch, { maxLength: 2 }), fc.array(anyPatch, { minLength: 1, maxLength: 8, size: 'max' }), async (held, patches) => {
          const [one, other] = [randomUUID(), randomUUID()];
          for (const before of held) for (const profile of [one, other]) await send(profile, before);
          for (const each of patches) await send(one, each);
          for (let rest = patches; rest.length > 0; ) {
            const count = combinable(rest);
            assert.ok(count >= 1 && count <= rest.length);
            await send(other, combinePatches(rest.slice(0, count)));
            saved += count - 1;
            rest = rest.slice(count);
          }
          const profiles = sandbox.ledger().profiles;
          assert.deepEqual(profiles.get(other)?.attributes, profiles.get(one)?.attributes);
          assert.deepEqual(profiles.get(other)?.tags, profiles.get(one)?.tags);
        }),
        { numRuns: RUNS },
      );
      assert.ok(saved > RUNS, `only ${saved} calls were saved: the property said little`);
    });
  });

  const CASES: readonly [name: string, patches: ProfilePatch[], count: number, sent?: Partial<ProfilePatch>][] = [
    ['the later value wins', [patch('OVERWRITE', { a: 1, b: 1 }), patch('OVERWRITE', { a: 2 })], 2, { mergeStrategy: 'OVERWRITE', attributes: { a: 2, b: 1 } }],
    ['what is appended keeps its order', [patch('APPEND', { a: 1 }), patch('APPEND', { a: [2, 3] }), patch('APPEND', { b: 4 })], 3, { mergeStrategy: 'APPEND', attributes: { a: [1, 2, 3], b: 4 } }],
    ['what is appended to a value that was set is set with it', [patch('OVERWRITE', { a: 1 }), patch('APPEND', { a: 2 })], 2, { mergeStrategy: 'OVERWRITE', attributes: { a: [1, 2] } }],
    ['what is set after it was appended is set', [patch('APPEND', { a: 1 }), patch('OVERWRITE', { a: 2 })], 2, { mergeStrategy: 'OVERWRITE', attributes: { a: 2 } }],
    ['one call does not set and append', [patch('OVERWRITE', { a: 1 }), patch('APPEND', { b: 2 })], 1],
    ['unless a later patch settles it', [patch('APPEND', { a: 1 }), patch('OVERWRITE', { b: 2 }), patch('OVERWRITE', { a: 3 })], 3, { mergeStrategy: 'OVERWRITE', attributes: { a: 3, b: 2 } }],
    ['the latest goes with its like', [patch('KEEP_LATEST', { a: 1 }), patch('KEEP_LATEST', { a: 2 }), patch('OVERWRITE', { a: 3 })], 2, { mergeStrategy: 'KEEP_LATEST', attributes: { a: 2 } }],
    ['each source speaks for itself', [patch('OVERWRITE', { a: 1 }), patch('OVERWRITE', { a: 2 }, { sourceSystem: 'shop' })], 1],
    ['other tags are another call', [patch('OVERWRITE', { a: 1 }), patch('OVERWRITE', { a: 2 }, { tags: ['x'] })], 1],
    ['a name of the language is a name like any other', [patch('OVERWRITE', JSON.parse('{"__proto__":1}') as Record<string, unknown>), patch('OVERWRITE', { a: 1 })], 2],
  ];
  for (const [name, patches, count, sent] of CASES) {
    it(name, () => {
      assert.equal(combinable(patches), count);
      const together = combinePatches(patches.slice(0, count));
      if (sent !== undefined) assert.partialDeepStrictEqual(together, sent);
      assert.deepEqual(Object.keys(together.attributes).sort(), [...new Set(patches.slice(0, count).flatMap((one) => Object.keys(one.attributes)))].sort());
    });
  }

  it('take no more attributes than the API does', () => {
    const wide = (from: number, size: number): ProfilePatch => patch('OVERWRITE', Object.fromEntries(Array.from({ length: size }, (_, i) => [`a${from + i}`, i])));
    assert.equal(combinable([wide(0, 30), wide(20, 30), wide(50, 1)]), 2);
    assert.equal(combinable([wide(0, 50), wide(0, 50)]), 2);
    assert.equal(combinable([]), 0);
  });

  it('one goes as it was given, and the hash is of the body alone', () => {
    const one = patch('APPEND', { a: 1 });
    assert.deepEqual(combinePatches([one]), one);
    assert.equal(patchHash(Object.assign({ more: 1 }, one)), patchHash(one));
  });
});
