import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { TrailReport as Report } from '../../services/trail-check-service.ts';
import type { HttpDeps } from '../deps.ts';
import { CheckpointNote, TrailReport, VerifierKeys } from '../schemas/audit.ts';
import { SECURITY, problems } from '../schemas/common.ts';

const TEXT = 'text/plain; charset=utf-8';

/** What lets others check the audit trail without trusting us: signed checkpoints, keys, and a check on the spot. */
export const checkpointRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { checkpoints, trailCheck }) => {
  const common = { tags: ['audit'], security: SECURITY };
  const failures = problems(401, 403, 429, 503);
  app.get(
    '/audit-trail/checkpoint',
    {
      config: { scope: 'audit' },
      schema: {
        ...common,
        summary: 'A signed head of the tree over all entries of the moment',
        description: 'Asking adds no entry. 503 `audit_integrity` when the trail does not go on from the checkpoint before it: then nothing is signed.',
        response: { 200: { description: 'A checkpoint', content: { 'text/plain': { schema: CheckpointNote } } }, ...failures },
      },
    },
    async (_request, reply) => {
      const { note } = await checkpoints.current();
      return reply.type(TEXT).send(note);
    },
  );
  app.get(
    '/audit-trail/key',
    {
      config: { scope: 'audit' },
      schema: {
        ...common,
        summary: 'The public keys of the log, for verifiers',
        description: 'One a line, the one in use first. Where a key took over from one that was lost or stolen, a line that begins with `#` says from which size of the tree on; that what came before is what the old key signed is shown by checkpoints kept elsewhere only.',
        response: { 200: { description: 'Verifier keys', content: { 'text/plain': { schema: VerifierKeys } } }, ...failures },
      },
    },
    async (_request, reply) => {
      const words = checkpoints.replacements.map(({ key, from, size }) => replacedWords(key, from, size));
      return reply.type(TEXT).send(`${[...checkpoints.verifierKeys, ...words].join('\n')}\n`);
    },
  );
  app.get(
    '/audit-trail/verify',
    {
      config: { scope: 'audit' },
      schema: {
        ...common,
        summary: 'Recomputes the tree from the stored entries while the service works, and checks the index they are found by',
        description: 'Takes about fifteen seconds for a million entries. It is this service that checks itself: `npm run audit:verify` checks an export elsewhere.',
        response: { 200: TrailReport, ...failures },
      },
    },
    async () => answerOf(await trailCheck.check()),
  );
};

/** A remark in the list of keys, which a verifier passes over. */
function replacedWords(key: string, from: string, size: number): string {
  return `# ${nameOf(key)} speaks from size ${size} on: it replaced ${nameOf(from)}, which could not sign that. What came before rests on checkpoints of ${nameOf(from)} kept elsewhere; of more than ${size} entries, believe none of it.`;
}

/** Name and id of a verifier key. */
function nameOf(key: string): string {
  return key.split('+', 2).join('+');
}

function answerOf({ ok, size, root, checked, checkpoint, firstBad, lastBad, reason }: Report) {
  return {
    ok,
    size,
    root_hash: Buffer.from(root).toString('base64'),
    checked_entries: checked,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(firstBad === undefined ? {} : { first_bad_sequence: firstBad }),
    ...(lastBad === undefined ? {} : { last_bad_sequence: lastBad }),
    ...(reason === undefined ? {} : { reason }),
  };
}
