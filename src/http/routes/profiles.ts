import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { HttpDeps } from '../deps.ts';
import { requesterOf } from '../plugins/auth.ts';
import { SECURITY, Uuid, problems } from '../schemas/common.ts';
import { BatchQuery } from '../schemas/contacts.ts';
import { EnrichBody, EnrichPreview, EnrichQueued, Enriched } from '../schemas/profiles.ts';

/** `POST /profiles/:id/enrich`: one profile, at once where CXone can take it. */
export const profileRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { profiles }) => {
  app.post(
    '/profiles/:id/enrich',
    {
      config: { scope: 'ingest' },
      schema: {
        tags: ['profiles'],
        summary: 'Enrich one profile; 200 when CXone has it, 202 when it waits',
        description: 'With dry_run=true nothing is stored or sent; the answer (200) has the classification, the hash and the freshness verdicts.',
        security: SECURITY,
        params: z.object({ id: Uuid }),
        querystring: BatchQuery,
        body: EnrichBody,
        response: { 200: z.union([Enriched, EnrichPreview]), 202: EnrichQueued, ...problems(400, 401, 403, 404, 413, 415, 422, 429, 502, 503) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (request.query.dry_run === 'true') return reply.code(200).send(profiles.preview(id, request.body));
      const answer = await profiles.enrich(id, request.body, requesterOf(request));
      return answer.status === 200 ? reply.code(200).send(answer.body) : reply.code(202).send(answer.body);
    },
  );
};
